use super::RefusedKind::{BadRequest, UnsupportedParams};
use super::*;

const PAIR: AnthropicToOpenAi = AnthropicToOpenAi;

/// The fields of a request of Anthropic's beside those of `more`.
fn ask(more: Value) -> Value {
    let base = json!({"model": "ours", "max_tokens": 100, "messages": [{"role": "user",
        "content": "Hi"}]});
    with(&base, more)
}

/// A request whose conversation is `messages`.
fn talk(messages: Value) -> Value {
    ask(json!({"messages": messages}))
}

fn turns(messages: Value) -> Value {
    sent(&PAIR, &talk(messages))["messages"].clone()
}

fn text(text: &str) -> Value {
    json!({"type": "text", "text": text})
}

fn tool() -> Value {
    json!({"name": "f", "description": "F.", "input_schema": {"type": "object"}})
}

#[test]
fn says_how_long_in_the_words_that_the_model_knows() {
    let length = |model: &str| {
        let body = serde_json::to_vec(&ask(json!({}))).unwrap();
        let sent = PAIR.request(&body, &Options::new(model)).unwrap();
        let sent: Value = serde_json::from_slice(&sent).unwrap();
        assert_eq!(sent["model"], model);
        (sent["max_tokens"].clone(), sent["max_completion_tokens"].clone())
    };
    for model in ["gpt-4o-mini", "llama-3", "mistralai/mistral-7b"] {
        assert_eq!(length(model), (json!(100), Value::Null), "{model}");
    }
    for model in ["o1", "o3-mini", "o4-mini", "gpt-5.1", "openai/gpt-5"] {
        assert_eq!(length(model), (Value::Null, json!(100)), "{model}");
    }
}

#[test]
fn lets_the_system_speak_first_and_where_it_stands() {
    let asked = ask(json!({"system": [text("Be brief."), text("In verse.")], "messages": [
        {"role": "user", "content": "Hi"},
        {"role": "system", "content": "Be quick."},
        {"role": "user", "content": [text("Well?")]},
    ]}));
    assert_eq!(
        sent(&PAIR, &asked)["messages"],
        json!([
            {"role": "system", "content": [text("Be brief."), text("In verse.")]},
            {"role": "user", "content": "Hi"},
            {"role": "system", "content": "Be quick."},
            {"role": "user", "content": "Well?"},
        ])
    );
}

#[test]
fn tells_each_result_of_a_turn_in_a_message_of_its_own() {
    let conversation = turns(json!([
        {"role": "user", "content": "Both?"},
        {"role": "assistant", "content": [
            text("Let me see."),
            {"type": "thinking", "thinking": "Hm.", "signature": "sig"},
            {"type": "tool_use", "id": "a", "name": "f", "input": {"x": 1}},
            {"type": "tool_use", "id": "b", "name": "g", "input": {}},
        ]},
        {"role": "user", "content": [
            {"type": "tool_result", "tool_use_id": "a", "content": "one"},
            {"type": "tool_result", "tool_use_id": "b", "content": [text("no such file")],
                "is_error": true},
            text("So?"),
        ]},
    ]));
    let call = |id: &str, name: &str, arguments: &str| {
        json!({"id": id, "type": "function",
        "function": {"name": name, "arguments": arguments}})
    };
    assert_eq!(
        conversation,
        json!([
            {"role": "user", "content": "Both?"},
            {"role": "assistant", "content": "Let me see.",
                "tool_calls": [call("a", "f", "{\"x\":1}"), call("b", "g", "{}")]},
            {"role": "tool", "tool_call_id": "a", "content": "one"},
            {"role": "tool", "tool_call_id": "b", "content": "Error: no such file"},
            {"role": "user", "content": "So?"},
        ])
    );
}

#[test]
fn shows_images_by_url_and_by_data() {
    let image = |source: Value| json!({"type": "image", "source": source});
    let url = image(json!({"type": "url", "url": "https://x.example/a.png"}));
    let data = image(json!({"type": "base64", "media_type": "image/png", "data": "QUJD"}));
    let shown = |url: &str| json!({"type": "image_url", "image_url": {"url": url}});
    assert_eq!(
        turns(json!([{"role": "user", "content": [url, data]}]))[0]["content"],
        json!([shown("https://x.example/a.png"), shown("data:image/png;base64,QUJD")])
    );
    for (source, kind) in [
        (json!({"type": "url"}), BadRequest),
        (json!({"type": "base64", "data": "QUJD"}), BadRequest),
        (json!({"type": "base64", "media_type": "image/png", "data": ""}), BadRequest),
        (json!({"type": "file", "file_id": "x"}), UnsupportedParams),
    ] {
        let asked = talk(json!([{"role": "user", "content": [image(source)]}]));
        assert_eq!(
            refused(&PAIR, &asked),
            (kind, "messages[0].content[0].source".into()),
            "{asked}"
        );
    }
}

