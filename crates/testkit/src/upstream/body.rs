//! The body of a reply, which goes as far as its script says.

use std::collections::VecDeque;
use std::convert::Infallible;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};
use tokio::time::{Sleep, sleep};

use super::record::InFlight;
use super::reply::Sever;
use super::server::Line;

/// Chunks, and what comes after the last of them.
#[derive(Debug)]
pub(super) struct ReplyBody {
    chunks: VecDeque<Bytes>,
    /// What the head says of the body's length, true or not.
    length: Option<u64>,
    last: Last,
    pause: Duration,
    pausing: Option<Pin<Box<Sleep>>>,
    /// None for what is not an attempt.
    in_flight: Option<InFlight>,
}

/// What comes after the last chunk.
#[derive(Debug)]
pub(super) enum Last {
    End,
    Silence,
    /// The connection goes, once the chunks are on the wire.
    Sever {
        line: Line,
        how: Sever,
        flushed: bool,
    },
}

impl ReplyBody {
    /// A body of one piece, with its length in the head.
    pub(super) fn whole(bytes: Bytes, in_flight: Option<InFlight>) -> Self {
        let length = Some(bytes.len() as u64);
        Self { length, ..Self::stream([bytes].into(), Last::End, in_flight) }
    }

    /// A body whose length the head does not tell.
    pub(super) fn stream(chunks: VecDeque<Bytes>, last: Last, in_flight: Option<InFlight>) -> Self {
        Self { chunks, length: None, last, pause: Duration::ZERO, pausing: None, in_flight }
    }

    pub(super) fn with_length(mut self, length: usize) -> Self {
        self.length = Some(length as u64);
        self
    }

    pub(super) fn with_pause(mut self, pause: Duration) -> Self {
        self.pause = pause;
        self
    }

    fn end(&mut self) {
        if let Some(in_flight) = &mut self.in_flight {
            in_flight.end();
        }
    }

    /// Ready when the body ends in good order.
    fn poll_last(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        match &mut self.last {
            Last::End => {
                self.end();
                Poll::Ready(())
            }
            Last::Silence => Poll::Pending,
            Last::Sever { flushed: flushed @ false, .. } => {
                // Pending makes hyper write what it holds.
                *flushed = true;
                cx.waker().wake_by_ref();
                Poll::Pending
            }
            Last::Sever { line, how, .. } => {
                line.sever(*how);
                self.end();
                Poll::Pending
            }
        }
    }
}

impl Body for ReplyBody {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        let this = self.get_mut();
        if let Some(pausing) = &mut this.pausing {
            ready!(pausing.as_mut().poll(cx));
            this.pausing = None;
        }
        let Some(chunk) = this.chunks.pop_front() else {
            return this.poll_last(cx).map(|()| None);
        };
        if !this.chunks.is_empty() && !this.pause.is_zero() {
            this.pausing = Some(Box::pin(sleep(this.pause)));
        }
        if this.is_end_stream() {
            // Nobody asks again.
            this.end();
        }
        Poll::Ready(Some(Ok(Frame::data(chunk))))
    }

    fn is_end_stream(&self) -> bool {
        self.chunks.is_empty() && matches!(self.last, Last::End)
    }

    fn size_hint(&self) -> SizeHint {
        self.length.map(SizeHint::with_exact).unwrap_or_default()
    }
}
