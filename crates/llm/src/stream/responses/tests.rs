use bytes::Bytes;
use secondwind_policy::Class;
use serde_json::{Value, json};

use super::Responses;
use crate::dialect::ErrorReply;
use crate::stream::wire::{events, named};
use crate::stream::{AtEnd, Follow, Seen, Spliced, StreamDialect, Transcript, Usage, Way};

fn see(follow: &mut dyn Follow, event: &Value) -> Seen {
    follow.see(&events(&Bytes::from(named(event)))[0])
}

fn created(id: &str) -> Value {
    let response = json!({"id": id, "object": "response", "created_at": 7, "model": "m",
        "status": "in_progress", "error": null, "output": []});
    json!({"type": "response.created", "sequence_number": 0, "response": response})
}

fn added(index: u64, item: Value) -> Value {
    let kind = "response.output_item.added";
    let mut event = json!({"type": kind, "sequence_number": 1, "output_index": index});
    event["item"] = item;
    event
}

fn message(id: &str) -> Value {
    json!({"id": id, "type": "message", "content": []})
}

fn delta(id: &str, index: u64, text: &str) -> Value {
    json!({"type": "response.output_text.delta", "sequence_number": 2, "item_id": id,
        "output_index": index, "content_index": 0, "delta": text, "logprobs": []})
}

fn said(text: &str) -> Transcript {
    let mut follow = Responses.follow();
    for event in [created("first"), added(0, message("a")), delta("a", 0, text)] {
        see(&mut *follow, &event);
    }
    follow.into_transcript()
}

/// What the caller gets of these events of a second answer.
fn given(text: &str, way: Way, second: &[Value]) -> Option<Vec<Value>> {
    let mut splice = Responses.splice(&said(text), way);
    let mut follow = Responses.follow();
    let mut given = Vec::new();
    for event in second {
        let event = &events(&Bytes::from(named(event)))[0];
        match splice.event(event, &follow.see(event)) {
            Spliced::Nothing => {}
            Spliced::Give(text) => {
                let event = &events(&text)[0];
                given.push(serde_json::from_slice::<Value>(event.data().unwrap()).unwrap());
            }
            Spliced::Differs => return None,
        }
    }
    Some(given)
}

#[test]
fn only_what_somebody_can_read_or_act_on_is_content() {
    for event in [
        created("x"),
        json!({"type": "response.in_progress", "response": {"id": "x"}}),
        json!({"type": "keepalive"}),
        added(0, message("a")),
        added(0, json!({"type": "reasoning", "id": "r"})),
        json!({"type": "response.content_part.added", "part": {"type": "output_text", "text": ""}}),
        delta("a", 0, ""),
    ] {
        assert_eq!(see(&mut *Responses.follow(), &event), Seen::Preamble, "{event}");
    }
    for (event, resumable) in [
        (delta("a", 0, "x"), true),
        (json!({"type": "response.output_text.delta", "delta": "x", "logprobs": [{}]}), false),
        (added(0, json!({"type": "function_call", "id": "f"})), false),
        (json!({"type": "response.function_call_arguments.delta", "delta": "{"}), false),
        (json!({"type": "response.refusal.delta", "delta": "No"}), false),
        (json!({"type": "response.reasoning_summary_text.delta", "delta": "Hm"}), false),
        (json!({"type": "response.something_new.delta", "delta": "x"}), false),
    ] {
        let mut follow = Responses.follow();
        assert_eq!(see(&mut *follow, &event), Seen::Content, "{event}");
        assert_eq!(follow.transcript().resumable, resumable, "{event}");
    }
}

#[test]
fn an_incomplete_answer_has_ended_a_cut_one_has_not() {
    for kind in ["response.completed", "response.incomplete"] {
        let mut follow = Responses.follow();
        see(&mut *follow, &delta("a", 0, "x"));
        assert_eq!(follow.at_end(), AtEnd::Broken);
        let end = json!({"type": kind, "response": {"id": "x", "usage": {"input_tokens": 3,
            "output_tokens": 4, "total_tokens": 7}}});
        assert_eq!(see(&mut *follow, &end), Seen::Terminal);
        assert_eq!(follow.transcript().usage, Some(Usage { input: 3, output: 4 }));
        assert_eq!(follow.at_end(), AtEnd::Complete);
        let done = &events(&Bytes::from_static(b"data: [DONE]\n\n"))[0];
        assert_eq!(follow.see(done), Seen::After);
        let early = Responses.follow().see(done);
        assert_eq!(early, Seen::Malformed { maybe_content: false });
    }
}

