use super::RefusedKind::{BadRequest, UnsupportedParams};
use super::*;

const PAIR: OpenAiToAnthropic = OpenAiToAnthropic;

/// A request whose conversation is `messages`.
fn talk(messages: Value) -> Value {
    json!({"model": "ours", "messages": messages})
}

fn turns(messages: Value) -> Value {
    sent(&PAIR, &talk(messages))["messages"].clone()
}

fn call(id: &str, arguments: &str) -> Value {
    json!({"id": id, "type": "function", "function": {"name": "f", "arguments": arguments}})
}

#[test]
fn asks_for_the_deployments_model_and_always_says_how_long() {
    let asked = sent(&PAIR, &chat(json!({})));
    assert_eq!((&asked["model"], &asked["max_tokens"]), (&json!("theirs"), &json!(4096)));
    assert_eq!(sent(&PAIR, &chat(json!({"max_tokens": 5})))["max_tokens"], 5);
    assert_eq!(sent(&PAIR, &chat(json!({"max_completion_tokens": 5})))["max_tokens"], 5);
    let both = chat(json!({"max_tokens": 5, "max_completion_tokens": 6}));
    assert_eq!(refused(&PAIR, &both), (BadRequest, "max_tokens".to_owned()));
}

#[test]
fn gathers_what_the_system_says_wherever_it_stands() {
    let one = talk(json!([
        {"role": "system", "content": "Be brief."},
        {"role": "user", "content": "Hi"},
    ]));
    assert_eq!(sent(&PAIR, &one)["system"], "Be brief.");
    let several = sent(
        &PAIR,
        &talk(json!([
            {"role": "developer", "content": "Be brief."},
            {"role": "user", "content": "Hi"},
            {"role": "system", "content": [{"type": "text", "text": "In verse."}]},
            {"role": "user", "content": "Well?"},
        ])),
    );
    let text = |text: &str| json!({"type": "text", "text": text});
    assert_eq!(several["system"], json!([text("Be brief."), text("In verse.")]));
    assert_eq!(
        several["messages"],
        json!([{"role": "user", "content": [text("Hi"), text("Well?")]}])
    );
}

#[test]
fn answers_several_calls_in_one_turn() {
    let conversation = turns(json!([
        {"role": "user", "content": "Both?"},
        {"role": "assistant", "content": null, "tool_calls": [call("a", "{\"x\":1}"), call("b",
            "")]},
        {"role": "tool", "tool_call_id": "a", "content": "one"},
        {"role": "tool", "tool_call_id": "b", "content": [{"type": "text", "text": "two"}],
            "name": "f"},
        {"role": "user", "content": "So?"},
    ]));
    assert_eq!(
        conversation,
        json!([
            {"role": "user", "content": [{"type": "text", "text": "Both?"}]},
            {"role": "assistant", "content": [
                {"type": "tool_use", "id": "a", "name": "f", "input": {"x": 1}},
                {"type": "tool_use", "id": "b", "name": "f", "input": {}},
            ]},
            {"role": "user", "content": [
                {"type": "tool_result", "tool_use_id": "a", "content": "one"},
                {"type": "tool_result", "tool_use_id": "b", "content": [{"type": "text",
                    "text": "two"}]},
                {"type": "text", "text": "So?"},
            ]},
        ])
    );
}

#[test]
fn makes_ids_of_other_providers_fit_on_both_ends() {
    let conversation = turns(json!([
        {"role": "assistant", "tool_calls": [call("functions.f:0", "{}")]},
        {"role": "tool", "tool_call_id": "functions.f:0", "content": ""},
    ]));
    assert_eq!(conversation[0]["content"][0]["id"], "functions_f_0");
    let result = json!({"type": "tool_result", "tool_use_id": "functions_f_0"});
    assert_eq!(conversation[1]["content"][0], result);
}

