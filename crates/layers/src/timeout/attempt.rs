//! The clock of one attempt.

use std::fmt;
use std::sync::Arc;
use std::task::{Context as TaskContext, Poll};
use std::time::Duration;

use secondwind_policy::Reserve;
use tokio::time::Instant;
use tower_service::Service;

use super::error::{Bound, Clock, Elapsed};
use super::future::{Limit, ResponseFuture};
use super::layer::Known;
use crate::context::{Alternatives, Context};
use crate::deadline::Deadline;
use crate::error::Error;
use crate::kind::{Entered, Kind};
use crate::live::Live;

/// Bounds each attempt; made by [`TimeoutLayer::attempt`](super::TimeoutLayer::attempt).
pub struct AttemptTimeout<S, K> {
    inner: S,
    live: Arc<Live<Known<K>>>,
}

/// The clock of one attempt: it begins when the attempt's future is first polled, so that an answer which
/// is there at once costs no look at the time.
#[derive(Clone, Copy, Debug)]
pub(super) struct AttemptClock {
    attempt: Option<Duration>,
    reserve: Reserve,
    deadline: Option<Deadline>,
    alternatives: Alternatives,
}

impl Limit for AttemptClock {
    fn limit(self) -> Option<(Instant, Elapsed)> {
        self.limit_from(Instant::now())
    }
}

impl AttemptClock {
    /// When an attempt that begins at `now` is to be cut off, and what to say then.
    ///
    /// The policy's `attempt` clock, or what remains until the deadline if that is less. Without an `attempt`
    /// clock, and with somewhere else to go after a timeout, what remains less the policy's reserve.
    fn limit_from(self, now: Instant) -> Option<(Instant, Elapsed)> {
        let remaining = self.deadline.map(|deadline| deadline.remaining(now));
        let Alternatives { untried, fallback, again, .. } = self.alternatives;
        let (after, bound) = match (self.attempt, remaining) {
            (None, None) => return None,
            (Some(attempt), None) => (attempt, Bound::Configured),
            (Some(attempt), Some(remaining)) if attempt <= remaining => {
                (attempt, Bound::Configured)
            }
            (None, Some(remaining)) if untried || fallback || again => {
                (remaining.saturating_sub(self.reserve.of(remaining)), Bound::Reserve)
            }
            (_, Some(remaining)) => (remaining, Bound::Deadline),
        };
        Some((now.checked_add(after)?, Elapsed::new(Clock::Attempt, after, bound)))
    }
}

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
        let entered = live.kind.enter(&mut request, Instant::now);
        let context = match &entered {
            Entered::Found(context) => Some(context),
            // A context made here would hold nothing yet.
            Entered::Made(_) | Entered::Nowhere => None,
        };
        let other = live.other(&request, context);
        let policy = other.as_ref().unwrap_or_else(|| live.policy()).timeout();
        let deadline = context.and_then(Context::deadline);
        let clock = if deadline.is_none() && policy.attempt().is_none() {
            None
        } else {
            let alternatives = context.map_or_else(Alternatives::default, Context::alternatives);
            Some(AttemptClock {
                attempt: policy.attempt(),
                reserve: policy.reserve(),
                deadline,
                alternatives,
            })
        };
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
