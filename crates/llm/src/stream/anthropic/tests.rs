use bytes::Bytes;
use secondwind_layers::classify::Blame;
use secondwind_policy::Class;
use serde_json::{Value, json};

use super::AnthropicMessages;
use crate::dialect::ErrorReply;
use crate::stream::wire::{events, named};
use crate::stream::{AtEnd, Follow, Seen, Spliced, StreamDialect, Transcript, Usage, Way};

fn see(follow: &mut dyn Follow, event: &Value) -> Seen {
    follow.see(&events(&Bytes::from(named(event)))[0])
}

fn started() -> Box<dyn Follow> {
    let mut follow = AnthropicMessages.follow();
    let message = json!({"id": "first", "type": "message", "content": [], "model": "m",
        "usage": {"input_tokens": 25, "output_tokens": 1}});
    see(&mut *follow, &json!({"type": "message_start", "message": message}));
    follow
}

fn text(text: &str) -> Value {
    json!({"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": text}})
}

fn block(index: u64, block: Value) -> Value {
    let mut event = json!({"type": "content_block_start", "index": index});
    event["content_block"] = block;
    event
}

fn said(words: &str) -> Transcript {
    let mut follow = started();
    see(&mut *follow, &block(0, json!({"type": "text", "text": ""})));
    see(&mut *follow, &text(words));
    follow.into_transcript()
}

/// What the caller gets of these events of a second answer.
fn given(words: &str, way: Way, second: &[Value]) -> Option<Vec<Value>> {
    given_after(&said(words), way, second)
}

fn given_after(said: &Transcript, way: Way, second: &[Value]) -> Option<Vec<Value>> {
    let mut splice = AnthropicMessages.splice(said, way);
    let mut follow = AnthropicMessages.follow();
    let mut given = Vec::new();
    for event in second {
        let event = &events(&Bytes::from(named(event)))[0];
        match splice.event(event, &follow.see(event)) {
            Spliced::Nothing => {}
            Spliced::Give(text) => given.extend(events(&text).iter().map(|event| {
                let told: Value = serde_json::from_slice(event.data().unwrap()).unwrap();
                assert_eq!(event.name(), told["type"].as_str());
                told
            })),
            Spliced::Differs => return None,
        }
    }
    Some(given)
}

#[test]
fn only_what_somebody_can_read_or_act_on_is_content() {
    for event in [
        json!({"type": "ping"}),
        json!({"type": "something_new", "text": "x"}),
        block(0, json!({"type": "text", "text": ""})),
        block(0, json!({"type": "thinking", "thinking": ""})),
        text(""),
        json!({"type": "content_block_stop", "index": 0}),
        json!({"type": "message_delta", "delta": {}, "usage": {"output_tokens": 3}}),
    ] {
        assert_eq!(see(&mut *started(), &event), Seen::Preamble, "{event}");
    }
    for (event, resumable) in [
        (text("x"), true),
        (block(0, json!({"type": "text", "text": "x"})), true),
        (block(0, json!({"type": "tool_use", "id": "t", "name": "f", "input": {}})), false),
        (block(0, json!({"type": "redacted_thinking", "data": "x"})), false),
        (json!({"type": "content_block_delta", "delta": {"type": "thinking_delta"}}), false),
        (json!({"type": "content_block_delta", "delta": {"type": "input_json_delta"}}), false),
    ] {
        let mut follow = started();
        assert_eq!(see(&mut *follow, &event), Seen::Content, "{event}");
        assert_eq!(follow.transcript().resumable, resumable, "{event}");
    }
}

#[test]
fn a_finished_message_that_only_lacks_its_stop_gets_it() {
    let mut follow = started();
    assert_eq!(follow.at_end(), AtEnd::Broken);
    let finish = json!({"type": "message_delta", "delta": {"stop_reason": "end_turn"},
        "usage": {"output_tokens": 5}});
    assert_eq!(see(&mut *follow, &finish), Seen::Finish);
    assert_eq!(follow.transcript().usage, Some(Usage { input: 25, output: 5 }));
    let AtEnd::Missing(end) = follow.at_end() else { panic!("{:?}", follow.at_end()) };
    assert_eq!(follow.see(&events(&end)[0]), Seen::Terminal);
    assert_eq!(follow.at_end(), AtEnd::Complete);
}

