//! OpenAI's Chat Completions and what grew up around it: completions, embeddings, and the many
//! servers that speak the same.

pub(super) mod words;

use std::borrow::Cow;
use std::time::SystemTime;

use bytes::Bytes;
use http::StatusCode;
use http::header::{self, HeaderMap, HeaderName};
use secondwind_layers::classify::Verdict;
use serde::Deserialize;
use serde::de::IgnoredAny;
use serde_json::{Value, json};

use self::words::WORDS;
use super::reply::{self, Unread};
use super::{Dialect, Endpoint, ErrorDetail, ErrorReply, InvalidKey, event_stream, headers};
use crate::classify::Said;
use crate::stream::{ChatCompletions, Completions, Responses, StreamDialect};

/// The dialect of OpenAI's Chat Completions API and of all that are compatible with it.
#[derive(Clone, Copy, Debug, Default)]
pub struct OpenAiChat;

/// The caller's headers that a provider gets to see, beside the client libraries' own.
const FORWARDED: [&str; 6] = [
    "accept",
    "content-type",
    "idempotency-key",
    "openai-beta",
    "user-agent",
    "x-client-request-id",
];

impl Dialect for OpenAiChat {
    fn name(&self) -> &'static str {
        "openai_chat"
    }

    fn endpoint_path(&self, endpoint: Endpoint, _: &str, _: bool) -> Option<Cow<'static, str>> {
        match endpoint {
            Endpoint::ChatCompletions => Some("/chat/completions".into()),
            Endpoint::Completions => Some("/completions".into()),
            Endpoint::Embeddings => Some("/embeddings".into()),
            _ => None,
        }
    }

    fn account_base<'a>(&self, base: &'a str) -> Option<&'a str> {
        Some(base)
    }

    fn auth(&self, key: &str) -> Result<HeaderMap, InvalidKey> {
        headers::secret(header::AUTHORIZATION, format!("Bearer {key}"))
    }

    fn forwards(&self, name: &HeaderName) -> bool {
        FORWARDED.contains(&name.as_str()) || headers::is_of_the_client(name)
    }

    fn streams(&self, endpoint: Endpoint) -> Option<&'static dyn StreamDialect> {
        match endpoint {
            Endpoint::ChatCompletions => Some(&ChatCompletions),
            Endpoint::Completions => Some(&Completions),
            Endpoint::Responses => Some(&Responses),
            _ => None,
        }
    }

    fn classify_error(
        &self,
        status: StatusCode,
        headers: &HeaderMap,
        body: &[u8],
        now: SystemTime,
    ) -> Verdict {
        WORDS.failure(status, headers, &Said::heard(headers, body), now)
    }

    fn classify_ok_head(&self, status: StatusCode, headers: &HeaderMap) -> Option<Verdict> {
        reply::classify_head(status, headers)
    }

    fn classify_ok_body(
        &self,
        endpoint: Endpoint,
        headers: &HeaderMap,
        body: &[u8],
        now: SystemTime,
    ) -> Option<Verdict> {
        if let Some(exception) = event_stream::exception(headers, body) {
            let said = Said::amazons(exception.kind, exception.payload);
            return Some(WORDS.failure(exception.status(), headers, &said, now));
        }
        let failure = |said: &Said| Some(WORDS.failure(StatusCode::OK, headers, said, now));
        if endpoint == Endpoint::Other {
            let parsed = if body.trim_ascii_start().first() == Some(&b'[') {
                reply::parsed::<Vec<IgnoredAny>>(body).map(|_| None)
            } else {
                reply::parsed::<Anything>(body).map(|anything| anything.error)
            };
            return match parsed {
                Ok(error) if !error.as_ref().is_some_and(tells) => None,
                Ok(_) | Err(Unread::OtherShape) => failure(&Said::read(body)),
                Err(Unread::NoJson(verdict)) => Some(verdict),
            };
        }
        let answer = match reply::parsed::<Answer<'_>>(body) {
            Ok(answer) => answer,
            Err(Unread::NoJson(verdict)) => return Some(verdict),
            Err(Unread::OtherShape) => return failure(&Said::read(body)),
        };
        if let Some(choice) = answer.choices.iter().flatten().find(|choice| choice.failed()) {
            return failure(&Said::of(&json!({ "error": choice.error })));
        }
        let answered = match endpoint {
            Endpoint::ChatCompletions | Endpoint::Completions => {
                answer.choices.is_some_and(|choices| !choices.is_empty())
            }
            Endpoint::Embeddings => answer.data.is_some(),
            _ => true,
        };
        if answered && !answer.error.is_some_and(|error| tells(&error)) {
            return None;
        }
        failure(&Said::read(body))
    }

    fn error_detail(&self, body: &[u8]) -> ErrorDetail {
        reply::detail(&Said::read(body))
    }

    fn error_body(&self, error: &ErrorReply<'_>) -> Bytes {
        let body = json!({
            "error": {
                "message": error.message,
                "type": error.kind,
                "param": error.param,
                "code": error.code,
                "class": error.class.name(),
                "trail": error.trail,
            }
        });
        Bytes::from(body.to_string())
    }
}

/// As much of an answer as tells that it is one.
#[derive(Deserialize)]
struct Answer<'a> {
    error: Option<Value>,
    #[serde(borrow)]
    choices: Option<Vec<Choice<'a>>>,
    data: Option<Vec<IgnoredAny>>,
}

/// An answer of which nothing more is known.
#[derive(Deserialize)]
struct Anything {
    error: Option<Value>,
}

#[derive(Deserialize)]
struct Choice<'a> {
    #[serde(borrow)]
    finish_reason: Option<Cow<'a, str>>,
    error: Option<Value>,
}

impl Choice<'_> {
    /// A router of providers (OpenRouter) tells a failure of its provider in this place.
    fn failed(&self) -> bool {
        self.error.is_some() || self.finish_reason.as_deref() == Some("error")
    }
}

/// Whether an `error` beside an answer is one. Some servers send it with each answer, all its fields
/// empty.
fn tells(error: &Value) -> bool {
    matches!(error, Value::Object(_) | Value::String(_))
        && !Said::of(&json!({ "error": error })).is_silent()
}

#[cfg(test)]
mod tests;
