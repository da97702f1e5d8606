//! A future with a clock beside it.

use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};

use pin_project_lite::pin_project;
use tokio::time::{Instant, Sleep, sleep_until};

use super::attempt::AttemptClock;
use super::error::Elapsed;
use crate::error::Error;

pin_project! {
    /// The future of [`AttemptTimeout`](super::AttemptTimeout): the inner one, until the clock runs out.
    #[derive(Debug)]
    #[must_use = "futures do nothing unless polled"]
    pub struct ResponseFuture<F> {
        #[pin]
        inner: F,
        #[pin]
        timer: Timer<AttemptClock>,
    }
}

pin_project! {
    /// A timer that is registered only once there is something to wait for.
    #[project = TimerProjection]
    #[derive(Debug)]
    pub(super) enum Timer<C> {
        // Nothing bounds the wait.
        Off,
        // Nobody had to wait yet.
        Unset { clock: C },
        // The timer runs.
        Set { #[pin] sleep: Sleep, elapsed: Elapsed },
    }
}

/// When a timer is to run out, as seen at the moment when the waiting begins.
pub(super) trait Limit: Copy {
    fn limit(self) -> Option<(Instant, Elapsed)>;
}

// === impl ResponseFuture ===

impl<F> ResponseFuture<F> {
    #[inline]
    pub(super) const fn new(inner: F, clock: Option<AttemptClock>) -> Self {
        Self { inner, timer: Timer::new(clock) }
    }
}

impl<F, T, E> Future for ResponseFuture<F>
where
    F: Future<Output = Result<T, E>>,
{
    type Output = Result<T, Error<E>>;

    #[inline]
    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.project();
        // The answer first: one that is there at the last moment is an answer.
        if let Poll::Ready(outcome) = this.inner.poll(cx) {
            return Poll::Ready(outcome.map_err(Error::from_inner));
        }
        this.timer.poll(cx).map(|elapsed| Err(Error::from_elapsed(elapsed)))
    }
}

// === impl Timer ===

impl<C: Limit> Timer<C> {
    #[inline]
    pub(super) const fn new(clock: Option<C>) -> Self {
        match clock {
            Some(clock) => Self::Unset { clock },
            None => Self::Off,
        }
    }

    pub(super) fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Elapsed> {
        if let TimerProjection::Unset { clock } = self.as_mut().project() {
            let timer = match clock.limit() {
                Some((at, elapsed)) => Self::Set { sleep: sleep_until(at), elapsed },
                None => Self::Off,
            };
            self.set(timer);
        }
        match self.project() {
            TimerProjection::Set { sleep, elapsed } => sleep.poll(cx).map(|()| *elapsed),
            TimerProjection::Off | TimerProjection::Unset { .. } => Poll::Pending,
        }
    }
}

impl Limit for (Instant, Elapsed) {
    fn limit(self) -> Option<Self> {
        Some(self)
    }
}
