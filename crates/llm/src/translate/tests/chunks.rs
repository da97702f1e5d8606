//! Streams of Chat Completions, for callers of Anthropic's Messages.

use proptest::prelude::*;
use proptest::sample::select;

use super::accumulate::message;
use super::streams::{cut, translated};
use super::*;

const PAIR: AnthropicToOpenAi = AnthropicToOpenAi;

fn tell(out: &mut Vec<u8>, fields: Value) {
    let chunk = json!({"id": "chatcmpl-1", "object": "chat.completion.chunk", "created": 1,
        "model": "theirs"});
    sse::data(out, &with(&chunk, fields));
}

fn say(out: &mut Vec<u8>, delta: Value, finish: Value) {
    tell(out, json!({"choices": [{"index": 0, "delta": delta, "finish_reason": finish}]}));
}

/// How a provider tells its streams.
#[derive(Clone, Copy, Debug)]
pub(super) struct Manner {
    /// The usage comes with the finish reason, instead of after it.
    pub(super) usage_at_once: bool,
    /// All calls are counted as the first, with an id of their own.
    pub(super) calls_at_0: bool,
}

/// An answer of Chat Completions as its stream, with every text cut at `at`.
pub(super) fn as_chunks(answer: &Value, at: &[usize], manner: Manner) -> Vec<u8> {
    let mut out = Vec::new();
    let choice = &answer["choices"][0];
    let said = &choice["message"];
    tell(&mut out, json!({"choices": [], "prompt_filter_results": []}));
    say(&mut out, json!({"role": "assistant", "content": "", "refusal": null}), Value::Null);
    if let Some(thoughts) = said["reasoning_content"].as_str() {
        say(&mut out, json!({"reasoning_content": thoughts}), Value::Null);
    }
    if let Some(blocks) = said["thinking_blocks"].as_array() {
        say(&mut out, json!({"thinking_blocks": blocks}), Value::Null);
    }
    for field in ["content", "refusal"] {
        for piece in cut(said[field].as_str().unwrap_or_default(), at) {
            say(&mut out, json!({field: piece}), Value::Null);
        }
    }
    for (index, call) in said["tool_calls"].as_array().into_iter().flatten().enumerate() {
        let index = if manner.calls_at_0 { 0 } else { index };
        let mut begun = with(call, json!({"index": index}));
        begun["function"]["arguments"] = json!("");
        say(&mut out, json!({"tool_calls": [begun]}), Value::Null);
        for piece in cut(call["function"]["arguments"].as_str().unwrap(), at) {
            let piece = json!({"index": index, "function": {"arguments": piece}});
            say(&mut out, json!({"tool_calls": [piece]}), Value::Null);
        }
    }
    let mut last = json!([{"index": 0, "delta": {}, "finish_reason": choice["finish_reason"]}]);
    last[0]["stop_reason"] = choice["stop_reason"].clone();
    if manner.usage_at_once {
        tell(&mut out, json!({"choices": last, "usage": answer["usage"]}));
    } else {
        tell(&mut out, json!({"choices": last, "usage": null}));
        tell(&mut out, json!({"choices": [], "usage": answer["usage"]}));
    }
    sse::done(&mut out);
    out
}

pub(super) fn answers() -> impl Strategy<Value = Value> {
    let text = || prop::option::of("[a-z\"\\\\\n é😀]{1,12}");
    let call = ("[a-z]{1,5}", prop::collection::btree_map("[a-z]{1,3}", "[a-z\" é]{0,8}", 0..3));
    let thoughts = prop::option::of("[a-z]{1,8}").prop_map(|thought| {
        thought
            .map(|thought| json!([{"type": "thinking", "thinking": thought, "signature": "sig"}]))
    });
    (
        (text(), text(), text(), thoughts),
        prop::collection::vec(call, 0..4),
        select(vec!["stop", "length", "content_filter"]),
        prop_oneof![Just(Value::Null), Just(json!("END")), Just(json!(151_643))],
        0..1000u64,
    )
        .prop_map(|((said, refusal, thought, blocks), calls, finish, stopped, tokens)| {
            let mut message = json!({"role": "assistant", "content": said, "refusal": refusal,
                "reasoning_content": thought});
            if let Some(blocks) = blocks {
                message["thinking_blocks"] = blocks;
            }
            if !calls.is_empty() {
                let calls = calls.into_iter().enumerate().map(|(index, (name, arguments))| {
                    let arguments = json!(arguments).to_string();
                    json!({"id": format!("call_{index}"), "type": "function",
                        "function": {"name": name, "arguments": arguments}})
                });
                message["tool_calls"] = calls.collect();
            }
            let choice = json!({"index": 0, "message": message, "finish_reason": finish,
                "stop_reason": stopped});
            json!({"id": "chatcmpl-1", "object": "chat.completion", "created": 1, "model": "theirs",
                "choices": [choice], "usage": {"prompt_tokens": tokens + 3,
                    "completion_tokens": tokens,
                "total_tokens": 2 * tokens + 3, "prompt_tokens_details": {"cached_tokens": 3}}})
        })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(500))]

    #[test]
    fn an_anthropic_stream_tells_what_the_whole_answer_says(
        answer in answers(),
        at in prop::collection::vec(0..12usize, 0..6),
        manner in (any::<bool>(), any::<bool>())
            .prop_map(|(usage_at_once, calls_at_0)| Manner { usage_at_once, calls_at_0 }),
    ) {
        let told = translated(&PAIR, &json!({"stream": true}), &as_chunks(&answer, &at, manner));
        prop_assert_eq!(message(&told), answered(&PAIR, &answer));
    }
}

