//! Streams of OpenAI's Completions: a text gone on with.

use bytes::Bytes;
use serde_json::{Map, Value, json};

use super::openai_body::{as_chunks, error_chunk, one_choice};
use super::openai_chunk::Chunks;
use super::openai_splice::ChunkSplice;
use super::{Follow, Splice, StreamDialect, Transcript, Way, wire};
use crate::dialect::ErrorReply;

/// The streams of Completions: chunks without names or roles, `[DONE]` at their end.
#[derive(Clone, Copy, Debug, Default)]
pub struct Completions;

impl StreamDialect for Completions {
    fn follow(&self) -> Box<dyn Follow> {
        Box::new(Chunks::default())
    }

    fn error_event(&self, error: &ErrorReply<'_>, _: &Transcript) -> Bytes {
        error_chunk(error)
    }

    fn as_stream(&self, body: &[u8]) -> Option<Bytes> {
        let answer = serde_json::from_slice(body).ok()?;
        as_chunks(&answer, "text_completion", text, &json!({ "text": "", "logprobs": null }))
    }

    fn resume(&self, request: &[u8], said: &Transcript, way: Way) -> Option<Bytes> {
        if way == Way::Afresh {
            return Some(Bytes::copy_from_slice(request));
        }
        let mut request: Value = serde_json::from_slice(request).ok()?;
        // Said again with an echo; pulled elsewhere by a suffix.
        if said.text.is_empty() || ["echo", "suffix"].iter().any(|key| wire::asked(&request[*key]))
        {
            return None;
        }
        match request.get_mut("prompt")? {
            Value::String(prompt) => prompt.push_str(&said.text),
            Value::Array(prompts) => match prompts.as_mut_slice() {
                [Value::String(prompt)] => prompt.push_str(&said.text),
                _ => return None,
            },
            _ => return None,
        }
        Some(request.to_string().into())
    }

    fn resumable(&self, request: &[u8]) -> bool {
        let Ok(request) = serde_json::from_slice::<Value>(request) else {
            return false;
        };
        // Several prompts get a choice each. A prompt may also be one array of tokens.
        let one_prompt = match &request["prompt"] {
            Value::Array(prompts) => prompts.len() == 1 || prompts.iter().all(Value::is_number),
            _ => true,
        };
        let plain = !wire::asked(&request["response_format"]);
        request.is_object() && plain && one_prompt && one_choice(&request)
    }

    fn splice(&self, said: &Transcript, way: Way) -> Box<dyn Splice> {
        Box::new(ChunkSplice::new(said, way))
    }
}

/// The whole text of a choice.
fn text(choice: &Value) -> Option<Map<String, Value>> {
    Some(Map::from_iter([("text".to_owned(), choice["text"].as_str()?.into())]))
}
