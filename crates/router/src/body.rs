//! The body of an answer: whole, or as it comes from the provider.

use std::fmt;
use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::Bytes;
use http_body::{Body as HttpBody, Frame, SizeHint};
use hyper::body::Incoming;

/// The body of an answer.
pub struct Body(Kind);

enum Kind {
    /// All of it.
    Whole(Bytes),
    /// What was read, and what still comes from the provider.
    Flowing { read: Bytes, rest: Incoming },
}

impl Body {
    /// A body that is at hand.
    #[must_use]
    pub const fn whole(bytes: Bytes) -> Self {
        Self(Kind::Whole(bytes))
    }

    pub(crate) const fn flowing(read: Bytes, rest: Incoming) -> Self {
        Self(Kind::Flowing { read, rest })
    }

    /// The bytes, where all of them are at hand.
    #[must_use]
    pub const fn as_whole(&self) -> Option<&Bytes> {
        match &self.0 {
            Kind::Whole(bytes) => Some(bytes),
            Kind::Flowing { .. } => None,
        }
    }
}

impl HttpBody for Body {
    type Data = Bytes;
    type Error = hyper::Error;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, hyper::Error>>> {
        match &mut self.get_mut().0 {
            Kind::Whole(bytes) | Kind::Flowing { read: bytes, .. } if !bytes.is_empty() => {
                Poll::Ready(Some(Ok(Frame::data(std::mem::take(bytes)))))
            }
            Kind::Whole(_) => Poll::Ready(None),
            Kind::Flowing { rest, .. } => Pin::new(rest).poll_frame(cx),
        }
    }

    fn is_end_stream(&self) -> bool {
        match &self.0 {
            Kind::Whole(bytes) => bytes.is_empty(),
            Kind::Flowing { read, rest } => read.is_empty() && rest.is_end_stream(),
        }
    }

    fn size_hint(&self) -> SizeHint {
        match &self.0 {
            Kind::Whole(bytes) => SizeHint::with_exact(bytes.len() as u64),
            Kind::Flowing { read, rest } => {
                let (read, rest) = (read.len() as u64, rest.size_hint());
                let mut hint = SizeHint::new();
                hint.set_lower(rest.lower().saturating_add(read));
                if let Some(upper) = rest.upper().and_then(|upper| upper.checked_add(read)) {
                    hint.set_upper(upper);
                }
                hint
            }
        }
    }
}

impl fmt::Debug for Body {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let kind = match &self.0 {
            Kind::Whole(bytes) => format!("{} bytes", bytes.len()),
            Kind::Flowing { read, .. } => format!("{} bytes and more", read.len()),
        };
        f.debug_tuple("Body").field(&kind).finish()
    }
}
