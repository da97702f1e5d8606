//! What Chat Completions and Completions share of whole bodies: requests, answers, errors.

use bytes::Bytes;
use serde_json::{Map, Value, json};

use super::wire;
use crate::dialect::{Dialect, ErrorReply, OpenAiChat};

/// An error as a chunk.
pub(super) fn error_chunk(error: &ErrorReply<'_>) -> Bytes {
    let body = OpenAiChat.error_body(error);
    [b"data: ", &*body, b"\n\n"].concat().into()
}

/// Whether a request asks for one choice, and for no log probabilities.
pub(super) fn one_choice(request: &Value) -> bool {
    let one = |key: &str| request[key].as_u64().is_none_or(|count| count <= 1);
    // Completions take a number, where 0 asks for the chosen token's.
    let logprobs = request["logprobs"].is_number() || wire::asked(&request["logprobs"]);
    one("n") && one("best_of") && !logprobs && !wire::asked(&request["top_logprobs"])
}

/// Puts `said` at the end of a conversation: as a message of the assistant's, or behind the one that
/// the conversation ends with.
pub(super) fn prefill(messages: &mut Vec<Value>, said: &str) -> Option<()> {
    if said.is_empty() {
        return None;
    }
    match messages.last_mut().filter(|last| last["role"] == "assistant") {
        Some(last) => match last.get_mut("content")? {
            Value::String(begun) => begun.push_str(said),
            _ => return None,
        },
        None => messages.push(json!({ "role": "assistant", "content": said })),
    }
    Some(())
}

/// A complete answer as a stream of chunks: for each choice one with `content` of it, one with its
/// finish reason; the usage with the last of them.
pub(super) fn as_chunks(
    answer: &Value,
    object: &str,
    content: impl Fn(&Value) -> Option<Map<String, Value>>,
    nothing: &Value,
) -> Option<Bytes> {
    if wire::verdict_on(&answer["error"]).is_some() {
        return None;
    }
    let mut head = answer.as_object()?.clone();
    let usage = head.remove("usage");
    head.insert("object".into(), object.into());
    let choices = match head.remove("choices")? {
        Value::Array(choices) if !choices.is_empty() => choices,
        _ => return None,
    };

    let chunk = |choice: Map<String, Value>| {
        let mut chunk = head.clone();
        chunk.insert("choices".into(), json!([choice]));
        chunk
    };
    let (mut contents, mut finishes) = (Vec::new(), Vec::new());
    for (at, choice) in choices.iter().enumerate() {
        let reason = choice["finish_reason"].as_str().filter(|reason| !reason.is_empty())?;
        if reason == "error" {
            return None;
        }
        let index = choice.get("index").cloned().unwrap_or_else(|| at.into());
        let mut first = content(choice)?;
        first.insert("index".into(), index.clone());
        first.insert("logprobs".into(), choice["logprobs"].clone());
        first.insert("finish_reason".into(), Value::Null);
        contents.push(chunk(first));
        let mut last = nothing.as_object().cloned().unwrap_or_default();
        last.insert("index".into(), index);
        last.insert("finish_reason".into(), reason.into());
        finishes.push(chunk(last));
    }
    if let (Some(last), Some(usage)) = (finishes.last_mut(), usage) {
        last.insert("usage".into(), usage);
    }
    let chunks = contents.into_iter().chain(finishes);
    let mut stream: String = chunks.map(|chunk| wire::data(&Value::Object(chunk))).collect();
    stream.push_str("data: [DONE]\n\n");
    Some(stream.into())
}