#[test]
fn passes_an_image_of_20_mb_whole() {
    let data = "A".repeat(20_000_000 / 3 * 4);
    let source = json!({"type": "base64", "media_type": "image/png", "data": data});
    let asked = talk(json!([{"role": "user", "content": [{"type": "image", "source": source}]}]));
    let shown = sent(&PAIR, &asked)["messages"][0]["content"][0]["image_url"]["url"].clone();
    assert_eq!(shown.as_str().unwrap().len(), "data:image/png;base64,".len() + data.len());
}

#[test]
fn lends_tools_and_chooses_them_as_asked() {
    let function = json!({"name": "f", "description": "F.", "parameters": {"type": "object"}});
    let asked = |choice: Value| ask(json!({"tools": [tool()], "tool_choice": choice}));
    let of = |choice: Value| {
        let sent = sent(&PAIR, &asked(choice));
        assert_eq!(sent["tools"], json!([{"type": "function", "function": function}]));
        (sent["tool_choice"].clone(), sent["parallel_tool_calls"].clone())
    };
    assert_eq!(of(Value::Null), (Value::Null, Value::Null));
    assert_eq!(of(json!({"type": "auto"})), (json!("auto"), Value::Null));
    assert_eq!(of(json!({"type": "none"})), (json!("none"), Value::Null));
    let none = json!({"type": "none", "disable_parallel_tool_use": true});
    assert_eq!(of(none), (json!("none"), Value::Null));
    let one = json!({"type": "any", "disable_parallel_tool_use": true});
    assert_eq!(of(one), (json!("required"), json!(false)));
    let named = json!({"type": "function", "function": {"name": "f"}});
    assert_eq!(of(json!({"type": "tool", "name": "f"})), (named, Value::Null));
}

#[test]
fn marks_for_a_cache_that_needs_none_say_nothing() {
    let mark = json!({"cache_control": {"type": "ephemeral"}});
    let marked = ask(json!({
        "system": [with(&text("Long."), mark.clone())],
        "tools": [with(&tool(), mark.clone())],
        "messages": [{"role": "user", "content": [with(&text("Hi"), mark)]}],
    }));
    let plain = ask(json!({"system": "Long.", "tools": [tool()]}));
    assert_eq!(sent(&PAIR, &marked), sent(&PAIR, &plain));
}

#[test]
fn reasons_as_hard_as_asked() {
    let effort = |more: Value| sent(&PAIR, &ask(more))["reasoning_effort"].clone();
    let budget = |tokens: u64| json!({"thinking": {"type": "enabled", "budget_tokens": tokens}});
    assert_eq!(effort(budget(1024)), "low");
    assert_eq!(effort(budget(2048)), "medium");
    assert_eq!(effort(budget(4096)), "high");
    assert_eq!(effort(budget(32_000)), "high");
    assert_eq!(effort(json!({"thinking": {"type": "disabled"}})), Value::Null);
    assert_eq!(effort(json!({"thinking": {"type": "adaptive"}})), Value::Null);
    let said = json!({"thinking": {"type": "adaptive"}, "output_config": {"effort": "xhigh"}});
    assert_eq!(effort(said), "xhigh");
}

#[test]
fn writes_to_a_schema() {
    let schema = json!({"type": "object", "properties": {"a": {"type": "string"}}});
    let asked =
        ask(json!({"output_config": {"format": {"type": "json_schema", "schema": schema}}}));
    let format = json!({"type": "json_schema",
        "json_schema": {"name": "answer", "schema": schema, "strict": true}});
    assert_eq!(sent(&PAIR, &asked)["response_format"], format);
}

#[test]
fn asks_streams_for_the_cost_that_anthropic_always_tells() {
    let asked = sent(&PAIR, &ask(json!({"stream": true})));
    assert_eq!(asked["stream_options"], json!({"include_usage": true}));
    assert_eq!(sent(&PAIR, &ask(json!({"stream": false})))["stream_options"], Value::Null);
}

