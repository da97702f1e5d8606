//! An answer that is passed on as it comes: a sound, a picture, a file, events of any kind.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};
use hyper::body::Incoming;
use tokio::time::Instant;

use crate::body::BodyError;
use crate::late::Late;
use crate::target::Deployment;

/// An answer on its way.
pub(crate) struct Passing {
    /// What was read of it.
    read: Bytes,
    rest: Incoming,
    deployment: Arc<Deployment>,
    /// How long it may be silent.
    late: Pin<Box<Late>>,
}

impl Passing {
    pub(crate) fn new(
        read: Bytes,
        rest: Incoming,
        deployment: Arc<Deployment>,
        idle: Option<Duration>,
    ) -> Self {
        let late = Box::pin(Late::new(None).idle(idle, Instant::now()));
        Self { read, rest, deployment, late }
    }

    pub(crate) fn poll_frame(
        &mut self,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BodyError>>> {
        if !self.read.is_empty() {
            let read = std::mem::take(&mut self.read);
            return Poll::Ready(Some(Ok(Frame::data(self.deployment.masked(read)))));
        }
        match Pin::new(&mut self.rest).poll_frame(cx) {
            Poll::Ready(frame) => {
                self.late.as_mut().bytes();
                let masked = |frame: Frame<Bytes>| frame.map_data(|it| self.deployment.masked(it));
                Poll::Ready(frame.map(|frame| frame.map(masked).map_err(BodyError::from)))
            }
            Poll::Pending => {
                self.late.as_mut().poll(cx).map(|elapsed| Some(Err(BodyError::from(elapsed))))
            }
        }
    }

    pub(crate) fn is_end_stream(&self) -> bool {
        self.read.is_empty() && self.rest.is_end_stream()
    }

    pub(crate) fn size_hint(&self) -> SizeHint {
        let (read, rest) = (self.read.len() as u64, self.rest.size_hint());
        let mut hint = SizeHint::new();
        hint.set_lower(rest.lower().saturating_add(read));
        if let Some(upper) = rest.upper().and_then(|upper| upper.checked_add(read)) {
            hint.set_upper(upper);
        }
        hint
    }
}
