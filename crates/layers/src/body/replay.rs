//! A request body that can be sent again.
//!
//! A [`ReplayBody`] keeps what it passes on, up to a number of bytes. A clone starts at the first
//! byte: it gives what has been read so far, then goes on reading from the source. Nothing is read
//! ahead of its use, so the first attempt streams as it would without. The rules are those of the
//! body with the same name in linkerd2-proxy.
//!
//! ```
//! use http_body_util::{BodyExt, Full};
//! use secondwind_layers::body::ReplayBody;
//! # let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
//! # runtime.block_on(async {
//! let body = Full::<bytes::Bytes>::from("a prompt");
//! let first = ReplayBody::new(body, 1024).unwrap_or_else(ReplayBody::passthrough);
//! let second = first.try_clone();
//!
//! assert_eq!(first.collect().await.unwrap().to_bytes(), "a prompt");
//! assert_eq!(second.unwrap().collect().await.unwrap().to_bytes(), "a prompt");
//! # });
//! ```
//!
//! # The cap
//!
//! A body known to be larger is given back by [`ReplayBody::new`], to be sent just once. Where the
//! size shows only on the way, the frame that passes the cap still goes out, and so does the rest
//! after it; but what was kept is dropped, and every other reader fails with
//! [`ReplayError::Capped`]. Data is never left out in silence. Trailers are kept too, and not
//! counted.
//!
//! # Differences from linkerd's
//!
//! There the source belongs to one body until that is dropped, and to poll another one before is a
//! mistake. Here the source belongs to whoever has given all that was kept: an attempt whose
//! server has answered early, and left the connection with half a body to write, does not hold up
//! the next one, and two attempts may be in flight at once.
//!
//! # Cost
//!
//! A body made of [`Bytes`] ([`ReplayBody::full`]) and an empty one share nothing: no lock, no
//! allocation, and a clone is a reference count. Any other body allocates twice when it is wrapped,
//! and takes a lock for each poll (never for each byte), for which nobody contends unless attempts
//! overlap; the source is polled under it. Frames are kept as they are, without a copy where the
//! source's data is [`Bytes`]; only those below 1 KiB are copied together, so that a body in tiny
//! pieces weighs what it is long. Hence a replay has the same bytes, but not always the same
//! frames.
//!
//! # Cancellation
//!
//! A frame is kept before it is passed on: an attempt may be dropped at any point, and nothing is
//! lost to the next.

mod buffer;
mod error;
mod shared;

pub use self::error::ReplayError;

use self::shared::Reader;
use bytes::{Buf, Bytes};
use http_body::{Body, Frame, SizeHint};
use std::{
    fmt, mem,
    pin::Pin,
    task::{Context, Poll},
};

/// A body whose clones give the same bytes again.
///
/// The module's docs tell the rules.
pub struct ReplayBody<B> {
    kind: Kind<B>,
}

enum Kind<B> {
    /// The whole body is at hand.
    Full { bytes: Bytes, sent: bool },
    /// The body is kept while it is read.
    Kept(Reader<B>),
    /// The body is not kept, and this is its only reader.
    Once(B),
    /// A clone of a body that is not kept.
    Lost,
}

// === impl ReplayBody ===

impl<B> ReplayBody<B> {
    /// A body that is at hand as a whole: replayed without a limit, a lock or an allocation.
    #[must_use]
    pub const fn full(bytes: Bytes) -> Self {
        Self { kind: Kind::Full { bytes, sent: false } }
    }

    /// Another reader of this body, from its first byte; `None` where one would surely fail.
    ///
    /// A body that streams may still pass its cap afterwards, so ask
    /// [`is_replayable`](Self::is_replayable) again before sending the clone.
    #[must_use]
    pub fn try_clone(&self) -> Option<Self> {
        self.is_replayable().then(|| self.clone())
    }

    /// Whether a clone of this body can give it from the first byte, as far as is known now.
    ///
    /// False for a body that is passed through, that was larger than its cap, or whose source
    /// failed. Once false, it stays so.
    #[must_use]
    pub fn is_replayable(&self) -> bool {
        match &self.kind {
            Kind::Full { .. } => true,
            Kind::Kept(reader) => reader.is_replayable(),
            Kind::Once(_) | Kind::Lost => false,
        }
    }

