//! One attempt: the HTTP request for one deployment, its answer, and what the answer means.
//!
//! The innermost service. It is the one closest to the provider, so it judges: what it says of an answer, in
//! the request's context, holds for all layers above. A JSON answer is read whole before it counts as one, so
//! that a body that breaks off, or an error with status 200, is an ordinary failure; a stream is held back until its
//! first content, and its outcome is told at its end.

mod passed;
mod reading;
mod sent;

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context as TaskContext, Poll, ready};
use std::time::{Duration, SystemTime};

use bytes::Bytes;
use http::{HeaderValue, Method, Response, header, response};
use hyper::body::Incoming;
use hyper_util::client::legacy;
use pin_project_lite::pin_project;
use secondwind_layers::body::Gated;
use secondwind_layers::classify::Opinion;
use secondwind_llm::body::Spliced;
use secondwind_llm::stream::{Events, Way};
use secondwind_llm::translate::Options;
use tokio::time::Instant;
use tower_service::Service;

use self::reading::{Collected, Reading};
pub(crate) use self::sent::Sent;
use self::sent::of_another_body;
use crate::body::Body;
use crate::client::Client;
use crate::error::RouteError;
use crate::late::Late;
use crate::passed::Outgoing;
use crate::request::Request;
use crate::stream::Stream;
use crate::target::Deployment;
use crate::wild::Place;

/// How much of a failed answer is read, and for how long.
const ERROR_BYTES: usize = 64 * 1024;
const ERROR_TIME: Duration = Duration::from_secs(1);
/// How much of an answer is read before it is handed on unread.
const ANSWER_BYTES: usize = 16 * 1024 * 1024;

/// Sends requests to one deployment.
#[derive(Clone)]
pub(crate) struct Send {
    deployment: Arc<Deployment>,
    client: Client,
    wall_clock: fn() -> SystemTime,
}

pin_project! {
    /// The future of [`Send`].
    pub(crate) struct SendFuture {
        #[pin]
        state: State,
        call: Option<Sent>,
        // Asks afresh, should the provider refuse to go on from what was said.
        again: Option<Box<Send>>,
    }
}