#[test]
fn reasoning_that_is_kept_from_the_caller_keeps_them_company() {
    let mut given = Vec::new();
    say(&mut given, json!({"reasoning_content": "Hm."}), Value::Null);
    let told = String::from_utf8(translated(&PAIR, &json!({}), &given)).unwrap();
    assert!(told.ends_with("event: ping\ndata: {\"type\":\"ping\"}\n\n") && !told.contains("Hm."));
}

#[test]
fn hands_on_an_error_within_a_stream_as_it_was_told() {
    for data in [r#"{"error":{"message":"Overloaded","code":503}}"#, r#"{"error":"x","choices":7}"#]
    {
        let mut out = Vec::new();
        let error = PAIR.stream(b"{}", CREATED).event(None, data.as_bytes(), &mut out).unwrap_err();
        assert_eq!(error, Malformed::Error(Bytes::from_static(data.as_bytes())));
        assert!(out.is_empty());
    }
}

#[test]
fn says_nothing_for_chunks_that_cannot_be() {
    let delta = |delta: Value| json!({"choices": [{"index": 0, "delta": delta}]}).to_string();
    let call = |call: Value| delta(json!({"tool_calls": [call]}));
    let begun = call(json!({"index": 0, "id": "a", "function": {"name": "f", "arguments": ""}}));
    for (before, event) in [
        (vec![], "{".to_owned()),
        (vec![], "[DONE]".to_owned()),
        (vec![delta(json!({"content": "x"}))], "[DONE]".to_owned()),
        (vec![], call(json!({"index": 0, "function": {"arguments": "{}"}}))),
        (vec![], call(json!({"index": 0, "id": "a", "function": {"arguments": "{}"}}))),
        (vec![begun.clone()], call(json!({"index": 1, "function": {"arguments": "{}"}}))),
        (
            vec![begun, delta(json!({"content": "x"}))],
            call(json!({"function": {"arguments": "{}"}})),
        ),
    ] {
        let mut stream = PAIR.stream(b"{}", CREATED);
        for event in &before {
            stream.event(None, event.as_bytes(), &mut Vec::new()).unwrap();
        }
        let mut out = Vec::new();
        let error = stream.event(None, event.as_bytes(), &mut out).unwrap_err();
        assert!(matches!(error, Malformed::Event(_)) && out.is_empty(), "{before:?} {event}");
    }
}

#[test]
fn text_in_parts_is_text_and_nothing_else_comes_with_a_thought() {
    let mut given = Vec::new();
    let parts = json!([{"type": "thinking", "thinking": [text("Hm.")]}, text("He"), text("llo")]);
    let sly = json!([{"type": "tool_use", "id": "x", "input": {}}, {"type": "redacted_thinking",
        "data": "d", "input": {}}]);
    say(&mut given, json!({"content": parts, "thinking_blocks": sly}), json!("stop"));
    sse::done(&mut given);
    let streamed = message(&translated(&PAIR, &json!({}), &given));
    let content = json!([{"type": "redacted_thinking", "data": "d"}, text("Hello")]);
    assert_eq!(streamed["content"], content);
    let said = json!({"role": "assistant", "content": parts, "thinking_blocks": sly});
    let whole = json!({"choices": [{"message": said, "finish_reason": "stop"}]});
    assert_eq!(answered(&PAIR, &whole)["content"], content);
}

fn text(text: &str) -> Value {
    json!({"type": "text", "text": text})
}