#[test]
fn shows_images_by_url_and_by_data() {
    let image = |url: &str| json!({"type": "image_url", "image_url": {"url": url}});
    let parts = json!([image("https://x.example/a.png"), image("data:image/jpg;base64,QUJD")]);
    assert_eq!(
        turns(json!([{"role": "user", "content": parts}]))[0]["content"],
        json!([
            {"type": "image", "source": {"type": "url", "url": "https://x.example/a.png"}},
            {"type": "image", "source": {"type": "base64", "media_type": "image/jpeg",
                "data": "QUJD"}},
        ])
    );
    let bad = |url: &str| refused(&PAIR, &talk(json!([{"role": "user", "content": [image(url)]}])));
    let field = "messages[0].content[0].image_url.url".to_owned();
    assert_eq!(bad("cat.png"), (BadRequest, field.clone()));
    assert_eq!(bad("data:image/png,QUJD"), (BadRequest, field.clone()));
    assert_eq!(bad("data:image/png;base64,"), (BadRequest, field.clone()));
    assert_eq!(bad("data:image/tiff;base64,QUJD"), (UnsupportedParams, field));
}

#[test]
fn refuses_an_image_of_20_mb_by_its_name() {
    let url = format!("data:image/png;base64,{}", "A".repeat(20_000_000 / 3 * 4));
    let parts =
        json!([{"type": "text", "text": "See"}, {"type": "image_url", "image_url": {"url": url}}]);
    let (kind, param) = refused(&PAIR, &talk(json!([{"role": "user", "content": parts}])));
    assert_eq!((kind, &*param), (UnsupportedParams, "messages[0].content[1].image_url.url"));
}

#[test]
fn lends_tools_with_their_schemas_as_they_are_written() {
    let body = br#"{"model":"ours","messages":[{"role":"user","content":"Hi"}],"tools":[{"type":"function",
        "function":{"name":"f","parameters":{"type":"object","z":1.0,"a":12345678901234567890123}}}]}"#;
    let sent = PAIR.request(body, &Options::new("theirs")).unwrap();
    let schema = r#""input_schema":{"type":"object","z":1.0,"a":12345678901234567890123}"#;
    assert!(std::str::from_utf8(&sent).unwrap().contains(schema));
    let bare =
        chat(json!({"tools": [{"type": "function", "function": {"name": "f", "strict": true}}]}));
    let tool =
        json!({"name": "f", "strict": true, "input_schema": {"type": "object", "properties": {}}});
    assert_eq!(super::sent(&PAIR, &bare)["tools"], json!([tool]));
}

#[test]
fn chooses_tools_as_asked() {
    let tools = json!([{"type": "function", "function": {"name": "f"}}]);
    let choice = |choice: Value, parallel: Value| {
        let more = json!({"tools": tools, "tool_choice": choice, "parallel_tool_calls": parallel});
        sent(&PAIR, &chat(more))["tool_choice"].clone()
    };
    let named = json!({"type": "function", "function": {"name": "f"}});
    assert_eq!(choice(Value::Null, Value::Null), Value::Null);
    assert_eq!(choice(json!("auto"), json!(true)), json!({"type": "auto"}));
    assert_eq!(choice(json!("none"), json!(false)), json!({"type": "none"}));
    assert_eq!(choice(json!("required"), Value::Null), json!({"type": "any"}));
    assert_eq!(choice(named.clone(), Value::Null), json!({"type": "tool", "name": "f"}));
    let one = json!({"type": "auto", "disable_parallel_tool_use": true});
    assert_eq!(choice(Value::Null, json!(false)), one);
    let one = json!({"type": "tool", "name": "f", "disable_parallel_tool_use": true});
    assert_eq!(choice(named, json!(false)), one);
}

