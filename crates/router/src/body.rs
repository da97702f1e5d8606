//! The body of an answer: whole, or as it comes from the provider.

use std::fmt;
use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::Bytes;
use http_body::{Body as HttpBody, Frame, SizeHint};
use hyper::body::Incoming;
use secondwind_layers::body::Broken;

use crate::stream::Stream;

/// The body of an answer.
pub struct Body(Kind);

enum Kind {
    /// All of it.
    Whole(Bytes),
    /// What was read, and what still comes from the provider.
    Flowing { read: Bytes, rest: Incoming },
    /// A stream that is looked at as it comes.
    Stream(Box<Stream>),
    /// A stream that is carried on by others where it breaks.
    Carried(Pin<Box<dyn HttpBody<Data = Bytes, Error = BodyError> + Send>>),
}

/// Why a body ends before its end.
#[derive(Debug)]
pub struct BodyError(Why);

#[derive(Debug)]
enum Why {
    Read(hyper::Error),
    Broken(Broken),
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

    pub(crate) fn stream(stream: Stream) -> Self {
        Self(Kind::Stream(Box::new(stream)))
    }

    pub(crate) fn carried(
        body: impl HttpBody<Data = Bytes, Error = BodyError> + Send + 'static,
    ) -> Self {
        Self(Kind::Carried(Box::pin(body)))
    }

    /// The bytes, where all of them are at hand.
    #[must_use]
    pub const fn as_whole(&self) -> Option<&Bytes> {
        match &self.0 {
            Kind::Whole(bytes) => Some(bytes),
            Kind::Flowing { .. } | Kind::Stream(_) | Kind::Carried(_) => None,
        }
    }

    /// The stream that it is.
    ///
    /// # Errors
    /// The body, where it is another.
    pub(crate) fn into_stream(self) -> Result<Box<Stream>, Self> {
        match self.0 {
            Kind::Stream(stream) => Ok(stream),
            other => Err(Self(other)),
        }
    }
}

impl HttpBody for Body {
    type Data = Bytes;
    type Error = BodyError;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BodyError>>> {
        match &mut self.get_mut().0 {
            Kind::Whole(bytes) | Kind::Flowing { read: bytes, .. } if !bytes.is_empty() => {
                Poll::Ready(Some(Ok(Frame::data(std::mem::take(bytes)))))
            }
            Kind::Whole(_) => Poll::Ready(None),
            Kind::Flowing { rest, .. } => Pin::new(rest)
                .poll_frame(cx)
                .map(|frame| frame.map(|frame| frame.map_err(BodyError::from))),
            Kind::Stream(stream) => {
                stream.poll_frame(cx).map(|frame| frame.map(|frame| frame.map_err(BodyError::from)))
            }
            Kind::Carried(body) => body.as_mut().poll_frame(cx),
        }
    }

    fn is_end_stream(&self) -> bool {
        match &self.0 {
            Kind::Whole(bytes) => bytes.is_empty(),
            Kind::Flowing { read, rest } => read.is_empty() && rest.is_end_stream(),
            // Its end is to be asked for: only then is it known what became of it.
            Kind::Stream(_) => false,
            Kind::Carried(body) => body.is_end_stream(),
        }
    }

    fn size_hint(&self) -> SizeHint {
        match &self.0 {
            Kind::Whole(bytes) => SizeHint::with_exact(bytes.len() as u64),
            Kind::Stream(_) | Kind::Carried(_) => SizeHint::new(),
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
            Kind::Stream(_) | Kind::Carried(_) => "a stream".to_owned(),
        };
        f.debug_tuple("Body").field(&kind).finish()
    }
}

impl From<hyper::Error> for BodyError {
    fn from(error: hyper::Error) -> Self {
        Self(Why::Read(error))
    }
}

impl From<Broken> for BodyError {
    fn from(broken: Broken) -> Self {
        Self(Why::Broken(broken))
    }
}

impl fmt::Display for BodyError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            Why::Read(_) => f.write_str("the connection to the provider broke within the answer"),
            Why::Broken(broken) => broken.fmt(f),
        }
    }
}

impl std::error::Error for BodyError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match &self.0 {
            Why::Read(error) => Some(error),
            Why::Broken(broken) => Some(broken),
        }
    }
}
