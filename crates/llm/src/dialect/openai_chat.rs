//! OpenAI's Chat Completions and what grew up around it: completions, embeddings, and the many
//! servers that speak the same.

mod words;

use std::borrow::Cow;
use std::time::SystemTime;

use bytes::Bytes;
use http::StatusCode;
use http::header::{self, HeaderMap, HeaderName, HeaderValue};
use secondwind_layers::classify::Verdict;
use secondwind_policy::Class;
use serde::Deserialize;
use serde::de::IgnoredAny;
use serde_json::{Value, json};

use self::words::WORDS;
use super::{Dialect, Endpoint, ErrorDetail, ErrorReply, InvalidKey};
use crate::classify::Said;
use crate::redact::redact;
use crate::stream::{ChatCompletions, Completions, StreamDialect};

/// The dialect of OpenAI's Chat Completions API and of all that are compatible with it.
#[derive(Clone, Copy, Debug, Default)]
pub struct OpenAiChat;

/// The caller's headers that a provider gets to see. The client libraries' own (`x-stainless-*`)
/// tell of the client, and are left as they are.
const FORWARDED: [&str; 6] = [
    "accept",
    "content-type",
    "idempotency-key",
    "openai-beta",
    "user-agent",
    "x-client-request-id",
];
const FORWARDED_START: &str = "x-stainless-";

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

    fn auth(&self, key: &str) -> Result<HeaderMap, InvalidKey> {
        let mut value = HeaderValue::try_from(format!("Bearer {key}")).map_err(|_| InvalidKey)?;
        value.set_sensitive(true);
        Ok(HeaderMap::from_iter([(header::AUTHORIZATION, value)]))
    }

    fn forwards(&self, name: &HeaderName) -> bool {
        FORWARDED.contains(&name.as_str()) || name.as_str().starts_with(FORWARDED_START)
    }

    fn streams(&self, endpoint: Endpoint) -> Option<&'static dyn StreamDialect> {
        match endpoint {
            Endpoint::ChatCompletions => Some(&ChatCompletions),
            Endpoint::Completions => Some(&Completions),
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
        WORDS.failure(status, headers, &Said::read(body), now)
    }

    fn classify_ok_head(&self, status: StatusCode, headers: &HeaderMap) -> Option<Verdict> {
        let page = headers
            .get(header::CONTENT_TYPE)
            .and_then(|kind| kind.as_bytes().get(..9))
            .is_some_and(|kind| kind.eq_ignore_ascii_case(b"text/html"));
        let empty = matches!(status, StatusCode::NO_CONTENT | StatusCode::RESET_CONTENT)
            || headers.get(header::CONTENT_LENGTH).is_some_and(|length| length == "0");
        // Nobody asked for an encoding, and what is in it cannot be looked at.
        let encoded = headers.get(header::CONTENT_ENCODING).is_some_and(|kind| kind != "identity");
        (page || empty || encoded).then(|| no_answer(Class::InternalServer, status))
    }

    fn classify_ok_body(
        &self,
        endpoint: Endpoint,
        headers: &HeaderMap,
        body: &[u8],
        now: SystemTime,
    ) -> Option<Verdict> {
        let failure = |said: &Said| Some(WORDS.failure(StatusCode::OK, headers, said, now));
        let answer = match serde_json::from_slice::<Answer<'_>>(body) {
            Ok(answer) => answer,
            // Cut off on the way, as if the connection had been.
            Err(error) if error.is_eof() && !body.is_empty() => {
                return Some(no_answer(Class::Connection, StatusCode::OK));
            }
            Err(error) if error.is_syntax() || error.is_eof() => {
                return Some(no_answer(Class::InternalServer, StatusCode::OK));
            }
            // JSON, but not in the shape of an answer.
            Err(_) => return failure(&Said::read(body)),
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
        let said = Said::read(body);
        let clean = |text: Option<&str>| text.map(|text| redact(text).into_owned());
        ErrorDetail {
            message: clean(said.message()),
            kind: clean(said.kind()),
            code: clean(said.code()),
            param: clean(said.param()),
        }
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

fn no_answer(class: Class, status: StatusCode) -> Verdict {
    Verdict::new(class).with_status(status.as_u16())
}

#[cfg(test)]
mod tests;
