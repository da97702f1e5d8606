use bytes::Bytes;
use secondwind_policy::Class;
use serde_json::{Value, json};

use super::wire::{data, events};
use super::{
    AtEnd, ChatCompletions, Completions, Follow, Seen, Spliced, StreamDialect, Transcript, Usage,
    Way,
};
use crate::dialect::ErrorReply;

fn see(follow: &mut dyn Follow, text: impl Into<String>) -> Seen {
    let events = events(&Bytes::from(text.into()));
    assert_eq!(events.len(), 1);
    follow.see(&events[0])
}

/// What a chunk with this one choice proves, as the first of its stream.
fn seen(choice: &Value) -> Seen {
    see(&mut *ChatCompletions.follow(), data(&json!({ "choices": [choice] })))
}

fn class(text: &str) -> Option<Class> {
    match see(&mut *ChatCompletions.follow(), text) {
        Seen::Error(verdict) => Some(verdict.class),
        _ => None,
    }
}

fn said(text: &str) -> Transcript {
    let mut follow = ChatCompletions.follow();
    see(&mut *follow, data(&json!({ "choices": [{ "delta": { "content": text } }] })));
    follow.into_transcript()
}

fn resumed(dialect: &dyn StreamDialect, request: &Value, text: &str) -> Option<Value> {
    let body = dialect.resume(request.to_string().as_bytes(), &said(text), Way::Prefill)?;
    Some(serde_json::from_slice(&body).unwrap())
}

#[test]
fn only_what_somebody_can_read_or_act_on_is_content() {
    for delta in [
        json!({"role": "assistant"}),
        json!({"role": "assistant", "content": "", "refusal": null}),
        json!({"role": "assistant", "content": null, "tool_calls": [], "reasoning": ""}),
        json!({}),
        json!(null),
    ] {
        assert_eq!(seen(&json!({ "index": 0, "delta": delta })), Seen::Preamble, "{delta}");
    }
    for delta in [
        json!({"content": "x"}),
        json!({"role": "assistant", "content": " "}),
        json!({"content": [{"type": "thinking", "thinking": []}]}),
        json!({"tool_calls": [{"index": 0, "id": "call_1", "function": {"name": "f"}}]}),
        json!({"function_call": {"name": "f"}}),
        json!({"refusal": "No"}),
        json!({"reasoning_content": "Hm"}),
        json!({"audio": {"id": "a"}}),
    ] {
        assert_eq!(seen(&json!({ "index": 0, "delta": delta })), Seen::Content, "{delta}");
    }
    assert_eq!(seen(&json!({"text": "x"})), Seen::Content);
}

#[test]
fn what_is_not_a_chunk_is_told_apart_from_what_may_have_been_one() {
    let follow = &mut *ChatCompletions.follow();
    for noise in [": ping\n\n", "\n", "data:\n\n", "data:  \n\n", "event: ping\ndata: {}\n\n"] {
        assert_eq!(see(follow, noise), Seen::Preamble, "{noise:?}");
    }
    for garbage in ["data: ping\n\n", "data: %%%\n\n"] {
        assert_eq!(see(follow, garbage), Seen::Malformed { maybe_content: false }, "{garbage:?}");
    }
    for cut in [
        "data: {\"choices\":[{\"delta\":{\"content\":\"He\n\n",
        "data: \"content\":\"Hel\"}}]}\n\n",
        "data: {\"choices\":\"none\"}\n\n",
        "data: {\"choices\":[7]}\n\n",
    ] {
        assert_eq!(see(follow, cut), Seen::Malformed { maybe_content: true }, "{cut:?}");
    }
    assert_eq!(follow.transcript().text, "");
}

#[test]
fn a_terminator_alone_finishes_nothing() {
    let follow = &mut *ChatCompletions.follow();
    see(follow, data(&json!({"choices": [{"delta": {"content": "x"}}]})));
    assert_eq!(see(follow, "data: [DONE]\n\n"), Seen::Malformed { maybe_content: false });
    assert_eq!(follow.at_end(), AtEnd::Broken);
}

