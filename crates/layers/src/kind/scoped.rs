//! Requests of any type, with a context beside them.

use std::sync::Arc;
use std::task::{Context as TaskContext, Poll};

use secondwind_policy::Policy;
use tokio::time::Instant;
use tower_layer::Layer;
use tower_service::Service;

use super::{Cloned, Entered, Kind};
use crate::context::Context;

/// A request of any type with a context beside it, for those that have no place for one.
///
/// [`EnterLayer`] puts requests into it, [`LeaveLayer`] takes them out again:
///
/// ```
/// use secondwind_layers::{EnterLayer, LeaveLayer, RetryLayer, TimeoutLayer};
/// use secondwind_policy::Policy;
/// use tower::{ServiceBuilder, ServiceExt, service_fn};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let policy = Policy::default();
/// let service = ServiceBuilder::new()
///     .layer(EnterLayer::new())
///     .layer(TimeoutLayer::total(policy.clone()).in_scope())
///     .layer(RetryLayer::new(policy).in_scope())
///     .layer(LeaveLayer::new())
///     .service(service_fn(|question: String| async move {
///         Ok::<_, std::io::Error>(question.len())
///     }));
/// assert_eq!(service.oneshot("four".to_owned()).await?, 4);
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug)]
pub struct Scoped<R> {
    /// The request.
    pub request: R,
    /// What travels with it.
    pub context: Context,
    /// The policy for this request, in place of that of the layers.
    pub policy: Option<Arc<Policy>>,
}

/// Requests inside a [`Scoped`]; `K` is the kind of the request itself.
#[derive(Clone, Copy, Debug, Default)]
pub struct InScope<K = Cloned>(pub K);

/// Puts requests into a [`Scoped`].
#[derive(Clone, Copy, Debug, Default)]
pub struct EnterLayer(());

/// See [`EnterLayer`].
#[derive(Clone, Copy, Debug)]
pub struct Enter<S> {
    inner: S,
}

/// Takes requests out of their [`Scoped`], for the service at the bottom.
#[derive(Clone, Copy, Debug, Default)]
pub struct LeaveLayer(());

/// See [`LeaveLayer`].
#[derive(Clone, Copy, Debug)]
pub struct Leave<S> {
    inner: S,
}

// === impl InScope ===

impl<R, Res, K> Kind<Scoped<R>, Res> for InScope<K>
where
    K: Kind<R, Res>,
{
    type Kept = (K::Kept, Context, Option<Arc<Policy>>);

    fn enter(&self, scoped: &mut Scoped<R>, _: impl FnOnce() -> Instant) -> Entered {
        Entered::Found(scoped.context.clone())
    }

    fn policy(&self, scoped: &Scoped<R>) -> Option<Arc<Policy>> {
        scoped.policy.clone()
    }

    fn is_idempotent(&self, scoped: &Scoped<R>) -> bool {
        self.0.is_idempotent(&scoped.request)
    }

    fn keep(&self, scoped: Scoped<R>, max_bytes: u64) -> (Scoped<R>, Option<Self::Kept>) {
        let Scoped { request, context, policy } = scoped;
        let (request, kept) = self.0.keep(request, max_bytes);
        let kept = kept.map(|kept| (kept, context.clone(), policy.clone()));
        (Scoped { request, context, policy }, kept)
    }

    fn is_kept(&self, (kept, ..): &Self::Kept) -> bool {
        self.0.is_kept(kept)
    }

    fn again(&self, (kept, context, policy): &Self::Kept) -> Option<Scoped<R>> {
        let request = self.0.again(kept)?;
        Some(Scoped { request, context: context.clone(), policy: policy.clone() })
    }
}

// === impl Scoped ===

impl<R> Scoped<R> {
    /// `request`, with a context that begins at `now`.
    #[must_use]
    pub fn new(request: R, now: Instant) -> Self {
        Self { request, context: Context::new(now), policy: None }
    }
}

// === impl Enter ===

impl EnterLayer {
    /// The layer.
    #[must_use]
    pub const fn new() -> Self {
        Self(())
    }
}

impl<S> Layer<S> for EnterLayer {
    type Service = Enter<S>;

    fn layer(&self, inner: S) -> Enter<S> {
        Enter { inner }
    }
}

impl<S, R> Service<R> for Enter<S>
where
    S: Service<Scoped<R>>,
{
    type Response = S::Response;
    type Error = S::Error;
    type Future = S::Future;

    fn poll_ready(&mut self, cx: &mut TaskContext<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, request: R) -> S::Future {
        self.inner.call(Scoped::new(request, Instant::now()))
    }
}

// === impl Leave ===

impl LeaveLayer {
    /// The layer.
    #[must_use]
    pub const fn new() -> Self {
        Self(())
    }
}

impl<S> Layer<S> for LeaveLayer {
    type Service = Leave<S>;

    fn layer(&self, inner: S) -> Leave<S> {
        Leave { inner }
    }
}

impl<S, R> Service<Scoped<R>> for Leave<S>
where
    S: Service<R>,
{
    type Response = S::Response;
    type Error = S::Error;
    type Future = S::Future;

    fn poll_ready(&mut self, cx: &mut TaskContext<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, scoped: Scoped<R>) -> S::Future {
        self.inner.call(scoped.request)
    }
}
