//! What the body of a failed reply says, whatever its shape.
//!
//! Shapes that come through OpenAI-compatible interfaces: `{"error": {…}}`, `{"error": "text"}`, the
//! error's fields at the top, `[{"error": …}]`, `{"detail": "text"}`, `{"detail": [{"msg": …}]}`,
//! `{"errors": [{…}]}`, another provider's error as JSON text within the error, and text or a page
//! that is no JSON at all. Google's `details` and Amazon's `__type` are codes, too.

use std::time::Duration;

use http::HeaderMap;
use serde_json::{Map, Value};

use super::retry_info;

type Object = Map<String, Value>;

/// What an error body says.
#[derive(Clone, Debug, Default)]
pub(crate) struct Said {
    message: Option<String>,
    kind: Option<String>,
    code: Option<String>,
    param: Option<String>,
    status: Option<u16>,
    /// Codes and types, the innermost and so most precise ones first, then those of an error within.
    codes: Vec<String>,
    /// Messages in lower case, this error's first.
    texts: Vec<String>,
    quotas: Vec<String>,
    moderated: bool,
    retry_info: Option<Duration>,
    page: Option<String>,
}

// === impl Said ===

impl Said {
    /// Reads a body as it was received.
    pub(crate) fn read(body: &[u8]) -> Self {
        match serde_json::from_slice(body) {
            Ok(value) => Self::of(&value),
            Err(_) => Self {
                page: Some(String::from_utf8_lossy(body).to_ascii_lowercase()),
                ..Self::default()
            },
        }
    }

    /// Reads a body, and the code that Amazon's servers put beside it.
    pub(crate) fn heard(headers: &HeaderMap, body: &[u8]) -> Self {
        let mut said = Self::read(body);
        let beside = headers.get("x-amzn-errortype").and_then(|kind| kind.to_str().ok());
        said.codes.extend(beside.map(amazon));
        said
    }

    /// Reads an exception of Amazon's servers called `kind`.
    pub(crate) fn amazons(kind: &str, body: &[u8]) -> Self {
        let mut said = Self::read(body);
        said.codes.push(amazon(kind));
        said
    }

    /// Reads a body that was parsed before.
    pub(crate) fn of(body: &Value) -> Self {
        let mut said = Self::shallow(body);
        // A router of providers passes on what its provider said as text; one such level is real,
        // more are not.
        if let Some(within) = error_of(body).0.and_then(within) {
            match serde_json::from_str(within) {
                Ok(value @ (Value::Object(_) | Value::Array(_))) => {
                    let within = Self::shallow(&value);
                    said.codes.extend(within.codes);
                    said.texts.extend(within.texts);
                }
                _ => said.texts.push(within.to_ascii_lowercase()),
            }
        }
        said
    }

    fn shallow(body: &Value) -> Self {
        let mut said = Self::default();
        let (Some(error), text) = error_of(body) else {
            return said;
        };

        let inner =
            ["innererror", "inner_error"].iter().find_map(|key| error.get(*key)?.get("code"));
        said.code = error.get("code").and_then(scalar);
        said.kind = ["type", "error_type"].iter().find_map(|key| error.get(*key)).and_then(scalar);
        said.param = error.get("param").and_then(scalar);
        said.codes.extend(inner.and_then(scalar));
        said.codes.extend(said.code.clone());
        said.codes.extend(said.kind.clone());
        said.codes.extend(error.get("status").and_then(scalar));
        said.codes.extend(error.get("__type").and_then(Value::as_str).map(amazon));
        said.codes
            .extend(retry_info::details(error).filter_map(|about| scalar(about.get("reason")?)));
        said.status =
            ["code", "status", "status_code"].iter().find_map(|key| status(error.get(*key)?));

        let message = error.get("message").or_else(|| error.get("msg"));
        let detail = error.get("detail").or_else(|| message?.get("detail"));
        said.message = text
            .filter(|text| !text.is_empty())
            .map(str::to_owned)
            .or_else(|| message.and_then(scalar));
        match detail {
            Some(Value::String(detail)) if said.message.is_none() => {
                said.message = Some(detail.clone());
            }
            // Pydantic's list of what is wrong with each field.
            Some(Value::Array(fields)) => {
                let of = |key| fields.iter().filter_map(move |field| field.get(key)?.as_str());
                said.codes.extend(of("type").map(str::to_owned));
                said.message = said.message.or_else(|| of("msg").next().map(str::to_owned));
            }
            _ => {}
        }
        said.texts.extend(said.message.as_deref().map(str::to_ascii_lowercase));

        said.retry_info = retry_info::of(error);
        said.quotas = retry_info::details(error)
            .filter_map(|detail| detail.get("violations")?.as_array())
            .flatten()
            .filter_map(|violation| Some(violation.get("quotaId")?.as_str()?.to_ascii_lowercase()))
            .collect();
        said.moderated = error.get("metadata").is_some_and(|about| {
            about.get("flagged_input").is_some() || about.get("reasons").is_some()
        });
        said
    }