#[test]
fn an_answer_is_finished_when_all_its_choices_are() {
    let follow = &mut *ChatCompletions.follow();
    let mut told = |index: u32, delta: Value, reason: Option<&str>| {
        let choice = json!({"index": index, "delta": delta, "finish_reason": reason});
        let seen = see(follow, data(&json!({ "choices": [choice] })));
        (seen, follow.at_end() == AtEnd::Broken)
    };
    assert_eq!(told(0, json!({"role": "assistant"}), None), (Seen::Preamble, true));
    assert_eq!(told(1, json!({"role": "assistant"}), None), (Seen::Preamble, true));
    assert_eq!(told(1, json!({"content": "b"}), Some("stop")), (Seen::Content, true));
    assert_eq!(told(0, json!({"content": "a"}), Some("stop")), (Seen::Finish, false));
    assert_eq!(told(0, json!({"content": ""}), None), (Seen::After, false));
    assert_eq!(follow.transcript().text, "a");
    assert!(!follow.transcript().resumable);
    assert_eq!(follow.at_end(), AtEnd::Missing(Bytes::from_static(b"data: [DONE]\n\n")));
    assert_eq!(see(follow, "data: [DONE]\n\n"), Seen::Terminal);
    assert_eq!(follow.at_end(), AtEnd::Complete);
}