#[test]
fn keeps_samplings_within_the_providers_limits() {
    let asked = sent(&PAIR, &chat(json!({"temperature": 1.7, "top_p": 0.5, "stop": "END"})));
    assert_eq!((&asked["temperature"], &asked["top_p"]), (&json!(1.0), &json!(0.5)));
    assert_eq!(asked["stop_sequences"], json!(["END"]));
    assert_eq!(
        refused(&PAIR, &chat(json!({"temperature": 2.5}))),
        (BadRequest, "temperature".into())
    );
    assert_eq!(refused(&PAIR, &chat(json!({"top_p": -1}))), (BadRequest, "top_p".into()));
    let blank = chat(json!({"stop": ["\n", "END"]}));
    assert_eq!(refused(&PAIR, &blank), (UnsupportedParams, "stop".into()));
    assert_eq!(dropped(&PAIR, &blank)["stop_sequences"], json!(["END"]));
}

#[test]
fn writes_to_a_schema_where_the_provider_can() {
    let schema = json!({"type": "object", "properties": {"a": {"type": "string"}}});
    let asked = chat(json!({"response_format": {"type": "json_schema",
        "json_schema": {"name": "answer", "schema": schema, "strict": true}}}));
    let format = json!({"format": {"type": "json_schema", "schema": schema}});
    assert_eq!(sent(&PAIR, &asked)["output_config"], format);
    let text = chat(json!({"response_format": {"type": "text"}}));
    assert_eq!(sent(&PAIR, &text)["output_config"], Value::Null);
    let object = chat(json!({"response_format": {"type": "json_object"}}));
    assert_eq!(refused(&PAIR, &object), (UnsupportedParams, "response_format".into()));
    assert_eq!(dropped(&PAIR, &object)["output_config"], Value::Null);
}

#[test]
fn drops_what_has_no_counterpart_only_when_told_to() {
    let plain = sent(&PAIR, &chat(json!({})));
    for (field, value, default) in [
        ("n", json!(2), json!(1)),
        ("logprobs", json!(true), json!(false)),
        ("top_logprobs", json!(3), json!(0)),
        ("logit_bias", json!({"50256": -100}), json!({})),
        ("seed", json!(7), Value::Null),
        ("presence_penalty", json!(0.5), json!(0)),
        ("frequency_penalty", json!(-0.5), json!(0.0)),
        ("prediction", json!({"type": "content", "content": "x"}), Value::Null),
        ("modalities", json!(["text", "audio"]), json!(["text"])),
        ("audio", json!({"voice": "alloy", "format": "mp3"}), Value::Null),
        ("store", json!(true), json!(false)),
        ("metadata", json!({"topic": "x"}), json!({})),
        ("service_tier", json!("flex"), Value::Null),
        ("verbosity", json!("low"), json!("medium")),
        ("web_search_options", json!({}), Value::Null),
        ("functions", json!([{"name": "f"}]), json!([])),
        ("function_call", json!("auto"), Value::Null),
        ("prompt_cache_key", json!("k"), Value::Null),
    ] {
        let asked = chat(json!({field: value}));
        assert_eq!(refused(&PAIR, &asked), (UnsupportedParams, field.to_owned()), "{field}");
        assert_eq!(dropped(&PAIR, &asked), plain, "{field}");
        assert_eq!(sent(&PAIR, &chat(json!({field: default}))), plain, "{field} at its default");
    }
}

#[test]
fn says_who_asks() {
    let id = |more: Value| sent(&PAIR, &chat(more))["metadata"]["user_id"].clone();
    assert_eq!(id(json!({"user": "u"})), "u");
    assert_eq!(id(json!({"safety_identifier": "s"})), "s");
    assert_eq!(id(json!({"safety_identifier": "s", "user": "s"})), "s");
    let both = chat(json!({"safety_identifier": "s", "user": "u"}));
    assert_eq!(refused(&PAIR, &both), (UnsupportedParams, "user".into()));
}

