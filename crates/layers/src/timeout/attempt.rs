//! The clock of one attempt.

use std::fmt;
use std::sync::Arc;
use std::task::{Context as TaskContext, Poll};
use std::time::Duration;

use secondwind_policy::{Reserve, TimeoutPolicy};
use tokio::time::Instant;
use tower_service::Service;

use super::error::{Bound, Clock, Elapsed};
use super::future::{Limit, ResponseFuture};
use super::layer::Known;
use crate::clock;
use crate::context::{Bounds, Context};
use crate::deadline::Deadline;
use crate::error::Error;
use crate::kind::Kind;
use crate::live::Live;

/// Bounds each attempt; made by [`TimeoutLayer::attempt`](super::TimeoutLayer::attempt).
pub struct AttemptTimeout<S, K> {
    inner: S,
    live: Arc<Live<Known<K>>>,
}

/// The clock of one attempt: it begins with the call, or, where nobody has read the time for that, when the
/// attempt first has to be waited for. So an answer which is there at once costs no look at the time.
#[derive(Clone, Copy, Debug)]
pub(super) struct AttemptClock {
    called: Option<Instant>,
    attempt: Option<Duration>,
    deadline: Option<Deadline>,
    reserve: Reserve,
}

// === impl AttemptClock ===

impl AttemptClock {
    /// `None` where nothing bounds the attempt.
    fn new(policy: &TimeoutPolicy, bounds: &Bounds) -> Option<Self> {
        let (attempt, deadline) = (policy.attempt(), bounds.deadline);
        let reserve = match attempt {
            None if bounds.more_to_come => policy.reserve(),
            _ => Reserve::Off,
        };
        (attempt.is_some() || deadline.is_some()).then(|| Self {
            called: clock::known(),
            attempt,
            deadline,
            reserve,
        })
    }

    /// When an attempt that begins at `now` is to be cut off, and what to say then.
    ///
    /// The policy's `attempt` clock, or what remains until the deadline if that is less. Without an `attempt`
    /// clock, and with somewhere else to go after a timeout, what remains less the policy's reserve.
    fn limit_from(self, now: Instant) -> Option<(Instant, Elapsed)> {
        let remaining = self.deadline.map(|deadline| deadline.remaining(now));
        let (after, bound) = match (self.attempt, remaining) {
            (None, None) => return None,
            (Some(attempt), None) => (attempt, Bound::Configured),
            (Some(attempt), Some(remaining)) if attempt <= remaining => {
                (attempt, Bound::Configured)
            }
            (_, Some(remaining)) => match self.reserve.of(remaining) {
                Duration::ZERO => (remaining, Bound::Deadline),
                reserve => (remaining.saturating_sub(reserve), Bound::Reserve),
            },
        };
        Some((now.checked_add(after)?, Elapsed::new(Clock::Attempt, after, bound)))
    }
}

impl Limit for AttemptClock {
    fn limit(self) -> Option<(Instant, Elapsed)> {
        self.limit_from(self.called.unwrap_or_else(Instant::now))
    }
}

// === impl AttemptTimeout ===

impl<S, K> AttemptTimeout<S, K> {
    pub(super) const fn new(inner: S, live: Arc<Live<Known<K>>>) -> Self {
        Self { inner, live }
    }

    /// The service inside.
    pub const fn get_ref(&self) -> &S {
        &self.inner
    }

    /// The service inside, to change it.
    pub const fn get_mut(&mut self) -> &mut S {
        &mut self.inner
    }

    /// The service inside, alone.
    pub fn into_inner(self) -> S {
        self.inner
    }
}

impl<S, Req, K> Service<Req> for AttemptTimeout<S, K>
where
    S: Service<Req>,
    K: Kind<Req, S::Response>,
{
    type Response = S::Response;
    type Error = Error<S::Error>;
    type Future = ResponseFuture<S::Future>;

    fn poll_ready(&mut self, cx: &mut TaskContext<'_>) -> Poll<Result<(), Self::Error>> {
        self.inner.poll_ready(cx).map_err(Error::from_inner)
    }

    fn call(&mut self, mut request: Req) -> Self::Future {
        let live = Live::fresh(&mut self.live);
        let context = live.kind.find(&mut request);
        let mut bounds = context.as_ref().map(Context::bounds).unwrap_or_default();
        let other = live.kind.policy(&request).or_else(|| bounds.policy.take());
        let policy = other.as_ref().unwrap_or_else(|| live.policy()).timeout();
        let clock = AttemptClock::new(policy, &bounds);
        ResponseFuture::new(self.inner.call(request), clock)
    }
}

impl<S: Clone, K> Clone for AttemptTimeout<S, K> {
    fn clone(&self) -> Self {
        Self { inner: self.inner.clone(), live: Arc::clone(&self.live) }
    }
}

impl<S: fmt::Debug, K> fmt::Debug for AttemptTimeout<S, K> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AttemptTimeout").field("inner", &self.inner).finish_non_exhaustive()
    }
}
