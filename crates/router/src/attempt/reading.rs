//! An answer that is read whole before it counts as one.

use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::{Bytes, BytesMut};
use http::response;
use http_body::Body as _;
use hyper::body::Incoming;

/// An answer whose body is being read, up to so many bytes.
pub(super) struct Reading {
    pub(super) head: response::Parts,
    pub(super) body: Incoming,
    pub(super) read: Collected,
    pub(super) most: usize,
}

/// Bytes as they come: copied together only if they come in more than one piece.
#[derive(Default)]
pub(super) struct Collected {
    first: Bytes,
    all: BytesMut,
}

// === impl Reading ===

impl Reading {
    /// Reads to the end (`true`), or until it is enough (`false`).
    pub(super) fn read_on(&mut self, cx: &mut Context<'_>) -> Poll<Result<bool, hyper::Error>> {
        loop {
            if self.read.len() >= self.most {
                return Poll::Ready(Ok(false));
            }
            match ready!(Pin::new(&mut self.body).poll_frame(cx)) {
                None => return Poll::Ready(Ok(true)),
                Some(Err(error)) => return Poll::Ready(Err(error)),
                Some(Ok(frame)) => {
                    if let Ok(data) = frame.into_data() {
                        self.read.push(data);
                    }
                }
            }
        }
    }
}

// === impl Collected ===

impl Collected {
    pub(super) fn len(&self) -> usize {
        self.first.len() + self.all.len()
    }

    fn push(&mut self, data: Bytes) {
        if self.first.is_empty() && self.all.is_empty() {
            self.first = data;
            return;
        }
        if self.all.is_empty() {
            self.all.reserve(self.first.len() + data.len());
            self.all.extend_from_slice(&std::mem::take(&mut self.first));
        }
        self.all.extend_from_slice(&data);
    }

    pub(super) fn into_bytes(self) -> Bytes {
        if self.all.is_empty() { self.first } else { self.all.freeze() }
    }
}
