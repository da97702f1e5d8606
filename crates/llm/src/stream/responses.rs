//! Streams of OpenAI's Responses.

mod follow;
mod splice;
mod whole;

use bytes::Bytes;
use secondwind_policy::Class;
use serde_json::{Value, json};

use self::follow::Items;
use self::splice::ItemSplice;
use super::{Follow, Splice, StreamDialect, Transcript, Way, wire};
use crate::dialect::ErrorReply;

/// The streams of Responses: items with parts, numbered events, `response.completed` at their end.
#[derive(Clone, Copy, Debug, Default)]
pub struct Responses;

impl StreamDialect for Responses {
    fn follow(&self) -> Box<dyn Follow> {
        Box::new(Items::default())
    }

    fn error_event(&self, error: &ErrorReply<'_>, said: &Transcript) -> Bytes {
        let mut object = wire::error_object(error);
        object["code"] = error.code.unwrap_or(code_of(error.class)).into();
        let sequence = next_sequence(said);
        let Some(mut response) = opening(said) else {
            // No response was begun that could fail.
            object["type"] = "error".into();
            object["param"] = error.param.into();
            object["sequence_number"] = sequence.into();
            return wire::named(&object).into();
        };
        response["status"] = "failed".into();
        response["error"] = object;
        wire::named(&json!({
            "type": "response.failed", "sequence_number": sequence, "response": response,
        }))
        .into()
    }

    fn as_stream(&self, body: &[u8]) -> Option<Bytes> {
        whole::as_stream(&serde_json::from_slice(body).ok()?).map(Bytes::from)
    }

    fn resume(&self, request: &[u8], _: &Transcript, way: Way) -> Option<Bytes> {
        match way {
            // An item of the assistant's at the end is history, and nothing to go on from.
            Way::Prefill => None,
            Way::Afresh => Some(Bytes::copy_from_slice(request)),
        }
    }

    fn resumable(&self, request: &[u8]) -> bool {
        let Ok(request) = serde_json::from_slice::<Value>(request) else {
            return false;
        };
        let format = &request["text"]["format"];
        let logprobs = request["include"].as_array().into_iter().flatten();
        request.is_object()
            && (!wire::asked(format) || format["type"] == "text")
            && !wire::asked(&request["top_logprobs"])
            && !wire::asked(&request["background"])
            && !logprobs.into_iter().any(|field| field == "message.output_text.logprobs")
    }

    fn splice(&self, said: &Transcript, way: Way) -> Box<dyn Splice> {
        Box::new(ItemSplice::new(said, way))
    }
}

/// The response as it was when it was begun.
fn opening(said: &Transcript) -> Option<Value> {
    let event = wire::json_of(wire::events(said.place.opening.as_ref()?).first()?)?;
    event.get("response").filter(|response| response.is_object()).cloned()
}

/// The number of the next event.
fn next_sequence(said: &Transcript) -> u64 {
    said.place.sequence.map_or(0, |last| last.saturating_add(1))
}

/// The code of an error that has none: one of those that a response can fail with.
const fn code_of(class: Class) -> &'static str {
    match class {
        Class::RateLimit | Class::QuotaExhausted => "rate_limit_exceeded",
        Class::ContentPolicy => "invalid_prompt",
        _ => "server_error",
    }
}

#[cfg(test)]
mod tests;