#[test]
fn an_error_is_found_wherever_it_is_told() {
    let error = r#"{"message":"Slow down","type":"rate_limit_error"}"#;
    for (text, wanted) in [
        (format!("data: {{\"error\":{error}}}\n\n"), Class::RateLimit),
        (format!("data: {{\"error\":{error},\"choices\":[]}}\n\n"), Class::RateLimit),
        (format!("data: {{\"choices\":[{{\"error\":{error}}}]}}\n\n"), Class::RateLimit),
        (format!("data: [{{\"error\":{error}}}]\n\n"), Class::RateLimit),
        (format!("event: error\ndata: {error}\n\n"), Class::RateLimit),
        (format!("data: {error}\n\n"), Class::RateLimit),
        (
            r#"data: {"error":"Model is overloaded","error_type":"overloaded"}"#.to_owned()
                + "\n\n",
            Class::ServiceUnavailable,
        ),
        (
            r#"data: {"choices":[{"delta":{"content":""},"finish_reason":"error"}]}"#.to_owned()
                + "\n\n",
            Class::InternalServer,
        ),
        (r#"data: {"error":{"code":429,"message":"x"}}"#.to_owned() + "\n\n", Class::RateLimit),
    ] {
        assert_eq!(class(&text), Some(wanted), "{text}");
    }
    for none in [
        r#"data: {"error":null,"choices":[{"delta":{"content":"x"}}]}"#,
        r#"data: {"error":{"message":"","type":"","code":0},"choices":[{"delta":{"content":"x"}}]}"#,
    ] {
        let text = format!("{none}\n\n");
        assert_eq!(see(&mut *ChatCompletions.follow(), text), Seen::Content, "{none}");
    }
}

#[test]
fn a_prefill_is_the_last_message() {
    let request = json!({"model": "m", "messages": [{"role": "user", "content": "Hi"}]});
    let resumed_with = |request: &Value, text: &str| resumed(&ChatCompletions, request, text);
    assert_eq!(
        resumed_with(&request, "Hel").unwrap()["messages"],
        json!([{"role": "user", "content": "Hi"}, {"role": "assistant", "content": "Hel"}])
    );
    assert_eq!(resumed_with(&request, ""), None);
    assert_eq!(resumed_with(&json!({"model": "m"}), "Hel"), None);
    let begun = json!({"messages": [{"role": "assistant", "content": "Well: "}]});
    assert_eq!(
        resumed_with(&begun, "Hel").unwrap()["messages"],
        json!([{"role": "assistant", "content": "Well: Hel"}])
    );
    let text = request.to_string();
    let afresh = ChatCompletions.resume(text.as_bytes(), &said("Hel"), Way::Afresh);
    assert_eq!(afresh, Some(Bytes::from(text)));
}

#[test]
fn a_text_is_gone_on_with_at_its_end() {
    let prompt = |request: &Value| Some(resumed(&Completions, request, " is")?["prompt"].clone());
    assert_eq!(prompt(&json!({"prompt": "This"})), Some(json!("This is")));
    assert_eq!(prompt(&json!({"prompt": ["This"]})), Some(json!(["This is"])));
    for request in [
        json!({"prompt": [1, 2]}),
        json!({"prompt": ["a", "b"]}),
        json!({"prompt": "a", "echo": true}),
        json!({"prompt": "a", "suffix": "b"}),
    ] {
        assert_eq!(prompt(&request), None, "{request}");
    }
}

#[test]
fn only_one_plain_text_can_be_gone_on_with() {
    let chat = |request: &Value| ChatCompletions.resumable(request.to_string().as_bytes());
    let text = |request: &Value| Completions.resumable(request.to_string().as_bytes());
    for request in [
        json!({"messages": [], "n": 1, "tools": [{"type": "function"}], "logprobs": false}),
        json!({"messages": [], "response_format": {"type": "text"}, "n": null}),
    ] {
        assert!(chat(&request), "{request}");
    }
    for request in [
        json!({"n": 2}),
        json!({"logprobs": true}),
        json!({"top_logprobs": 2}),
        json!({"response_format": {"type": "json_object"}}),
        json!({"response_format": {"type": "json_schema"}}),
        json!({"modalities": ["text", "audio"]}),
        json!([]),
    ] {
        assert!(!chat(&request), "{request}");
    }
    assert!(text(&json!({"prompt": "a"})) && text(&json!({"prompt": [1, 2]})));
    for request in [json!({"prompt": ["a", "b"]}), json!({"logprobs": 0}), json!({"best_of": 2})] {
        assert!(!text(&request), "{request}");
    }
    assert!(!ChatCompletions.resumable(b"{"));
}

#[test]
fn an_error_is_an_event_and_no_finish() {
    let error = ErrorReply {
        message: "cut\noff",
        kind: "interrupted",
        code: None,
        param: None,
        class: Class::Interrupted,
        trail: Some("g/a=interrupted"),
    };
    let text = ChatCompletions.error_event(&error, &said("Hel"));
    let event = &events(&text)[0];
    let body: Value = serde_json::from_slice(event.data().unwrap()).unwrap();
    assert_eq!(body["error"]["message"], "cut\noff");
    assert_eq!(body["error"]["class"], "interrupted");
    assert_eq!(event.raw(), &text);
    let mut follow = ChatCompletions.follow();
    assert!(matches!(follow.see(event), Seen::Error(_)));
    assert_eq!(follow.at_end(), AtEnd::Broken);
}

#[test]
fn a_whole_answer_is_a_stream_that_says_the_same() {
    let call = json!({"id": "c", "type": "function", "function": {"name": "f", "arguments": "{}"}});
    let answer = json!({
        "id": "a", "object": "chat.completion", "created": 1, "model": "m",
        "choices": [
            {"index": 0, "message": {"role": "assistant", "content": "Hi 😀"}, "finish_reason": "stop"},
            {"index": 1, "message": {"content": null, "tool_calls": [call]},
             "finish_reason": "tool_calls"},
        ],
        "usage": {"prompt_tokens": 3, "completion_tokens": 4, "total_tokens": 7},
    });
    let text = ChatCompletions.as_stream(answer.to_string().as_bytes()).unwrap();
    let events = events(&text);
    let mut follow = ChatCompletions.follow();
    let seen: Vec<_> = events.iter().map(|event| follow.see(event)).collect();
    let wanted = [Seen::Content, Seen::Content, Seen::Content, Seen::Finish, Seen::Terminal];
    assert_eq!(seen, wanted);
    assert_eq!(follow.transcript().text, "Hi 😀");
    assert_eq!(follow.transcript().usage, Some(Usage { input: 3, output: 4 }));
    let second: Value = serde_json::from_slice(events[1].data().unwrap()).unwrap();
    assert_eq!(second["object"], "chat.completion.chunk");
    assert_eq!(second["choices"][0]["delta"]["tool_calls"][0]["index"], 0);
    assert_eq!(second["choices"][0]["delta"]["role"], "assistant");

    for none in [
        json!({"error": {"message": "no", "type": "server_error"}}),
        json!({"choices": []}),
        json!({"choices": [{"message": {"content": "x"}, "finish_reason": null}]}),
        json!({"choices": [{"message": {"content": "x"}, "finish_reason": "error"}]}),
        json!([]),
    ] {
        assert_eq!(ChatCompletions.as_stream(none.to_string().as_bytes()), None, "{none}");
    }
    assert_eq!(ChatCompletions.as_stream(b"{\"choices\":[{"), None);
}

/// What the caller gets of these choices of a second answer, behind `text`.
fn given(text: &str, way: Way, choices: &[Value]) -> Option<Vec<Value>> {
    let mut splice = ChatCompletions.splice(&said(text), way);
    let mut follow = ChatCompletions.follow();
    let mut given = Vec::new();
    for choice in choices {
        let chunk = json!({"id": "second", "created": 2, "choices": [choice],
            "usage": {"prompt_tokens": 10, "completion_tokens": 5, "total_tokens": 15}});
        let event = &events(&Bytes::from(data(&chunk)))[0];
        match splice.event(event, &follow.see(event)) {
            Spliced::Nothing => {}
            Spliced::Give(text) => {
                let event = &events(&text)[0];
                given.push(serde_json::from_slice(event.data().unwrap()).unwrap());
            }
            Spliced::Differs => return None,
        }
    }
    Some(given)
}

#[test]
fn a_tool_call_may_follow_the_text_but_not_cut_it_short() {
    let text = |text| json!({"index": 0, "delta": {"role": "assistant", "content": text}});
    let call = json!({"index": 0, "delta": {"tool_calls": [{"index": 0, "id": "c"}]}});
    let chunks = given("Let me", Way::Afresh, &[text("Let me"), call.clone()]).unwrap();
    assert_eq!(chunks.len(), 1);
    assert_eq!(chunks[0]["choices"][0]["delta"]["tool_calls"][0]["id"], "c");
    assert_eq!(given("Let me", Way::Afresh, &[text("Let"), call]), None);
    assert_eq!(given("Let", Way::Afresh, &[json!({"delta": {"refusal": "No"}})]), None);
    assert_eq!(given("Let", Way::Afresh, &[json!({"index": 1, "delta": {"content": "x"}})]), None);
}

#[test]
fn a_second_answer_keeps_its_thoughts_to_itself() {
    let chunks = given(
        "Let",
        Way::Afresh,
        &[
            json!({"index": 0, "delta": {"role": "assistant", "reasoning_content": "Hm"}}),
            json!({"index": 0, "delta": {"content": "Let us"}}),
        ],
    )
    .unwrap();
    assert_eq!(chunks.len(), 1);
    assert_eq!(chunks[0]["choices"][0]["delta"], json!({"content": " us"}));
    assert_eq!(chunks[0]["usage"]["completion_tokens"], 5);
}

#[test]
fn what_a_prefill_cost_is_summed() {
    let mut follow = ChatCompletions.follow();
    see(
        &mut *follow,
        data(&json!({"id": "first", "choices": [{"delta": {"content": "a"}}],
            "usage": {"prompt_tokens": 9, "completion_tokens": 1}})),
    );
    let mut splice = ChatCompletions.splice(follow.transcript(), Way::Prefill);
    let second = data(&json!({
        "id": "second",
        "choices": [{"index": 0, "delta": {"content": "b"}, "finish_reason": "stop"}],
        "usage": {"prompt_tokens": 10, "completion_tokens": 5, "total_tokens": 15}
    }));
    let event = &events(&Bytes::from(second))[0];
    let Spliced::Give(text) = splice.event(event, &Seen::Finish) else { panic!("nothing given") };
    let chunk: Value = serde_json::from_slice(events(&text)[0].data().unwrap()).unwrap();
    assert_eq!(
        chunk["usage"],
        json!({"prompt_tokens": 10, "completion_tokens": 6, "total_tokens": 16})
    );
    assert_eq!(chunk["id"], "first");
    assert_eq!(splice.transcript().text, "ab");
    assert_eq!(splice.transcript().usage, Some(Usage { input: 10, output: 6 }));
}

#[test]
fn usage_beside_a_choice_that_says_nothing_is_passed_on_without_a_second_role() {
    let mut splice = ChatCompletions.splice(&said("One"), Way::Afresh);
    let mut give = |chunk: Value| {
        let event = events(&Bytes::from(data(&chunk))).remove(0);
        match splice.event(&event, &ChatCompletions.follow().see(&event)) {
            Spliced::Give(bytes) => wire_json(&bytes),
            _ => Value::Null,
        }
    };
    let chunk = |content: &str, finish: Value| {
        let delta = json!({ "role": "assistant", "content": content });
        json!({ "choices": [{ "index": 0, "delta": delta, "finish_reason": finish }] })
    };
    assert_eq!(give(chunk("One two", Value::Null))["choices"][0]["delta"]["content"], " two");
    assert_eq!(give(chunk("", "stop".into()))["choices"][0]["finish_reason"], "stop");
    assert_eq!(give(chunk("", Value::Null)), Value::Null);
    let mut usage = chunk("", Value::Null);
    usage["usage"] = json!({ "prompt_tokens": 3, "completion_tokens": 4 });
    let told = give(usage);
    assert_eq!(told["usage"]["completion_tokens"], 4);
    assert_eq!(told["choices"][0]["delta"], json!({ "content": "" }));
}

/// The JSON of the one event in `bytes`.
fn wire_json(bytes: &Bytes) -> Value {
    super::wire::json_of(&events(bytes)[0]).unwrap()
}
