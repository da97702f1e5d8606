//! Streams that survive: where one breaks after the caller got the first of it, another carries on, or the caller is
//! told plainly.
//!
//! Outermost of all, since what it asks for anew goes through everything below: the deadline, the fallbacks, the
//! group, the retries. A stream that was answered is wrapped into a [`Carried`] body. Where the stream below breaks,
//! that body asks for another answer to the same request, compares it with what the caller has, or has it go on from
//! there, and puts it behind. What cannot be carried on without a doubt ends with the error event of the caller's
//! protocol: never as if it were finished.

mod carried;
mod spent;
mod splicing;

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use http::{HeaderValue, Response, header};
use pin_project_lite::pin_project;
use secondwind_layers::Error;
use secondwind_llm::stream::StreamDialect;
use secondwind_policy::Policy;
use tokio::time::{Sleep, sleep};
use tower_service::Service;

use self::carried::Carried;
pub(crate) use self::spent::Spent;
use crate::body::Body;
use crate::error::RouteError;
use crate::request::Request;

/// What a request comes to below.
type Outcome = Result<Response<Body>, Error<Error<RouteError>>>;

/// Carries on streams that break.
#[derive(Clone)]
pub(crate) struct Recover<S> {
    inner: S,
}

pin_project! {
    /// The future of [`Recover`].
    #[must_use = "futures do nothing unless polled"]
    pub(crate) struct RecoverFuture<S: Service<Request>> {
        #[pin]
        state: State<S::Future>,
        // `None` where the answer is not a stream.
        call: Option<Call<S>>,
    }
}

pin_project! {
    #[project = StateProjection]
    enum State<F> {
        Plain { #[pin] inner: F },
        // Until the first sign of life is due, the caller waits for the head.
        Ticking { inner: Option<Pin<Box<F>>>, #[pin] due: Sleep },
    }
}

/// What it takes to ask again.
struct Call<S> {
    service: S,
    request: Request,
    policy: Arc<Policy>,
    dialect: &'static dyn StreamDialect,
}

// === impl Recover ===

impl<S> Recover<S> {
    pub(crate) const fn new(inner: S) -> Self {
        Self { inner }
    }

    /// Sends `request`, for whose group `policy` holds.
    pub(crate) fn send(&mut self, request: Request, policy: Option<Arc<Policy>>) -> RecoverFuture<S>
    where
        S: Service<Request> + Clone,
    {
        let asked = request.call();
        let dialect = asked.peek.stream.then(|| asked.dialect.streams(asked.endpoint)).flatten();
        let Some((dialect, policy)) = dialect.zip(policy) else {
            let inner = self.inner.call(request);
            return RecoverFuture { state: State::Plain { inner }, call: None };
        };
        let call = Call { service: self.inner.clone(), request: request.clone(), policy, dialect };
        let keepalive = call.policy.stream().keepalive();
        let inner = self.inner.call(request);
        let state = match keepalive {
            None => State::Plain { inner },
            Some(every) => State::Ticking { inner: Some(Box::pin(inner)), due: sleep(every) },
        };
        RecoverFuture { state, call: Some(call) }
    }
}

impl<S> Future for RecoverFuture<S>
where
    S: Service<Request, Response = Response<Body>, Error = Error<Error<RouteError>>>
        + Clone
        + Send
        + 'static,
    S::Future: Send,
{
    type Output = Outcome;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Outcome> {
        let mut this = self.project();
        let outcome = match this.state.as_mut().project() {
            StateProjection::Plain { inner } => ready!(inner.poll(cx)),
            StateProjection::Ticking { inner, due } => {
                let Some(asked) = inner.as_mut() else { return Poll::Pending };
                match asked.as_mut().poll(cx) {
                    Poll::Ready(outcome) => outcome,
                    Poll::Pending => {
                        ready!(due.poll(cx));
                        let (Some(asked), Some(call)) = (inner.take(), this.call.take()) else {
                            return Poll::Pending;
                        };
                        return Poll::Ready(Ok(alive(Carried::asking(call, asked))));
                    }
                }
            }
        };
        Poll::Ready(match (outcome, this.call.take()) {
            (Ok(answer), Some(call)) => Ok(carried(answer, call)),
            (outcome, _) => outcome,
        })
    }
}

/// An answer with its stream in good hands, where it is one.
fn carried<S>(answer: Response<Body>, call: Call<S>) -> Response<Body>
where
    S: Service<Request, Response = Response<Body>, Error = Error<Error<RouteError>>>
        + Clone
        + Send
        + 'static,
    S::Future: Send,
{
    let (head, body) = answer.into_parts();
    let body = match body.into_stream() {
        Ok(stream) => Body::carried(Carried::flowing(call, stream)),
        Err(body) => body,
    };
    Response::from_parts(head, body)
}

/// The head of an answer of which nothing is known yet but that somebody works on it.
fn alive<S>(body: Carried<S>) -> Response<Body>
where
    S: Service<Request, Response = Response<Body>, Error = Error<Error<RouteError>>>
        + Clone
        + Send
        + 'static,
    S::Future: Send,
{
    let mut answer = Response::new(Body::carried(body.overdue()));
    let headers = answer.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("text/event-stream"));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-cache"));
    answer
}

impl<S> fmt::Debug for Recover<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Recover").finish_non_exhaustive()
    }
}

impl<S: Service<Request>> fmt::Debug for RecoverFuture<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RecoverFuture").finish_non_exhaustive()
    }
}

/// A sign of life: a comment, which every client skips.
const ALIVE: &[u8] = b": keep-alive\n\n";

/// When the next sign of life is due.
struct Ticker {
    every: Duration,
    due: Pin<Box<Sleep>>,
}

// === impl Ticker ===

impl Ticker {
    fn new(every: Duration) -> Self {
        Self { every, due: Box::pin(sleep(every)) }
    }

    /// Something else was a sign of life.
    fn put_off(&mut self) {
        self.due.as_mut().reset(tokio::time::Instant::now() + self.every);
    }

    fn poll(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        ready!(self.due.as_mut().poll(cx));
        self.put_off();
        Poll::Ready(())
    }
}

#[cfg(test)]
mod tests;
