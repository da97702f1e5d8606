//! Makes [`Retry`] services.

use std::fmt;
use std::sync::Arc;

use tower_layer::Layer;

use super::Retry;
use super::budget::Budget;
use super::service::{Known, OwnBudget};
#[cfg(feature = "http")]
use crate::classify::HttpClassify;
use crate::classify::Standard;
#[cfg(feature = "http")]
use crate::kind::Http;
use crate::kind::{Cloned, InScope};
use crate::live::Live;
use crate::policies::PolicyHandle;

/// Sends requests again when the failure is worth another try; see the [module](super) documentation.
///
/// `K` is what it knows of requests ([`Kind`](crate::Kind)), `C` what it makes of outcomes
/// ([`Classify`](crate::classify::Classify)).
#[derive(Clone)]
pub struct RetryLayer<K = Cloned, C = Standard> {
    policy: PolicyHandle,
    kind: K,
    classify: C,
    budget: Arc<OwnBudget>,
    seed: Option<u64>,
}

impl RetryLayer {
    /// Retries by `policy`: requests are cloned, every error is worth a retry.
    #[must_use]
    pub fn new(policy: impl Into<PolicyHandle>) -> Self {
        Self {
            policy: policy.into(),
            kind: Cloned,
            classify: Standard,
            budget: Arc::default(),
            seed: None,
        }
    }

    /// Retries of HTTP requests by `policy`: by status, hint and error. Methods that are not idempotent
    /// are retried only if the policy says `non_idempotent`, the request carries an `idempotency-key`, or
    /// it was surely not processed.
    #[cfg(feature = "http")]
    #[must_use]
    pub fn http(policy: impl Into<PolicyHandle>) -> RetryLayer<Http, HttpClassify> {
        RetryLayer::new(policy).kind(Http).classify(HttpClassify::new())
    }
}

impl<K, C> RetryLayer<K, C> {
    /// With another knowledge of requests.
    #[must_use]
    pub fn kind<K2>(self, kind: K2) -> RetryLayer<K2, C> {
        let Self { policy, classify, budget, seed, .. } = self;
        RetryLayer { policy, kind, classify, budget, seed }
    }

    /// For requests inside a [`Scoped`](crate::Scoped).
    #[must_use]
    pub fn in_scope(self) -> RetryLayer<InScope<K>, C> {
        let Self { policy, kind, classify, budget, seed } = self;
        RetryLayer { policy, kind: InScope(kind), classify, budget, seed }
    }

    /// With another opinion on outcomes.
    #[must_use]
    pub fn classify<C2>(self, classify: C2) -> RetryLayer<K, C2> {
        let Self { policy, kind, budget, seed, .. } = self;
        RetryLayer { policy, kind, classify, budget, seed }
    }

    /// With a budget of yours, shared with whom you like; the policy's budget is not looked at then.
    #[must_use]
    pub fn budget(mut self, budget: Budget) -> Self {
        self.budget = Arc::new(OwnBudget::fixed(budget));
        self
    }

    /// With seeded random numbers: every request then waits alike. For tests and simulations.
    #[must_use]
    pub const fn seed(mut self, seed: u64) -> Self {
        self.seed = Some(seed);
        self
    }
}

impl<S, K, C> Layer<S> for RetryLayer<K, C>
where
    K: Clone,
    C: Clone,
{
    type Service = Retry<S, K, C>;

    fn layer(&self, inner: S) -> Self::Service {
        let Self { policy, kind, classify, budget, seed } = self.clone();
        Retry::new(inner, Live::new(Known { kind, classify, budget, seed }, policy))
    }
}

impl<K, C> fmt::Debug for RetryLayer<K, C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RetryLayer").field("policy", &self.policy).finish_non_exhaustive()
    }
}