#[test]
fn lets_through_what_nobody_has_documented() {
    let cached = json!({"type": "text", "text": "Long.", "cache_control": {"type": "ephemeral"}});
    let tool = json!({"type": "function", "function": {"name": "f"},
        "cache_control": {"type": "ephemeral"}});
    let asked = sent(
        &PAIR,
        &json!({"model": "ours", "top_k": 5, "new_thing": {"a": [1]}, "tools": [tool],
            "messages": [{"role": "system", "content": [cached]}, {"role": "user",
                "content": [cached]}]}),
    );
    assert_eq!((&asked["top_k"], &asked["new_thing"]), (&json!(5), &json!({"a": [1]})));
    assert_eq!(asked["messages"][0]["content"], json!([cached]));
    assert_eq!(asked["system"], json!([cached]));
    assert_eq!(asked["tools"][0]["cache_control"], json!({"type": "ephemeral"}));
}

#[test]
fn names_the_field_that_is_wrong() {
    let said = |message: Value| talk(json!([{"role": "user", "content": "Hi"}, message]));
    let calls = |call: Value| said(json!({"role": "assistant", "tool_calls": [call]}));
    let part = |part: Value| {
        said(json!({"role": "user", "content": [{"type": "text", "text": "a"}, part]}))
    };
    for (asked, kind, field) in [
        (json!({"model": "ours"}), BadRequest, "messages"),
        (talk(json!("Hi")), BadRequest, "messages"),
        (talk(json!([])), BadRequest, "messages"),
        (talk(json!([{"role": "system", "content": "x"}])), BadRequest, "messages"),
        (chat(json!({"temperature": "hot"})), BadRequest, "temperature"),
        (chat(json!({"max_tokens": -1})), BadRequest, "max_tokens"),
        (chat(json!({"stream": {"a": [1, {"b": 2}]}})), BadRequest, "stream"),
        (chat(json!({"stop": 3})), BadRequest, "stop"),
        (chat(json!({"tool_choice": "maybe"})), BadRequest, "tool_choice"),
        (chat(json!({"tool_choice": "required"})), BadRequest, "tool_choice"),
        (said(json!({"content": "x"})), BadRequest, "messages[1].role"),
        (said(json!({"role": "narrator", "content": "x"})), BadRequest, "messages[1].role"),
        (said(json!({"role": "function", "content": "x"})), UnsupportedParams, "messages[1].role"),
        (said(json!({"role": "user", "content": ""})), BadRequest, "messages[1].content"),
        (said(json!({"role": "user", "content": []})), BadRequest, "messages[1].content"),
        (said(json!({"role": "user", "content": null})), BadRequest, "messages[1].content"),
        (said(json!({"role": "user", "content": 7})), BadRequest, "messages[1].content"),
        (said(json!({"role": "assistant", "content": ""})), BadRequest, "messages[1].content"),
        (
            said(json!({"role": "user", "content": "x", "name": "Ann"})),
            UnsupportedParams,
            "messages[1].name",
        ),
        (part(json!({"type": "text"})), BadRequest, "messages[1].content[1].text"),
        (part(json!({"text": "x"})), BadRequest, "messages[1].content[1].type"),
        (
            part(json!({"type": "image_url", "image_url": {}})),
            BadRequest,
            "messages[1].content[1].image_url.url",
        ),
        (
            part(json!({"type": "image_url", "image_url": {"url": "https://x.example",
                    "detail": "low"}})),
            UnsupportedParams,
            "messages[1].content[1].image_url.detail",
        ),
        (
            part(json!({"type": "input_audio", "input_audio": {}})),
            UnsupportedParams,
            "messages[1].content[1].type",
        ),
        (calls(call("a", "{\"x\":")), BadRequest, "messages[1].tool_calls[0].function.arguments"),
        (calls(call("a", "[1]")), BadRequest, "messages[1].tool_calls[0].function.arguments"),
        (
            calls(json!({"id": "a", "function": {}})),
            BadRequest,
            "messages[1].tool_calls[0].function.name",
        ),
        (calls(json!({"type": "function"})), BadRequest, "messages[1].tool_calls[0].id"),
        (
            calls(json!({"id": "a", "type": "custom"})),
            UnsupportedParams,
            "messages[1].tool_calls[0].type",
        ),
        (said(json!({"role": "tool", "content": "x"})), BadRequest, "messages[1].tool_call_id"),
        (
            said(json!({"role": "tool", "content": "x", "tool_call_id": "?"})),
            BadRequest,
            "messages[1].tool_call_id",
        ),
        (
            said(json!({"role": "user", "content": "x", "tool_call_id": "a"})),
            BadRequest,
            "messages[1].tool_call_id",
        ),
        // Anthropic's words where OpenAI's belong.
        (chat(json!({"system": "Be brief."})), BadRequest, "system"),
        (chat(json!({"stop_sequences": ["x"]})), BadRequest, "stop_sequences"),
        (chat(json!({"tool_choice": {"type": "any"}})), BadRequest, "tool_choice.type"),
        (chat(json!({"tools": [{"name": "f", "input_schema": {}}]})), BadRequest, "tools[0].type"),
        (
            chat(json!({"tools": [{"type": "function", "input_schema": {}}]})),
            BadRequest,
            "tools[0].input_schema",
        ),
        (part(json!({"type": "image", "source": {}})), BadRequest, "messages[1].content[1].type"),
        (part(json!({"type": "tool_result"})), BadRequest, "messages[1].content[1].type"),
    ] {
        assert_eq!(refused(&PAIR, &asked), (kind, field.to_owned()), "{asked}");
    }
    let refused = PAIR.request(b"{\"messages\": [", &Options::new("theirs")).unwrap_err();
    assert_eq!((refused.kind, refused.param), (BadRequest, None));
}

