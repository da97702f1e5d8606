//! Middleware that makes the body of every request one that can be sent again.

use std::task::{Context, Poll};

use http::Request;
use http_body::Body;
use tower_layer::Layer;
use tower_service::Service;

use super::ReplayBody;
use crate::policies::PolicyHandle;

/// Puts a [`ReplayBody`] around the body of every request, for the HTTP layers below.
///
/// It keeps at most the policy's `retry.max_replay_bytes`. A body that is longer streams through once, and
/// the request is not sent again.
///
/// ```
/// use secondwind_layers::body::ReplayLayer;
/// use secondwind_layers::{RetryLayer, TimeoutLayer};
/// use secondwind_policy::Policy;
/// use tower::ServiceBuilder;
///
/// # fn stack<S>(client: S) {
/// let policy = Policy::default();
/// let service = ServiceBuilder::new()
///     .layer(ReplayLayer::new(policy.clone()))
///     .layer(TimeoutLayer::total(policy.clone()).http())
///     .layer(RetryLayer::http(policy.clone()))
///     .layer(TimeoutLayer::attempt(policy).http())
///     .service(client);
/// # }
/// ```
#[derive(Clone, Debug)]
pub struct ReplayLayer {
    policy: PolicyHandle,
}

/// The service made by [`ReplayLayer`].
#[derive(Clone, Debug)]
pub struct ReplayService<S> {
    inner: S,
    policy: PolicyHandle,
}

impl ReplayLayer {
    /// Keeps as much as `policy` says.
    #[must_use]
    pub fn new(policy: impl Into<PolicyHandle>) -> Self {
        Self { policy: policy.into() }
    }
}

impl<S> Layer<S> for ReplayLayer {
    type Service = ReplayService<S>;

    fn layer(&self, inner: S) -> Self::Service {
        ReplayService { inner, policy: self.policy.clone() }
    }
}

impl<S, B> Service<Request<B>> for ReplayService<S>
where
    S: Service<Request<ReplayBody<B>>>,
    B: Body,
{
    type Response = S::Response;
    type Error = S::Error;
    type Future = S::Future;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, request: Request<B>) -> S::Future {
        let most = self.policy.load().retry().max_replay_bytes();
        let request =
            request.map(|body| ReplayBody::new(body, most).unwrap_or_else(ReplayBody::passthrough));
        self.inner.call(request)
    }
}
