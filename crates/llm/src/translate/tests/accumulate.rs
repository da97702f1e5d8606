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
            for piece in pieces {
                call(message, piece);
            }
        }
        ("thinking_blocks", Value::Array(more)) => {
            if message[field].is_null() {
                message[field] = json!([]);
            }
            let blocks = message[field].as_array_mut().unwrap();
            for block in more {
                let mut block = block.clone();
                let index = block.as_object_mut().unwrap().remove("index");
                assert_eq!(index, Some(blocks.len().into()), "one thought after the other");
                blocks.push(block);
            }
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

/// The answer that a stream of Messages tells; without its end, none.
pub(super) fn message(stream: &[u8]) -> Value {
    let mut told = events(stream).into_iter().map(|(name, data)| {
        let event: Value = serde_json::from_str(&data).unwrap();
        assert_eq!(name.as_deref(), event["type"].as_str(), "events say twice what they are");
        event
    });
    let begin = told.next().unwrap();
    assert_eq!(begin["type"], "message_start");
    let mut answer = begin["message"].clone();
    assert_eq!((&answer["content"], &answer["stop_reason"]), (&json!([]), &Value::Null));
    let mut open: Option<(Value, String)> = None;
    let mut ended = false;
    for event in told {
        assert!(!ended, "nothing is said after the end");
        let blocks = answer["content"].as_array_mut().unwrap();
        match event["type"].as_str().unwrap() {
            "ping" => {}
            "content_block_start" => {
                assert!(open.is_none() && event["index"] == blocks.len(), "one block at a time");
                open = Some((event["content_block"].clone(), String::new()));
            }
            "content_block_delta" => {
                assert_eq!(event["index"], blocks.len());
                let (block, input) = open.as_mut().unwrap();
                for (field, value) in event["delta"].as_object().unwrap() {
                    let more = value.as_str().unwrap();
                    match field.as_str() {
                        "type" => {}
                        "partial_json" => input.push_str(more),
                        _ => {
                            block[field] =
                                format!("{}{more}", block[field].as_str().unwrap()).into();
                        }
                    }
                }
            }
            "content_block_stop" => {
                assert_eq!(event["index"], blocks.len());
                let (mut block, input) = open.take().unwrap();
                if block["type"] == "tool_use" {
                    block["input"] = serde_json::from_str(&input).unwrap();
                }
                blocks.push(block);
            }
            "message_delta" => {
                assert!(open.is_none());
                for (field, value) in event["delta"].as_object().unwrap() {
                    answer[field] = value.clone();
                }
                for (field, value) in event["usage"].as_object().unwrap() {
                    answer["usage"][field] = value.clone();
                }
            }
            "message_stop" => ended = true,
            other => panic!("{other}"),
        }
    }
    assert!(ended, "a stream ends with its terminator");
    answer
}