#[test]
fn an_error_is_found_wherever_it_is_told() {
    let limit = json!({"code": "rate_limit_exceeded", "message": "x"});
    for (event, class) in [
        (json!({"type": "response.failed", "response": {"error": limit}}), Class::RateLimit),
        (json!({"type": "response.failed", "response": {}}), Class::InternalServer),
        (json!({"type": "error", "code": "rate_limit_exceeded", "message": "x"}), Class::RateLimit),
        (json!({"type": "error", "error": limit}), Class::RateLimit),
        (json!({"error": limit}), Class::RateLimit),
        (json!({"type": "error"}), Class::InternalServer),
    ] {
        let Seen::Error(verdict) = see(&mut *Responses.follow(), &event) else { panic!("{event}") };
        assert_eq!(verdict.class, class, "{event}");
    }
}

#[test]
fn what_is_no_event_is_malformed() {
    for (text, maybe_content) in [
        ("data: {\"type\":\"response.output_text.delta\",\"del\n\n", true),
        ("data: {\"type\":\"response.output_text.delta\"}\n\n", true),
        ("data: {\"type\":\"response.output_item.added\"}\n\n", true),
        ("data: {\"delta\":\"x\"}\n\n", true),
        ("data: ...\n\n", false),
    ] {
        let seen = Responses.follow().see(&events(&Bytes::from_static(text.as_bytes()))[0]);
        assert_eq!(seen, Seen::Malformed { maybe_content }, "{text}");
    }
}

#[test]
fn what_was_begun_fails_and_the_numbers_go_on() {
    let error = ErrorReply {
        message: "cut off",
        kind: "server_error",
        code: None,
        param: None,
        class: Class::Interrupted,
        trail: None,
    };
    let told = |said: &Transcript| {
        let event = events(&Responses.error_event(&error, said)).remove(0);
        assert!(matches!(Responses.follow().see(&event), Seen::Error(_)));
        let told: Value = serde_json::from_slice(event.data().unwrap()).unwrap();
        assert_eq!(event.name(), told["type"].as_str());
        told
    };
    let failed = told(&said("Hel"));
    assert_eq!(failed["type"], "response.failed");
    assert_eq!(failed["sequence_number"], 3);
    assert_eq!(failed["response"]["id"], "first");
    assert_eq!(failed["response"]["status"], "failed");
    assert_eq!(failed["response"]["model"], "m");
    assert_eq!(failed["response"]["error"]["code"], "server_error");
    assert_eq!(failed["response"]["error"]["message"], "cut off");

    let nothing_begun = told(&Transcript::default());
    assert_eq!(nothing_begun["type"], "error");
    assert_eq!(nothing_begun["message"], "cut off");
    assert_eq!(nothing_begun["sequence_number"], 0);
}

