//! Answers of Chat Completions, whole and in chunks, for callers of OpenAI's Responses.

use proptest::prelude::*;

use super::accumulate::events;
use super::chunks::{Manner, answers, as_chunks};
use super::roundtrip::conversation;
use super::streams::translated;
use super::*;

const PAIR: ResponsesToOpenAi = ResponsesToOpenAi;

/// The answer that a stream of Responses tells, put together from its smallest pieces.
fn response(stream: &[u8]) -> Value {
    let told: Vec<Value> = events(stream)
        .into_iter()
        .map(|(name, data)| {
            let event: Value = serde_json::from_str(&data).unwrap();
            assert_eq!(name.as_deref(), event["type"].as_str(), "events say twice what they are");
            event
        })
        .collect();
    for (number, event) in told.iter().enumerate() {
        assert_eq!(event["sequence_number"], number, "events are counted");
    }
    let [created, in_progress, told @ .., last] = &told[..] else { panic!("it has no ends") };
    assert_eq!(created["type"], "response.created");
    assert_eq!(in_progress["type"], "response.in_progress");
    assert_eq!(created["response"], in_progress["response"]);
    let mut output: Vec<Value> = Vec::new();
    let mut open = false;
    for event in told {
        let kind = event["type"].as_str().unwrap();
        let index = usize::try_from(event["output_index"].as_u64().unwrap()).unwrap();
        if kind == "response.output_item.added" {
            assert!(!open && index == output.len(), "one item at a time");
            assert_eq!(event["item"]["status"], "in_progress");
            output.push(event["item"].clone());
            open = true;
            continue;
        }
        assert!(open && index + 1 == output.len(), "an event is about the item that is open");
        let item = output.last_mut().unwrap();
        if kind == "response.output_item.done" {
            item["status"] = event["item"]["status"].clone();
            assert_eq!(*item, event["item"], "what was said of an item is what it was");
            open = false;
            continue;
        }
        assert_eq!(event["item_id"], item["id"]);
        let at = event["content_index"].as_u64().map(|at| usize::try_from(at).unwrap());
        let field = match kind.split('.').nth(1).unwrap() {
            "function_call_arguments" => "arguments",
            "refusal" => "refusal",
            _ => "text",
        };
        match (kind.rsplit('.').next().unwrap(), at) {
            ("added", Some(at)) => {
                let parts = item["content"].as_array_mut().unwrap();
                assert_eq!(at, parts.len());
                parts.push(event["part"].clone());
            }
            ("delta", at) => {
                let place = match at {
                    Some(at) => &mut item["content"][at][field],
                    None => &mut item[field],
                };
                let more = event["delta"].as_str().unwrap();
                *place = format!("{}{more}", place.as_str().unwrap()).into();
            }
            ("done", Some(at)) if kind == "response.content_part.done" => {
                assert_eq!(event["part"], item["content"][at]);
            }
            ("done", Some(at)) => assert_eq!(event[field], item["content"][at][field]),
            ("done", None) => {
                assert_eq!((&event[field], &event["name"]), (&item[field], &item["name"]));
            }
            other => panic!("{other:?}"),
        }
    }
    assert!(!open);
    let whole = last["response"].clone();
    assert_eq!(last["type"], format!("response.{}", whole["status"].as_str().unwrap()));
    assert_eq!(whole["output"], Value::from(output), "what was said is what the answer was");
    whole
}

/// A conversation of Chat Completions as the items of Responses.
pub(super) fn as_items(messages: &[Value]) -> Value {
    let mut items = Vec::new();
    for message in messages {
        let role = message["role"].as_str().unwrap();
        if role == "tool" {
            items.push(json!({"type": "function_call_output", "call_id": message["tool_call_id"],
                "output": message["content"]}));
            continue;
        }
        let mut content = message["content"].clone();
        for part in content.as_array_mut().into_iter().flatten() {
            *part = match part["type"].as_str().unwrap() {
                "text" => json!({"type": "input_text", "text": part["text"]}),
                _ => json!({"type": "input_image", "image_url": part["image_url"]["url"]}),
            };
        }
        if !content.is_null() {
            items.push(json!({"type": "message", "role": role, "content": content}));
        }
        for call in message["tool_calls"].as_array().into_iter().flatten() {
            items.push(json!({"type": "function_call", "call_id": call["id"],
                "name": call["function"]["name"], "arguments": call["function"]["arguments"]}));
        }
    }
    items.into()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(500))]

    #[test]
    fn a_stream_of_items_tells_what_the_whole_answer_says(
        answer in answers(),
        at in prop::collection::vec(0..12usize, 0..6),
        manner in (any::<bool>(), any::<bool>())
            .prop_map(|(usage_at_once, calls_at_0)| Manner { usage_at_once, calls_at_0 }),
    ) {
        let told = translated(&PAIR, &json!({"stream": true}), &as_chunks(&answer, &at, manner));
        prop_assert_eq!(response(&told), answered(&PAIR, &answer));
    }

    #[test]
    fn a_conversation_in_items_is_the_one_in_messages(messages in conversation()) {
        let asked = json!({"input": as_items(&messages)});
        prop_assert_eq!(&sent(&PAIR, &asked)["messages"], &Value::from(messages), "{}", asked);
    }
}

