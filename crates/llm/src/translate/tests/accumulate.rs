//! Puts streams together again, as the providers' own clients do.

use serde_json::{Value, json};

/// The `data:` of every event that has some, with its name.
pub(super) fn events(stream: &[u8]) -> Vec<(Option<String>, String)> {
    let text = std::str::from_utf8(stream).unwrap();
    assert!(text.is_empty() || text.ends_with("\n\n"), "an event is cut off: {text}");
    let mut events = Vec::new();
    for block in text.split("\n\n") {
        let field = |name: &str| {
            let lines = block.lines().filter_map(|line| line.strip_prefix(name));
            lines.map(|line| line.trim_start().to_owned()).collect::<Vec<_>>()
        };
        let data = field("data:");
        if !data.is_empty() {
            events.push((field("event:").pop(), data.join("\n")));
        }
    }
    events
}

/// The answer that a stream of Chat Completions tells; without its end, none.
pub(super) fn completion(stream: &[u8]) -> Value {
    let mut told = events(stream);
    let last = told.pop().map(|(_, data)| data);
    assert_eq!(last.as_deref(), Some("[DONE]"), "a stream ends with its terminator");
    let mut answer = json!({"object": "chat.completion", "choices": [
        {"index": 0, "message": {"content": null}, "finish_reason": null},
    ]});
    for (name, data) in told {
        assert_eq!(name, None);
        let chunk: Value = serde_json::from_str(&data).unwrap();
        assert_eq!(chunk["object"], "chat.completion.chunk");
        for field in ["id", "model", "created"] {
            assert!(answer[field].is_null() || answer[field] == chunk[field], "one {field}");
            answer[field] = chunk[field].clone();
        }
        if chunk["usage"].is_object() {
            assert_eq!(chunk["choices"], json!([]), "the usage comes alone");
            answer["usage"] = chunk["usage"].clone();
            continue;
        }
        let said = &chunk["choices"][0];
        let choice = &mut answer["choices"][0];
        assert!(choice["finish_reason"].is_null(), "nothing is said after the end");
        for field in ["finish_reason", "stop_reason"] {
            if !said[field].is_null() {
                choice[field] = said[field].clone();
            }
        }
        for (field, value) in said["delta"].as_object().unwrap() {
            add(&mut choice["message"], field, value);
        }
    }
    // A client begins with no text, and an answer without any has none.
    let message = &mut answer["choices"][0]["message"];
    if message["content"] == "" {
        message["content"] = Value::Null;
    }
    answer
}

fn add(message: &mut Value, field: &str, value: &Value) {
    match (field, value) {
        ("tool_calls", Value::Array(pieces)) => {
            pieces.iter().for_each(|piece| call(message, piece))
        }
        ("thinking_blocks", Value::Array(more)) => {
            if message[field].is_null() {
                message[field] = json!([]);
            }
            message[field].as_array_mut().unwrap().extend(more.iter().cloned());
        }
        ("role", role) => {
            assert!(message["role"].is_null(), "one role");
            message["role"] = role.clone();
        }
        (_, Value::String(more)) => {
            let before = message[field].as_str().unwrap_or_default();
            message[field] = format!("{before}{more}").into();
        }
        (_, other) => panic!("{field}: {other}"),
    }
}

fn call(message: &mut Value, piece: &Value) {
    if message["tool_calls"].is_null() {
        message["tool_calls"] = json!([]);
    }
    let calls = message["tool_calls"].as_array_mut().unwrap();
    let index = usize::try_from(piece["index"].as_u64().unwrap()).unwrap();
    if index == calls.len() {
        let mut begun = piece.clone();
        begun.as_object_mut().unwrap().remove("index");
        assert!(begun["id"].is_string() && begun["function"]["name"].is_string());
        calls.push(begun);
        return;
    }
    assert_eq!(index + 1, calls.len(), "one call after the other");
    let arguments = &mut calls[index]["function"]["arguments"];
    let more = piece["function"]["arguments"].as_str().unwrap();
    *arguments = format!("{}{more}", arguments.as_str().unwrap()).into();
}
