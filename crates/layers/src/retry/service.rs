//! The service that begins each call: everything after the first attempt is in the future.

use std::fmt;
use std::mem;
use std::sync::Arc;
use std::task::{Context, Poll};

use arc_swap::ArcSwapOption;
use secondwind_policy::Policy;
use tokio::time::Instant;
use tower_service::Service;

use super::budget::Budget;
use super::future::{ResponseFuture, Session};
use crate::classify::Classify;
use crate::kind::Kind;
use crate::policies::PolicyHandle;

/// Sends requests again when the failure is worth another try; made by [`RetryLayer`](super::RetryLayer).
pub struct Retry<S, K, C> {
    inner: S,
    shared: Arc<Shared<K, C>>,
}

/// What all clones of a service have in common.
pub(super) struct Shared<K, C> {
    pub(super) policy: PolicyHandle,
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
    made: ArcSwapOption<Made>,
}

struct Made {
    of: Arc<Policy>,
    budget: Budget,
}

// === impl Retry ===

impl<S, K, C> Retry<S, K, C> {
    pub(super) const fn new(inner: S, shared: Arc<Shared<K, C>>) -> Self {
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

    pub(super) fn shared(&self) -> &Shared<K, C> {
        &self.shared
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

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, mut request: Req) -> Self::Future {
        let shared = &self.shared;
        let entered = shared.kind.enter(&mut request, Instant::now);
        let context = entered.context();
        let own = shared.policy.load();
        let policy = shared
            .kind
            .policy(&request)
            .or_else(|| context.and_then(crate::Context::policy))
            .unwrap_or_else(|| Arc::clone(&own));

        let requested = context.and_then(crate::Context::num_retries);
        if policy.retry().most(requested) > 0 || context.is_some() {
            let now = Instant::now();
            let budget = context.and_then(crate::Context::budget);
            if budget.is_none() {
                // With a budget from the context, whoever brought it counted the request.
                shared.budget.with(&own, now, |budget| budget.deposit(now));
            }
            let session = Session::begin(&shared.kind, &request, entered, policy, own, budget, now);
            // Take the ready service, leave the clone.
            let clone = self.clone();
            let ready = mem::replace(self, clone);
            ResponseFuture::begin(ready, request, session, now)
        } else {
            ResponseFuture::once(self.inner.call(request))
        }
    }
}

impl<S: Clone, K, C> Clone for Retry<S, K, C> {
    fn clone(&self) -> Self {
        Self {
            inner: self.inner.clone(),
            shared: Arc::clone(&self.shared),
        }
    }
}

impl<S: fmt::Debug, K, C> fmt::Debug for Retry<S, K, C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Retry")
            .field("inner", &self.inner)
            .finish_non_exhaustive()
    }
}

// === impl OwnBudget ===

impl OwnBudget {
    pub(super) fn fixed(budget: Budget) -> Self {
        Self {
            fixed: Some(budget),
            made: ArcSwapOption::empty(),
        }
    }

    /// Calls `act` with the budget for `policy`.
    pub(super) fn with<T>(
        &self,
        policy: &Arc<Policy>,
        now: Instant,
        act: impl FnOnce(&Budget) -> T,
    ) -> T {
        if let Some(fixed) = &self.fixed {
            return act(fixed);
        }
        if let Some(made) = &*self.made.load() {
            if Arc::ptr_eq(&made.of, policy) {
                return act(&made.budget);
            }
        }
        act(&self.remake(policy, now))
    }

    #[cold]
    fn remake(&self, policy: &Arc<Policy>, now: Instant) -> Budget {
        let remade = self.made.rcu(|made| {
            let of = Arc::clone(policy);
            let budget = match made {
                Some(made) if made.of.retry().budget() == policy.retry().budget() => {
                    made.budget.clone()
                }
                _ => Budget::of_policy(policy.retry().budget(), now),
            };
            Some(Arc::new(Made { of, budget }))
        });
        // What stood before the swap may be older still; what stands now is what others use too.
        drop(remade);
        self.made
            .load()
            .as_ref()
            .map_or_else(Budget::unlimited, |made| made.budget.clone())
    }
}
