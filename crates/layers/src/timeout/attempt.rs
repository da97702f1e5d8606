//! The clock of one attempt.

use std::sync::Arc;
use std::task::{Context as TaskContext, Poll};

use secondwind_policy::TimeoutPolicy;
use tokio::time::Instant;
use tower_service::Service;

use super::error::{Bound, Clock, Elapsed};
use super::future::ResponseFuture;
use super::layer::Shared;
use crate::context::{Alternatives, Context};
use crate::deadline::Deadline;
use crate::error::Error;
use crate::kind::{Entered, Kind};

/// Bounds each attempt; made by [`TimeoutLayer::attempt`](super::TimeoutLayer::attempt).
#[derive(Debug)]
pub struct AttemptTimeout<S, K> {
    inner: S,
    shared: Arc<Shared<K>>,
}

/// When an attempt that begins at `now` is to be cut off, and what to say then.
///
/// The policy's `attempt` clock, or what remains until the deadline if that is less. Without an `attempt` clock,
/// and with somewhere else to go after a timeout, what remains less the policy's reserve.
#[must_use]
pub(crate) fn limit(
    policy: &TimeoutPolicy,
    deadline: Option<Deadline>,
    alternatives: Alternatives,
    now: Instant,
) -> Option<(Instant, Elapsed)> {
    let remaining = deadline.map(|deadline| deadline.remaining(now));
    let Alternatives {
        untried,
        fallback,
        again,
        ..
    } = alternatives;
    let (after, bound) = match (policy.attempt(), remaining) {
        (None, None) => return None,
        (Some(attempt), None) => (attempt, Bound::Configured),
        (Some(attempt), Some(remaining)) if attempt <= remaining => (attempt, Bound::Configured),
        (None, Some(remaining)) if untried || fallback || again => (
            remaining.saturating_sub(policy.reserve().of(remaining)),
            Bound::Reserve,
        ),
        (_, Some(remaining)) => (remaining, Bound::Deadline),
    };
    Some((
        now.checked_add(after)?,
        Elapsed::new(Clock::Attempt, after, bound),
    ))
}

impl<S, K> AttemptTimeout<S, K> {
    pub(super) const fn new(inner: S, shared: Arc<Shared<K>>) -> Self {
        Self { inner, shared }
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
        let shared = &self.shared;
        let entered = shared.kind.enter(&mut request, Instant::now);
        let context = match &entered {
            Entered::Found(context) => Some(context),
            // A context made here would hold nothing yet.
            Entered::Made(_) | Entered::Nowhere => None,
        };
        let policy = shared.policy_for(&request, context);
        let deadline = context.and_then(Context::deadline);
        let limit = if deadline.is_none() && policy.timeout().attempt().is_none() {
            None
        } else {
            let alternatives = context.map_or_else(Alternatives::default, Context::alternatives);
            limit(policy.timeout(), deadline, alternatives, Instant::now())
        };
        ResponseFuture::new(self.inner.call(request), limit)
    }
}

impl<S: Clone, K> Clone for AttemptTimeout<S, K> {
    fn clone(&self) -> Self {
        Self {
            inner: self.inner.clone(),
            shared: Arc::clone(&self.shared),
        }
    }
}
