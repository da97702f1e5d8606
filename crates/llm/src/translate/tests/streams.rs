use proptest::prelude::*;
use proptest::sample::select;

use super::accumulate::{completion, events};
use super::*;

/// The whole of what `pair` makes of `given`.
pub(super) fn translated(pair: &dyn Translate, request: &Value, given: &[u8]) -> Vec<u8> {
    let mut stream = pair.stream(request.to_string().as_bytes(), CREATED);
    let mut out = Vec::new();
    for (name, data) in events(given) {
        stream.event(name.as_deref(), data.as_bytes(), &mut out).unwrap();
    }
    out
}

/// `text` in pieces of any size.
pub(super) fn cut(text: &str, at: &[usize]) -> Vec<String> {
    let mut pieces = vec![String::new()];
    for (index, c) in text.chars().enumerate() {
        if at.contains(&index) {
            pieces.push(String::new());
        }
        pieces.last_mut().unwrap().push(c);
    }
    pieces
}

/// An answer of Anthropic's as its stream, with every text cut at `at`.
fn as_events(answer: &Value, at: &[usize]) -> Vec<u8> {
    let mut out = Vec::new();
    let mut tell = |kind: &str, fields: Value| {
        sse::event(&mut out, kind, &with(&json!({"type": kind}), fields));
    };
    let mut begin =
        with(answer, json!({"content": [], "stop_reason": null, "stop_sequence": null}));
    begin["usage"]["output_tokens"] = json!(1);
    tell("message_start", json!({"message": begin}));
    tell("ping", json!({}));
    for (index, block) in answer["content"].as_array().unwrap().iter().enumerate() {
        let (empty, deltas) = match block["type"].as_str().unwrap() {
            "text" => (json!({"text": ""}), vec![("text_delta", "text", block["text"].as_str())]),
            "thinking" => (
                json!({"thinking": "", "signature": ""}),
                vec![
                    ("thinking_delta", "thinking", block["thinking"].as_str()),
                    ("signature_delta", "signature", block["signature"].as_str()),
                ],
            ),
            "tool_use" => (json!({"input": {}}), vec![]),
            _ => (json!({}), vec![]),
        };
        tell("content_block_start", json!({"index": index, "content_block": with(block, empty)}));
        for (kind, field, text) in deltas {
            for piece in cut(text.unwrap_or_default(), at) {
                let delta = json!({"type": kind, field: piece});
                tell("content_block_delta", json!({"index": index, "delta": delta}));
            }
        }
        if block["type"] == "tool_use" && block["input"] != json!({}) {
            for piece in cut(&block["input"].to_string(), at) {
                let delta = json!({"type": "input_json_delta", "partial_json": piece});
                tell("content_block_delta", json!({"index": index, "delta": delta}));
            }
        }
        tell("content_block_stop", json!({"index": index}));
    }
    let delta =
        json!({"stop_reason": answer["stop_reason"], "stop_sequence": answer["stop_sequence"]});
    let output = json!({"output_tokens": answer["usage"]["output_tokens"]});
    tell("message_delta", json!({"delta": delta, "usage": output}));
    tell("message_stop", json!({}));
    out
}

fn answers() -> impl Strategy<Value = Value> {
    let text = "[a-z\"\\\\\n é😀]{1,12}";
    let block = prop_oneof![
        text.prop_map(|text| json!({"type": "text", "text": text})),
        (text, "[A-Za-z0-9+/=]{1,8}").prop_map(|(thought, signature)| {
            json!({"type": "thinking", "thinking": thought, "signature": signature})
        }),
        Just(json!({"type": "redacted_thinking", "data": "xyz"})),
        ("[a-z]{1,5}", prop::collection::btree_map("[a-z]{1,3}", text, 0..3)).prop_map(
            |(name, input)| {
                json!({"type": "tool_use", "id": format!("toolu_{name}"), "name": name,
                    "input": input})
            }
        ),
    ];
    let reasons = select(vec!["end_turn", "max_tokens", "stop_sequence", "tool_use", "refusal"]);
    (prop::collection::vec(block, 0..5), reasons, 0..1000u64).prop_map(
        |(content, reason, tokens)| {
            let sequence = if reason == "stop_sequence" { json!("END") } else { Value::Null };
            json!({"id": "msg_1", "type": "message", "role": "assistant", "model": "theirs",
            "content": content, "stop_reason": reason, "stop_sequence": sequence,
            "usage": {"input_tokens": tokens, "output_tokens": tokens + 1,
                "cache_read_input_tokens": 3}})
        },
    )
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(500))]

    #[test]
    fn an_openai_stream_tells_what_the_whole_answer_says(
        answer in answers(),
        at in prop::collection::vec(0..12usize, 0..6),
    ) {
        let request = json!({"stream_options": {"include_usage": true}});
        let told = translated(&OpenAiToAnthropic, &request, &as_events(&answer, &at));
        prop_assert_eq!(completion(&told), answered(&OpenAiToAnthropic, &answer));
    }
}

fn text_answer() -> Value {
    json!({"id": "msg_1", "type": "message", "role": "assistant", "model": "theirs",
        "content": [{"type": "text", "text": "Hello"}], "stop_reason": "end_turn",
        "stop_sequence": null, "usage": {"input_tokens": 1, "output_tokens": 2}})
}

