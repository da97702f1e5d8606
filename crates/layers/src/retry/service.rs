//! The service that begins each call: everything after the first attempt is in the future.

use std::fmt;
use std::mem;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context as TaskContext, Poll};

use secondwind_policy::BudgetPolicy;
use tokio::time::Instant;
use tower_service::Service;

use super::budget::Budget;
use super::future::ResponseFuture;
use super::session::Session;
use crate::classify::Classify;
use crate::clock;
use crate::context::Context;
use crate::kind::Kind;
use crate::live::{Facts, Live};
use crate::policies::Policies;

/// Sends requests again when the failure is worth another try; made by [`RetryLayer`](super::RetryLayer).
pub struct Retry<S, K, C> {
    inner: S,
    live: Arc<Live<Known<K, C>, S>>,
}

/// What of a retry layer never changes.
pub(super) struct Known<K, C> {
    pub(super) kind: K,
    pub(super) classify: C,
    pub(super) budget: Arc<OwnBudget>,
    pub(super) seed: Option<u64>,
}

/// The budget of a layer for requests that bring none along: made of the policy, anew when the policy's
/// numbers change.
#[derive(Default)]
pub(super) struct OwnBudget {
    fixed: Option<Budget>,
    made: Mutex<Option<(Option<BudgetPolicy>, Budget)>>,
}

// === impl Retry ===

impl<S, K, C> Retry<S, K, C> {
    pub(super) const fn new(inner: S, live: Arc<Live<Known<K, C>, S>>) -> Self {
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

impl<S, Req, K, C> Service<Req> for Retry<S, K, C>
where
    S: Service<Req> + Clone,
    K: Kind<Req, S::Response>,
    C: Classify<S::Response, S::Error>,
{
    type Response = S::Response;
    type Error = S::Error;
    type Future = ResponseFuture<S, Req, K, C>;

    fn poll_ready(&mut self, cx: &mut TaskContext<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, mut request: Req) -> Self::Future {
        let live = Live::fresh(&mut self.live);
        let entered = live.kind.enter(&mut request, clock::now);
        let context = entered.context();
        let other = live.kind.policy(&request).or_else(|| context?.policy());
        let policy = other.as_ref().unwrap_or_else(|| live.policy());

        let requested = context.and_then(Context::num_retries);
        let most = policy.retry().most(requested);
        if most == 0 && context.is_none() {
            return ResponseFuture::once(self.inner.call(request));
        }
        let now = clock::now();
        if context.and_then(Context::budget).is_none() {
            // With a budget from the context, whoever brought it counted the request.
            live.derived().deposit(now);
        }
        let not_before = context.and_then(Context::take_not_before).filter(|at| *at > now);
        let session = Session::new(entered, live.kind.is_idempotent(&request), now);
        let (request, kept) = if most > 0 {
            live.kind.keep(request, policy.retry().max_replay_bytes())
        } else {
            (request, None)
        };
        live.keep(&self.inner);
        let live = Arc::clone(live);
        if let Some(at) = not_before {
            // Not held ready across the wait: what was reserved is given back.
            let clone = self.inner.clone();
            drop(mem::replace(&mut self.inner, clone));
            return ResponseFuture::wait(live, other, session, request, kept, at, now);
        }
        // The ready service takes the first attempt, clones those that follow.
        ResponseFuture::begin(&mut self.inner, live, other, session, request, kept, now)
    }
}

impl<S: Clone, K, C> Clone for Retry<S, K, C> {
    fn clone(&self) -> Self {
        Self { inner: self.inner.clone(), live: Arc::clone(&self.live) }
    }
}

impl<S: fmt::Debug, K, C> fmt::Debug for Retry<S, K, C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Retry").field("inner", &self.inner).finish_non_exhaustive()
    }
}

// === impl Known ===

impl<K, C> Facts for Known<K, C> {
    type Derived = Budget;

    fn derive(&self, policies: &Policies) -> Budget {
        self.budget.of(policies.default_policy().retry().budget())
    }
}

// === impl OwnBudget ===

impl OwnBudget {
    pub(super) const fn fixed(budget: Budget) -> Self {
        Self { fixed: Some(budget), made: Mutex::new(None) }
    }

    /// The budget for `policy`: the one there is, if it was made of the same numbers.
    fn of(&self, policy: Option<&BudgetPolicy>) -> Budget {
        if let Some(fixed) = &self.fixed {
            return fixed.clone();
        }
        let mut made = self.made.lock().unwrap_or_else(PoisonError::into_inner);
        match &*made {
            Some((of, budget)) if of.as_ref() == policy => budget.clone(),
            _ => {
                let budget = Budget::of_policy(policy, Instant::now());
                *made = Some((policy.cloned(), budget.clone()));
                budget
            }
        }
    }
}
