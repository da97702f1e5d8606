//! Makes the services with a clock.

use std::fmt;
use std::sync::Arc;

use secondwind_policy::Policy;
use tower_layer::Layer;

use super::{AttemptTimeout, ConnectTimeout, TotalTimeout};
use crate::context::Context;
#[cfg(feature = "http")]
use crate::kind::Http;
use crate::kind::{Cloned, InScope, Kind};
use crate::live::{Facts, Live};
use crate::policies::{Policies, PolicyHandle};

/// Bounds how long a request may take; see the [module](super) documentation.
///
/// `C` is the clock, `K` what it knows of requests.
#[derive(Clone)]
pub struct TimeoutLayer<C, K = Cloned> {
    policy: PolicyHandle,
    kind: K,
    clock: C,
}

/// The clock of the whole request.
#[derive(Clone, Copy, Debug)]
pub struct Total(());

/// The clock of each attempt.
#[derive(Clone, Copy, Debug)]
pub struct Attempt(());

/// The clock of each connection.
#[derive(Clone, Copy, Debug)]
pub struct Connect(());

/// What of a service with a clock never changes.
pub(super) struct Known<K> {
    pub(super) kind: K,
}

// === impl TimeoutLayer ===

impl TimeoutLayer<Total> {
    /// Bounds the whole request by the policy's `timeout.total`; sets the deadline in its context.
    #[must_use]
    pub fn total(policy: impl Into<PolicyHandle>) -> Self {
        Self { policy: policy.into(), kind: Cloned, clock: Total(()) }
    }
}

impl TimeoutLayer<Attempt> {
    /// Bounds each attempt by the policy's `timeout.attempt` and by what remains until the deadline.
    #[must_use]
    pub fn attempt(policy: impl Into<PolicyHandle>) -> Self {
        Self { policy: policy.into(), kind: Cloned, clock: Attempt(()) }
    }
}

impl TimeoutLayer<Connect> {
    /// Bounds each connection by the policy's `timeout.connect`. For connectors.
    #[must_use]
    pub fn connect(policy: impl Into<PolicyHandle>) -> Self {
        Self { policy: policy.into(), kind: Cloned, clock: Connect(()) }
    }
}

impl<C, K> TimeoutLayer<C, K> {
    /// With another knowledge of requests.
    #[must_use]
    pub fn kind<K2>(self, kind: K2) -> TimeoutLayer<C, K2> {
        TimeoutLayer { policy: self.policy, kind, clock: self.clock }
    }

    /// For HTTP requests.
    #[cfg(feature = "http")]
    #[must_use]
    pub fn http(self) -> TimeoutLayer<C, Http> {
        self.kind(Http)
    }

    /// For requests inside a [`Scoped`](crate::Scoped).
    #[must_use]
    pub fn in_scope(self) -> TimeoutLayer<C, InScope<K>> {
        TimeoutLayer { policy: self.policy, kind: InScope(self.kind), clock: self.clock }
    }
}

impl<S, K: Clone> Layer<S> for TimeoutLayer<Total, K> {
    type Service = TotalTimeout<S, K>;

    fn layer(&self, inner: S) -> Self::Service {
        TotalTimeout::new(inner, self.live())
    }
}

impl<S, K: Clone> Layer<S> for TimeoutLayer<Attempt, K> {
    type Service = AttemptTimeout<S, K>;

    fn layer(&self, inner: S) -> Self::Service {
        AttemptTimeout::new(inner, self.live())
    }
}

impl<S, K> Layer<S> for TimeoutLayer<Connect, K> {
    type Service = ConnectTimeout<S>;

    fn layer(&self, inner: S) -> Self::Service {
        ConnectTimeout::new(inner, self.policy.clone())
    }
}

impl<C, K: Clone> TimeoutLayer<C, K> {
    fn live(&self) -> Arc<Live<Known<K>>> {
        Live::new(Known { kind: self.kind.clone() }, self.policy.clone())
    }
}

impl<C: fmt::Debug, K> fmt::Debug for TimeoutLayer<C, K> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TimeoutLayer")
            .field("clock", &self.clock)
            .field("policy", &self.policy)
            .finish_non_exhaustive()
    }
}

// === impl Known ===

impl<K> Facts for Known<K> {
    type Derived = ();

    fn derive(&self, _: &Policies) {}
}

impl<K> Live<Known<K>> {
    /// The policy that the request or its context bring along in place of the layer's.
    pub(super) fn other<Req, Res>(
        &self,
        request: &Req,
        context: Option<&Context>,
    ) -> Option<Arc<Policy>>
    where
        K: Kind<Req, Res>,
    {
        self.kind.policy(request).or_else(|| context?.policy())
    }
}
