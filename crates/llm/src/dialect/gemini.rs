//! Gemini's `generateContent`.

mod words;

use std::borrow::Cow;
use std::fmt::Write;
use std::time::SystemTime;

use bytes::Bytes;
use http::StatusCode;
use http::header::{HeaderMap, HeaderName};
use secondwind_layers::classify::Verdict;
use secondwind_policy::Class;
use serde::Deserialize;
use serde::de::IgnoredAny;
use serde_json::json;

use self::words::WORDS;
use super::reply::{self, Unread};
use super::{Dialect, Endpoint, ErrorDetail, ErrorReply, InvalidKey, headers};
use crate::classify::Said;
use crate::stream::StreamDialect;

/// The dialect of Google's Gemini API.
#[derive(Clone, Copy, Debug, Default)]
pub struct Gemini;

const API_KEY: HeaderName = HeaderName::from_static("x-goog-api-key");

/// The caller's headers that Google gets to see.
const FORWARDED: [&str; 4] = ["accept", "content-type", "user-agent", "x-goog-api-client"];

impl Dialect for Gemini {
    fn name(&self) -> &'static str {
        "gemini"
    }

    fn endpoint_path(
        &self,
        endpoint: Endpoint,
        model: &str,
        stream: bool,
    ) -> Option<Cow<'static, str>> {
        let method = if stream { "streamGenerateContent?alt=sse" } else { "generateContent" };
        let model = segment(model.strip_prefix("models/").unwrap_or(model));
        (endpoint == Endpoint::GenerateContent).then(|| format!("/models/{model}:{method}").into())
    }

    fn auth(&self, key: &str) -> Result<HeaderMap, InvalidKey> {
        headers::secret(API_KEY, key.to_owned())
    }

    fn forwards(&self, name: &HeaderName) -> bool {
        FORWARDED.contains(&name.as_str())
    }

    fn streams(&self, endpoint: Endpoint) -> Option<&'static dyn StreamDialect> {
        (endpoint == Endpoint::GenerateContent).then_some(&crate::stream::Gemini as _)
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
            Ok(answer) if answer.is_one() => return None,
            Ok(answer) if answer.is_blocked() => {
                return Some(reply::no_answer(Class::ContentPolicy, StatusCode::OK));
            }
            _ => {}
        }
        Some(WORDS.failure(StatusCode::OK, headers, &Said::read(body), now))
    }

    fn error_detail(&self, body: &[u8]) -> ErrorDetail {
        reply::detail(&Said::read(body))
    }

    fn error_body(&self, error: &ErrorReply<'_>) -> Bytes {
        let body = json!({
            "error": {
                "code": error.class.facts().http_status(None).unwrap_or(502),
                "message": error.message,
                "status": status_of(error.class),
                "class": error.class.name(),
                "trail": error.trail,
            }
        });
        Bytes::from(body.to_string())
    }
}

/// The name of `google.rpc.Code` for a class.
const fn status_of(class: Class) -> &'static str {
    match class {
        Class::Timeout => "DEADLINE_EXCEEDED",
        Class::RateLimit | Class::QuotaExhausted => "RESOURCE_EXHAUSTED",
        Class::Authentication => "UNAUTHENTICATED",
        Class::Permission => "PERMISSION_DENIED",
        Class::NotFound => "NOT_FOUND",
        Class::BadRequest
        | Class::RequestTooLarge
        | Class::UnsupportedParams
        | Class::ContextWindow => "INVALID_ARGUMENT",
        Class::ContentPolicy => "FAILED_PRECONDITION",
        Class::Conflict => "ABORTED",
        Class::Connection | Class::ServiceUnavailable => "UNAVAILABLE",
        _ => "INTERNAL",
    }
}

/// A name as one part of a path, or as several where it has a slash: nothing in it ends the path.
fn segment(name: &str) -> String {
    let mut path = String::with_capacity(name.len());
    for byte in name.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~/@:".contains(&byte) {
            path.push(char::from(byte));
        } else {
            // A `String` takes whatever is written.
            let _ = write!(path, "%{byte:02X}");
        }
    }
    path
}

/// As much of an answer as tells that it is one.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Answer<'a> {
    candidates: Option<Vec<IgnoredAny>>,
    #[serde(borrow)]
    prompt_feedback: Option<Feedback<'a>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Feedback<'a> {
    #[serde(borrow)]
    block_reason: Option<Cow<'a, str>>,
}

impl Answer<'_> {
    /// One that a filter cut off is an answer, too: it says so.
    fn is_one(&self) -> bool {
        self.candidates.as_ref().is_some_and(|candidates| !candidates.is_empty())
    }

    fn is_blocked(&self) -> bool {
        self.prompt_feedback.as_ref().is_some_and(|feedback| feedback.block_reason.is_some())
    }
}

#[cfg(test)]
mod tests;