#[test]
fn only_plain_text_can_be_gone_on_with_and_only_afresh() {
    assert!(Responses.resumable(br#"{"input": "Hi", "tools": [{"type": "function"}]}"#));
    assert!(Responses.resumable(br#"{"text": {"format": {"type": "text"}, "verbosity": "low"}}"#));
    for request in [
        json!({"text": {"format": {"type": "json_schema"}}}),
        json!({"text": {"format": {"type": "json_object"}}}),
        json!({"top_logprobs": 2}),
        json!({"include": ["message.output_text.logprobs"]}),
        json!({"background": true}),
        json!("x"),
    ] {
        assert!(!Responses.resumable(request.to_string().as_bytes()), "{request}");
    }
    let request = br#"{"input": "Hi"}"#;
    assert_eq!(Responses.resume(request, &said("x"), Way::Prefill), None);
    let afresh = Responses.resume(request, &said("x"), Way::Afresh);
    assert_eq!(afresh, Some(Bytes::from_static(request)));
    assert_eq!(given("Hel", Way::Prefill, &[delta("b", 0, "lo")]), None);
}

#[test]
fn a_second_answer_is_renamed_and_renumbered_without_its_thoughts() {
    let thoughts = json!({"type": "reasoning", "id": "r", "summary": []});
    let call = json!({"type": "function_call", "id": "f", "arguments": ""});
    let second = [
        created("second"),
        added(0, thoughts.clone()),
        json!({"type": "response.reasoning_summary_text.delta", "output_index": 0, "delta": "Hm"}),
        json!({"type": "response.output_item.done", "output_index": 0, "item": thoughts}),
        added(1, message("b")),
        delta("b", 1, "Let us see."),
        json!({"type": "response.output_item.done", "output_index": 1, "item": message("b")}),
        added(2, call.clone()),
        json!({"type": "response.output_item.done", "output_index": 2, "item": call}),
        json!({"type": "response.completed", "response": {"id": "second", "created_at": 9,
            "model": "other", "output": [thoughts, message("b"), call]}}),
    ];
    let events = given("Let us", Way::Afresh, &second).unwrap();
    let [text, done, call_added, _, completed] = events.as_slice() else { panic!("{events:#?}") };
    assert_eq!(text["delta"], " see.");
    assert_eq!((&text["item_id"], &text["output_index"]), (&json!("a"), &json!(0)));
    assert_eq!((&done["item"]["id"], &done["output_index"]), (&json!("a"), &json!(0)));
    assert_eq!((&call_added["item"]["id"], &call_added["output_index"]), (&json!("f"), &json!(1)));
    let response = &completed["response"];
    assert_eq!(response["id"], "first");
    assert_eq!(response["created_at"], 7);
    assert_eq!(response["model"], "m");
    let ids: Vec<_> =
        response["output"].as_array().unwrap().iter().map(|item| &item["id"]).collect();
    assert_eq!(ids, ["a", "f"]);
    let numbers: Vec<_> = events.iter().map(|event| event["sequence_number"].as_u64()).collect();
    assert_eq!(numbers, [Some(3), Some(4), Some(5), Some(6), Some(7)]);

    assert_eq!(given("Let us", Way::Afresh, &[created("second"), added(0, call)]), None);
}

#[test]
fn a_refusal_behind_a_text_is_another_answer() {
    let refusal = json!({"type": "response.content_part.added", "output_index": 0,
        "content_index": 1, "part": {"type": "refusal", "refusal": ""}});
    let second = [added(0, message("b")), delta("b", 0, "Hel"), refusal];
    assert_eq!(given("Hel", Way::Afresh, &second), None);
}

#[test]
fn a_whole_answer_is_a_stream_that_says_the_same() {
    let response = json!({
        "id": "r", "object": "response", "created_at": 1, "status": "completed", "model": "m",
        "output": [
            {"id": "rs", "type": "reasoning", "summary": []},
            {"id": "a", "type": "message", "role": "assistant", "status": "completed", "content": [
                {"type": "output_text", "text": "Hi", "annotations": [{"type": "url_citation"}]},
                {"type": "refusal", "refusal": "No more"},
            ]},
            {"id": "f", "type": "function_call", "name": "g", "arguments": "{}"},
        ],
        "usage": {"input_tokens": 3, "output_tokens": 4, "total_tokens": 7},
    });
    let text = Responses.as_stream(response.to_string().as_bytes()).unwrap();
    let mut follow = Responses.follow();
    for (number, event) in events(&text).iter().enumerate() {
        assert!(!matches!(follow.see(event), Seen::Malformed { .. } | Seen::Error(_)));
        let told: Value = serde_json::from_slice(event.data().unwrap()).unwrap();
        assert_eq!(told["sequence_number"], number);
    }
    assert_eq!(follow.at_end(), AtEnd::Complete);
    assert_eq!(follow.transcript().text, "Hi");
    assert_eq!(follow.transcript().usage, Some(Usage { input: 3, output: 4 }));
    let told = std::str::from_utf8(&text).unwrap();
    for part in [r#""delta":"{}""#, r#""delta":"No more""#, r#""delta":"Hi""#] {
        assert_eq!(told.matches(part).count(), 1, "{part}");
    }
    for status in ["failed", "in_progress", "cancelled", "queued"] {
        let mut other = response.clone();
        other["status"] = status.into();
        assert_eq!(Responses.as_stream(other.to_string().as_bytes()), None, "{status}");
    }
    assert_eq!(Responses.as_stream(br#"{"error": {"message": "x"}}"#), None);
}
