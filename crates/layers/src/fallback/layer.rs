//! Makes [`Fallback`] services.

use std::fmt;

use tower_layer::Layer;

use super::Fallback;
use super::service::Known;
#[cfg(feature = "http")]
use crate::classify::HttpClassify;
use crate::classify::Standard;
#[cfg(feature = "http")]
use crate::kind::Http;
use crate::kind::{Cloned, InScope};
use crate::live::Live;
use crate::policies::PolicyHandle;

/// Takes requests to another group when theirs is spent; see the [module](super) documentation.
///
/// `T` points requests to groups ([`Retarget`](super::Retarget)), `K` is what it knows of requests
/// ([`Kind`](crate::Kind)), `C` what it makes of outcomes ([`Classify`](crate::classify::Classify)).
#[derive(Clone)]
pub struct FallbackLayer<T, K = Cloned, C = Standard> {
    policy: PolicyHandle,
    retarget: T,
    kind: K,
    classify: C,
}

impl<T> FallbackLayer<T> {
    /// Fallbacks by `policy`: requests are cloned, every error is a failure.
    #[must_use]
    pub fn new(policy: impl Into<PolicyHandle>, retarget: T) -> Self {
        Self { policy: policy.into(), retarget, kind: Cloned, classify: Standard }
    }

    /// Fallbacks of HTTP requests by `policy`: by status and error.
    #[cfg(feature = "http")]
    #[must_use]
    pub fn http(
        policy: impl Into<PolicyHandle>,
        retarget: T,
    ) -> FallbackLayer<T, Http, HttpClassify> {
        FallbackLayer::new(policy, retarget).kind(Http).classify(HttpClassify::new())
    }
}

impl<T, K, C> FallbackLayer<T, K, C> {
    /// With another knowledge of requests.
    #[must_use]
    pub fn kind<K2>(self, kind: K2) -> FallbackLayer<T, K2, C> {
        let Self { policy, retarget, classify, .. } = self;
        FallbackLayer { policy, retarget, kind, classify }
    }

    /// For requests inside a [`Scoped`](crate::Scoped).
    #[must_use]
    pub fn in_scope(self) -> FallbackLayer<T, InScope<K>, C> {
        let Self { policy, retarget, kind, classify } = self;
        FallbackLayer { policy, retarget, kind: InScope(kind), classify }
    }

    /// With another opinion on outcomes.
    #[must_use]
    pub fn classify<C2>(self, classify: C2) -> FallbackLayer<T, K, C2> {
        let Self { policy, retarget, kind, .. } = self;
        FallbackLayer { policy, retarget, kind, classify }
    }
}

impl<S, T, K, C> Layer<S> for FallbackLayer<T, K, C>
where
    T: Clone,
    K: Clone,
    C: Clone,
{
    type Service = Fallback<S, T, K, C>;

    fn layer(&self, inner: S) -> Self::Service {
        let Self { policy, retarget, kind, classify } = self.clone();
        Fallback::new(inner, Live::new(Known { retarget, kind, classify }, policy))
    }
}

impl<T, K, C> fmt::Debug for FallbackLayer<T, K, C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FallbackLayer").field("policy", &self.policy).finish_non_exhaustive()
    }
}
