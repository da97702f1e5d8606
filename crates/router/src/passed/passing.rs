//! An answer that is passed on as it comes: a sound, a picture, a file, events of any kind.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use bytes::Bytes;
use http::HeaderMap;
use http_body::{Body, Frame, SizeHint};
use hyper::body::Incoming;
use tokio::time::Instant;

use crate::body::BodyError;
use crate::late::Late;
use crate::scrub::Pieces;
use crate::target::Deployment;

/// An answer on its way.
pub(crate) struct Passing {
    /// What was read of it.
    read: Bytes,
    rest: Incoming,
    deployment: Arc<Deployment>,
    /// What may be the beginning of our key.
    pieces: Pieces,
    /// What comes after the data, while that waits.
    trailers: Option<Box<HeaderMap>>,
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
        let (pieces, trailers) = (Pieces::default(), None);
        Self { read, rest, deployment, pieces, trailers, late }
    }

    pub(crate) fn poll_frame(
        &mut self,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BodyError>>> {
        loop {
            let piece = if self.read.is_empty() {
                match Pin::new(&mut self.rest).poll_frame(cx) {
                    Poll::Ready(Some(Ok(frame))) => {
                        self.late.as_mut().bytes();
                        match frame.into_data() {
                            Ok(data) => data,
                            Err(frame) => {
                                self.trailers = frame.into_trailers().ok().map(Box::new);
                                continue;
                            }
                        }
                    }
                    Poll::Ready(Some(Err(error))) => {
                        return Poll::Ready(Some(Err(BodyError::from(error))));
                    }
                    Poll::Ready(None) => return Poll::Ready(self.last()),
                    Poll::Pending => {
                        let elapsed = ready!(self.late.as_mut().poll(cx));
                        return Poll::Ready(Some(Err(BodyError::from(elapsed))));
                    }
                }
            } else {
                std::mem::take(&mut self.read)
            };
            let piece = self.deployment.masked(&mut self.pieces, piece);
            if !piece.is_empty() {
                return Poll::Ready(Some(Ok(Frame::data(piece))));
            }
        }
    }

    /// What is still to be given where nothing more comes.
    fn last(&mut self) -> Option<Result<Frame<Bytes>, BodyError>> {
        let held = self.pieces.end();
        if !held.is_empty() {
            return Some(Ok(Frame::data(held)));
        }
        self.trailers.take().map(|trailers| Ok(Frame::trailers(*trailers)))
    }

    pub(crate) fn is_end_stream(&self) -> bool {
        let waits = self.pieces.len() > 0 || self.trailers.is_some();
        self.read.is_empty() && !waits && self.rest.is_end_stream()
    }

    pub(crate) fn size_hint(&self) -> SizeHint {
        let read = (self.read.len() + self.pieces.len()) as u64;
        let rest = self.rest.size_hint();
        let mut hint = SizeHint::new();
        hint.set_lower(rest.lower().saturating_add(read));
        if let Some(upper) = rest.upper().and_then(|upper| upper.checked_add(read)) {
            hint.set_upper(upper);
        }
        hint
    }
}
