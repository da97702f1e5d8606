//! One attempt: the HTTP request for one deployment, its answer, and what the answer means.
//!
//! The innermost service. It is the one closest to the provider, so it judges: what it says of an answer, in
//! the request's context, holds for all layers above. A JSON answer is read whole before it counts as one, so
//! that a body that breaks off, or an error with status 200, is an ordinary failure; a stream is handed on as it
//! comes.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context as TaskContext, Poll, ready};
use std::time::{Duration, SystemTime};

use bytes::{Bytes, BytesMut};
use http::{HeaderMap, HeaderValue, Method, Response, header, response};
use http_body::Body as _;
use hyper::body::Incoming;
use hyper_util::client::legacy;
use pin_project_lite::pin_project;
use secondwind_layers::classify::{Opinion, Verdict};
use secondwind_llm::body::Spliced;
use tokio::time::{Instant, Sleep, sleep_until};
use tower_service::Service;

use crate::body::Body;
use crate::client::{self, Client};
use crate::error::RouteError;
use crate::request::Request;
use crate::target::Deployment;

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
    }
}

pin_project! {
    #[project = StateProjection]
    enum State {
        // The deployment's dialect has no place for the request.
        Refused,
        // The answer's head is awaited.
        Sending { answer: legacy::ResponseFuture },
        // The body is being read; the timer, if set, says when it is enough.
        Reading { reading: Option<Reading>, #[pin] stop: Option<Sleep> },
    }
}

struct Sent {
    deployment: Arc<Deployment>,
    request: Request,
    began: Instant,
    wall_clock: fn() -> SystemTime,
}

struct Reading {
    head: response::Parts,
    body: Incoming,
    read: Collected,
    most: usize,
}

/// Bytes as they come: copied together only if they come in more than one piece.
#[derive(Default)]
struct Collected {
    first: Bytes,
    all: BytesMut,
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

    fn http_request(&self, request: &Request) -> Option<http::Request<Spliced>> {
        let Deployment { target, auth, model_json, .. } = &*self.deployment;
        let call = request.call();
        let body = Spliced::new(&call.body, call.peek.model_range.clone(), model_json.clone());
        let mut sent = http::Request::new(body);
        *sent.method_mut() = Method::POST;
        *sent.uri_mut() = self.deployment.uri(call.endpoint)?.clone();
        *sent.headers_mut() = target.dialect.request_headers(&call.headers);
        let headers = sent.headers_mut();
        for (name, value) in auth {
            headers.insert(name.clone(), value.clone());
        }
        headers
            .entry(header::CONTENT_TYPE)
            .or_insert(const { HeaderValue::from_static("application/json") });
        Some(sent)
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
        let state = match self.http_request(&request) {
            Some(sent) => State::Sending { answer: self.client.request(sent) },
            None => State::Refused,
        };
        let call = Sent {
            deployment: Arc::clone(&self.deployment),
            request,
            began: Instant::now(),
            wall_clock: self.wall_clock,
        };
        SendFuture { state, call: Some(call) }
    }
}

// === impl SendFuture ===

impl Future for SendFuture {
    type Output = Result<Response<Body>, RouteError>;

    fn poll(self: Pin<&mut Self>, cx: &mut TaskContext<'_>) -> Poll<Self::Output> {
        let mut this = self.project();
        let Some(call) = this.call.as_ref() else { return Poll::Pending };
        loop {
            match this.state.as_mut().project() {
                StateProjection::Refused => {
                    return Poll::Ready(Err(
                        call.failed(RouteError::unsupported(&call.deployment.target.id))
                    ));
                }
                StateProjection::Sending { answer } => {
                    let answer = match ready!(Pin::new(answer).poll(cx)) {
                        Ok(answer) => answer,
                        Err(error) => {
                            let verdict = client::verdict_of(&error, call.began);
                            return Poll::Ready(Err(call.failed(RouteError::send(error, verdict))));
                        }
                    };
                    let failed = !answer.status().is_success();
                    let (mut head, body) = answer.into_parts();
                    call.deployment.scrub_headers(&mut head.headers);
                    if !failed && call.request.call().peek.stream && is_event_stream(&head.headers)
                    {
                        call.request.context().judge(Opinion::Success);
                        let body = Body::flowing(Bytes::new(), body);
                        return Poll::Ready(Ok(Response::from_parts(head, body)));
                    }
                    let most = if failed { ERROR_BYTES } else { ANSWER_BYTES };
                    let stop = failed.then(|| sleep_until(Instant::now() + ERROR_TIME));
                    let reading = Reading { head, body, read: Collected::default(), most };
                    this.state.set(State::Reading { reading: Some(reading), stop });
                }
                StateProjection::Reading { reading, stop } => {
                    let Some(open) = reading.as_mut() else { return Poll::Pending };
                    let ended = match open.read_on(cx) {
                        Poll::Ready(ended) => ended,
                        Poll::Pending => {
                            let Some(stop) = stop.as_pin_mut() else { return Poll::Pending };
                            ready!(stop.poll(cx));
                            Ok(false)
                        }
                    };
                    let Some(reading) = reading.take() else { return Poll::Pending };
                    return Poll::Ready(call.finish(reading, ended));
                }
            }
        }
    }
}

/// Whether an answer is the stream that was asked for. What is not is read whole and judged.
fn is_event_stream(headers: &HeaderMap) -> bool {
    headers.get(header::CONTENT_TYPE).is_some_and(|kind| {
        let kind = kind.as_bytes().trim_ascii_start();
        kind.get(..17).is_some_and(|kind| kind.eq_ignore_ascii_case(b"text/event-stream"))
    })
}

// === impl Sent ===

impl Sent {
    fn finish(
        &self,
        reading: Reading,
        ended: Result<bool, hyper::Error>,
    ) -> Result<Response<Body>, RouteError> {
        let Reading { head, body, read, .. } = reading;
        let read = read.into_bytes();
        let now = (self.wall_clock)();
        let dialect = self.deployment.target.dialect;
        if !head.status.is_success() {
            // Where the body broke off, status and headers still say what it was.
            let verdict = dialect.classify_error(head.status, &head.headers, &read, now);
            return Ok(self.failed_answer(head, read, verdict));
        }
        match ended {
            Err(error) => Err(self.failed(RouteError::read(error))),
            Ok(true) => {
                let endpoint = self.request.call().endpoint;
                match dialect.classify_ok_body(endpoint, &head.headers, &read, now) {
                    Some(verdict) => Ok(self.failed_answer(head, read, verdict)),
                    None => {
                        self.request.context().judge(Opinion::Success);
                        let read = self.deployment.scrubbed(read);
                        Ok(Response::from_parts(head, Body::whole(read)))
                    }
                }
            }
            // Too long to be held back: it is on its way now.
            Ok(false) => {
                self.request.context().judge(Opinion::Success);
                Ok(Response::from_parts(head, Body::flowing(read, body)))
            }
        }
    }

    /// A failed answer goes on with its verdict among its extensions: it may be told to the caller long
    /// after other attempts were judged.
    fn failed_answer(
        &self,
        mut head: response::Parts,
        read: Bytes,
        verdict: Verdict,
    ) -> Response<Body> {
        self.judge(verdict);
        head.extensions.insert(verdict);
        Response::from_parts(head, Body::whole(self.deployment.scrubbed(read)))
    }

    fn failed(&self, error: RouteError) -> RouteError {
        self.judge(error.verdict());
        error
    }

    /// Says what the attempt came to: the layers above go by it, and the deployment's health.
    fn judge(&self, verdict: Verdict) {
        self.request.context().judge(verdict);
    }
}

// === impl Reading ===

impl Reading {
    /// Reads to the end (`true`), or until it is enough (`false`).
    fn read_on(&mut self, cx: &mut TaskContext<'_>) -> Poll<Result<bool, hyper::Error>> {
        loop {
            if self.read.len() >= self.most {
                return Poll::Ready(Ok(false));
            }
            match ready!(Pin::new(&mut self.body).poll_frame(cx)) {
                None => return Poll::Ready(Ok(true)),
                Some(Err(error)) => return Poll::Ready(Err(error)),
                Some(Ok(frame)) => {
                    if let Ok(data) = frame.into_data() {
                        self.read.push(data);
                    }
                }
            }
        }
    }
}

// === impl Collected ===

impl Collected {
    fn len(&self) -> usize {
        self.first.len() + self.all.len()
    }

    fn push(&mut self, data: Bytes) {
        if self.first.is_empty() && self.all.is_empty() {
            self.first = data;
            return;
        }
        if self.all.is_empty() {
            self.all.reserve(self.first.len() + data.len());
            self.all.extend_from_slice(&std::mem::take(&mut self.first));
        }
        self.all.extend_from_slice(&data);
    }

    fn into_bytes(self) -> Bytes {
        if self.all.is_empty() { self.first } else { self.all.freeze() }
    }
}

impl fmt::Debug for Send {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Send")
            .field("deployment", &self.deployment.target.id)
            .finish_non_exhaustive()
    }
}