    /// Whether there was more than may be kept; `None` while another body reads the source, and it
    /// may yet turn out so.
    #[must_use]
    pub fn is_capped(&self) -> Option<bool> {
        match &self.kind {
            Kind::Full { .. } => Some(false),
            Kind::Kept(reader) => reader.is_capped(),
            Kind::Once(_) | Kind::Lost => Some(true),
        }
    }
}

impl<B: Body> ReplayBody<B> {
    /// Wraps a body, to keep at most `max_bytes` of it.
    ///
    /// # Errors
    ///
    /// Gives the body back where it says itself that it is larger, for
    /// [`passthrough`](Self::passthrough) to take.
    pub fn new(body: B, max_bytes: u64) -> Result<Self, B> {
        if body.size_hint().lower() > max_bytes {
            return Err(body);
        }
        if body.is_end_stream() {
            return Ok(Self::full(Bytes::new()));
        }
        Ok(Self { kind: Kind::Kept(Reader::new(body, max_bytes)) })
    }

    /// Wraps a body that is not kept: it is read once, and its clones fail.
    pub fn passthrough(body: B) -> Self {
        if body.is_end_stream() {
            return Self::full(Bytes::new());
        }
        Self { kind: Kind::Once(body) }
    }
}

impl<B> Body for ReplayBody<B>
where
    B: Body + Unpin,
{
    type Data = Bytes;
    type Error = ReplayError<B::Error>;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Self::Error>>> {
        match &mut self.get_mut().kind {
            Kind::Full { bytes, sent } => {
                let first = !mem::replace(sent, true) && !bytes.is_empty();
                Poll::Ready(first.then(|| Ok(Frame::data(bytes.clone()))))
            }
            Kind::Kept(reader) => reader.poll_frame(cx),
            Kind::Once(body) => Pin::new(body)
                .poll_frame(cx)
                .map_ok(|frame| frame.map_data(into_bytes))
                .map_err(ReplayError::Body),
            Kind::Lost => Poll::Ready(Some(Err(ReplayError::Capped))),
        }
    }

    fn is_end_stream(&self) -> bool {
        match &self.kind {
            Kind::Full { bytes, sent } => *sent || bytes.is_empty(),
            Kind::Kept(reader) => reader.is_end_stream(),
            Kind::Once(body) => body.is_end_stream(),
            Kind::Lost => false,
        }
    }

    fn size_hint(&self) -> SizeHint {
        match &self.kind {
            Kind::Full { sent: true, .. } => SizeHint::with_exact(0),
            Kind::Full { bytes, .. } => SizeHint::with_exact(bytes.len() as u64),
            Kind::Kept(reader) => reader.size_hint(),
            Kind::Once(body) => body.size_hint(),
            Kind::Lost => SizeHint::default(),
        }
    }
}

impl<B> Clone for ReplayBody<B> {
    /// Another reader, from the first byte; where that cannot be had, one that fails with
    /// [`ReplayError::Capped`]. [`try_clone`](Self::try_clone) tells beforehand.
    fn clone(&self) -> Self {
        let kind = match &self.kind {
            Kind::Full { bytes, .. } => Kind::Full { bytes: bytes.clone(), sent: false },
            Kind::Kept(reader) => Kind::Kept(reader.another()),
            Kind::Once(_) | Kind::Lost => Kind::Lost,
        };
        Self { kind }
    }
}

impl<B> From<Bytes> for ReplayBody<B> {
    fn from(bytes: Bytes) -> Self {
        Self::full(bytes)
    }
}

impl<B> fmt::Debug for ReplayBody<B> {
    /// Tells the kind of body, and nothing of what is in it.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match &self.kind {
            Kind::Full { .. } => "ReplayBody::Full",
            Kind::Kept(_) => "ReplayBody::Kept",
            Kind::Once(_) => "ReplayBody::Once",
            Kind::Lost => "ReplayBody::Lost",
        })
    }
}

/// Data as bytes: a reference count where that is what it is, else a copy.
fn into_bytes(mut data: impl Buf) -> Bytes {
    data.copy_to_bytes(data.remaining())
}

#[cfg(test)]
mod tests;
