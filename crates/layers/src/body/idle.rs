//! The clocks of a body: how long it may be silent, and how long it may take.

use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use secondwind_policy::TimeoutPolicy;
use tokio::time::{Instant, Sleep, sleep_until};

use crate::timeout::{Bound, Clock, Elapsed};

/// The clocks of a body. `None`: the clock is off.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
#[non_exhaustive]
pub struct Limits {
    /// From the beginning of the attempt to the first content; of an answer that counts as a whole, to its end.
    pub first_content: Option<Duration>,
    /// From any bytes to the next.
    pub idle: Option<Duration>,
    /// From content to the next content.
    pub content_idle: Option<Duration>,
    /// From the first content to the end.
    pub stream_total: Option<Duration>,
    /// From the beginning of the attempt, and from content, to the next content, as the request itself wants it: who
    /// takes longer is not blamed.
    pub wanted: Option<Duration>,
}

/// The clocks at work.
///
/// One timer for all of them. It is not set anew when bytes come: when it runs out, whichever clock is next is
/// looked at, and mostly there is time left. So a piece of a stream costs one look at the time.
#[derive(Debug)]
pub(super) struct Clocks {
    limits: Limits,
    began: Instant,
    last_bytes: Instant,
    last_content: Option<Instant>,
    first_content: Option<Instant>,
    finished: Option<Instant>,
    /// Before that no clock runs out, whatever comes: that only puts it off. `None`: it is to be found out.
    soonest: Option<Instant>,
    timer: Option<Pin<Box<Sleep>>>,
}

/// How long the end of a body is waited for once all that counts has come.
const AFTER_THE_END: Duration = Duration::from_secs(1);

/// Why the waiting is over.
#[derive(Debug, Eq, PartialEq)]
pub(super) enum Over {
    /// A clock ran out.
    Elapsed(Elapsed),
    /// All that counts had come before.
    Finished,
}

/// Those of a stream.
impl From<&TimeoutPolicy> for Limits {
    fn from(policy: &TimeoutPolicy) -> Self {
        Self {
            first_content: policy.first_content_of_stream(),
            idle: policy.idle(),
            content_idle: policy.content_idle_of_stream(),
            stream_total: policy.stream_total(),
            wanted: None,
        }
    }
}

// === impl Limits ===

impl Limits {
    /// When the first content of an attempt that began at `began` must be there, and what it means if it is not.
    #[must_use]
    pub fn first_content_of(&self, began: Instant) -> Option<(Instant, Elapsed)> {
        let own = ends(Clock::FirstContent, Some(began), self.first_content, Bound::Configured);
        let wanted = ends(Clock::FirstContent, Some(began), self.wanted, Bound::Wanted);
        own.into_iter().chain(wanted).min_by_key(|(at, _)| *at)
    }

    /// When the next content must be there.
    fn next_content_of(&self, last: Instant) -> Option<(Instant, Elapsed)> {
        let own = ends(Clock::ContentIdle, Some(last), self.content_idle, Bound::Configured);
        let wanted = ends(Clock::ContentIdle, Some(last), self.wanted, Bound::Wanted);
        own.into_iter().chain(wanted).min_by_key(|(at, _)| *at)
    }
}

/// When a clock runs out that began at `from`, if it did.
fn ends(
    clock: Clock,
    from: Option<Instant>,
    after: Option<Duration>,
    bound: Bound,
) -> Option<(Instant, Elapsed)> {
    let (from, after) = (from?, after?);
    Some((from.checked_add(after)?, Elapsed::new(clock, after, bound)))
}

// === impl Clocks ===

impl Clocks {
    /// The clocks for an attempt that began at `began`, whose answer's head came at `now`.
    pub(super) const fn new(limits: Limits, began: Instant, now: Instant) -> Self {
        Self {
            limits,
            began,
            last_bytes: now,
            last_content: None,
            first_content: None,
            finished: None,
            soonest: None,
            timer: None,
        }
    }

    /// Bytes came.
    pub(super) const fn bytes(&mut self, now: Instant) {
        self.last_bytes = now;
    }

    /// Content came.
    pub(super) fn content(&mut self, now: Instant) {
        self.last_content = Some(now);
        if self.first_content.is_none() {
            self.first_content = Some(now);
            self.soonest = None;
        }
    }

    /// All that counts has come.
    pub(super) fn finish(&mut self, now: Instant) {
        if self.finished.is_none() {
            self.finished = Some(now);
            self.soonest = None;
        }
    }

    /// The clock that runs out first, and when.
    fn next(&self) -> Option<(Instant, Over)> {
        if let Some(finished) = self.finished {
            return Some((finished + AFTER_THE_END, Over::Finished));
        }
        let limits = &self.limits;
        let content = match self.last_content {
            None => limits.first_content_of(self.began),
            Some(last) => limits.next_content_of(last),
        };
        let total = limits.stream_total;
        let running = [
            content,
            ends(Clock::StreamTotal, self.first_content, total, Bound::Configured),
            ends(Clock::Idle, Some(self.last_bytes), limits.idle, Bound::Configured),
        ];
        let first = running.into_iter().flatten().min_by_key(|(at, _)| *at);
        first.map(|(at, elapsed)| (at, Over::Elapsed(elapsed)))
    }

    /// The same, noting when.
    fn look(&mut self) -> Option<(Instant, Over)> {
        let next = self.next();
        self.soonest = next.as_ref().map(|(at, _)| *at);
        next
    }

    /// Whether a clock has run out at `now`.
    pub(super) fn over(&mut self, now: Instant) -> Option<Over> {
        if self.soonest.is_some_and(|at| now < at) {
            return None;
        }
        self.look().and_then(|(at, over)| (at <= now).then_some(over))
    }

    /// Waits for the first clock to run out.
    pub(super) fn poll(&mut self, cx: &mut Context<'_>) -> Poll<Over> {
        loop {
            let soonest = self.soonest.or_else(|| Some(self.look()?.0));
            let Some(soonest) = soonest else { return Poll::Pending };
            let timer = self.timer.get_or_insert_with(|| Box::pin(sleep_until(soonest)));
            if timer.deadline() > soonest {
                timer.as_mut().reset(soonest);
            }
            if timer.as_mut().poll(cx).is_pending() {
                return Poll::Pending;
            }
            let Some((at, over)) = self.look() else { return Poll::Pending };
            if at <= Instant::now() {
                return Poll::Ready(over);
            }
            if let Some(timer) = &mut self.timer {
                timer.as_mut().reset(at);
            }
        }
    }
}

#[cfg(test)]
mod tests;
