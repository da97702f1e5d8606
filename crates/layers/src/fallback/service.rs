//! The service that begins each call with the group that was asked for.

use std::fmt;
use std::sync::Arc;
use std::task::{Context as TaskContext, Poll};

use secondwind_policy::{Class, FallbackPolicy};
use tower_service::Service;

use super::future::ResponseFuture;
use super::retarget::Retarget;
use super::session::Session;
use crate::classify::Classify;
use crate::clock;
use crate::kind::Kind;
use crate::live::{Facts, Live};
use crate::policies::Policies;
use crate::telemetry;
use crate::trail::Name;

/// Takes requests to another group when theirs is spent; made by
/// [`FallbackLayer`](super::FallbackLayer).
pub struct Fallback<S, T, K, C> {
    inner: S,
    live: Arc<Live<Known<T, K, C>, S>>,
}

/// What of a fallback layer never changes.
pub(super) struct Known<T, K, C> {
    pub(super) retarget: T,
    pub(super) kind: K,
    pub(super) classify: C,
}

impl<S, T, K, C> Fallback<S, T, K, C> {
    pub(super) const fn new(inner: S, live: Arc<Live<Known<T, K, C>, S>>) -> Self {
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
        let live = Live::fresh(&mut self.live);
        let entered = live.kind.enter(&mut request, clock::now);
        let other = live.kind.policy(&request);
        let group = live.retarget.group(&request);
        let policy = other.as_ref().unwrap_or_else(|| live.policies().group(group));
        let mut of_request = None;
        let after_timeout = entered.context().is_some_and(|context| {
            let (within, fallback) = context.asks_for(group);
            if !within {
                let own = live.policies().own(group).cloned();
                context.enter_group(Name::from(group), own, context.budget());
                telemetry::entered_group(group);
            }
            of_request = fallback;
            let fallback = of_request.as_deref().unwrap_or(policy.fallback());
            fallback.list_for(Class::Timeout).iter().any(|other| *other != *group)
        });
        let fallback = of_request.as_deref().unwrap_or(policy.fallback());
        let (request, kept) = if has_fallback(fallback) {
            live.kind.keep(request, policy.retry().max_replay_bytes())
        } else {
            (request, None)
        };
        if let Some(context) = entered.context() {
            context.set_fallback_left(after_timeout && kept.is_some());
        }
        if kept.is_none() && entered.made().is_none() {
            return ResponseFuture::once(self.inner.call(request));
        }
        live.keep(&self.inner);
        let live = Arc::clone(live);
        let session = Session::new(other, entered);
        // The ready service takes the group that was asked for, clones those that follow.
        ResponseFuture::begin(&mut self.inner, request, live, kept, session)
    }
}

impl<T, K, C> Facts for Known<T, K, C> {
    type Derived = ();

    fn derive(&self, _: &Policies) {}
}

/// Whether there is any group to fall back to.
pub(super) fn has_fallback(policy: &FallbackPolicy) -> bool {
    let lists = [policy.to(), policy.context_window(), policy.content_policy()];
    policy.max() > 0 && lists.iter().any(|list| !list.is_empty())
}

impl<S: Clone, T, K, C> Clone for Fallback<S, T, K, C> {
    fn clone(&self) -> Self {
        Self { inner: self.inner.clone(), live: Arc::clone(&self.live) }
    }
}

impl<S: fmt::Debug, T, K, C> fmt::Debug for Fallback<S, T, K, C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Fallback").field("inner", &self.inner).finish_non_exhaustive()
    }
}