#[test]
fn tells_openai_callers_the_cost_only_where_they_ask() {
    let given = as_events(&text_answer(), &[]);
    let told = |request: Value| {
        String::from_utf8(translated(&OpenAiToAnthropic, &request, &given)).unwrap()
    };
    assert!(!told(json!({})).contains("usage"));
    assert!(!told(json!({"stream_options": {"include_usage": false}})).contains("usage"));
    let asked = told(json!({"stream_options": {"include_usage": true}}));
    assert_eq!(
        asked.matches("\"usage\":null").count(),
        asked.matches("chat.completion").count() - 1
    );
    assert!(asked.contains("\"choices\":[],\"usage\":{\"prompt_tokens\":1"));
}

#[test]
fn keeps_openai_callers_company_without_saying_anything() {
    let mut stream = OpenAiToAnthropic.stream(b"{}", CREATED);
    let mut out = Vec::new();
    stream.event(Some("ping"), br#"{"type": "ping"}"#, &mut out).unwrap();
    assert_eq!(out, b": ping\n\n");
    stream.event(Some("news"), br#"{"type": "news", "index": 7}"#, &mut out).unwrap();
    assert_eq!(out, b": ping\n\n");
}

#[test]
fn hands_on_an_error_within_a_stream_as_it_was_told() {
    let data = br#"{"type":"error","error":{"type":"overloaded_error","message":"Overloaded"}}"#;
    for name in [Some("error"), None] {
        let mut out = Vec::new();
        let error =
            OpenAiToAnthropic.stream(b"{}", CREATED).event(name, data, &mut out).unwrap_err();
        assert_eq!(error, Malformed::Error(Bytes::from_static(data)));
        assert!(out.is_empty());
    }
}

#[test]
fn says_nothing_for_events_of_anthropic_that_cannot_be() {
    let start = r#"{"type":"message_start","message":{"content":[],"stop_reason":null}}"#;
    let open =
        r#"{"type":"content_block_start","index":0,"content_block":{"type":"text","text":""}}"#;
    let end = r#"{"type":"message_delta","delta":{"stop_reason":"end_turn"}}"#;
    for (before, event) in [
        (vec![], "{"),
        (vec![], "[DONE]"),
        (vec![], open),
        (vec![], end),
        (vec![], r#"{"type":"message_stop"}"#),
        (vec![start], start),
        (vec![start], r#"{"type":"message_stop"}"#),
        (vec![start], r#"{"type":"content_block_stop","index":0}"#),
        (vec![start], r#"{"type":"content_block_delta","index":0,"delta":{"text":"x"}}"#),
        (vec![start, open], open),
        (vec![start, open], r#"{"type":"content_block_delta","index":1,"delta":{"text":"x"}}"#),
        (vec![start, open], r#"{"type":"content_block_delta","index":0}"#),
        (vec![start, end], end),
        (vec![start, end], open),
    ] {
        let mut stream = OpenAiToAnthropic.stream(b"{}", CREATED);
        for event in &before {
            stream.event(None, event.as_bytes(), &mut Vec::new()).unwrap();
        }
        let mut out = Vec::new();
        let error = stream.event(None, event.as_bytes(), &mut out).unwrap_err();
        assert!(matches!(error, Malformed::Event(_)) && out.is_empty(), "{before:?} {event}");
    }
}

#[test]
fn a_call_that_is_cut_by_the_end_still_has_its_input() {
    let given = [
        r#"{"type":"message_start","message":{"id":"m","content":[],"stop_reason":null}}"#,
        r#"{"type":"content_block_start","index":0,"content_block":{"type":"tool_use","id":"a","name":"f","input":{"x":1}}}"#,
        r#"{"type":"message_delta","delta":{"stop_reason":"tool_use"}}"#,
        r#"{"type":"message_stop"}"#,
    ];
    let mut stream = OpenAiToAnthropic.stream(b"{}", CREATED);
    let mut out = Vec::new();
    for event in given {
        stream.event(None, event.as_bytes(), &mut out).unwrap();
    }
    let call = &completion(&out)["choices"][0]["message"]["tool_calls"][0];
    assert_eq!(call["function"], json!({"name": "f", "arguments": "{\"x\":1}"}));
}

#[test]
fn what_is_not_counted_anew_is_as_it_was_counted_before() {
    let begin = json!({"type": "message_start", "message": {"content": [],
        "usage": {"input_tokens": 5,
        "output_tokens": 7, "cache_read_input_tokens": 3}}});
    let delta = json!({"stop_reason": "end_turn"});
    for (usage, total) in [
        (Value::Null, 15),
        (json!({}), 15),
        (json!({"output_tokens": 10}), 18),
        (json!({"input_tokens": 6, "output_tokens": 10, "cache_creation_input_tokens": 1}), 20),
    ] {
        let end = json!({"type": "message_delta", "delta": delta, "usage": usage});
        let mut stream =
            OpenAiToAnthropic.stream(br#"{"stream_options":{"include_usage":true}}"#, CREATED);
        let mut out = Vec::new();
        for event in [&begin, &end, &json!({"type": "message_stop"})] {
            stream.event(None, event.to_string().as_bytes(), &mut out).unwrap();
        }
        assert_eq!(completion(&out)["usage"]["total_tokens"], total, "{usage}");
    }
}
