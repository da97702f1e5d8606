//! How long an answer is awaited: the head of any, and the body of one that counts as a whole.
//!
//! A stream's body has clocks of its own, in the gate. One timer does for both clocks here: bytes do not set it anew,
//! but when it runs out it is looked at whether there is time left.

use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use pin_project_lite::pin_project;
use secondwind_layers::timeout::{Bound, Clock, Elapsed};
use tokio::time::{Instant, Sleep, sleep_until};

pin_project! {
    /// The clocks of an answer that is awaited. What is not set is waited for without end.
    pub(crate) struct Late {
        first_content: Option<(Instant, Elapsed)>,
        last_bytes: Option<Instant>,
        idle: Option<Duration>,
        #[pin]
        timer: Option<Sleep>,
    }
}

// === impl Late ===

impl Late {
    /// All of it is awaited until then; what it means if it is not there by then is said beside.
    pub(crate) const fn new(first_content: Option<(Instant, Elapsed)>) -> Self {
        Self { first_content, last_bytes: None, idle: None, timer: None }
    }

    /// From `began` on there is so much time for all of it, as configured.
    pub(crate) fn within(began: Instant, first_content: Option<Duration>) -> Self {
        Self::new(runs_out(Clock::FirstContent, Some(began), first_content))
    }

    /// And from `now` on no more than so much without a byte.
    pub(crate) fn idle(self, idle: Option<Duration>, now: Instant) -> Self {
        Self { last_bytes: Some(now), idle, ..self }
    }

    /// Bytes came.
    pub(crate) fn bytes(self: Pin<&mut Self>) {
        *self.project().last_bytes = Some(Instant::now());
    }

    /// The clock that runs out first, and when.
    fn next(&self) -> Option<(Instant, Elapsed)> {
        let idle = runs_out(Clock::Idle, self.last_bytes, self.idle);
        self.first_content.into_iter().chain(idle).min_by_key(|(at, _)| *at)
    }

    /// Waits for the first clock to run out.
    pub(crate) fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Elapsed> {
        loop {
            let Some((at, elapsed)) = self.next() else { return Poll::Pending };
            let mut timer = self.as_mut().project().timer;
            match timer.as_mut().as_pin_mut() {
                None => timer.set(Some(sleep_until(at))),
                Some(mut sleep) => {
                    ready!(sleep.as_mut().poll(cx));
                    if at <= Instant::now() {
                        return Poll::Ready(elapsed);
                    }
                    sleep.reset(at);
                }
            }
        }
    }
}

fn runs_out(
    clock: Clock,
    from: Option<Instant>,
    after: Option<Duration>,
) -> Option<(Instant, Elapsed)> {
    let (from, after) = (from?, after?);
    Some((from.checked_add(after)?, Elapsed::new(clock, after, Bound::Configured)))
}
