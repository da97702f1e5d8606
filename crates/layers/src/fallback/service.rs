//! The service that begins each call with the group that was asked for.

use std::fmt;
use std::mem;
use std::sync::Arc;
use std::task::{Context as TaskContext, Poll};

use secondwind_policy::FallbackPolicy;
use tokio::time::Instant;
use tower_service::Service;

use super::future::{ResponseFuture, Session};
use super::retarget::Retarget;
use crate::classify::Classify;
use crate::kind::Kind;
use crate::policies::PolicyHandle;
use crate::trail::Name;

/// Takes requests to another group when theirs is spent; made by
/// [`FallbackLayer`](super::FallbackLayer).
pub struct Fallback<S, T, K, C> {
    inner: S,
    shared: Arc<Shared<T, K, C>>,
}

/// What all clones of a service have in common.
pub(super) struct Shared<T, K, C> {
    pub(super) policy: PolicyHandle,
    pub(super) retarget: T,
    pub(super) kind: K,
    pub(super) classify: C,
}

impl<S, T, K, C> Fallback<S, T, K, C> {
    pub(super) const fn new(inner: S, shared: Arc<Shared<T, K, C>>) -> Self {
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

    pub(super) fn shared(&self) -> &Shared<T, K, C> {
        &self.shared
    }
}

impl<S, Req, T, K, C> Service<Req> for Fallback<S, T, K, C>
where
    S: Service<Req> + Clone,
    T: Retarget<Req>,
    K: Kind<Req, S::Response>,
    C: Classify<S::Response, S::Error>,
{
    type Response = S::Response;
    type Error = S::Error;
    type Future = ResponseFuture<S, Req, T, K, C>;

    fn poll_ready(&mut self, cx: &mut TaskContext<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, mut request: Req) -> Self::Future {
        let shared = &self.shared;
        let entered = shared.kind.enter(&mut request, Instant::now);
        let policy = shared.kind.policy(&request);
        let group = shared.retarget.group(&request);
        let policy = policy.unwrap_or_else(|| shared.policy.load_group(group));
        let has_fallback = has_fallback(policy.fallback());
        if let Some(context) = entered.context() {
            if context.group().is_none_or(|entered| *entered != *group) {
                context.enter_group(
                    Name::from(group),
                    shared.policy.own(group),
                    context.budget(),
                );
            }
            context.set_fallback_left(has_fallback);
        }
        if !has_fallback && entered.made().is_none() {
            return ResponseFuture::once(self.inner.call(request));
        }
        let (request, kept) = if has_fallback {
            shared.kind.keep(request, policy.retry().max_replay_bytes())
        } else {
            (request, None)
        };
        let session = Session::begin(policy, entered);
        // Take the ready service, leave the clone.
        let clone = self.clone();
        let mut ready = mem::replace(self, clone);
        let attempt = session.in_span(|| ready.inner.call(request));
        ResponseFuture::begin(attempt, ready, kept, session)
    }
}

/// Whether there is any group to fall back to.
pub(super) fn has_fallback(policy: &FallbackPolicy) -> bool {
    let lists = [
        policy.to(),
        policy.context_window(),
        policy.content_policy(),
    ];
    policy.max() > 0 && lists.iter().any(|list| !list.is_empty())
}

impl<S: Clone, T, K, C> Clone for Fallback<S, T, K, C> {
    fn clone(&self) -> Self {
        Self {
            inner: self.inner.clone(),
            shared: Arc::clone(&self.shared),
        }
    }
}

impl<S: fmt::Debug, T, K, C> fmt::Debug for Fallback<S, T, K, C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Fallback")
            .field("inner", &self.inner)
            .finish_non_exhaustive()
    }
}
