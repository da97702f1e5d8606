//! Listens, serves, and stops without cutting anybody off.

use std::convert::Infallible;
use std::future::Future;
use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::response::Response;
use axum::routing::future::RouteFuture;
use http::Request;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto;
use hyper_util::server::graceful::GracefulConnection;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::time::{sleep, timeout};
use tower::Service;
use tracing::{debug, info, warn};

/// How long requests under way may still take once the server is asked to stop.
const DRAIN: Duration = Duration::from_secs(30);
/// How long a caller may take to send the head of a request.
const HEAD: Duration = Duration::from_secs(30);
/// How large the head of a request may be.
const HEAD_BYTES: usize = 64 * 1024;

/// Serves `service` on `listener` until `stop` is ready, then lets the requests under way come to their end,
/// for up to half a minute.
///
/// # Errors
/// None while it serves: a connection that fails fails alone. If accepting fails for good, that.
pub async fn serve(
    listener: TcpListener,
    service: Router,
    stop: impl Future<Output = ()>,
) -> io::Result<()> {
    let protocols = Arc::new(Protocols::new());
    // Whoever has a receiver has a connection.
    let (stopping, told) = watch::channel(());
    let mut stop = std::pin::pin!(stop);
    loop {
        let (socket, _) = tokio::select! {
            () = &mut stop => break,
            accepted = listener.accept() => match accepted {
                Ok(accepted) => accepted,
                Err(error) if is_of_one_connection(&error) => continue,
                Err(error) => {
                    // Out of file descriptors, most likely: others may close theirs.
                    warn!(%error, "cannot accept connections");
                    sleep(Duration::from_millis(100)).await;
                    continue;
                }
            },
        };
        // Words flow as they come: without this a small write may wait for the one before to be
        // acknowledged, 40 ms at worst.
        if let Err(error) = socket.set_nodelay(true) {
            debug!(%error, "cannot set TCP_NODELAY");
        }
        tokio::spawn(Arc::clone(&protocols).converse(socket, service.clone(), told.clone()));
    }
    drop((listener, told));
    info!("stopping: no new connections, waiting for the requests under way");
    let _ = stopping.send(());
    if timeout(DRAIN, stopping.closed()).await.is_err() {
        warn!("some requests did not end in time");
    }
    Ok(())
}

/// What callers may speak.
struct Protocols {
    http1: http1::Builder,
    either: auto::Builder<TokioExecutor>,
}

// === impl Protocols ===

impl Protocols {
    fn new() -> Self {
        let mut http1 = http1::Builder::new();
        http1.timer(TokioTimer::new()).header_read_timeout(HEAD).max_buf_size(HEAD_BYTES);
        let mut either = auto::Builder::new(TokioExecutor::new());
        either.http1().timer(TokioTimer::new()).header_read_timeout(HEAD).max_buf_size(HEAD_BYTES);
        either.http2().timer(TokioTimer::new()).max_header_list_size(HEAD_BYTES as u32);
        Self { http1, either }
    }

    /// Serves one connection to its end.
    async fn converse(
        self: Arc<Self>,
        socket: TcpStream,
        service: Router,
        mut told: watch::Receiver<()>,
    ) {
        // Who says nothing at all has no request under way.
        let begins = tokio::select! {
            begins = Box::pin(timeout(HEAD, may_be_http2(&socket))) => begins,
            _ = told.changed() => return,
        };
        let (io, service) = (TokioIo::new(socket), Routed(service));
        let ended = match begins {
            Err(_) | Ok(None) => return,
            // HTTP/1.1 from its first byte on takes half the memory of what finds out on the way.
            Ok(Some(false)) => to_the_end(Box::pin(self.http1.serve_connection(io, service)), told)
                .await
                .map_err(Into::into),
            Ok(Some(true)) => {
                let connection = self.either.serve_connection(io, service).into_owned();
                to_the_end(Box::pin(connection), told).await
            }
        };
        if let Err(error) = ended {
            debug!(error, "a connection ended early");
        }
    }
}

/// The routes, for hyper. Of what answers, a connection keeps the room for longer than it takes to answer: it is in a box.
struct Routed(Router);

impl hyper::service::Service<Request<Incoming>> for Routed {
    type Response = Response;
    type Error = Infallible;
    type Future = Pin<Box<RouteFuture<Infallible>>>;

    fn call(&self, request: Request<Incoming>) -> Self::Future {
        // Always ready.
        Box::pin(self.0.clone().call(request))
    }
}

/// Whether what comes first may be the preface of HTTP/2 (RFC 9113, section 3.4); `None` where nothing comes.
async fn may_be_http2(socket: &TcpStream) -> Option<bool> {
    const PREFACE: &[u8] = b"PRI";
    let mut begins = [0; PREFACE.len()];
    let seen = socket.peek(&mut begins).await.ok()?;
    (seen > 0).then(|| PREFACE.starts_with(&begins[..seen]))
}

/// Serves a connection to its end; once `told`, no further than the requests that are under way.
async fn to_the_end<C: GracefulConnection>(
    mut connection: Pin<Box<C>>,
    mut told: watch::Receiver<()>,
) -> Result<(), C::Error> {
    tokio::select! {
        ended = connection.as_mut() => return ended,
        _ = told.changed() => connection.as_mut().graceful_shutdown(),
    }
    connection.await
}

fn is_of_one_connection(error: &io::Error) -> bool {
    use io::ErrorKind::{ConnectionAborted, ConnectionRefused, ConnectionReset};
    matches!(error.kind(), ConnectionAborted | ConnectionRefused | ConnectionReset)
}

/// Ready when the process is asked to stop: Ctrl-C, or SIGTERM.
pub async fn asked_to_stop() {
    let interrupt = async {
        if tokio::signal::ctrl_c().await.is_err() {
            std::future::pending::<()>().await;
        }
    };
    #[cfg(unix)]
    let terminate = async {
        use tokio::signal::unix::{SignalKind, signal};
        match signal(SignalKind::terminate()) {
            Ok(mut terminate) => {
                terminate.recv().await;
            }
            Err(_) => std::future::pending().await,
        }
    };
    #[cfg(not(unix))]
    let terminate = std::future::pending::<()>();
    tokio::select! {
        () = interrupt => {}
        () = terminate => {}
    }
}