    /// The message, as it was written.
    pub(crate) fn message(&self) -> Option<&str> {
        self.message.as_deref()
    }

    /// The error's `type`.
    pub(crate) fn kind(&self) -> Option<&str> {
        self.kind.as_deref()
    }

    /// The error's `code`; a number as text.
    pub(crate) fn code(&self) -> Option<&str> {
        self.code.as_deref()
    }

    /// The parameter that is at fault.
    pub(crate) fn param(&self) -> Option<&str> {
        self.param.as_deref()
    }

    /// Whether nothing in it tells of an error: fields that are there, and empty.
    pub(crate) fn is_silent(&self) -> bool {
        self.texts.is_empty() && self.codes.is_empty() && self.page.is_none()
    }

    /// A status of a failure that stands in the body.
    pub(crate) fn status(&self) -> Option<u16> {
        self.status
    }

    pub(crate) fn codes(&self) -> &[String] {
        &self.codes
    }

    pub(crate) fn texts(&self) -> &[String] {
        &self.texts
    }

    pub(crate) fn quotas(&self) -> &[String] {
        &self.quotas
    }

    pub(crate) fn moderated(&self) -> bool {
        self.moderated
    }

    pub(crate) fn retry_info(&self) -> Option<Duration> {
        self.retry_info
    }

    pub(crate) fn page(&self) -> Option<&str> {
        self.page.as_deref()
    }
}

/// Where the fields of the error stand, and its message where the error is nothing but a text.
fn error_of(body: &Value) -> (Option<&Object>, Option<&str>) {
    let body = body.get(0).unwrap_or(body);
    let Some(top) = body.as_object() else {
        return (None, None);
    };
    match top.get("error") {
        Some(Value::Object(error)) => (Some(error), None),
        Some(Value::String(text)) => (Some(top), Some(text)),
        _ => match top.get("errors").and_then(|errors| errors.get(0)) {
            Some(Value::Object(error)) => (Some(error), None),
            _ => (Some(top), None),
        },
    }
}

/// What the provider behind a router of providers said (OpenRouter's `metadata.raw`).
fn within(error: &Object) -> Option<&str> {
    error.get("metadata")?.get("raw")?.as_str()
}

/// The name of an exception, without whose it is: `com.amazon.coral#X` and `X:http://…` are `X`.
fn amazon(kind: &str) -> String {
    let name = kind.split(':').next().unwrap_or_default();
    name.rsplit('#').next().unwrap_or_default().to_owned()
}

fn scalar(value: &Value) -> Option<String> {
    match value {
        Value::String(text) if !text.is_empty() => Some(text.clone()),
        // Go writes a field that is not set as 0.
        Value::Number(number) if number.as_u64() != Some(0) => Some(number.to_string()),
        _ => None,
    }
}

/// A status of a failure, as a number or as its digits.
fn status(value: &Value) -> Option<u16> {
    let status = match value {
        Value::Number(number) => u16::try_from(number.as_u64()?).ok()?,
        Value::String(text) => text.parse().ok()?,
        _ => return None,
    };
    (400..600).contains(&status).then_some(status)
}
