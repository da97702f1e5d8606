//! Listens, serves, and stops without cutting anybody off.

use std::convert::Infallible;
use std::future::Future;
use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use http::{Request, Response};
use hyper::body::Incoming;
use hyper::server::conn::{http1, http2};
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::graceful::GracefulConnection;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::time::{sleep, timeout};
use tower::ServiceExt;
use tower::util::Oneshot;
use tracing::{debug, info, warn};

use crate::edge::Serve;

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
    service: impl Serve<Incoming>,
    stop: impl Future<Output = ()>,
) -> io::Result<()> {
    let (protocols, service) = (Arc::new(Protocols::new()), Arc::new(service));
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
        tokio::spawn(Arc::clone(&protocols).converse(socket, Arc::clone(&service), told.clone()));
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
    http2: http2::Builder<TokioExecutor>,
}

// === impl Protocols ===

impl Protocols {
    fn new() -> Self {
        let mut http1 = http1::Builder::new();
        http1.timer(TokioTimer::new()).header_read_timeout(HEAD).max_buf_size(HEAD_BYTES);
        let mut http2 = http2::Builder::new(TokioExecutor::new());
        http2.timer(TokioTimer::new()).max_header_list_size(HEAD_BYTES as u32);
        // Who does not answer to that either is gone.
        http2.keep_alive_interval(HEAD);
        Self { http1, http2 }
    }

    /// Serves one connection to its end.
    async fn converse(
        self: Arc<Self>,
        socket: TcpStream,
        service: Arc<impl Serve<Incoming>>,
        mut told: watch::Receiver<()>,
    ) {
        // Who has not said which it is has no request under way.
        let begins = tokio::select! {
            biased;
            begins = Box::pin(timeout(HEAD, is_http2(&socket))) => begins,
            _ = told.changed() => return,
        };
        let (io, service) = (TokioIo::new(socket), Boxed(service));
        let ended = match begins {
            Err(_) | Ok(None) => return,
            Ok(Some(false)) => {
                to_the_end(Box::pin(self.http1.serve_connection(io, service)), told).await
            }
            Ok(Some(true)) => {
                to_the_end(Box::pin(self.http2.serve_connection(io, service)), told).await
            }
        };
        if let Err(error) = ended {
            debug!(%error, "a connection ended early");
        }
    }
}

/// What answers, for hyper. A connection keeps the room for its future for longer than it takes to answer: it is in a
/// box.
struct Boxed<S>(Arc<S>);

impl<S: Serve<Incoming>> hyper::service::Service<Request<Incoming>> for Boxed<S> {
    type Response = Response<S::Body>;
    type Error = Infallible;
    type Future = Pin<Box<Oneshot<S, Request<Incoming>>>>;

    fn call(&self, request: Request<Incoming>) -> Self::Future {
        Box::pin(S::clone(&self.0).oneshot(request))
    }
}

/// Whether what comes first is the preface of HTTP/2 (RFC 9113, section 3.4); `None` where nothing comes.
///
/// It is looked at and left where it is: what has read it already reads on into a buffer of twice the size.
async fn is_http2(socket: &TcpStream) -> Option<bool> {
    const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
    // Nobody is told when there is more to look at, and hardly anybody sends it in parts.
    const PAUSE: Duration = Duration::from_millis(10);
    let mut begins = [0; PREFACE.len()];
    loop {
        let seen = socket.peek(&mut begins).await.ok().filter(|seen| *seen > 0)?;
        if !PREFACE.starts_with(&begins[..seen]) {
            return Some(false);
        }
        if seen == PREFACE.len() {
            return Some(true);
        }
        sleep(PAUSE).await;
    }
}

