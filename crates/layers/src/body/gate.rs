//! The gate: an answer is held back until it proves itself.
//!
//! A status of 200 proves little: the stream behind it may never begin, begin with an error, or break off. The gate
//! holds head and body back until an [`Inspect`]or has seen content (for answers that count as a whole: their end),
//! so that everything that goes wrong before is an ordinary failure, which the layers above may retry or take
//! elsewhere. Then all that was held is released, byte for byte, and the rest follows as it comes. What goes wrong from
//! then on ends the body with [`Broken`]: an answer that was cut short never looks like one that is complete.
//!
//! ```
//! use bytes::Bytes;
//! use http_body_util::{BodyExt, Full};
//! use secondwind_layers::body::{GateLayer, Whole};
//! use secondwind_layers::classify::Verdict;
//! use secondwind_policy::{Class, Policy};
//! use tower::{ServiceBuilder, ServiceExt, service_fn};
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! // Of JSON answers the whole counts: one that was cut short is a failure of the connection.
//! let whole = |_: &http::response::Parts| {
//!     Some(Whole::new(|body: &Bytes| {
//!         (!body.ends_with(b"}")).then(|| Verdict::new(Class::Connection))
//!     }))
//! };
//! let service = ServiceBuilder::new()
//!     .layer(GateLayer::new(Policy::default(), whole))
//!     .service(service_fn(|body: &'static str| async move {
//!         Ok::<_, std::io::Error>(http::Response::new(Full::<Bytes>::from(body)))
//!     }));
//! let answer = service.clone().oneshot(r#"{"a": 1}"#).await?;
//! assert_eq!(answer.into_body().collect().await?.to_bytes(), r#"{"a": 1}"#);
//! let error = service.oneshot(r#"{"a": "#).await.unwrap_err();
//! assert_eq!(error.to_string(), "the answer broke off before it proved to be one: connection");
//! # Ok(())
//! # }
//! ```
//!
//! # Memory
//!
//! At most `stream.max_held_bytes` of the policy are held; an answer that has not proved itself by then is on its way
//! all the same.
//!
//! # Place in a stack
//!
//! Inside the retries and the `attempt` clock, which both end at the release. The body's own clocks ([`Limits`]) run
//! from the head to the end of the body, whoever reads it.

use std::error::Error as StdError;
use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use http::{Response, response};
use http_body::Body;
use pin_project_lite::pin_project;
use tokio::time::Instant;
use tower_layer::Layer;
use tower_service::Service;

pub use super::broken::{Broken, Error};
pub use super::gated::Gated;
use super::idle::Limits;
use super::inspect::Inspect;
use crate::policies::PolicyHandle;

/// Holds answers back until they prove themselves; see the [module](self).
#[derive(Clone, Debug)]
pub struct GateLayer<F> {
    policy: PolicyHandle,
    inspector: F,
}

/// The service made by [`GateLayer`].
#[derive(Clone, Debug)]
pub struct Gate<S, F> {
    inner: S,
    policy: PolicyHandle,
    inspector: F,
}

pin_project! {
    /// The future of [`Gate`].
    #[must_use = "futures do nothing unless polled"]
    pub struct ResponseFuture<Fut, F, B, I> {
        #[pin]
        inner: Fut,
        inspector: F,
        began: Instant,
        limits: Limits,
        most: u64,
        // The answer that is to prove itself.
        held: Option<(response::Parts, Gated<B, I>)>,
    }
}

// === impl GateLayer ===

impl<F> GateLayer<F> {
    /// Holds back what `inspector` gives an [`Inspect`]or for: a closure that is shown the head of each answer
    /// (`Fn(&response::Parts) -> Option<I>`); with `None` the answer passes unread.
    pub fn new(policy: impl Into<PolicyHandle>, inspector: F) -> Self {
        Self { policy: policy.into(), inspector }
    }
}

impl<S, F: Clone> Layer<S> for GateLayer<F> {
    type Service = Gate<S, F>;

    fn layer(&self, inner: S) -> Self::Service {
        Gate { inner, policy: self.policy.clone(), inspector: self.inspector.clone() }
    }
}

// === impl Gate ===

impl<S, F, Req, B, I> Service<Req> for Gate<S, F>
where
    S: Service<Req, Response = Response<B>>,
    F: Fn(&response::Parts) -> Option<I> + Clone,
    B: Body<Error: Into<Box<dyn StdError + Send + Sync>>> + Unpin,
    I: Inspect,
{
    type Response = Response<Gated<B, I>>;
    type Error = Error<S::Error>;
    type Future = ResponseFuture<S::Future, F, B, I>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        self.inner.poll_ready(cx).map_err(Error::Inner)
    }

    fn call(&mut self, request: Req) -> Self::Future {
        let policy = self.policy.load();
        ResponseFuture {
            began: Instant::now(),
            inner: self.inner.call(request),
            inspector: self.inspector.clone(),
            limits: Limits::from(policy.timeout()),
            most: policy.stream().max_held_bytes(),
            held: None,
        }
    }
}

// === impl ResponseFuture ===

impl<Fut, F, B, I, E> Future for ResponseFuture<Fut, F, B, I>
where
    Fut: Future<Output = Result<Response<B>, E>>,
    F: Fn(&response::Parts) -> Option<I>,
    B: Body<Error: Into<Box<dyn StdError + Send + Sync>>> + Unpin,
    I: Inspect,
{
    type Output = Result<Response<Gated<B, I>>, Error<E>>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.project();
        if this.held.is_none() {
            let (head, body) = ready!(this.inner.poll(cx)).map_err(Error::Inner)?.into_parts();
            let body = match (this.inspector)(&head) {
                Some(inspect) => Gated::inspected(body, inspect, *this.limits, *this.began),
                None => Gated::open(body),
            };
            *this.held = Some((head, body));
        }
        if let Some((_, body)) = this.held {
            ready!(body.poll_proof(cx, *this.most)).map_err(Error::Broken)?;
        }
        let Some((head, body)) = this.held.take() else { return Poll::Pending };
        Poll::Ready(Ok(Response::from_parts(head, body)))
    }
}

impl<Fut, F, B, I> fmt::Debug for ResponseFuture<Fut, F, B, I> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("gate::ResponseFuture").finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests;