fn completion(message: Value, finish: &str) -> Value {
    json!({"id": "chatcmpl-1", "object": "chat.completion", "created": 7, "model": "theirs",
        "choices": [{"index": 0, "message": message, "finish_reason": finish}],
        "usage": {"prompt_tokens": 9, "completion_tokens": 5, "total_tokens": 14,
            "prompt_tokens_details": {"cached_tokens": 4},
            "completion_tokens_details": {"reasoning_tokens": 2}}})
}

#[test]
fn answers_with_the_status_and_the_cost_of_responses() {
    let message = json!({"role": "assistant", "content": "Hi"});
    for (finish, status, reason) in [
        ("stop", "completed", Value::Null),
        ("tool_calls", "completed", Value::Null),
        ("length", "incomplete", json!({"reason": "max_output_tokens"})),
        ("content_filter", "incomplete", json!({"reason": "content_filter"})),
    ] {
        let said = answered(&PAIR, &completion(message.clone(), finish));
        assert_eq!((&said["status"], &said["incomplete_details"]), (&json!(status), &reason));
        assert_eq!(said["output"][0]["status"], status);
        assert_eq!((&said["id"], &said["created_at"]), (&json!("resp_1"), &json!(7)));
        assert_eq!(
            said["usage"],
            json!({"input_tokens": 9, "output_tokens": 5, "total_tokens": 14,
                "input_tokens_details": {"cached_tokens": 4, "cache_write_tokens": 0},
                "output_tokens_details": {"reasoning_tokens": 2}})
        );
    }
}

#[test]
fn has_every_field_that_an_answer_of_responses_must_have() {
    let said = answered(&PAIR, &completion(json!({"role": "assistant", "content": "Hi"}), "stop"));
    // `required` of `Response` in OpenAI's OpenAPI document.
    for field in [
        "id",
        "object",
        "created_at",
        "error",
        "incomplete_details",
        "instructions",
        "model",
        "tools",
        "output",
        "parallel_tool_calls",
        "metadata",
        "tool_choice",
        "temperature",
        "top_p",
    ] {
        assert!(said.get(field).is_some(), "{field}");
    }
}

#[test]
fn what_was_answered_can_be_sent_back() {
    let call =
        json!({"id": "call_1", "type": "function", "function": {"name": "f", "arguments": ""}});
    let message = json!({"role": "assistant", "content": "Let me see.", "tool_calls": [call],
        "reasoning_content": "Hm."});
    let said = answered(&PAIR, &completion(message, "tool_calls"));
    let kinds = said["output"].as_array().unwrap().iter().map(|item| item["type"].clone());
    assert_eq!(kinds.collect::<Vec<_>>(), ["reasoning", "message", "function_call"]);
    let asked = json!({"input": said["output"]});
    let call =
        json!({"id": "call_1", "type": "function", "function": {"name": "f", "arguments": "{}"}});
    let message = json!({"role": "assistant", "content": "Let me see.", "tool_calls": [call]});
    assert_eq!(sent(&PAIR, &asked)["messages"], json!([message]));
}

#[test]
fn takes_no_half_completion_for_a_response() {
    for given in [
        json!({}),
        json!({"error": {"message": "Overloaded"}}),
        json!({"choices": []}),
        completion(json!({"role": "assistant", "tool_calls": [{"function": {}}]}), "tool_calls"),
        json!({"choices": [{"index": 0, "message": {"role": "assistant"}, "finish_reason": null}]}),
    ] {
        assert!(PAIR.answer(given.to_string().as_bytes(), CREATED).is_err(), "{given}");
    }
}

#[test]
fn says_nothing_for_chunks_that_make_no_response() {
    let chunk = |delta: Value| json!({"choices": [{"index": 0, "delta": delta}]}).to_string();
    let piece = |call: Value| chunk(json!({"tool_calls": [call]}));
    let begun = piece(json!({"index": 0, "id": "a", "function": {"name": "f"}}));
    for (before, event) in [
        (vec![], "{".to_owned()),
        (vec![], "[DONE]".to_owned()),
        (vec![chunk(json!({"content": "x"}))], "[DONE]".to_owned()),
        (vec![], piece(json!({"index": 0, "function": {"arguments": "{"}}))),
        (vec![begun], piece(json!({"index": 1, "function": {"arguments": "{"}}))),
    ] {
        let mut stream = PAIR.stream(b"{}", CREATED);
        for event in &before {
            stream.event(None, event.as_bytes(), &mut Vec::new()).unwrap();
        }
        let mut out = Vec::new();
        let error = stream.event(None, event.as_bytes(), &mut out).unwrap_err();
        assert!(matches!(error, Malformed::Event(_)) && out.is_empty(), "{before:?} {event}");
    }
    let data = br#"{"error":{"message":"Overloaded","code":503}}"#;
    let error = PAIR.stream(b"{}", CREATED).event(None, data, &mut Vec::new()).unwrap_err();
    assert_eq!(error, Malformed::Error(Bytes::from_static(data)));
}

#[test]
fn keeps_what_was_said_out_of_debug_output() {
    let mut stream = PAIR.stream(b"{}", CREATED);
    let chunk = json!({"choices": [{"index": 0, "delta": {"content": "secret"}}]}).to_string();
    stream.event(None, chunk.as_bytes(), &mut Vec::new()).unwrap();
    assert!(!format!("{stream:?}").contains("secret"));
}
