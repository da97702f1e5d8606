//! A request on its way through the router: what the caller asked, shared by all its attempts.

use std::fmt;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use http::header::{AUTHORIZATION, CONTENT_LENGTH, COOKIE, HOST, PROXY_AUTHORIZATION};
use http::{HeaderMap, HeaderName, HeaderValue};
use secondwind_layers::{Context, Entered, Kind, Name};
use secondwind_llm::dialect::{Dialect, Endpoint};
use secondwind_llm::peek::Peek;
use secondwind_llm::peek::ours::with_fields;
use secondwind_llm::session::session;
use secondwind_llm::tokens::estimate;
use secondwind_policy::Class;
use tokio::time::Instant;

use crate::passed::{Passed, Upload};

/// A request on its way through the router.
///
/// A clone is a few reference counts: each attempt's HTTP request is built afresh from the call for the
/// deployment that it goes to, so that nothing of one provider reaches another.
#[derive(Clone)]
pub struct Request {
    asked: Arc<Asked>,
    context: Context,
    group: Name,
    /// Whether it left the group that was asked for.
    moved: bool,
    /// What broke off before.
    resume: Option<Arc<Resume>>,
}

/// An answer that broke off, and is to be carried on.
#[derive(Debug)]
pub(crate) struct Resume {
    /// The body that has what was said in it, and what was read of that, for a deployment that goes on from there.
    pub(crate) prefill: Option<(Bytes, Peek)>,
}

struct Asked {
    call: Call,
    /// About how many tokens it sends, once somebody wanted to know.
    tokens: OnceLock<u64>,
    /// What the requests that belong together have in common.
    session: OnceLock<Option<String>>,
}

/// What the caller asked.
#[derive(Clone)]
#[non_exhaustive]
pub struct Call {
    /// The dialect that the caller speaks.
    pub dialect: &'static dyn Dialect,
    /// What it is about.
    pub endpoint: Endpoint,
    /// The caller's headers: whichever of them may reach a provider is the dialect's to say. What is between the caller
    /// and us is taken out by [`Request::new`]: `host` and `content-length`, `authorization`, `proxy-authorization` and
    /// `cookie`.
    pub headers: HeaderMap,
    /// The body, whole.
    pub body: Bytes,
    /// What was read of the body.
    pub peek: Peek,
    /// What the request is tagged with: what the caller wants of the deployment that answers, where tags are checked.
    pub tags: Vec<String>,
    /// How long a stream may be without content, before the first and within, in place of what the policy says.
    pub stream_timeout: Option<Duration>,
    /// The fallbacks of the request's own that are more than the name of a group.
    pub hops: Vec<Hop>,
    /// What is passed through as it is, where it is none of the other endpoints.
    pub passed: Option<Arc<Passed>>,
    /// What the group that is asked for shall come to without being asked: for those who try out their fallbacks.
    pub mock: Option<Class>,
    /// Whether parameters that a deployment's API has no word for are left out, whatever the deployment says.
    pub drop_params: Option<bool>,
}

/// A fallback of a request's own: a group, which is asked something else than the group before it.
#[derive(Clone)]
#[non_exhaustive]
pub struct Hop {
    /// What it is called among the request's fallbacks: not the name of a group.
    pub label: Name,
    /// The group.
    pub group: Name,
    /// The fields of the body that are others for it, each value as JSON.
    pub fields: Vec<(String, Bytes)>,
}

/// What the layers must know of a [`Request`].
#[derive(Clone, Copy, Debug)]
pub struct Routed;

/// The caller's headers that are none of a provider's business, whoever that is.
const BETWEEN_CALLER_AND_US: [HeaderName; 5] =
    [HOST, CONTENT_LENGTH, AUTHORIZATION, PROXY_AUTHORIZATION, COOKIE];

// === impl Request ===

impl Request {
    /// `call`, for the group called `group`, with what travels along.
    #[must_use]
    pub fn new(mut call: Call, group: Name, context: Context) -> Self {
        for name in BETWEEN_CALLER_AND_US {
            call.headers.remove(name);
        }
        if call.peek.stream {
            call.let_go_of_buffers();
        }
        Self { asked: Arc::new(Asked::new(call)), context, group, moved: false, resume: None }
    }

    /// What the caller asked.
    #[must_use]
    pub fn call(&self) -> &Call {
        &self.asked.call
    }

