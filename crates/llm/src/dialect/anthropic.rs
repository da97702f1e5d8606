//! Anthropic's Messages.

mod words;

use std::borrow::Cow;
use std::time::SystemTime;

use bytes::Bytes;
use http::StatusCode;
use http::header::{HeaderMap, HeaderName, HeaderValue};
use secondwind_layers::classify::Verdict;
use secondwind_policy::Class;
use serde::Deserialize;
use serde::de::IgnoredAny;
use serde_json::json;

use self::words::WORDS;
use super::reply::{self, Unread};
use super::{Dialect, Endpoint, ErrorDetail, ErrorReply, InvalidKey, headers};
use crate::classify::Said;
use crate::stream::{AnthropicMessages, StreamDialect};

/// The dialect of Anthropic's Messages API.
#[derive(Clone, Copy, Debug, Default)]
pub struct Anthropic;

const API_KEY: HeaderName = HeaderName::from_static("x-api-key");
const VERSION: HeaderName = HeaderName::from_static("anthropic-version");

/// The version that is spoken where the caller asks for none.
const THIS_VERSION: HeaderValue = HeaderValue::from_static("2023-06-01");

/// The caller's headers that Anthropic gets to see, beside the client libraries' own.
const FORWARDED: [&str; 6] = [
    "accept",
    "anthropic-beta",
    "anthropic-version",
    "content-type",
    "idempotency-key",
    "user-agent",
];

/// The words that Anthropic has for the `type` of an error.
const KINDS: [&str; 10] = [
    "api_error",
    "authentication_error",
    "billing_error",
    "invalid_request_error",
    "not_found_error",
    "overloaded_error",
    "permission_error",
    "rate_limit_error",
    "request_too_large",
    "timeout_error",
];

impl Dialect for Anthropic {
    fn name(&self) -> &'static str {
        "anthropic_messages"
    }

    fn endpoint_path(&self, endpoint: Endpoint, _: &str, _: bool) -> Option<Cow<'static, str>> {
        (endpoint == Endpoint::Messages).then_some("/v1/messages".into())
    }

    fn auth(&self, key: &str) -> Result<HeaderMap, InvalidKey> {
        headers::secret(API_KEY, key.to_owned())
    }

    fn forwards(&self, name: &HeaderName) -> bool {
        FORWARDED.contains(&name.as_str()) || headers::is_of_the_client(name)
    }

    fn request_headers(&self, caller: &HeaderMap) -> HeaderMap {
        let mut sent = headers::filtered(caller, headers::TO_PROVIDERS, |name| self.forwards(name));
        sent.entry(VERSION).or_insert(THIS_VERSION);
        sent
    }

    fn streams(&self, endpoint: Endpoint) -> Option<&'static dyn StreamDialect> {
        (endpoint == Endpoint::Messages).then_some(&AnthropicMessages as _)
    }

    fn classify_error(
        &self,
        status: StatusCode,
        headers: &HeaderMap,
        body: &[u8],
        now: SystemTime,
    ) -> Verdict {
        WORDS.failure(status, headers, &Said::read(body), now)
    }

    fn classify_ok_head(&self, status: StatusCode, headers: &HeaderMap) -> Option<Verdict> {
        reply::classify_head(status, headers)
    }

    fn classify_ok_body(
        &self,
        _: Endpoint,
        headers: &HeaderMap,
        body: &[u8],
        now: SystemTime,
    ) -> Option<Verdict> {
        match reply::parsed::<Answer<'_>>(body) {
            Err(Unread::NoJson(verdict)) => return Some(verdict),
            // It may have no blocks, and is an answer all the same.
            Ok(Answer { kind: Some(kind), content: Some(_) }) if kind == "message" => return None,
            _ => {}
        }
        Some(WORDS.failure(StatusCode::OK, headers, &Said::read(body), now))
    }

    fn error_detail(&self, body: &[u8]) -> ErrorDetail {
        reply::detail(&Said::read(body))
    }

    fn error_body(&self, error: &ErrorReply<'_>) -> Bytes {
        let kind = if KINDS.contains(&error.kind) { error.kind } else { kind_of(error.class) };
        let body = json!({
            "type": "error",
            "error": {
                "type": kind,
                "message": error.message,
                "class": error.class.name(),
                "trail": error.trail,
            },
            "request_id": null,
        });
        Bytes::from(body.to_string())
    }
}

/// Anthropic's word for a class.
const fn kind_of(class: Class) -> &'static str {
    match class {
        Class::Timeout => "timeout_error",
        Class::RateLimit => "rate_limit_error",
        Class::QuotaExhausted => "billing_error",
        Class::Authentication => "authentication_error",
        Class::Permission => "permission_error",
        Class::NotFound => "not_found_error",
        Class::RequestTooLarge => "request_too_large",
        Class::BadRequest
        | Class::UnsupportedParams
        | Class::ContextWindow
        | Class::ContentPolicy
        | Class::Conflict => "invalid_request_error",
        Class::ServiceUnavailable => "overloaded_error",
        _ => "api_error",
    }
}

/// As much of an answer as tells that it is one.
#[derive(Deserialize)]
struct Answer<'a> {
    #[serde(borrow, rename = "type")]
    kind: Option<Cow<'a, str>>,
    content: Option<Vec<IgnoredAny>>,
}

#[cfg(test)]
mod tests;
