//! The clock of the whole request.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context as TaskContext, Poll, ready};

use pin_project_lite::pin_project;
use tokio::time::Instant;
use tower_service::Service;
use tracing::Span;

use super::error::{Bound, Clock, Elapsed};
use super::future::Timer;
use super::layer::Shared;
use crate::deadline::Deadline;
use crate::error::Error;
use crate::kind::{Entered, Kind};
use crate::telemetry;

/// Bounds the whole request; made by [`TimeoutLayer::total`](super::TimeoutLayer::total).
#[derive(Debug)]
pub struct TotalTimeout<S, K> {
    inner: S,
    shared: Arc<Shared<K>>,
}

pin_project! {
    /// The future of [`TotalTimeout`].
    #[project = Projection]
    #[must_use = "futures do nothing unless polled"]
    pub struct TotalFuture<S, Req, K>
    where
        S: Service<Req>,
    {
        #[pin]
        state: State<S, Req, S::Future>,
        #[pin]
        timer: Timer,
        entered: Entered,
        shared: Arc<Shared<K>>,
        span: Span,
    }
}

pin_project! {
    #[project = StateProjection]
    enum State<S, Req, F> {
        // The inner service is asked whether it can take the request.
        Readying { service: S, request: Option<Req> },
        // The request is under way.
        Calling { #[pin] inner: F },
    }
}

// === impl TotalTimeout ===

impl<S, K> TotalTimeout<S, K> {
    pub(super) const fn new(inner: S, shared: Arc<Shared<K>>) -> Self {
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
}

impl<S, Req, K> Service<Req> for TotalTimeout<S, K>
where
    S: Service<Req> + Clone,
    K: Kind<Req, S::Response>,
{
    type Response = S::Response;
    type Error = Error<S::Error>;
    type Future = TotalFuture<S, Req, K>;

    fn poll_ready(&mut self, _: &mut TaskContext<'_>) -> Poll<Result<(), Self::Error>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, mut request: Req) -> Self::Future {
        let shared = &self.shared;
        let entered = shared.kind.enter(&mut request, Instant::now);
        let context = entered.context();
        let total = shared.policy_for(&request, context).timeout().total();
        let now = match total {
            Some(_) => Instant::now(),
            None => context.map_or_else(Instant::now, crate::Context::started),
        };
        let own = total.and_then(|total| Deadline::after(now, total));
        let deadline = match (own, context) {
            (Some(own), Some(context)) => Some(context.shorten_deadline(own)),
            (None, Some(context)) => context.deadline(),
            (own, None) => own,
        };
        let limit = deadline.map(|deadline| {
            let bound = if Some(deadline) == own {
                Bound::Configured
            } else {
                Bound::Deadline
            };
            let after = deadline.remaining(now);
            (deadline.instant(), Elapsed::new(Clock::Total, after, bound))
        });
        TotalFuture {
            span: telemetry::request_span(entered.made()),
            state: State::Readying {
                service: self.inner.clone(),
                request: Some(request),
            },
            timer: Timer::new(limit),
            entered,
            shared: Arc::clone(&self.shared),
        }
    }
}

impl<S: Clone, K> Clone for TotalTimeout<S, K> {
    fn clone(&self) -> Self {
        Self {
            inner: self.inner.clone(),
            shared: Arc::clone(&self.shared),
        }
    }
}

// === impl TotalFuture ===

impl<S, Req, K> Future for TotalFuture<S, Req, K>
where
    S: Service<Req>,
    K: Kind<Req, S::Response>,
{
    type Output = Result<S::Response, Error<S::Error>>;

    fn poll(self: Pin<&mut Self>, cx: &mut TaskContext<'_>) -> Poll<Self::Output> {
        let mut this = self.project();
        let polled = {
            let _entered = this.span.enter();
            this.state.as_mut().poll(cx)
        };
        // The answer first: one that is there at the last moment is an answer.
        let outcome = match polled {
            Poll::Ready(outcome) => outcome.map_err(Error::from_inner),
            Poll::Pending => Err(Error::from_elapsed(ready!(this.timer.poll(cx)))),
        };
        Poll::Ready(match (outcome, this.entered.context()) {
            (Ok(mut response), _) => {
                if let Some(context) = this.entered.made() {
                    this.shared.kind.leave(&mut response, context);
                }
                Ok(response)
            }
            (Err(error), Some(context)) => Err(error.with_trail(context.trail())),
            (Err(error), None) => Err(error),
        })
    }
}

impl<S, Req> State<S, Req, S::Future>
where
    S: Service<Req>,
{
    fn poll(
        mut self: Pin<&mut Self>,
        cx: &mut TaskContext<'_>,
    ) -> Poll<Result<S::Response, S::Error>> {
        loop {
            match self.as_mut().project() {
                StateProjection::Calling { inner } => return inner.poll(cx),
                StateProjection::Readying { service, request } => {
                    ready!(service.poll_ready(cx))?;
                    let Some(request) = request.take() else {
                        return Poll::Pending;
                    };
                    let inner = service.call(request);
                    self.set(State::Calling { inner });
                }
            }
        }
    }
}

impl<S, Req, K> fmt::Debug for TotalFuture<S, Req, K>
where
    S: Service<Req>,
{
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TotalFuture").finish_non_exhaustive()
    }
}
