//! OpenAI itself: Chat Completions, and Responses beside them.

use std::borrow::Cow;
use std::time::SystemTime;

use bytes::Bytes;
use http::StatusCode;
use http::header::{HeaderMap, HeaderName};
use secondwind_layers::classify::Verdict;
use serde::Deserialize;
use serde::de::IgnoredAny;

use super::openai_chat::words::WORDS;
use super::reply::{self, Unread};
use super::{Dialect, Endpoint, ErrorDetail, ErrorReply, InvalidKey, OpenAiChat};
use crate::classify::Said;
use crate::stream::StreamDialect;

/// The dialect of OpenAI: that of [`OpenAiChat`], and Responses.
#[derive(Clone, Copy, Debug, Default)]
pub struct OpenAi;

impl Dialect for OpenAi {
    fn name(&self) -> &'static str {
        "openai"
    }

    fn endpoint_path(
        &self,
        endpoint: Endpoint,
        model: &str,
        stream: bool,
    ) -> Option<Cow<'static, str>> {
        match endpoint {
            Endpoint::Responses => Some("/responses".into()),
            _ => OpenAiChat.endpoint_path(endpoint, model, stream),
        }
    }

    fn account_base<'a>(&self, base: &'a str) -> Option<&'a str> {
        Some(base)
    }

    fn auth(&self, key: &str) -> Result<HeaderMap, InvalidKey> {
        OpenAiChat.auth(key)
    }

    fn forwards(&self, name: &HeaderName) -> bool {
        OpenAiChat.forwards(name)
    }

    fn streams(&self, endpoint: Endpoint) -> Option<&'static dyn StreamDialect> {
        OpenAiChat.streams(endpoint)
    }

    fn classify_error(
        &self,
        status: StatusCode,
        headers: &HeaderMap,
        body: &[u8],
        now: SystemTime,
    ) -> Verdict {
        OpenAiChat.classify_error(status, headers, body, now)
    }

    fn classify_ok_head(&self, status: StatusCode, headers: &HeaderMap) -> Option<Verdict> {
        OpenAiChat.classify_ok_head(status, headers)
    }

    fn classify_ok_body(
        &self,
        endpoint: Endpoint,
        headers: &HeaderMap,
        body: &[u8],
        now: SystemTime,
    ) -> Option<Verdict> {
        if endpoint != Endpoint::Responses {
            return OpenAiChat.classify_ok_body(endpoint, headers, body, now);
        }
        match reply::parsed::<Answer<'_>>(body) {
            Err(Unread::NoJson(verdict)) => return Some(verdict),
            // One that was cut short is an answer: it says why it is incomplete.
            Ok(Answer { status, output: Some(_) }) if status.as_deref() != Some("failed") => {
                return None;
            }
            _ => {}
        }
        Some(WORDS.failure(StatusCode::OK, headers, &Said::read(body), now))
    }

    fn error_detail(&self, body: &[u8]) -> ErrorDetail {
        OpenAiChat.error_detail(body)
    }

    fn error_body(&self, error: &ErrorReply<'_>) -> Bytes {
        OpenAiChat.error_body(error)
    }
}

/// As much of a response as tells whether it is an answer.
#[derive(Deserialize)]
struct Answer<'a> {
    #[serde(borrow)]
    status: Option<Cow<'a, str>>,
    output: Option<Vec<IgnoredAny>>,
}

#[cfg(test)]
mod tests;