#[test]
fn an_error_is_of_the_class_that_its_type_says() {
    for (kind, message, class, blame) in [
        ("overloaded_error", "Overloaded", Class::ServiceUnavailable, Blame::Deployment),
        ("rate_limit_error", "x", Class::RateLimit, Blame::Deployment),
        ("api_error", "x", Class::InternalServer, Blame::Deployment),
        ("timeout_error", "x", Class::Timeout, Blame::Deployment),
        ("authentication_error", "x", Class::Authentication, Blame::Deployment),
        ("permission_error", "x", Class::Permission, Blame::Nobody),
        ("not_found_error", "model: claude-9", Class::NotFound, Blame::Deployment),
        ("not_found_error", "file_1", Class::NotFound, Blame::Nobody),
        ("billing_error", "x", Class::QuotaExhausted, Blame::Deployment),
        ("request_too_large", "x", Class::RequestTooLarge, Blame::Deployment),
        ("invalid_request_error", "x", Class::BadRequest, Blame::Deployment),
        (
            "invalid_request_error",
            "prompt is too long: 9 tokens > 8 maximum",
            Class::ContextWindow,
            Blame::Deployment,
        ),
        ("new_error", "x", Class::InternalServer, Blame::Deployment),
    ] {
        let event = json!({"type": "error", "error": {"type": kind, "message": message}});
        let Seen::Error(verdict) = see(&mut *started(), &event) else { panic!("{event}") };
        assert_eq!((verdict.class, verdict.blame), (class, blame), "{event}");
    }
}

#[test]
fn what_is_no_event_is_malformed() {
    for (text, maybe_content) in [
        ("data: {\"type\":\"content_block_delta\",\"ind\n\n", true),
        ("event: content_block_delta\ndata: {\"type\":\"content_block_delta\"}\n\n", true),
        ("data: {\"delta\":{\"text\":\"x\"}}\n\n", true),
        ("data: [DONE]\n\n", false),
    ] {
        let seen = started().see(&events(&Bytes::from_static(text.as_bytes()))[0]);
        assert_eq!(seen, Seen::Malformed { maybe_content }, "{text}");
    }
}

#[test]
fn a_prefill_that_would_be_refused_is_not_tried() {
    let resumed = |request: Value, words: &str| {
        let request = request.to_string();
        let body = AnthropicMessages.resume(request.as_bytes(), &said(words), Way::Prefill)?;
        Some(serde_json::from_slice::<Value>(&body).unwrap()["messages"].clone())
    };
    let hi = json!({"role": "user", "content": "Hi"});
    let request = json!({"messages": [hi], "thinking": {"type": "disabled"}});
    assert_eq!(
        resumed(request.clone(), "Hel"),
        Some(json!([hi, {"role": "assistant", "content": "Hel"}]))
    );
    for words in ["", "Hello ", "Hello\n", "Hello\u{3000}"] {
        assert_eq!(resumed(request.clone(), words), None, "{words:?}");
    }
    let thinking =
        json!({"messages": [hi], "thinking": {"type": "enabled", "budget_tokens": 1024}});
    assert_eq!(resumed(thinking, "Hel"), None);
}