#[test]
fn drops_what_has_no_counterpart_only_when_told_to() {
    let plain = sent(&PAIR, &ask(json!({})));
    for (field, value) in [
        ("top_k", json!(5)),
        ("container", json!("c")),
        ("mcp_servers", json!([{}])),
        ("context_management", json!({})),
        ("inference_geo", json!("us")),
        ("speed", json!("fast")),
    ] {
        let asked = ask(json!({field: value}));
        assert_eq!(refused(&PAIR, &asked), (UnsupportedParams, field.to_owned()), "{field}");
        assert_eq!(dropped(&PAIR, &asked), plain, "{field}");
        assert_eq!(sent(&PAIR, &ask(json!({field: null}))), plain, "{field}");
    }
    let stops = ask(json!({"stop_sequences": ["a", "b", "c", "d", "e"]}));
    assert_eq!(refused(&PAIR, &stops), (UnsupportedParams, "stop_sequences".into()));
    assert_eq!(dropped(&PAIR, &stops)["stop"], json!(["a", "b", "c", "d"]));
    let search = json!({"type": "web_search_20250305", "name": "web_search"});
    let tools = ask(json!({"tools": [search, tool()]}));
    assert_eq!(refused(&PAIR, &tools), (UnsupportedParams, "tools[0].type".into()));
    assert_eq!(dropped(&PAIR, &tools)["tools"].as_array().unwrap().len(), 1);
    let begun =
        talk(json!([{"role": "user", "content": "Hi"}, {"role": "assistant", "content": "H"}]));
    assert_eq!(refused(&PAIR, &begun), (UnsupportedParams, "messages[1]".into()));
    assert_eq!(dropped(&PAIR, &begun)["messages"][1]["content"], "H");
}

#[test]
fn lets_through_what_nobody_has_documented() {
    let part = json!({"type": "text", "text": "Hi", "weight": 2});
    let asked = sent(
        &PAIR,
        &ask(
            json!({"new_thing": [1], "service_tier": "standard_only", "metadata": {"user_id": "u"},
            "tools": [with(&tool(), json!({"new_mark": true}))],
            "messages": [{"role": "user", "content": [part]}]}),
        ),
    );
    assert_eq!(asked["new_thing"], json!([1]));
    assert_eq!((&asked["service_tier"], &asked["user"]), (&json!("default"), &json!("u")));
    assert_eq!(asked["tools"][0]["new_mark"], true);
    assert_eq!(asked["messages"][0]["content"], json!([part]));
}

#[test]
fn names_the_field_that_is_wrong() {
    let said = |message: Value| talk(json!([{"role": "user", "content": "Hi"}, message]));
    let block = |role: &str, block: Value| said(json!({"role": role, "content": [block]}));
    let schemaless = json!({"name": "f"});
    for (asked, kind, field) in [
        (json!({"model": "ours", "messages": []}), BadRequest, "max_tokens"),
        (json!({"model": "ours", "max_tokens": 1}), BadRequest, "messages"),
        (talk(json!([])), BadRequest, "messages"),
        (ask(json!({"max_tokens": "many"})), BadRequest, "max_tokens"),
        (ask(json!({"temperature": 1.5})), BadRequest, "temperature"),
        (ask(json!({"system": 3})), BadRequest, "system"),
        (ask(json!({"system": [{"type": "image"}]})), UnsupportedParams, "system[0].type"),
        (ask(json!({"tools": [schemaless]})), BadRequest, "tools[0].input_schema"),
        (ask(json!({"tool_choice": {"type": "any"}})), BadRequest, "tool_choice"),
        (ask(json!({"tool_choice": "auto"})), BadRequest, "tool_choice"),
        (ask(json!({"thinking": {"type": "enabled"}})), BadRequest, "thinking.budget_tokens"),
        (ask(json!({"metadata": {"tag": "x"}})), UnsupportedParams, "metadata.tag"),
        (said(json!({"role": "narrator", "content": "x"})), BadRequest, "messages[1].role"),
        (said(json!({"role": "user"})), BadRequest, "messages[1].content"),
        (said(json!({"role": "user", "content": ""})), BadRequest, "messages[1].content"),
        (said(json!({"role": "user", "content": []})), BadRequest, "messages[1].content"),
        (
            said(json!({"role": "user", "content": "x", "name": "Ann"})),
            UnsupportedParams,
            "messages[1].name",
        ),
        (block("user", json!({"type": "text"})), BadRequest, "messages[1].content[0].text"),
        (block("user", json!({"type": "image"})), BadRequest, "messages[1].content[0].source"),
        (
            block("user", json!({"type": "tool_use", "id": "a"})),
            BadRequest,
            "messages[1].content[0].type",
        ),
        (
            block("user", json!({"type": "tool_result"})),
            BadRequest,
            "messages[1].content[0].tool_use_id",
        ),
        (
            block("user", json!({"type": "document"})),
            UnsupportedParams,
            "messages[1].content[0].type",
        ),
        (
            block(
                "user",
                json!({"type": "tool_result", "tool_use_id": "a", "content": [{"type": "image"}]}),
            ),
            UnsupportedParams,
            "messages[1].content[0].content[0].type",
        ),
        (
            block("assistant", json!({"type": "tool_use", "id": "a", "name": "f"})),
            BadRequest,
            "messages[1].content[0].input",
        ),
        (
            block("assistant", json!({"type": "tool_use", "id": "a", "name": "f", "input": "{}"})),
            BadRequest,
            "messages[1].content[0].input",
        ),
        (
            said(json!({"role": "user", "content": [text("a"), {"type": "tool_result",
                    "tool_use_id": "a"}]})),
            BadRequest,
            "messages[1].content[1]",
        ),
        // OpenAI's words where Anthropic's belong.
        (ask(json!({"stop": ["x"]})), BadRequest, "stop"),
        (ask(json!({"max_completion_tokens": 5})), BadRequest, "max_completion_tokens"),
        (ask(json!({"response_format": {"type": "text"}})), BadRequest, "response_format"),
        (ask(json!({"n": 2})), BadRequest, "n"),
        (
            ask(json!({"tools": [{"type": "function", "function": {"name": "f"}}]})),
            BadRequest,
            "tools[0].function",
        ),
        (
            said(json!({"role": "tool", "tool_call_id": "a", "content": "x"})),
            BadRequest,
            "messages[1].tool_call_id",
        ),
        (said(json!({"role": "tool", "content": "x"})), BadRequest, "messages[1].role"),
        (
            said(json!({"role": "assistant", "content": "x", "tool_calls": []})),
            BadRequest,
            "messages[1].tool_calls",
        ),
        (
            block("user", json!({"type": "image_url", "image_url": {}})),
            BadRequest,
            "messages[1].content[0].type",
        ),
    ] {
        // The last word is the user's, so that nothing else is wrong.
        let mut asked = asked;
        if let Some(messages) = asked["messages"].as_array_mut()
            && messages.len() > 1
        {
            messages.push(json!({"role": "user", "content": "Well?"}));
        }
        assert_eq!(refused(&PAIR, &asked), (kind, field.to_owned()), "{asked}");
    }
}

