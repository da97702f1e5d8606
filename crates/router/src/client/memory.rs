//! Dials providers in memory: what stands in the place of sockets under test.
//!
//! A [`Network`] knows hosts by name. Whoever dials one gets half of a pipe, and the host the [`Far`] half. All of it
//! runs on the test's own runtime, so that a stopped clock stands still until nobody has anything left to do.

use std::collections::HashMap;
use std::error::Error as StdError;
use std::fmt;
use std::future::{Ready, ready};
use std::io;
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll, ready};

use http::Uri;
use hyper_util::client::legacy::connect::{Connected, Connection};
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncRead, AsyncWrite, DuplexStream, ReadBuf, duplex};
use tower_service::Service;

use super::stream::Aged;

type BoxError = Box<dyn StdError + Send + Sync>;
type Accept = Arc<dyn Fn(Far) + Send + Sync>;

/// As much as a host can have written before anybody reads it.
const PIPE: usize = 64 * 1024;

/// Hosts by name. Clones are the same network.
#[derive(Clone, Default)]
pub(crate) struct Network(Arc<Mutex<HashMap<String, Host>>>);

/// Who takes connections.
#[derive(Clone)]
struct Host {
    accept: Accept,
    /// Whether it speaks HTTP/2, as TLS would find out.
    http2: bool,
}

/// Dials the hosts of a network.
#[derive(Clone, Debug, Default)]
pub(crate) struct Connector(Network);

/// The half of a connection that the router has.
#[derive(Debug)]
pub(crate) struct Near {
    pipe: DuplexStream,
    reset: Arc<AtomicBool>,
    http2: bool,
}

/// The half of a connection that the host has. Dropped, it ends in good order as far as TCP is concerned.
#[derive(Debug)]
pub(crate) struct Far {
    pub(crate) pipe: DuplexStream,
    reset: Arc<AtomicBool>,
}

// === impl Network ===

impl Network {
    /// Puts up a host: `accept` gets each connection to it, and spawns what serves it.
    pub(crate) fn host(&self, name: &str, accept: impl Fn(Far) + Send + Sync + 'static) {
        self.put_up(name, Host { accept: Arc::new(accept), http2: false });
    }

    /// The same, and it speaks HTTP/2.
    pub(crate) fn host_of_http2(&self, name: &str, accept: impl Fn(Far) + Send + Sync + 'static) {
        self.put_up(name, Host { accept: Arc::new(accept), http2: true });
    }

    fn put_up(&self, name: &str, host: Host) {
        self.0.lock().unwrap().insert(name.to_owned(), host);
    }

    pub(crate) fn connector(&self) -> Connector {
        Connector(self.clone())
    }

    fn dial(&self, name: &str) -> io::Result<Near> {
        let host = self.0.lock().unwrap().get(name).cloned();
        let Host { accept, http2 } = host.ok_or(io::ErrorKind::ConnectionRefused)?;
        let (near, far) = duplex(PIPE);
        let reset = Arc::<AtomicBool>::default();
        accept(Far { pipe: far, reset: Arc::clone(&reset) });
        Ok(Near { pipe: near, reset, http2 })
    }
}

impl fmt::Debug for Network {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Network").finish_non_exhaustive()
    }
}

// === impl Far ===

impl Far {
    /// Breaks the connection: what was written arrives, then an error.
    pub(crate) fn reset(self) {
        self.reset.store(true, Relaxed);
    }
}

// === impl Connector ===

impl Connector {
    /// As that of sockets; it reaches nobody.
    pub(crate) fn new(_tls: bool) -> io::Result<Self> {
        Ok(Self::default())
    }
}

impl Service<Uri> for Connector {
    type Response = Aged;
    type Error = BoxError;
    type Future = Ready<Result<Self::Response, BoxError>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, uri: Uri) -> Self::Future {
        let near = self.0.dial(uri.host().unwrap_or_default());
        ready(near.map(|near| Aged::new(TokioIo::new(near))).map_err(BoxError::from))
    }
}

// === impl Near ===

impl Connection for Near {
    fn connected(&self) -> Connected {
        let connected = Connected::new();
        if self.http2 { connected.negotiated_h2() } else { connected }
    }
}

impl AsyncRead for Near {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buffer.filled().len();
        ready!(Pin::new(&mut self.pipe).poll_read(cx, buffer))?;
        if buffer.filled().len() == before && self.reset.load(Relaxed) {
            return Poll::Ready(Err(io::ErrorKind::ConnectionReset.into()));
        }
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for Near {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.pipe).poll_write(cx, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.pipe).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.pipe).poll_shutdown(cx)
    }
}
