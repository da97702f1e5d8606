//! Middleware that turns errors into responses, for services that must not fail.
//!
//! axum asks of its services that their error be [`Infallible`]: an error that reaches hyper ends the
//! connection without an answer. [`RecoverLayer`] goes outside of the other layers and makes a response of what
//! is left. Which one is yours to say: no layer here knows a status for an error.
//!
//! ```
//! use secondwind_layers::recover::RecoverLayer;
//! use secondwind_layers::{Error, TimeoutLayer};
//! use secondwind_policy::Policy;
//! use std::convert::Infallible;
//! use tower::{ServiceBuilder, ServiceExt, service_fn};
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() {
//! let service = ServiceBuilder::new()
//!     .layer(RecoverLayer::new(|error: Error<std::io::Error>| format!("sorry: {error}")))
//!     .layer(TimeoutLayer::total(Policy::default()))
//!     .service(service_fn(|(): ()| async { Err::<String, _>(std::io::Error::other("no disk")) }));
//! let answer: Result<String, Infallible> = service.oneshot(()).await;
//! assert_eq!(answer.unwrap(), "sorry: no disk");
//! # }
//! ```
//!
//! # Readiness
//!
//! It is always ready itself and readies the inner service inside the call, on a clone, so that an error of
//! readiness becomes a response too.

use std::convert::Infallible;
use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use pin_project_lite::pin_project;
use tower_layer::Layer;
use tower_service::Service;

/// Turns errors into responses; see the [module](self) documentation.
#[derive(Clone, Copy)]
pub struct RecoverLayer<F> {
    respond: F,
}

/// The service made by [`RecoverLayer`].
#[derive(Clone, Copy)]
pub struct Recover<S, F> {
    inner: S,
    respond: F,
}

pin_project! {
    /// The future of [`Recover`].
    #[must_use = "futures do nothing unless polled"]
    pub struct ResponseFuture<S, Req, F>
    where
        S: Service<Req>,
    {
        #[pin]
        state: State<S, Req, S::Future>,
        respond: F,
    }
}

pin_project! {
    #[project = StateProjection]
    enum State<S, Req, Fut> {
        // The inner service is asked whether it can take the request.
        Readying { service: S, request: Option<Req> },
        // The request is under way.
        Calling { #[pin] inner: Fut },
    }
}

impl<F> RecoverLayer<F> {
    /// Answers with what `respond` makes of an error.
    pub const fn new(respond: F) -> Self {
        Self { respond }
    }
}

impl<S, F: Clone> Layer<S> for RecoverLayer<F> {
    type Service = Recover<S, F>;

    fn layer(&self, inner: S) -> Self::Service {
        Recover { inner, respond: self.respond.clone() }
    }
}

impl<S, Req, F> Service<Req> for Recover<S, F>
where
    S: Service<Req> + Clone,
    F: Fn(S::Error) -> S::Response + Clone,
{
    type Response = S::Response;
    type Error = Infallible;
    type Future = ResponseFuture<S, Req, F>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Req) -> Self::Future {
        let state = State::Readying { service: self.inner.clone(), request: Some(request) };
        ResponseFuture { state, respond: self.respond.clone() }
    }
}

impl<S, Req, F> Future for ResponseFuture<S, Req, F>
where
    S: Service<Req>,
    F: Fn(S::Error) -> S::Response,
{
    type Output = Result<S::Response, Infallible>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let mut this = self.project();
        loop {
            let outcome = match this.state.as_mut().project() {
                StateProjection::Calling { inner } => ready!(inner.poll(cx)),
                StateProjection::Readying { service, request } => {
                    match ready!(service.poll_ready(cx)) {
                        Ok(()) => {
                            let Some(request) = request.take() else {
                                return Poll::Pending;
                            };
                            let inner = service.call(request);
                            this.state.set(State::Calling { inner });
                            continue;
                        }
                        Err(error) => Err(error),
                    }
                }
            };
            return Poll::Ready(Ok(outcome.unwrap_or_else(|error| (this.respond)(error))));
        }
    }
}

impl<F> fmt::Debug for RecoverLayer<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RecoverLayer").finish_non_exhaustive()
    }
}

impl<S: fmt::Debug, F> fmt::Debug for Recover<S, F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Recover").field("inner", &self.inner).finish_non_exhaustive()
    }
}

impl<S, Req, F> fmt::Debug for ResponseFuture<S, Req, F>
where
    S: Service<Req>,
{
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("recover::ResponseFuture").finish_non_exhaustive()
    }
}