#[test]
fn takes_the_128_tools_that_there_may_be_and_no_thousand() {
    let tools = |count: usize| {
        let tool = json!({"type": "function", "function": {"name": "f"}});
        chat(json!({"tools": vec![tool; count]}))
    };
    assert_eq!(sent(&PAIR, &tools(128))["tools"].as_array().unwrap().len(), 128);
    assert_eq!(refused(&PAIR, &tools(1000)), (BadRequest, "tools".into()));
}

#[test]
fn answers_with_the_reason_and_the_cost() {
    let given = |reason: &str| {
        json!({"id": "msg_1", "type": "message", "role": "assistant", "model": "theirs",
            "content": [],
            "stop_reason": reason, "stop_sequence": null, "usage": {"input_tokens": 5,
                "output_tokens": 7,
            "cache_read_input_tokens": 100, "cache_creation_input_tokens": 20,
            "output_tokens_details": {"thinking_tokens": 3}}})
    };
    for (reason, finish) in [
        ("end_turn", "stop"),
        ("stop_sequence", "stop"),
        ("pause_turn", "stop"),
        ("max_tokens", "length"),
        ("model_context_window_exceeded", "length"),
        ("tool_use", "tool_calls"),
        ("refusal", "content_filter"),
    ] {
        let answer = answered(&PAIR, &given(reason));
        assert_eq!(answer["choices"][0]["finish_reason"], finish, "{reason}");
        assert_eq!(
            answer["usage"],
            json!({"prompt_tokens": 125, "completion_tokens": 7, "total_tokens": 132,
                "prompt_tokens_details": {"cached_tokens": 100, "cache_write_tokens": 20},
                "completion_tokens_details": {"reasoning_tokens": 3}})
        );
    }
}

#[test]
fn takes_no_half_answer_for_one() {
    for given in [
        json!({}),
        json!({"type": "error", "error": {"type": "overloaded_error", "message": "Overloaded"}}),
        json!({"content": [], "stop_reason": null}),
        json!({"content": [{"type": "tool_use", "id": "a", "name": "f"}],
            "stop_reason": "tool_use"}),
    ] {
        assert!(PAIR.answer(given.to_string().as_bytes(), CREATED).is_err(), "{given}");
    }
}
