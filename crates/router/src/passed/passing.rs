//! An answer that is passed on as it comes: a sound, a picture, a file, events of any kind.

use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use bytes::Bytes;
use http_body::{Frame, SizeHint};
use tokio::time::Instant;

use crate::body::BodyError;
use crate::late::Late;
use crate::rest::Rest;

/// An answer on its way.
pub(crate) struct Passing {
    rest: Rest,
    /// How long it may be silent.
    late: Pin<Box<Late>>,
}

impl Passing {
    pub(crate) fn new(rest: Rest, idle: Option<Duration>) -> Self {
        Self { rest, late: Box::pin(Late::new(None).idle(idle, Instant::now())) }
    }

    pub(crate) fn poll_frame(
        &mut self,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BodyError>>> {
        let before = self.rest.came();
        let frame = self.rest.poll_frame(cx);
        if self.rest.came() > before {
            self.late.as_mut().bytes();
        }
        match frame {
            Poll::Ready(frame) => Poll::Ready(frame.map(|frame| frame.map_err(BodyError::from))),
            Poll::Pending => {
                let elapsed = ready!(self.late.as_mut().poll(cx));
                Poll::Ready(Some(Err(BodyError::from(elapsed))))
            }
        }
    }

    pub(crate) fn is_end_stream(&self) -> bool {
        self.rest.is_end_stream()
    }

    pub(crate) fn size_hint(&self) -> SizeHint {
        self.rest.size_hint()
    }
}
