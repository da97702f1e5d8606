//! How events are written, and what is told of a failure within a stream.

use std::time::SystemTime;

use bytes::Bytes;
use http::{HeaderMap, StatusCode};
use secondwind_layers::classify::Verdict;
use serde::Deserialize;
use serde_json::{Value, json};

use crate::classify::Said;
use crate::dialect::{Dialect, ErrorReply, OpenAiChat};
use crate::sse::{Event, Framer};

/// The terminator of OpenAI's older streams.
pub(super) const DONE: Bytes = Bytes::from_static(b"data: [DONE]\n\n");

/// An event without a name.
pub(super) fn data(value: &Value) -> String {
    format!("data: {value}\n\n")
}

/// An event that is named after its `type`.
pub(super) fn named(value: &Value) -> String {
    let name = value["type"].as_str().unwrap_or_default();
    format!("event: {name}\ndata: {value}\n\n")
}

/// Reads as much as is wanted of what an event says. It is checked as text once as a whole: string by
/// string takes half as long again.
pub(super) fn parse<'a, T: Deserialize<'a>>(data: &'a [u8]) -> Option<T> {
    serde_json::from_str(std::str::from_utf8(data).ok()?).ok()
}

/// The JSON of an event.
pub(super) fn json_of(event: &Event) -> Option<Value> {
    serde_json::from_slice(event.data()?).ok()
}

/// The events of a whole text.
pub(super) fn events(text: &Bytes) -> Vec<Event> {
    let mut framer = Framer::new();
    framer.push(text.clone());
    std::iter::from_fn(|| framer.next_event().ok().flatten()).collect()
}

/// Whether content may have been lost in what cannot be read. There is none without a quote.
pub(super) fn maybe_content(data: &[u8]) -> bool {
    memchr::memchr2(b'"', b'{', data).is_some()
}

/// The verdict on an error within a stream, by the words of OpenAI and those who speak its dialect.
///
/// An event has no headers and so no dates: there is no time to compare them with.
pub(super) fn verdict(body: &[u8]) -> Verdict {
    OpenAiChat.classify_error(StatusCode::OK, &HeaderMap::new(), body, SystemTime::UNIX_EPOCH)
}

/// The verdict on the `error` of an object, where that is one. Some servers send it with each event,
/// all its fields empty.
pub(super) fn verdict_on(error: &Value) -> Option<Verdict> {
    let body = json!({ "error": error });
    let tells =
        matches!(error, Value::Object(_) | Value::String(_)) && !Said::of(&body).is_silent();
    tells.then(|| verdict(body.to_string().as_bytes()))
}

/// An error of ours: the fields that all dialects have, and ours beside.
pub(super) fn error_object(error: &ErrorReply<'_>) -> Value {
    json!({ "message": error.message, "class": error.class.name(), "trail": error.trail })
}

/// Whether a field of a request asks for something.
pub(super) fn asked(value: &Value) -> bool {
    match value {
        Value::Null | Value::Bool(false) => false,
        Value::Number(number) => number.as_f64() != Some(0.0),
        Value::String(text) => !text.is_empty(),
        Value::Array(items) => !items.is_empty(),
        Value::Object(fields) => !fields.is_empty(),
        Value::Bool(true) => true,
    }
}
