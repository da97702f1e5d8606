//! Streams of OpenAI's Chat Completions, and of all that speak the same.

use bytes::Bytes;
use serde_json::{Map, Value, json};

use super::openai_body::{as_chunks, error_chunk, one_choice, prefill};
use super::openai_chunk::Chunks;
use super::openai_splice::ChunkSplice;
use super::{Follow, Splice, StreamDialect, Transcript, Way, wire};
use crate::dialect::ErrorReply;

/// The streams of Chat Completions: chunks without names, `[DONE]` at their end.
#[derive(Clone, Copy, Debug, Default)]
pub struct ChatCompletions;

impl StreamDialect for ChatCompletions {
    fn follow(&self) -> Box<dyn Follow> {
        Box::new(Chunks::default())
    }

    fn error_event(&self, error: &ErrorReply<'_>, _: &Transcript) -> Bytes {
        error_chunk(error)
    }

    fn as_stream(&self, body: &[u8]) -> Option<Bytes> {
        let answer = serde_json::from_slice(body).ok()?;
        as_chunks(&answer, "chat.completion.chunk", delta, &json!({ "delta": {} }))
    }

    fn resume(&self, request: &[u8], said: &Transcript, way: Way) -> Option<Bytes> {
        if way == Way::Afresh {
            return Some(Bytes::copy_from_slice(request));
        }
        let mut request: Value = serde_json::from_slice(request).ok()?;
        prefill(request.get_mut("messages")?.as_array_mut()?, &said.text)?;
        Some(request.to_string().into())
    }

    fn resumable(&self, request: &[u8]) -> bool {
        let Ok(request) = serde_json::from_slice::<Value>(request) else {
            return false;
        };
        let format = &request["response_format"];
        let plain = !wire::asked(format) || format["type"] == "text";
        let text_only = request["modalities"]
            .as_array()
            .is_none_or(|kinds| kinds.iter().all(|kind| kind == "text"));
        request.is_object() && plain && text_only && one_choice(&request)
    }

    fn splice(&self, said: &Transcript, way: Way) -> Box<dyn Splice> {
        Box::new(ChunkSplice::new(said, way))
    }
}

/// The whole message of a choice as one delta.
fn delta(choice: &Value) -> Option<Map<String, Value>> {
    let mut delta = choice["message"].as_object()?.clone();
    delta.entry("role").or_insert_with(|| "assistant".into());
    let calls = delta.get_mut("tool_calls").and_then(Value::as_array_mut);
    for (index, call) in calls.into_iter().flatten().enumerate() {
        call.as_object_mut()?.entry("index").or_insert_with(|| index.into());
    }
    Some(Map::from_iter([("delta".to_owned(), delta.into())]))
}
