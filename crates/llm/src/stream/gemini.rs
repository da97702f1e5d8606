//! Streams of Gemini's `streamGenerateContent`, told as events (`alt=sse`).

mod follow;
mod splice;

use bytes::Bytes;
use secondwind_policy::Class;
use serde_json::{Value, json};

use self::follow::Chunks;
use self::splice::PartSplice;
use super::{Follow, Splice, StreamDialect, Transcript, Way, wire};
use crate::dialect::ErrorReply;

/// The streams of Gemini: chunks without names, the last of them with a `finishReason`.
#[derive(Clone, Copy, Debug, Default)]
pub struct Gemini;

impl StreamDialect for Gemini {
    fn follow(&self) -> Box<dyn Follow> {
        Box::new(Chunks::default())
    }

    fn error_event(&self, error: &ErrorReply<'_>, _: &Transcript) -> Bytes {
        let (code, status) = status_of(error.class);
        let mut object = wire::error_object(error);
        object["code"] = code.into();
        object["status"] = status.into();
        wire::data(&json!({ "error": object })).into()
    }

    fn as_stream(&self, body: &[u8]) -> Option<Bytes> {
        let body: Value = serde_json::from_slice(body).ok()?;
        // Without `alt=sse` a stream is one array.
        let chunks = body.as_array().map_or(std::slice::from_ref(&body), Vec::as_slice);
        let finished = |chunk: &Value| wire::asked(&chunk["candidates"][0]["finishReason"]);
        let failed = |chunk: &Value| wire::verdict_on(&chunk["error"]).is_some();
        if !finished(chunks.last()?) || chunks.iter().any(failed) {
            return None;
        }
        Some(chunks.iter().map(wire::data).collect::<String>().into())
    }

    fn resume(&self, request: &[u8], said: &Transcript, way: Way) -> Option<Bytes> {
        if way == Way::Afresh {
            return Some(Bytes::copy_from_slice(request));
        }
        if said.text.is_empty() {
            return None;
        }
        let mut request: Value = serde_json::from_slice(request).ok()?;
        let contents = request.get_mut("contents")?.as_array_mut()?;
        let said = json!({ "text": said.text });
        match contents.last_mut().filter(|last| last["role"] == "model") {
            Some(last) => last.get_mut("parts")?.as_array_mut()?.push(said),
            None => contents.push(json!({ "role": "model", "parts": [said] })),
        }
        Some(request.to_string().into())
    }

    fn resumable(&self, request: &[u8]) -> bool {
        let Ok(request) = serde_json::from_slice::<Value>(request) else {
            return false;
        };
        // Both spellings are taken.
        let config = [&request["generationConfig"], &request["generation_config"]];
        config.into_iter().all(|config| {
            let field = |camel: &str, snake: &str| match &config[camel] {
                Value::Null => config[snake].clone(),
                value => value.clone(),
            };
            let kind = field("responseMimeType", "response_mime_type");
            let modalities = field("responseModalities", "response_modalities");
            let text = |kind: &Value| kind == "TEXT";
            !wire::asked(&field("responseSchema", "response_schema"))
                && !wire::asked(&field("responseJsonSchema", "response_json_schema"))
                && !wire::asked(&field("responseLogprobs", "response_logprobs"))
                && (!wire::asked(&kind) || kind == "text/plain")
                && field("candidateCount", "candidate_count")
                    .as_u64()
                    .is_none_or(|count| count <= 1)
                && modalities.as_array().is_none_or(|kinds| kinds.iter().all(text))
        }) && request.is_object()
    }

    fn splice(&self, said: &Transcript, way: Way) -> Box<dyn Splice> {
        Box::new(PartSplice::new(said, way))
    }
}

/// A class as Google's APIs tell it: the status, and its name in `google.rpc.Code`.
const fn status_of(class: Class) -> (u16, &'static str) {
    match class {
        Class::Timeout => (504, "DEADLINE_EXCEEDED"),
        Class::RateLimit | Class::QuotaExhausted => (429, "RESOURCE_EXHAUSTED"),
        Class::Connection | Class::ServiceUnavailable => (503, "UNAVAILABLE"),
        Class::Conflict => (409, "ABORTED"),
        Class::BadRequest
        | Class::RequestTooLarge
        | Class::UnsupportedParams
        | Class::ContextWindow
        | Class::ContentPolicy => (400, "INVALID_ARGUMENT"),
        Class::Authentication => (401, "UNAUTHENTICATED"),
        Class::Permission => (403, "PERMISSION_DENIED"),
        Class::NotFound => (404, "NOT_FOUND"),
        _ => (500, "INTERNAL"),
    }
}

#[cfg(test)]
mod tests;
