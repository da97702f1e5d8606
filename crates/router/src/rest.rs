//! An answer that is on its way before it was read to its end: what was read, and what still comes, without our key.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use http::HeaderMap;
use http_body::{Body, Frame, SizeHint};
use hyper::body::Incoming;

use crate::scrub::{Pieces, Strike};
use crate::target::Deployment;

/// What was read of an answer, and what still comes from the provider.
pub(crate) struct Rest {
    /// What was read of it; empty once that was passed on.
    read: Bytes,
    incoming: Incoming,
    deployment: Arc<Deployment>,
    /// What may be the beginning of our key.
    pieces: Pieces,
    /// What comes after the data, while that waits.
    trailers: Option<Box<HeaderMap>>,
    /// How many frames came.
    came: u64,
}

impl Rest {
    pub(crate) fn new(
        read: Bytes,
        incoming: Incoming,
        deployment: Arc<Deployment>,
        strike: Strike,
    ) -> Self {
        let (pieces, trailers) = (Pieces::new(strike), None);
        Self { read, incoming, deployment, pieces, trailers, came: 0 }
    }

    /// How many frames came, whether or not they were passed on yet.
    pub(crate) const fn came(&self) -> u64 {
        self.came
    }

    pub(crate) fn poll_frame(
        &mut self,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, hyper::Error>>> {
        loop {
            let piece = if self.read.is_empty() {
                let Some(frame) = ready!(Pin::new(&mut self.incoming).poll_frame(cx)) else {
                    return Poll::Ready(self.last().map(Ok));
                };
                self.came += 1;
                match frame.map(Frame::into_data) {
                    Ok(Ok(data)) => data,
                    Ok(Err(frame)) => {
                        self.trailers = frame.into_trailers().ok().map(Box::new);
                        continue;
                    }
                    Err(error) => return Poll::Ready(Some(Err(error))),
                }
            } else {
                std::mem::take(&mut self.read)
            };
            let piece = match &self.deployment.secret {
                Some(secret) => self.pieces.next(secret, piece),
                None => piece,
            };
            if !piece.is_empty() {
                return Poll::Ready(Some(Ok(Frame::data(piece))));
            }
        }
    }

    /// What is still to be given where nothing more comes.
    fn last(&mut self) -> Option<Frame<Bytes>> {
        let held = self.pieces.end();
        if !held.is_empty() {
            return Some(Frame::data(held));
        }
        self.trailers.take().map(|trailers| Frame::trailers(*trailers))
    }

    pub(crate) fn is_end_stream(&self) -> bool {
        let waits = self.pieces.len() > 0 || self.trailers.is_some();
        self.read.is_empty() && !waits && self.incoming.is_end_stream()
    }

    /// How long it is, where the key is struck out at its length.
    pub(crate) fn size_hint(&self) -> SizeHint {
        let read = (self.read.len() + self.pieces.len()) as u64;
        let rest = self.incoming.size_hint();
        let mut hint = SizeHint::new();
        hint.set_lower(rest.lower().saturating_add(read));
        if let Some(upper) = rest.upper().and_then(|upper| upper.checked_add(read)) {
            hint.set_upper(upper);
        }
        hint
    }

    /// How many bytes were read before it was handed on, and were not passed on yet.
    pub(crate) const fn read(&self) -> usize {
        self.read.len()
    }
}
