//! What an attempt came to: its answer is judged, told of, and put into the caller's API.

use std::sync::Arc;
use std::time::SystemTime;

use bytes::Bytes;
use http::{HeaderMap, HeaderValue, Response, StatusCode, header, response};
use secondwind_layers::body::{Broken, Limits};
use secondwind_layers::classify::{Opinion, Verdict};
use secondwind_llm::stream::{Events, StreamDialect, Way};
use secondwind_llm::translate::{NoAnswer, Translate};
use secondwind_policy::{Policy, Recovery};
use tokio::time::Instant;

use super::reading::Reading;
use crate::body::Body;
use crate::error::RouteError;
use crate::late::Late;
use crate::recover::Spent;
use crate::request::Request;
use crate::route::Route;
use crate::target::Deployment;

/// An attempt that was sent, and is to be accounted for.
pub(crate) struct Sent {
    pub(super) deployment: Arc<Deployment>,
    pub(super) request: Request,
    pub(super) began: Instant,
    pub(super) wall_clock: fn() -> SystemTime,
    /// How it carries on with a broken answer.
    pub(super) way: Way,
}

/// Takes out what a provider says of its body, which is not the one that the caller gets.
pub(super) fn of_another_body(headers: &mut HeaderMap) {
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
    pub(super) fn policy(&self) -> &Policy {
        &self.deployment.target.policy
    }

    /// The clocks of the answer, as a stream: the policy's, and what the caller wants.
    pub(super) fn limits(&self) -> Limits {
        let mut limits = Limits::from(self.policy().timeout());
        limits.wanted = self.request.call().stream_timeout;
        limits
    }

    /// How long its first content is awaited.
    pub(super) fn late(&self) -> Late {
        if self.request.call().peek.stream {
            return Late::new(self.limits().first_content_of(self.began));
        }
        Late::within(self.began, self.policy().timeout().first_content())
    }

    pub(super) fn route(&self) -> Option<&Route> {
        self.deployment.route(self.request.call().endpoint)
    }

    /// The translation of the answer, where it comes in another API than the caller's.
    pub(super) fn translate(&self) -> Option<&'static dyn Translate> {
        self.route().and_then(|route| route.translate)
    }

    /// When an answer was made whose provider does not say it: now, in seconds since 1970.
    pub(super) fn created(&self) -> u64 {
        let since = (self.wall_clock)().duration_since(SystemTime::UNIX_EPOCH);
        since.map_or(0, |since| since.as_secs())
    }

    /// The streams of the caller's API, where one was asked for.
    pub(super) fn streams(&self) -> Option<&'static dyn StreamDialect> {
        let call = self.request.call();
        call.dialect.streams(call.endpoint).filter(|_| call.peek.stream)
    }

    /// What looks at the answer, where it is the stream that was asked for. What is not is read whole and judged.
    pub(super) fn events(&self, head: &response::Parts) -> Option<Events> {
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
    pub(super) fn refused_to_go_on(&self, reading: &Reading) -> bool {
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

    pub(super) fn finish(
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
    pub(super) fn whole_answer(
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
    pub(super) fn failed_answer(
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
    pub(super) fn wasted(&self, events: Option<&Events>) {
        let heard = events.map(Events::transcript).filter(|heard| heard.events > 0);
        if let Some(heard) = heard {
            let context = self.request.context();
            Spent::new(context.attempts(), &self.request, heard).in_vain(context);
        }
    }

    pub(super) fn failed(&self, error: RouteError) -> RouteError {
        self.judge(error.verdict());
        error
    }

    /// Says what the attempt came to: the layers above go by it, and the deployment's health.
    pub(super) fn judge(&self, verdict: Verdict) {
        self.request.context().judge(verdict);
    }
}