    /// What travels along: the deadline, the trail.
    #[must_use]
    pub const fn context(&self) -> &Context {
        &self.context
    }

    /// The group that is to answer.
    #[must_use]
    pub const fn group(&self) -> &Name {
        &self.group
    }

    /// The request for another to carry on.
    pub(crate) fn resuming(&self, resume: Resume) -> Self {
        Self { resume: Some(Arc::new(resume)), ..self.clone() }
    }

    pub(crate) fn resume(&self) -> Option<&Resume> {
        self.resume.as_deref()
    }

    /// About how many tokens it sends.
    pub(crate) fn tokens(&self) -> u64 {
        *self.asked.tokens.get_or_init(|| estimate(&self.asked.call.body))
    }

    /// What the requests that belong together have in common, where the caller says anything of the kind.
    pub(crate) fn session(&self) -> Option<&str> {
        self.asked.session.get_or_init(|| session(&self.asked.call.body)).as_deref()
    }

    /// About how many tokens it sends, if anybody wanted to know.
    pub(crate) fn known_tokens(&self) -> u64 {
        self.asked.tokens.get().copied().unwrap_or(0)
    }

    pub(crate) fn point_to(&mut self, group: Name) {
        self.group = group;
        self.moved = true;
    }

    /// Makes it what `hop` says; `false` where that makes no request.
    pub(crate) fn become_hop(&mut self, hop: &Hop) -> bool {
        let Ok((body, peek)) = with_fields(&self.call().body, &hop.fields) else { return false };
        self.asked = Arc::new(Asked::new(Call { body, peek, ..self.call().clone() }));
        true
    }

    /// What it shall come to without anybody being asked.
    pub(crate) fn mocked(&self) -> Option<Class> {
        self.call().mock.filter(|_| !self.moved)
    }
}

// === impl Asked ===

impl Asked {
    const fn new(call: Call) -> Self {
        Self { call, tokens: OnceLock::new(), session: OnceLock::new() }
    }
}

// === impl Call ===

impl Call {
    /// What `body` asks of `endpoint` in `dialect`, with nothing said beside it.
    #[must_use]
    pub fn new(
        dialect: &'static dyn Dialect,
        endpoint: Endpoint,
        headers: HeaderMap,
        body: Bytes,
        peek: Peek,
    ) -> Self {
        let (tags, hops) = (Vec::new(), Vec::new());
        let (stream_timeout, mock, drop_params) = (None, None, None);
        Self {
            dialect,
            endpoint,
            headers,
            body,
            peek,
            tags,
            stream_timeout,
            hops,
            passed: None,
            mock,
            drop_params,
        }
    }

    /// What is passed through as it is; `peek` is what was read of a body that names a model.
    #[must_use]
    pub fn passing(
        dialect: &'static dyn Dialect,
        headers: HeaderMap,
        body: Bytes,
        peek: Peek,
        passed: Passed,
    ) -> Self {
        let call = Self::new(dialect, Endpoint::Other, headers, body, peek);
        Self { passed: Some(Arc::new(passed)), ..call }
    }

    /// Copies the headers, and the body where that is small, out of the buffers that they were read into.
    ///
    /// A stream keeps its request for as long as it runs, to ask it anew where it breaks; the few hundred bytes of a
    /// question would keep some KiB of the caller's connection.
    fn let_go_of_buffers(&mut self) {
        const SMALL: usize = 4096;
        let small = self.body.len() <= SMALL;
        let body = if small { self.body.len() } else { 0 };
        let bytes: usize = self.headers.values().map(HeaderValue::len).sum();
        let mut own = BytesMut::with_capacity(bytes + body);
        // Anew, as a map is as large as it ever was.
        let mut headers = HeaderMap::with_capacity(self.headers.len());
        for (name, value) in &self.headers {
            own.extend_from_slice(value.as_bytes());
            let copy = HeaderValue::from_maybe_shared(own.split().freeze());
            let mut copy = copy.unwrap_or_else(|_| value.clone());
            copy.set_sensitive(value.is_sensitive());
            headers.append(name, copy);
        }
        self.headers = headers;
        if small {
            own.extend_from_slice(&self.body);
            self.body = own.freeze();
        }
    }

    /// The one deployment that can have it.
    pub(crate) fn place(&self) -> Option<&Name> {
        self.passed.as_ref()?.place()
    }

    /// The body, where it comes as it is read.
    pub(crate) fn upload(&self) -> Option<&Upload> {
        self.passed.as_ref()?.body()
    }
}

