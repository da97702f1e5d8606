//! Streams of Anthropic's Messages.

mod follow;
mod splice;

use bytes::Bytes;
use serde_json::{Map, Value, json};

use self::follow::Messages;
use self::splice::BlockSplice;
use super::openai_body::prefill;
use super::{Follow, Splice, StreamDialect, Transcript, Way, wire};
use crate::dialect::ErrorReply;

/// The streams of Anthropic's Messages: content blocks that are started and stopped, `message_stop` at
/// their end.
#[derive(Clone, Copy, Debug, Default)]
pub struct AnthropicMessages;

impl StreamDialect for AnthropicMessages {
    fn follow(&self) -> Box<dyn Follow> {
        Box::new(Messages::default())
    }

    fn error_event(&self, error: &ErrorReply<'_>, _: &Transcript) -> Bytes {
        let mut object = wire::error_object(error);
        object["type"] = error.kind.into();
        wire::named(&json!({ "type": "error", "error": object })).into()
    }

    fn as_stream(&self, body: &[u8]) -> Option<Bytes> {
        let answer: Map<String, Value> = serde_json::from_slice(body).ok()?;
        if answer.get("type")? != "message" || !wire::asked(answer.get("stop_reason")?) {
            return None;
        }
        let mut opening = answer.clone();
        opening.insert("content".into(), json!([]));
        opening.insert("stop_reason".into(), Value::Null);
        opening.insert("stop_sequence".into(), Value::Null);
        let mut stream = wire::named(&json!({ "type": "message_start", "message": opening }));
        for (index, block) in answer.get("content")?.as_array()?.iter().enumerate() {
            let (start, deltas) = as_deltas(block)?;
            stream += &wire::named(&json!({
                "type": "content_block_start", "index": index, "content_block": start,
            }));
            for delta in deltas {
                stream += &wire::named(&json!({
                    "type": "content_block_delta", "index": index, "delta": delta,
                }));
            }
            stream += &wire::named(&json!({ "type": "content_block_stop", "index": index }));
        }
        stream += &wire::named(&json!({
            "type": "message_delta",
            "delta": {
                "stop_reason": answer["stop_reason"],
                "stop_sequence": answer.get("stop_sequence"),
            },
            "usage": answer.get("usage"),
        }));
        stream += &wire::named(&json!({ "type": "message_stop" }));
        Some(stream.into())
    }

    fn resume(&self, request: &[u8], said: &Transcript, way: Way) -> Option<Bytes> {
        if way == Way::Afresh {
            return Some(Bytes::copy_from_slice(request));
        }
        let mut request: Value = serde_json::from_slice(request).ok()?;
        // Both are refused: a prefill that ends in white space, and one before thoughts.
        let thinks = !matches!(request["thinking"]["type"].as_str(), None | Some("disabled"));
        if said.text.ends_with(char::is_whitespace) || thinks {
            return None;
        }
        prefill(request.get_mut("messages")?.as_array_mut()?, &said.text)?;
        Some(request.to_string().into())
    }

    fn resumable(&self, request: &[u8]) -> bool {
        let Ok(request) = serde_json::from_slice::<Value>(request) else {
            return false;
        };
        let structured = [&request["output_format"], &request["output_config"]["format"]];
        request.is_object() && !structured.into_iter().any(wire::asked)
    }

    fn splice(&self, said: &Transcript, way: Way) -> Box<dyn Splice> {
        Box::new(BlockSplice::new(said, way))
    }
}

/// A block of a whole answer as it is started, and what is told of it then.
fn as_deltas(block: &Value) -> Option<(Value, Vec<Value>)> {
    let mut start = block.clone();
    let mut deltas = Vec::new();
    match block["type"].as_str()? {
        "text" => {
            start["text"] = "".into();
            deltas.push(json!({ "type": "text_delta", "text": block["text"].as_str()? }));
            let citations = block["citations"].as_array();
            if citations.is_some() {
                start["citations"] = json!([]);
            }
            deltas.extend(
                citations
                    .into_iter()
                    .flatten()
                    .map(|citation| json!({ "type": "citations_delta", "citation": citation })),
            );
        }
        "thinking" => {
            start["thinking"] = "".into();
            start["signature"] = "".into();
            deltas.push(json!({ "type": "thinking_delta", "thinking": block["thinking"] }));
            deltas.push(json!({ "type": "signature_delta", "signature": block["signature"] }));
        }
        "tool_use" | "server_tool_use" => {
            start["input"] = json!({});
            let input = block["input"].to_string();
            deltas.push(json!({ "type": "input_json_delta", "partial_json": input }));
        }
        // Told as a whole when it is started.
        _ => {}
    }
    Some((start, deltas))
}

#[cfg(test)]
mod tests;