/// Serves a connection to its end; once `told`, no further than the requests that are under way.
async fn to_the_end<C: GracefulConnection>(
    mut connection: Pin<Box<C>>,
    mut told: watch::Receiver<()>,
) -> Result<(), C::Error> {
    tokio::select! {
        biased;
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

#[cfg(test)]
mod tests {
    use std::net::SocketAddr;

    use axum::Router;
    use axum::routing::get;
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    use tokio::sync::oneshot;
    use tokio::task::JoinHandle;
    use tokio::time::Instant;

    use super::*;

    struct Serving {
        address: SocketAddr,
        stop: oneshot::Sender<()>,
        over: JoinHandle<io::Result<()>>,
    }

    async fn serving() -> Serving {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let (stop, stopped) = oneshot::channel();
        let routes = Router::new().route("/", get(|| async { "here" }));
        let stopped = async { _ = stopped.await };
        Serving { address, stop, over: tokio::spawn(serve(listener, routes, stopped)) }
    }

    async fn told(stream: &mut TcpStream) -> String {
        let mut told = Vec::new();
        stream.read_to_end(&mut told).await.unwrap();
        String::from_utf8(told).unwrap()
    }

    #[tokio::test(start_paused = true)]
    async fn who_connects_and_says_nothing_is_let_go() {
        for said in ["", "P", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r"] {
            let serving = serving().await;
            let mut stream = TcpStream::connect(serving.address).await.unwrap();
            stream.write_all(said.as_bytes()).await.unwrap();
            let began = Instant::now();
            // What was not read is lost with the connection, which the caller hears of as a reset.
            let mut nothing = Vec::new();
            let _ = stream.read_to_end(&mut nothing).await;
            assert!(nothing.is_empty(), "{said}");
            assert!((HEAD..HEAD * 2).contains(&began.elapsed()), "{said}: {:?}", began.elapsed());
        }
    }

    #[tokio::test(start_paused = true)]
    async fn who_begins_http_2_and_falls_silent_is_let_go() {
        let serving = serving().await;
        let mut stream = TcpStream::connect(serving.address).await.unwrap();
        stream.write_all(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0").await.unwrap();
        let began = Instant::now();
        let mut told = Vec::new();
        let _ = stream.read_to_end(&mut told).await;
        assert!(!told.is_empty(), "settings, and a ping at least");
        assert!((HEAD..HEAD * 3).contains(&began.elapsed()), "{:?}", began.elapsed());
    }

    #[tokio::test]
    async fn who_says_nothing_does_not_hold_up_the_end() {
        let serving = serving().await;
        let mut silent = TcpStream::connect(serving.address).await.unwrap();
        // And one who has said something, and waits for nothing.
        let mut kept = TcpStream::connect(serving.address).await.unwrap();
        kept.write_all(b"GET / HTTP/1.1\r\nhost: x\r\n\r\n").await.unwrap();
        let mut begins = [0; 15];
        kept.read_exact(&mut begins).await.unwrap();
        assert_eq!(&begins, b"HTTP/1.1 200 OK");
        let began = Instant::now();
        serving.stop.send(()).unwrap();
        serving.over.await.unwrap().unwrap();
        assert!(began.elapsed() < DRAIN / 2, "{:?}", began.elapsed());
        assert_eq!(told(&mut silent).await, "");
    }

    #[tokio::test]
    async fn what_begins_like_http_2_may_still_be_a_request_of_http_1() {
        let serving = serving().await;
        let mut stream = TcpStream::connect(serving.address).await.unwrap();
        stream.set_nodelay(true).unwrap();
        // Each byte by itself; a method that is none of ours, beginning as the preface does.
        for byte in b"PRIVATE / HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n" {
            stream.write_all(&[*byte]).await.unwrap();
            tokio::task::yield_now().await;
        }
        assert!(told(&mut stream).await.starts_with("HTTP/1.1 405"));
    }

    #[tokio::test]
    async fn speaks_http_2_with_whoever_begins_so() {
        let serving = serving().await;
        let client = hyper_util::client::legacy::Client::builder(TokioExecutor::new())
            .http2_only(true)
            .build_http::<http_body_util::Empty<bytes::Bytes>>();
        let uri = format!("http://{}/", serving.address).parse().unwrap();
        let answer = client.get(uri).await.unwrap();
        assert_eq!((answer.version(), answer.status().as_u16()), (http::Version::HTTP_2, 200));
    }
}