// === impl Hop ===

impl Hop {
    /// `group`, asked with `fields` in the place of the body's own.
    #[must_use]
    pub const fn new(label: Name, group: Name, fields: Vec<(String, Bytes)>) -> Self {
        Self { label, group, fields }
    }
}

impl fmt::Debug for Hop {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // What the fields say is the caller's own business.
        f.debug_struct("Hop").field("label", &self.label).finish_non_exhaustive()
    }
}

impl fmt::Debug for Request {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Request")
            .field("call", self.call())
            .field("group", &self.group)
            .finish_non_exhaustive()
    }
}

impl fmt::Debug for Call {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Neither headers nor body: both are the caller's own business.
        f.debug_struct("Call").field("endpoint", &self.endpoint).finish_non_exhaustive()
    }
}

// === impl Routed ===

impl<Res> Kind<Request, Res> for Routed {
    type Kept = Request;

    fn enter(&self, request: &mut Request, _: impl FnOnce() -> Instant) -> Entered {
        Entered::Found(request.context.clone())
    }

    fn is_idempotent(&self, request: &Request) -> bool {
        let call = request.call();
        call.passed.as_ref().is_none_or(|passed| passed.is_idempotent(&call.headers))
    }

    fn keep(&self, request: Request, max_bytes: u64) -> (Request, Option<Request>) {
        let fits = request.call().body.len() as u64 <= max_bytes && is_kept(&request);
        let kept = fits.then(|| request.clone());
        (request, kept)
    }

    fn is_kept(&self, kept: &Request) -> bool {
        is_kept(kept)
    }

    fn again(&self, kept: &Request) -> Option<Request> {
        is_kept(kept).then(|| kept.clone())
    }
}

/// Whether the body can be sent from its first byte.
fn is_kept(request: &Request) -> bool {
    request.call().upload().is_none_or(Upload::is_replayable)
}

#[cfg(test)]
mod tests {
    use secondwind_llm::dialect::OpenAiChat;
    use secondwind_llm::peek::peek;

    use super::*;

    fn asked(stream: bool, buffer: &Bytes) -> Call {
        // As a server reads them: head and body beside each other in one buffer.
        let value = |range| HeaderValue::from_maybe_shared(buffer.slice(range)).unwrap();
        let mut headers = HeaderMap::new();
        headers.insert(HOST, value(0..7));
        headers.insert("user-agent", value(7..12));
        headers.append("x-stainless-os", value(12..13));
        headers.append("x-stainless-os", value(13..14));
        let mut key = value(0..7);
        key.set_sensitive(true);
        headers.insert("x-api-key", key);
        let body = buffer.slice(14..);
        let mut peek = peek(&body).unwrap();
        peek.stream = stream;
        let call = Call::new(&OpenAiChat, Endpoint::ChatCompletions, headers, body, peek);
        let request = Request::new(call, "gpt".into(), Context::new(Instant::now()));
        request.call().clone()
    }

    #[test]
    fn a_stream_keeps_its_request_but_not_the_callers_buffers() {
        let body = "{\"model\":\"gpt\"}";
        let buffer = Bytes::from(format!("gatewayagentAB{body}"));
        let within = |bytes: &[u8]| buffer.as_ptr_range().contains(&bytes.as_ptr());
        let call = asked(true, &buffer);
        assert_eq!(call.body, body);
        assert!(!within(&call.body));
        assert!(call.headers.values().all(|value| !within(value.as_bytes())));
        assert_eq!(call.headers["user-agent"], "agent");
        let both: Vec<_> = call.headers.get_all("x-stainless-os").iter().collect();
        assert_eq!(both, ["A", "B"]);
        assert!(call.headers["x-api-key"].is_sensitive());
        assert!(!call.headers.contains_key(HOST));
        // What is not a stream is over soon, and is not copied; nor is a body that is large.
        let call = asked(false, &buffer);
        assert!(within(&call.body) && !call.headers.contains_key(HOST));
        let large = format!("gatewayagentAB{{\"model\":\"gpt\",\"x\":\"{}\"}}", "x".repeat(9000));
        let large = Bytes::from(large);
        let within = |bytes: &[u8]| large.as_ptr_range().contains(&bytes.as_ptr());
        let call = asked(true, &large);
        assert!(within(&call.body));
        assert!(call.headers.values().all(|value| !within(value.as_bytes())));
    }
}
