//! What an attempt does otherwise for what is [passed through](crate::passed).
//!
//! A question to a model is answered by JSON, which is read whole and judged as any, or by something else (a sound,
//! events), which is an answer once something of it is there. What is pinned is answered by whatever comes with the
//! status of a success: it may be a file with any content, or nothing.

use std::sync::Arc;
use std::time::SystemTime;

use bytes::Bytes;
use http::{HeaderMap, HeaderValue, header, response};
use hyper::body::Incoming;
use hyper_util::client::legacy;
use secondwind_layers::classify::Verdict;
use secondwind_layers::timeout::Elapsed;
use secondwind_llm::body::Spliced;
use secondwind_llm::dialect::Endpoint;
use secondwind_policy::Class;

use super::{ANSWER_BYTES, Sent};
use crate::body::Body;
use crate::client;
use crate::error::RouteError;
use crate::passed::{Outgoing, Passed, Passing, Upload};
use crate::request::Call;
use crate::rest::Rest;
use crate::scrub::Secret;
use crate::target::Deployment;

// === impl Passed ===

impl Passed {
    /// The request for `deployment`; `None` where that has no place for it.
    pub(super) fn http_request(
        &self,
        deployment: &Deployment,
        call: &Call,
    ) -> Option<http::Request<Outgoing>> {
        let Deployment { target, auth, .. } = deployment;
        let uri = self.uri(target)?;
        let body = match self.body() {
            // What is pinned asks for no model.
            None if self.place().is_some() => Spliced::whole(call.body.clone()).into(),
            Some(upload) if self.place().is_some() => upload.reader(&target.model).into(),
            asked => {
                let (model, json) = deployment.model(&call.peek.model)?;
                match asked {
                    Some(upload) => upload.reader(&model).into(),
                    None => Spliced::new(&call.body, call.peek.model_range.clone(), json).into(),
                }
            }
        };
        let mut sent = http::Request::new(body);
        *sent.method_mut() = self.method().clone();
        *sent.uri_mut() = uri;
        *sent.headers_mut() = target.dialect.request_headers(&call.headers);
        let headers = sent.headers_mut();
        for (name, value) in auth {
            headers.insert(name.clone(), value.clone());
        }
        if !call.body.is_empty() {
            let json = const { HeaderValue::from_static("application/json") };
            headers.entry(header::CONTENT_TYPE).or_insert(json);
        }
        Some(sent)
    }
}

// === impl Sent ===

impl Sent {
    fn passed(&self) -> Option<&Passed> {
        self.request.call().passed.as_deref()
    }

    pub(super) fn is_passed(&self) -> bool {
        self.passed().is_some()
    }

    fn is_pinned(&self) -> bool {
        self.request.call().place().is_some()
    }

    /// Whether the answer comes from a place where anything is an answer, or is none of JSON.
    fn is_anything(&self, headers: &HeaderMap) -> bool {
        self.passed().is_some() && !is_json(headers)
    }

    /// The verdict on a head that says success; `None` where an answer may follow.
    pub(super) fn bad_head(&self, head: &response::Parts) -> Option<Verdict> {
        let dialect = self.deployment.target.dialect;
        if self.is_pinned() { None } else { dialect.classify_ok_head(head.status, &head.headers) }
    }

    /// How much of an answer is read before it is handed on.
    pub(super) fn enough(&self, head: &response::Parts) -> usize {
        if self.is_anything(&head.headers) { 1 } else { ANSWER_BYTES }
    }

    /// The verdict on a whole body whose head says success; `None` where it is an answer.
    pub(super) fn bad_body(
        &self,
        head: &response::Parts,
        read: &Bytes,
        now: SystemTime,
    ) -> Option<Verdict> {
        let dialect = self.deployment.target.dialect;
        let endpoint = self.request.call().endpoint;
        if self.is_pinned() {
            return None;
        }
        if endpoint == Endpoint::Other && !is_json(&head.headers) {
            // It ended before anything came.
            let nothing = Verdict::new(Class::InternalServer).with_status(head.status.as_u16());
            return read.is_empty().then_some(nothing);
        }
        let spoken = self.route().map_or(endpoint, |route| route.spoken);
        dialect.classify_ok_body(spoken, &head.headers, read, now)
    }

    /// An answer that is handed on before its end.
    pub(super) fn flowing(&self, read: Bytes, rest: Incoming) -> Body {
        let deployment = Arc::clone(&self.deployment);
        if !self.is_passed() {
            return Body::flowing(Rest::new(read, rest, deployment, Secret::scrubbed));
        }
        let rest = Rest::new(read, rest, deployment, Secret::masked);
        Body::passing(Passing::new(rest, self.policy().timeout().idle()))
    }

    /// The request could not be sent: for want of the provider, or of the caller.
    pub(super) fn not_sent(&self, error: legacy::Error) -> RouteError {
        match self.request.call().upload().and_then(Upload::fault) {
            Some(fault) => RouteError::upload(fault),
            None => {
                let verdict = client::verdict_of(&error, self.began);
                RouteError::send(error, verdict)
            }
        }
    }

    /// The answer did not come in time.
    pub(super) fn late_error(&self, elapsed: Elapsed) -> RouteError {
        let late = RouteError::late(elapsed);
        // Who still listens cannot answer.
        if self.passed().is_some_and(Passed::awaits_caller) { late.blaming_nobody() } else { late }
    }
}

/// Whether a body is JSON, by its type; what has no type is taken for it.
fn is_json(headers: &HeaderMap) -> bool {
    headers.get(header::CONTENT_TYPE).is_none_or(|kind| {
        let kind = kind.as_bytes().split(|byte| *byte == b';').next().unwrap_or_default();
        let kind = kind.trim_ascii().to_ascii_lowercase();
        kind == b"application/json" || kind.ends_with(b"+json")
    })
}
