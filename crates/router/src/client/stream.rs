//! A connection that knows since when it exists.

use std::fmt;
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};

use hyper::rt::{Read, ReadBufCursor, Write};
use hyper_util::client::legacy::connect::{Connected, Connection};
use tokio::time::Instant;

/// When a connection was made: among the extras of its [`Connected`].
#[derive(Clone, Copy, Debug)]
pub(crate) struct ConnectedAt(pub(crate) Instant);

/// What bytes go over.
pub(crate) trait Io: Connection + Read + Write + Send + Unpin {}

impl<T: Connection + Read + Write + Send + Unpin> Io for T {}

/// A connection that knows since when it exists.
pub(crate) struct Aged {
    // In a box: TLS takes 1 KiB more than what goes without.
    inner: Box<dyn Io>,
    since: Instant,
}

impl Aged {
    pub(crate) fn new(inner: impl Io + 'static) -> Self {
        Self { inner: Box::new(inner), since: Instant::now() }
    }

    fn inner(self: Pin<&mut Self>) -> Pin<&mut dyn Io> {
        Pin::new(&mut *self.get_mut().inner)
    }
}

impl Connection for Aged {
    fn connected(&self) -> Connected {
        // Without the inner connection's extras: each of them would be copied into every response.
        let connected = Connected::new().extra(ConnectedAt(self.since));
        if self.inner.connected().is_negotiated_h2() {
            connected.negotiated_h2()
        } else {
            connected
        }
    }
}

impl Read for Aged {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: ReadBufCursor<'_>,
    ) -> Poll<io::Result<()>> {
        self.inner().poll_read(cx, buffer)
    }
}

impl Write for Aged {
    fn poll_write(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        self.inner().poll_write(cx, bytes)
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.inner().poll_flush(cx)
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.inner().poll_shutdown(cx)
    }

    fn is_write_vectored(&self) -> bool {
        self.inner.is_write_vectored()
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        self.inner().poll_write_vectored(cx, slices)
    }
}

impl fmt::Debug for Aged {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Aged").field("since", &self.since).finish_non_exhaustive()
    }
}