#[test]
fn structured_output_cannot_be_gone_on_with() {
    assert!(AnthropicMessages.resumable(br#"{"messages": [], "tools": [{"name": "f"}]}"#));
    assert!(!AnthropicMessages.resumable(br#"{"output_format": {"type": "json_schema"}}"#));
    assert!(
        !AnthropicMessages.resumable(br#"{"output_config": {"format": {"type": "json_schema"}}}"#)
    );
    assert!(!AnthropicMessages.resumable(b"["));
}

#[test]
fn an_error_is_an_event_and_no_finish() {
    let error = ErrorReply {
        message: "cut off",
        kind: "api_error",
        code: None,
        param: None,
        class: Class::Interrupted,
        trail: None,
    };
    let text = AnthropicMessages.error_event(&error, &said("x"));
    let event = &events(&text)[0];
    assert_eq!(event.name(), Some("error"));
    let told: Value = serde_json::from_slice(event.data().unwrap()).unwrap();
    assert_eq!(told["type"], "error");
    assert_eq!(told["error"]["type"], "api_error");
    assert_eq!(told["error"]["message"], "cut off");
}

#[test]
fn a_whole_answer_is_a_stream_that_says_the_same() {
    let answer = json!({
        "id": "a", "type": "message", "role": "assistant", "model": "m",
        "content": [
            {"type": "thinking", "thinking": "Hm", "signature": "s"},
            {"type": "text", "text": "Hi"},
            {"type": "tool_use", "id": "t", "name": "f", "input": {"a": 1}},
        ],
        "stop_reason": "tool_use", "stop_sequence": null,
        "usage": {"input_tokens": 3, "output_tokens": 4},
    });
    let text = AnthropicMessages.as_stream(answer.to_string().as_bytes()).unwrap();
    let mut follow = AnthropicMessages.follow();
    let all = events(&text);
    for event in &all {
        assert!(!matches!(follow.see(event), Seen::Malformed { .. } | Seen::Error(_)));
    }
    assert_eq!(follow.at_end(), AtEnd::Complete);
    assert_eq!(follow.transcript().text, "Hi");
    assert_eq!(follow.transcript().usage, Some(Usage { input: 3, output: 4 }));
    let told = std::str::from_utf8(&text).unwrap();
    for part in [r#""partial_json":"{\"a\":1}""#, r#""signature":"s""#, r#""thinking":"Hm""#] {
        assert_eq!(told.matches(part).count(), 1, "{part}");
    }
    for none in [
        json!({"type": "error", "error": {"type": "api_error", "message": "x"}}),
        json!({"type": "message", "content": [], "stop_reason": null}),
    ] {
        assert_eq!(AnthropicMessages.as_stream(none.to_string().as_bytes()), None, "{none}");
    }
}

#[test]
fn a_tool_call_follows_in_a_block_of_its_own() {
    let call = json!({"type": "tool_use", "id": "t", "name": "f", "input": {}});
    let thoughts = json!({"type": "thinking", "thinking": ""});
    let stop = |index| json!({"type": "content_block_stop", "index": index});
    let input = json!({"type": "content_block_delta", "index": 2,
        "delta": {"type": "input_json_delta", "partial_json": "{}"}});
    let second = [
        block(0, thoughts),
        json!({"type": "content_block_delta", "delta": {"type": "thinking_delta", "thinking": "x"}}),
        stop(0),
        block(1, json!({"type": "text", "text": ""})),
        text("Let me see."),
        stop(1),
        block(2, call.clone()),
        input,
        stop(2),
        json!({"type": "message_delta", "delta": {"stop_reason": "tool_use"}}),
    ];
    let events = given("Let me", Way::Afresh, &second).unwrap();
    let told: Vec<_> = events
        .iter()
        .map(|event| (event["type"].as_str().unwrap(), event["index"].as_u64()))
        .collect();
    assert_eq!(
        told,
        [
            ("content_block_delta", Some(0)),
            ("content_block_stop", Some(0)),
            ("content_block_start", Some(1)),
            ("content_block_delta", Some(1)),
            ("content_block_stop", Some(1)),
            ("message_delta", None),
        ]
    );
    assert_eq!(events[0]["delta"]["text"], " see.");
    assert_eq!(given("Let me", Way::Afresh, &[block(0, call)]), None);
}

#[test]
fn a_block_that_has_nothing_yet_takes_what_comes_next() {
    let begun = |index| block(index, json!({"type": "text", "text": ""}));
    let stop = |index| json!({"type": "content_block_stop", "index": index});
    let mut follow = started();
    for event in [begun(0), text("First."), stop(0), begun(1)] {
        see(&mut *follow, &event);
    }
    let second = [begun(0), text("First."), stop(0), begun(1), text(" Second."), stop(1)];
    let events = given_after(&follow.into_transcript(), Way::Afresh, &second).unwrap();
    assert_eq!(events.len(), 2, "{events:?}");
    assert_eq!((&events[0]["index"], &events[0]["delta"]["text"]), (&json!(1), &json!(" Second.")));
    assert_eq!(events[1], stop(1));
}

#[test]
fn what_a_prefill_cost_is_summed() {
    let second = [
        text(" you"),
        json!({"type": "message_delta", "delta": {"stop_reason": "end_turn"},
            "usage": {"output_tokens": 5}}),
    ];
    let summed = given("Hi", Way::Prefill, &second).unwrap();
    assert_eq!(summed.last().unwrap()["usage"]["output_tokens"], 6);
    let same = [text("Hi you"), second[1].clone()];
    let not = given("Hi", Way::Afresh, &same).unwrap();
    assert_eq!(not.last().unwrap()["usage"]["output_tokens"], 5);
}

#[test]
fn a_prefill_that_has_nothing_to_add_still_closes_the_block() {
    let finish = json!({"type": "message_delta", "delta": {"stop_reason": "end_turn"}});
    let events = given("Hi", Way::Prefill, &[finish]).unwrap();
    let told: Vec<_> = events.iter().map(|event| event["type"].as_str().unwrap()).collect();
    assert_eq!(told, ["content_block_stop", "message_delta"]);
}
