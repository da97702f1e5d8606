//! One attempt: the HTTP request for one deployment, its answer, and what the answer means.
//!
//! The innermost service. It is the one closest to the provider, so it judges: what it says of an answer, in
//! the request's context, holds for all layers above. A JSON answer is read whole before it counts as one, so
//! that a body that breaks off, or an error with status 200, is an ordinary failure; a stream is held back until its
//! first content, and its outcome is told at its end.

mod passed;

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context as TaskContext, Poll, ready};
use std::time::{Duration, SystemTime};

use bytes::{Bytes, BytesMut};
use http::{HeaderMap, HeaderValue, Method, Response, StatusCode, header, response};
use http_body::Body as _;
use hyper::body::Incoming;
use hyper_util::client::legacy;
use pin_project_lite::pin_project;
use secondwind_layers::body::{Broken, Gated, Limits};
use secondwind_layers::classify::{Opinion, Verdict};
use secondwind_llm::body::Spliced;
use secondwind_llm::stream::{Events, StreamDialect, Way};
use secondwind_llm::translate::{NoAnswer, Options, Translate};
use secondwind_policy::{Policy, Recovery};
use tokio::time::Instant;
use tower_service::Service;

use crate::body::Body;
use crate::client::Client;
use crate::error::RouteError;
use crate::late::Late;
use crate::passed::Outgoing;
use crate::recover::Spent;
use crate::request::Request;
use crate::route::Route;
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

/// An attempt that was sent, and is to be accounted for.
pub(crate) struct Sent {
    deployment: Arc<Deployment>,
    request: Request,
    began: Instant,
    wall_clock: fn() -> SystemTime,
    /// How it carries on with a broken answer.
    way: Way,
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

/// Takes out what a provider says of its body, which is not the one that the caller gets.
fn of_another_body(headers: &mut HeaderMap) {
    for name in ["content-digest", "content-length", "content-md5", "digest", "etag"] {
        headers.remove(name);
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
    fn policy(&self) -> &Policy {
        &self.deployment.target.policy
    }

    /// The clocks of the answer, as a stream: the policy's, and what the caller wants.
    fn limits(&self) -> Limits {
        let mut limits = Limits::from(self.policy().timeout());
        limits.wanted = self.request.call().stream_timeout;
        limits
    }

    /// How long its first content is awaited.
    fn late(&self) -> Late {
        if self.request.call().peek.stream {
            return Late::new(self.limits().first_content_of(self.began));
        }
        Late::within(self.began, self.policy().timeout().first_content())
    }

    fn route(&self) -> Option<&Route> {
        self.deployment.route(self.request.call().endpoint)
    }

    /// The translation of the answer, where it comes in another API than the caller's.
    fn translate(&self) -> Option<&'static dyn Translate> {
        self.route().and_then(|route| route.translate)
    }

    /// When an answer was made whose provider does not say it: now, in seconds since 1970.
    fn created(&self) -> u64 {
        let since = (self.wall_clock)().duration_since(SystemTime::UNIX_EPOCH);
        since.map_or(0, |since| since.as_secs())
    }

    /// The streams of the caller's API, where one was asked for.
    fn streams(&self) -> Option<&'static dyn StreamDialect> {
        let call = self.request.call();
        call.dialect.streams(call.endpoint).filter(|_| call.peek.stream)
    }

    /// What looks at the answer, where it is the stream that was asked for. What is not is read whole and judged.
    fn events(&self, head: &response::Parts) -> Option<Events> {
        let streams = self.streams().filter(|_| is_event_stream(&head.headers))?;
        let events = match self.route() {
            Some(Route { spoken, translate: Some(translate), .. }) => {
                let theirs = self.deployment.target.dialect.streams(*spoken)?;
                let translate = translate.stream(&self.request.call().body, self.created());
                Events::new(streams).translated(theirs, translate)
            }
            _ => Events::new(streams),
        };
        Some(match self.policy().stream().recovery() {
            Recovery::Buffer => events.holding_all(),
            Recovery::Off => events.lenient(),
            _ => events,
        })
    }

    /// Whether the provider refused to go on from what was said.
    fn refused_to_go_on(&self, reading: &Reading) -> bool {
        self.way == Way::Prefill
            && matches!(
                reading.head.status,
                StatusCode::BAD_REQUEST | StatusCode::UNPROCESSABLE_ENTITY
            )
    }

    pub(crate) fn scrubbed(&self, data: Bytes) -> Bytes {
        self.deployment.scrubbed(data)
    }

    /// Whether our key is in what was said.
    pub(crate) fn echoes(&self, text: &str) -> bool {
        self.deployment.secret.as_ref().is_some_and(|secret| secret.is_in(text.as_bytes()))
    }

    /// The stream came to its end.
    pub(crate) fn completed(&self, now: Instant) {
        self.request.context().end_answer(now, None);
    }

    /// The stream broke after the caller had got the first of it.
    pub(crate) fn interrupted(&self, broken: &Broken, now: Instant) {
        self.judge(broken.cause());
        self.request.context().end_answer(now, Some(&broken.verdict()));
    }

    fn finish(
        &self,
        reading: Reading,
        ended: Result<bool, hyper::Error>,
    ) -> Result<Response<Body>, RouteError> {
        let Reading { mut head, body, read, .. } = reading;
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
                if let Some(verdict) = self.bad_body(&head, &read, now) {
                    return Ok(self.failed_answer(head, read, verdict));
                }
                let answer = self.whole_answer(head, self.deployment.scrubbed(read));
                let answer = answer.map_err(|error| self.failed(RouteError::no_answer(error)))?;
                self.request.context().judge(Opinion::Success);
                Ok(answer)
            }
            Ok(false) if self.translate().is_some() => {
                Err(self.failed(RouteError::too_long_to_translate()))
            }
            // Too long to be held back: it is on its way now.
            Ok(false) => {
                self.request.context().judge(Opinion::Success);
                if !self.is_passed() {
                    // What is struck out of it is not counted in its length.
                    head.headers.remove(header::CONTENT_LENGTH);
                }
                Ok(Response::from_parts(head, self.flowing(read, body)))
            }
        }
    }

    /// A whole answer in the caller's API, as a stream where one was asked for.
    fn whole_answer(
        &self,
        mut head: response::Parts,
        read: Bytes,
    ) -> Result<Response<Body>, NoAnswer> {
        let (mut answer, mut kind) = (read, None);
        if let Some(translate) = self.translate() {
            answer = translate.answer(&answer, self.created())?;
            kind = Some("application/json");
        }
        if let Some(stream) = self.streams().and_then(|streams| streams.as_stream(&answer)) {
            answer = stream;
            kind = Some("text/event-stream");
        }
        if let Some(kind) = kind {
            of_another_body(&mut head.headers);
            head.headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(kind));
        }
        Ok(Response::from_parts(head, Body::whole(answer)))
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

    /// What was held of an answer that broke off was paid for.
    fn wasted(&self, events: Option<&Events>) {
        let heard = events.map(Events::transcript).filter(|heard| heard.events > 0);
        if let Some(heard) = heard {
            let context = self.request.context();
            Spent::new(context.attempts(), &self.request, heard).in_vain(context);
        }
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
