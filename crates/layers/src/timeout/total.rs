//! The clock of the whole request.

use std::fmt;
use std::future::Future;
use std::mem;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context as TaskContext, Poll, Waker, ready};

use pin_project_lite::pin_project;
use tokio::time::Instant;
use tower_service::Service;
use tracing::Span;

use super::error::{Bound, Clock, Elapsed};
use super::future::Timer;
use super::layer::Known;
use crate::clock;
use crate::deadline::Deadline;
use crate::error::Error;
use crate::kind::{Entered, Kind};
use crate::live::Live;
use crate::telemetry;

/// Bounds the whole request; made by [`TimeoutLayer::total`](super::TimeoutLayer::total).
pub struct TotalTimeout<S, K> {
    inner: S,
    live: Arc<Live<Known<K>>>,
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
        state: State<S, Req, S::Future, S::Error>,
        #[pin]
        timer: Timer<(Instant, Elapsed)>,
        // With the layer's kind, so that the response can be given the trail.
        left: Option<(Entered, Arc<Live<Known<K>>>)>,
        span: Option<Box<Span>>,
    }
}

pin_project! {
    #[project = StateProjection]
    enum State<S, Req, F, E> {
        // The inner service is asked whether it can take the request.
        Readying { service: S, request: Option<Req> },
        // The request is under way.
        Calling { #[pin] inner: F },
        // The inner service said at once that it never will be ready.
        Failed { error: Option<E> },
    }
}

// === impl TotalTimeout ===

impl<S, K> TotalTimeout<S, K> {
    pub(super) const fn new(inner: S, live: Arc<Live<Known<K>>>) -> Self {
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
        let live = Live::fresh(&mut self.live);
        let entered = live.kind.enter(&mut request, Instant::now);
        let context = entered.context();
        let other = live.other(&request, context);
        let total = other.as_ref().unwrap_or_else(|| live.policy()).timeout().total();
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
            let bound = if Some(deadline) == own { Bound::Configured } else { Bound::Deadline };
            let after = deadline.remaining(now);
            (deadline.instant(), Elapsed::new(Clock::Total, after, bound))
        });
        let span = telemetry::request_span(entered.made());
        let left = match entered {
            Entered::Nowhere => None,
            entered => Some((entered, Arc::clone(&self.live))),
        };
        TotalFuture {
            state: telemetry::within(span.as_deref(), || {
                State::begin(&mut self.inner, request, now)
            }),
            timer: Timer::new(limit),
            left,
            span,
        }
    }
}

impl<S: Clone, K> Clone for TotalTimeout<S, K> {
    fn clone(&self) -> Self {
        Self { inner: self.inner.clone(), live: Arc::clone(&self.live) }
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
            let _entered = this.span.as_ref().map(|span| span.enter());
            this.state.as_mut().poll(cx)
        };
        // The answer first: one that is there at the last moment is an answer.
        let outcome = match polled {
            Poll::Ready(outcome) => outcome.map_err(Error::from_inner),
            Poll::Pending => Err(Error::from_elapsed(ready!(this.timer.poll(cx)))),
        };
        let Some((entered, live)) = this.left else { return Poll::Ready(outcome) };
        Poll::Ready(match outcome {
            Ok(mut response) => {
                if let Some(context) = entered.made() {
                    live.kind.leave(&mut response, context);
                }
                Ok(response)
            }
            Err(error) => match entered.context() {
                Some(context) => Err(error.told_by(context)),
                None => Err(error),
            },
        })
    }
}

impl<S, Req> State<S, Req, S::Future, S::Error>
where
    S: Service<Req>,
{
    /// Calls the inner service if it is ready at once. If not, the one that was asked goes along, to be asked
    /// again by whoever polls, and a clone takes its place.
    #[inline]
    fn begin(inner: &mut S, request: Req, now: Instant) -> Self
    where
        S: Clone,
    {
        let nobody = &mut TaskContext::from_waker(Waker::noop());
        match inner.poll_ready(nobody) {
            Poll::Ready(Ok(())) => {
                Self::Calling { inner: clock::call_at(Some(now), || inner.call(request)) }
            }
            Poll::Ready(Err(error)) => Self::Failed { error: Some(error) },
            Poll::Pending => {
                let clone = inner.clone();
                Self::Readying { service: mem::replace(inner, clone), request: Some(request) }
            }
        }
    }

    #[inline]
    fn poll(
        mut self: Pin<&mut Self>,
        cx: &mut TaskContext<'_>,
    ) -> Poll<Result<S::Response, S::Error>> {
        loop {
            match self.as_mut().project() {
                StateProjection::Calling { inner } => return inner.poll(cx),
                StateProjection::Failed { error } => {
                    return error.take().map_or(Poll::Pending, |error| Poll::Ready(Err(error)));
                }
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

impl<S: fmt::Debug, K> fmt::Debug for TotalTimeout<S, K> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TotalTimeout").field("inner", &self.inner).finish_non_exhaustive()
    }
}
