//! What providers say in their own APIs, whole and as streams.

use secondwind_testkit::upstream::Reply;
use serde_json::{Value, json};

/// A text of which every word is another.
pub(super) const TEXT: &str = "The tide comes in twice a day and nobody has to ask it to.";

/// Claude's answer.
pub(super) fn claude(content: &Value, stop_reason: &str) -> Reply {
    let usage = json!({"input_tokens": 11, "output_tokens": 7});
    let answer = json!({
        "id": "msg_1", "type": "message", "role": "assistant", "model": "claude-x", "content": content,
        "stop_reason": stop_reason, "stop_sequence": null, "usage": usage,
    });
    Reply::json(200, answer.to_string())
}

pub(super) fn claude_says(text: &str) -> Reply {
    claude(&json!([{"type": "text", "text": text}]), "end_turn")
}

pub(super) fn event(name: &str, data: &Value) -> String {
    format!("event: {name}\ndata: {data}\n\n")
}

/// The events of a stream of Claude's that says `words`; as many as `most` of them come before it ends.
pub(super) fn claude_streams(text: &str, most: usize) -> Reply {
    let message = json!({
        "id": "msg_1", "type": "message", "role": "assistant", "model": "claude-x", "content": [],
        "stop_reason": null, "stop_sequence": null, "usage": {"input_tokens": 11, "output_tokens": 1},
    });
    let block = json!({"type": "text", "text": ""});
    let mut events = vec![
        event("message_start", &json!({"type": "message_start", "message": message})),
        event(
            "content_block_start",
            &json!({"type": "content_block_start", "index": 0, "content_block": block}),
        ),
        event("ping", &json!({"type": "ping"})),
    ];
    let words: Vec<&str> = text.split_inclusive(' ').collect();
    for word in words.iter().take(most) {
        let delta = json!({"type": "text_delta", "text": word});
        events.push(event(
            "content_block_delta",
            &json!({"type": "content_block_delta", "index": 0, "delta": delta}),
        ));
    }
    if most >= words.len() {
        let delta = json!({"stop_reason": "end_turn", "stop_sequence": null});
        let usage = json!({"output_tokens": 7});
        events
            .push(event("content_block_stop", &json!({"type": "content_block_stop", "index": 0})));
        events.push(event(
            "message_delta",
            &json!({"type": "message_delta", "delta": delta, "usage": usage}),
        ));
        events.push(event("message_stop", &json!({"type": "message_stop"})));
    }
    Reply::chunks(events)
}

/// Gemini's answer.
pub(super) fn gemini_says(text: &str) -> Value {
    json!({
        "candidates": [{"content": {"role": "model", "parts": [{"text": text}]}, "finishReason": "STOP", "index": 0}],
        "usageMetadata": {"promptTokenCount": 11, "candidatesTokenCount": 7, "totalTokenCount": 18},
        "modelVersion": "gemini-x", "responseId": "g1",
    })
}

/// The text of a stream of Chat Completions, and why it finished.
pub(super) fn heard_chat(body: &[u8]) -> (String, Vec<String>) {
    let (mut text, mut finishes) = (String::new(), Vec::new());
    for data in datas(body).filter(|data| data != "[DONE]") {
        let chunk: Value = serde_json::from_str(&data).unwrap();
        for choice in chunk["choices"].as_array().into_iter().flatten() {
            text.push_str(choice["delta"]["content"].as_str().unwrap_or_default());
            finishes.extend(choice["finish_reason"].as_str().map(str::to_owned));
        }
    }
    (text, finishes)
}

/// The text of a stream of Messages, and the names of its events.
pub(super) fn heard_messages(body: &[u8]) -> (String, Vec<String>) {
    let (mut text, mut names) = (String::new(), Vec::new());
    for data in datas(body) {
        let event: Value = serde_json::from_str(&data).unwrap();
        text.push_str(event["delta"]["text"].as_str().unwrap_or_default());
        names.push(event["type"].as_str().unwrap().to_owned());
    }
    names.dedup();
    (text, names)
}

fn datas(body: &[u8]) -> impl Iterator<Item = String> {
    let text = String::from_utf8(body.to_vec()).unwrap();
    let lines: Vec<String> = text.lines().map(str::to_owned).collect();
    lines.into_iter().filter_map(|line| line.strip_prefix("data: ").map(str::to_owned))
}
