//! Tells a deployment's health what its attempts came to.
//!
//! It sits outside the clock of the attempt, so that it sees when that runs out, and inside the retries, so that
//! the same request's next attempt already knows. What an answer means was said by whoever judged it; here it is
//! only passed on. An answer that is still on its way is told at its end.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context as TaskContext, Poll, ready};

use http::Response;
use pin_project_lite::pin_project;
use secondwind_layers::classify::{Opinion, Verdict};
use secondwind_layers::timeout::Bound;
use secondwind_layers::{Context, Error};
use secondwind_policy::{Class, Harm};
use tokio::time::Instant;
use tower_service::Service;

use crate::body::Body;
use crate::error::RouteError;
use crate::request::Request;
use crate::target::Deployment;

/// Watches the attempts that go to one deployment.
#[derive(Clone)]
pub(crate) struct Watch<S> {
    deployment: Arc<Deployment>,
    inner: S,
}

pin_project! {
    /// The future of [`Watch`].
    pub(crate) struct WatchFuture<F> {
        #[pin]
        inner: F,
        watched: Option<Watched>,
    }
}

/// An attempt that is under way.
pub(crate) struct Watched {
    deployment: Arc<Deployment>,
    context: Context,
    began: Instant,
}

// === impl Watch ===

impl<S> Watch<S> {
    pub(crate) const fn new(deployment: Arc<Deployment>, inner: S) -> Self {
        Self { deployment, inner }
    }
}

impl<S> Service<Request> for Watch<S>
where
    S: Service<Request, Response = Response<Body>, Error = Error<RouteError>>,
{
    type Response = Response<Body>;
    type Error = Error<RouteError>;
    type Future = WatchFuture<S::Future>;

    fn poll_ready(&mut self, cx: &mut TaskContext<'_>) -> Poll<Result<(), Self::Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, request: Request) -> Self::Future {
        let watched = Watched {
            deployment: Arc::clone(&self.deployment),
            context: request.context().clone(),
            began: Instant::now(),
        };
        WatchFuture { inner: self.inner.call(request), watched: Some(watched) }
    }
}

impl<F> Future for WatchFuture<F>
where
    F: Future<Output = Result<Response<Body>, Error<RouteError>>>,
{
    type Output = F::Output;

    fn poll(self: Pin<&mut Self>, cx: &mut TaskContext<'_>) -> Poll<F::Output> {
        let this = self.project();
        let mut outcome = ready!(this.inner.poll(cx));
        let Some(watched) = this.watched.take() else { return Poll::Ready(outcome) };
        if let Err(Some(elapsed)) = outcome.as_ref().map_err(Error::elapsed) {
            // A short deadline of the caller's says nothing of the deployment.
            if elapsed.bound() == Bound::Configured {
                watched.failed(Verdict::new(Class::Timeout));
            }
            return Poll::Ready(outcome);
        }
        match (watched.context.opinion(), &mut outcome) {
            (Opinion::Failure(verdict), _) => watched.failed(verdict),
            (Opinion::Success, Ok(answer)) if answer.body().as_whole().is_none() => {
                watched.answered();
                answer.body_mut().watch(watched);
            }
            (Opinion::Success, _) => watched.ended(Ok(())),
            (Opinion::None, _) => {}
        }
        Poll::Ready(outcome)
    }
}

impl<S> fmt::Debug for Watch<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Watch")
            .field("deployment", &self.deployment.target.id)
            .finish_non_exhaustive()
    }
}

// === impl Watched ===

impl Watched {
    /// The attempt failed.
    fn failed(&self, verdict: Verdict) {
        let fallback = self.context.alternatives().fallback;
        if self.note(&verdict) && fallback && verdict.class.facts().harm == Harm::Counts {
            // Nobody waits for the dead while another group can answer.
            self.context.judge(verdict.with_should_retry(false));
        }
    }

    /// Notes a failure; gives whether the deployment rests from now on since it failed too often.
    fn note(&self, verdict: &Verdict) -> bool {
        let Deployment { target, health, peers, .. } = &*self.deployment;
        let fallback = self.context.alternatives().fallback;
        let times = (self.began, Instant::now());
        peers.failed(health, verdict, target.policy.breaker(), fallback, times)
    }

    /// The answer has begun.
    fn answered(&self) {
        self.deployment.health.answered(self.began, Instant::now());
    }

    /// The answer is over, whole or broken.
    pub(crate) fn ended(&self, ended: Result<(), Class>) {
        match ended {
            Ok(()) => self.deployment.health.succeeded(self.began, Instant::now()),
            Err(class) => _ = self.note(&Verdict::new(class)),
        }
    }
}
