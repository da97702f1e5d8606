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
        began: Instant,
        first_content: Option<Duration>,
        last_bytes: Instant,
        idle: Option<Duration>,
        #[pin]
        timer: Option<Sleep>,
    }
}

// === impl Late ===

impl Late {
    /// From `began` on there is so much time for all of it.
    pub(crate) const fn new(began: Instant, first_content: Option<Duration>) -> Self {
        Self { began, first_content, last_bytes: began, idle: None, timer: None }
    }

    /// And from `now` on no more than so much without a byte.
    pub(crate) fn idle(self, idle: Option<Duration>, now: Instant) -> Self {
        Self { last_bytes: now, idle, ..self }
    }

    /// Bytes came.
    pub(crate) fn bytes(self: Pin<&mut Self>) {
        *self.project().last_bytes = Instant::now();
    }

    /// The clock that runs out first, and when.
    fn next(&self) -> Option<(Instant, Elapsed)> {
        let clock = |clock, from: Instant, after: Option<Duration>| {
            let after = after?;
            Some((from.checked_add(after)?, Elapsed::new(clock, after, Bound::Configured)))
        };
        let first_content = clock(Clock::FirstContent, self.began, self.first_content);
        let idle = clock(Clock::Idle, self.last_bytes, self.idle);
        first_content.into_iter().chain(idle).min_by_key(|(at, _)| *at)
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
