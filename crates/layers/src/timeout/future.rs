//! A future with a clock beside it.

use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};

use pin_project_lite::pin_project;
use tokio::time::{Instant, Sleep, sleep_until};

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
        timer: Timer,
    }
}

pin_project! {
    /// A timer that is registered only once it has to be waited for.
    #[derive(Debug)]
    pub(super) struct Timer {
        limit: Option<(Instant, Elapsed)>,
        #[pin]
        sleep: Option<Sleep>,
    }
}

// === impl ResponseFuture ===

impl<F> ResponseFuture<F> {
    pub(super) const fn new(inner: F, limit: Option<(Instant, Elapsed)>) -> Self {
        Self {
            inner,
            timer: Timer::new(limit),
        }
    }
}

impl<F, T, E> Future for ResponseFuture<F>
where
    F: Future<Output = Result<T, E>>,
{
    type Output = Result<T, Error<E>>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.project();
        // The answer first: one that is there at the last moment is an answer.
        if let Poll::Ready(outcome) = this.inner.poll(cx) {
            return Poll::Ready(outcome.map_err(Error::from_inner));
        }
        this.timer
            .poll(cx)
            .map(|elapsed| Err(Error::from_elapsed(elapsed)))
    }
}

// === impl Timer ===

impl Timer {
    pub(super) const fn new(limit: Option<(Instant, Elapsed)>) -> Self {
        Self { limit, sleep: None }
    }

    pub(super) fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Elapsed> {
        let mut this = self.project();
        let Some((at, elapsed)) = *this.limit else {
            return Poll::Pending;
        };
        if this.sleep.is_none() {
            this.sleep.set(Some(sleep_until(at)));
        }
        match this.sleep.as_pin_mut() {
            Some(sleep) => sleep.poll(cx).map(|()| elapsed),
            None => Poll::Pending,
        }
    }
}