pin_project! {
    #[project = StateProjection]
    enum State {
        // The deployment cannot be asked it.
        Refused { error: Option<RouteError> },
        // The answer's head is awaited.
        Sending { answer: legacy::ResponseFuture, #[pin] late: Late },
        // The stream is held back until it proves itself.
        Proving { held: Option<(response::Parts, Gated<Incoming, Events>)> },
        // The body is being read; of one that tells of a failure, as much as comes in time is enough.
        Reading { reading: Option<Reading>, #[pin] late: Late },
    }
}

// === impl Send ===

impl Send {
    pub(crate) const fn new(
        deployment: Arc<Deployment>,
        client: Client,
        wall_clock: fn() -> SystemTime,
    ) -> Self {
        Self { deployment, client, wall_clock }
    }

    fn http_request(
        &self,
        request: &Request,
        way: Way,
    ) -> Result<http::Request<Outgoing>, RouteError> {
        let Deployment { target, auth, .. } = &*self.deployment;
        let call = request.call();
        if let Some(passed) = &call.passed {
            let sent = passed.http_request(&self.deployment, call);
            return sent.ok_or_else(|| RouteError::unsupported(request.group()));
        }
        let prefill = request.resume().and_then(|resume| resume.prefill.as_ref());
        let (body, peek) = match (way, prefill) {
            (Way::Prefill, Some((body, peek))) => (body, peek),
            _ => (&call.body, &call.peek),
        };
        let route = self.deployment.route(call.endpoint);
        let route = route.ok_or_else(|| RouteError::unsupported(request.group()))?;
        let place = self.deployment.place(route, &call.peek.model, peek.stream);
        let Place { model, model_json, uri } =
            place.ok_or_else(|| RouteError::unsupported(request.group()))?;
        let body = match route.translate {
            None => Spliced::new(body, peek.model_range.clone(), model_json),
            Some(translate) => {
                let drop_params = call.drop_params.unwrap_or(target.drop_params);
                let options = Options { drop_params, ..Options::new(&model) };
                let translated = translate.request(body, &options);
                Spliced::whole(translated.map_err(RouteError::refused)?)
            }
        };
        let mut sent = http::Request::new(Outgoing::from(body));
        *sent.method_mut() = Method::POST;
        *sent.uri_mut() = uri;
        *sent.headers_mut() = target.dialect.request_headers(&call.headers);
        let headers = sent.headers_mut();
        for (name, value) in auth {
            headers.insert(name.clone(), value.clone());
        }
        headers
            .entry(header::CONTENT_TYPE)
            .or_insert(const { HeaderValue::from_static("application/json") });
        Ok(sent)
    }
}

impl Service<Request> for Send {
    type Response = Response<Body>;
    type Error = RouteError;
    type Future = SendFuture;

    fn poll_ready(&mut self, _: &mut TaskContext<'_>) -> Poll<Result<(), RouteError>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request) -> SendFuture {
        let resume = request.resume();
        let prefill = resume.is_some_and(|resume| resume.prefill.is_some())
            && self.deployment.target.assistant_prefill;
        let way = if prefill { Way::Prefill } else { Way::Afresh };
        let again = prefill.then(|| Box::new(self.clone()));
        let sent = self.http_request(&request, way);
        let call = Sent {
            deployment: Arc::clone(&self.deployment),
            request,
            began: Instant::now(),
            wall_clock: self.wall_clock,
            way,
        };
        let state = match sent {
            Ok(sent) => State::Sending { answer: self.client.request(sent), late: call.late() },
            Err(error) => State::Refused { error: Some(error) },
        };
        SendFuture { state, call: Some(call), again }
    }
}

// === impl SendFuture ===

impl Future for SendFuture {
    type Output = Result<Response<Body>, RouteError>;

    fn poll(self: Pin<&mut Self>, cx: &mut TaskContext<'_>) -> Poll<Self::Output> {
        let mut this = self.project();
        loop {
            let Some(call) = this.call.as_mut() else { return Poll::Pending };
            match this.state.as_mut().project() {
                StateProjection::Refused { error } => {
                    let Some(error) = error.take() else { return Poll::Pending };
                    return Poll::Ready(Err(call.failed(error)));
                }
                StateProjection::Sending { answer, late } => {
                    let answer = match Pin::new(answer).poll(cx) {
                        Poll::Ready(Ok(answer)) => answer,
                        Poll::Pending => {
                            let elapsed = ready!(late.poll(cx));
                            return Poll::Ready(Err(call.failed(call.late_error(elapsed))));
                        }
                        Poll::Ready(Err(error)) => {
                            return Poll::Ready(Err(call.failed(call.not_sent(error))));
                        }
                    };
                    let failed = !answer.status().is_success();
                    let (mut head, body) = answer.into_parts();
                    call.deployment.scrub_headers(&mut head.headers);
                    let bad = || call.bad_head(&head);
                    if let Some(verdict) = (!failed).then(bad).flatten() {
                        // It is no answer, whatever its body says.
                        return Poll::Ready(Ok(call.failed_answer(head, Bytes::new(), verdict)));
                    }
                    if let Some(events) = call.events(&head).filter(|_| !failed) {
                        if call.translate().is_some() {
                            of_another_body(&mut head.headers);
                        }
                        let held = Gated::inspected(body, events, call.limits(), call.began);
                        this.state.set(State::Proving { held: Some((head, held)) });
                        continue;
                    }
                    let now = Instant::now();
                    let (most, late) = if failed {
                        (ERROR_BYTES, Late::within(now, Some(ERROR_TIME)))
                    } else {
                        (call.enough(&head), call.late().idle(call.policy().timeout().idle(), now))
                    };
                    let reading = Reading { head, body, read: Collected::default(), most };
                    this.state.set(State::Reading { reading: Some(reading), late });
                }
                StateProjection::Proving { held } => {
                    let Some((_, body)) = held.as_mut() else { return Poll::Pending };
                    let most = call.policy().stream().max_held_bytes();
                    if let Err(broken) = ready!(body.poll_proof(cx, most)) {
                        call.wasted(body.inspector());
                        return Poll::Ready(Err(call.failed(RouteError::unproven(broken))));
                    }
                    let (Some((mut head, body)), Some(sent)) = (held.take(), this.call.take())
                    else {
                        return Poll::Pending;
                    };
                    sent.request.context().judge(Opinion::Success);
                    sent.request.context().begin_answer();
                    head.extensions.insert(sent.way);
                    let body = Body::stream(Stream::new(body, sent));
                    return Poll::Ready(Ok(Response::from_parts(head, body)));
                }
                StateProjection::Reading { reading, mut late } => {
                    let Some(open) = reading.as_mut() else { return Poll::Pending };
                    let before = open.read.len();
                    let ended = match open.read_on(cx) {
                        Poll::Ready(ended) => ended,
                        Poll::Pending => {
                            if open.read.len() > before {
                                late.as_mut().bytes();
                            }
                            let elapsed = ready!(late.poll(cx));
                            if open.head.status.is_success() {
                                return Poll::Ready(Err(call.failed(call.late_error(elapsed))));
                            }
                            Ok(false)
                        }
                    };
                    let Some(reading) = reading.take() else { return Poll::Pending };
                    if let Some(send) = this.again.take()
                        && call.refused_to_go_on(&reading)
                        && let Ok(sent) = send.http_request(&call.request, Way::Afresh)
                    {
                        // That it does not go on from what was said is not the caller's mistake.
                        call.way = Way::Afresh;
                        let (answer, late) = (send.client.request(sent), call.late());
                        this.state.set(State::Sending { answer, late });
                        continue;
                    }
                    return Poll::Ready(call.finish(reading, ended));
                }
            }
        }
    }
}

impl fmt::Debug for Send {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Send")
            .field("deployment", &self.deployment.target.id)
            .finish_non_exhaustive()
    }
}