#[test]
fn takes_the_128_tools_that_there_may_be_and_no_thousand() {
    let tools = |count: usize| ask(json!({"tools": vec![tool(); count]}));
    assert_eq!(sent(&PAIR, &tools(128))["tools"].as_array().unwrap().len(), 128);
    assert_eq!(refused(&PAIR, &tools(1000)), (UnsupportedParams, "tools".into()));
}

fn given(message: Value, finish: Value) -> Value {
    let choice = json!({"index": 0,
        "message": with(&json!({"role": "assistant"}), message), "finish_reason": finish});
    json!({"id": "chatcmpl-1", "object": "chat.completion", "created": 1, "model": "theirs",
        "choices": [choice]})
}

#[test]
fn answers_with_the_reason_and_the_cost() {
    let call = json!({"id": "a", "type": "function", "function": {"name": "f", "arguments": ""}});
    for (message, finish, reason) in [
        (json!({"content": "x"}), "stop", "end_turn"),
        (json!({"content": "x"}), "length", "max_tokens"),
        (json!({"content": null, "tool_calls": [call]}), "tool_calls", "tool_use"),
        (json!({"content": null, "tool_calls": [call]}), "stop", "tool_use"),
        (json!({"content": ""}), "content_filter", "refusal"),
        (json!({"content": null, "refusal": "No."}), "stop", "refusal"),
    ] {
        let answer = answered(&PAIR, &given(message.clone(), json!(finish)));
        assert_eq!(answer["stop_reason"], reason, "{message} {finish}");
    }
    let cost = json!({"usage": {"prompt_tokens": 125, "completion_tokens": 7, "total_tokens": 132,
        "prompt_tokens_details": {"cached_tokens": 100, "cache_write_tokens": 20},
        "completion_tokens_details": {"reasoning_tokens": 3}}});
    let answer = answered(&PAIR, &with(&given(json!({"content": "x"}), json!("stop")), cost));
    assert_eq!(
        answer["usage"],
        json!({"input_tokens": 5, "output_tokens": 7, "cache_read_input_tokens": 100,
            "cache_creation_input_tokens": 20, "output_tokens_details": {"thinking_tokens": 3}})
    );
}

#[test]
fn takes_no_half_answer_for_one() {
    let call =
        json!({"id": "a", "type": "function", "function": {"name": "f", "arguments": "{\"x\":"}});
    for given in [
        json!({}),
        json!({"choices": []}),
        json!({"error": {"message": "overloaded"}}),
        given(json!({"content": "x"}), Value::Null),
        given(json!({"tool_calls": [call]}), json!("tool_calls")),
        given(json!({"tool_calls": [{"id": "a"}]}), json!("tool_calls")),
    ] {
        assert!(PAIR.answer(given.to_string().as_bytes(), CREATED).is_err(), "{given}");
    }
}
