//! The body of a request to a provider: at hand, or as it comes from the caller.

use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};
use secondwind_llm::body::Spliced;

use super::upload::{Reader, UploadError};

/// The body of a request to a provider.
pub(crate) enum Outgoing {
    /// It is at hand. In a box, since a connection has room for 32 requests.
    Spliced(Box<Spliced>),
    /// It comes from the caller.
    Upload(Box<Reader>),
}

impl Body for Outgoing {
    type Data = Bytes;
    type Error = UploadError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, UploadError>>> {
        match &mut *self {
            Self::Spliced(body) => {
                let frame = ready!(Pin::new(&mut **body).poll_frame(cx));
                Poll::Ready(frame.map(|frame| frame.map_err(|never| match never {})))
            }
            Self::Upload(body) => Pin::new(body).poll_frame(cx),
        }
    }

    fn is_end_stream(&self) -> bool {
        match self {
            Self::Spliced(body) => body.is_end_stream(),
            Self::Upload(body) => body.is_end_stream(),
        }
    }

    fn size_hint(&self) -> SizeHint {
        match self {
            Self::Spliced(body) => body.size_hint(),
            Self::Upload(body) => body.size_hint(),
        }
    }
}

impl From<Reader> for Outgoing {
    fn from(body: Reader) -> Self {
        Self::Upload(Box::new(body))
    }
}

impl From<Spliced> for Outgoing {
    fn from(body: Spliced) -> Self {
        Self::Spliced(Box::new(body))
    }
}
