use super::RefusedKind::{BadRequest, UnsupportedParams};
use super::*;

const PAIR: ResponsesToOpenAi = ResponsesToOpenAi;

/// A request of Responses with the fields of `more`.
fn ask(more: Value) -> Value {
    with(&json!({"model": "ours", "input": "Hi"}), more)
}

fn messages(input: Value) -> Value {
    sent(&PAIR, &ask(json!({"input": input})))["messages"].clone()
}

fn call(id: &str, arguments: &str) -> Value {
    json!({"type": "function_call", "id": "fc_1", "call_id": id, "name": "f",
        "arguments": arguments, "status": "completed"})
}

fn output(id: &str, output: Value) -> Value {
    json!({"type": "function_call_output", "call_id": id, "output": output})
}

#[test]
fn asks_as_chat_completions_do() {
    let hi = json!({"role": "user", "content": "Hi"});
    assert_eq!(sent(&PAIR, &ask(json!({}))), json!({"model": "theirs", "messages": [hi]}));
    let brief = json!({"role": "system", "content": "Be brief."});
    let told = ask(json!({"instructions": "Be brief.", "stream": true, "service_tier": "flex",
        "prompt_cache_key": "k", "new_thing": {"a": [1]}, "safety_identifier": null}));
    assert_eq!(
        sent(&PAIR, &told),
        json!({"model": "theirs", "messages": [brief, hi], "stream": true, "service_tier": "flex",
            "stream_options": {"include_usage": true}, "prompt_cache_key": "k",
            "new_thing": {"a": [1]}})
    );
}

#[test]
fn reads_messages_of_every_shape() {
    let image =
        json!({"type": "input_image", "image_url": "https://x.example/a.png", "detail": "low"});
    let text = |text: &str| json!({"type": "input_text", "text": text});
    assert_eq!(
        messages(json!([
            {"role": "developer", "content": "Be brief."},
            {"type": "message", "role": "user", "content": [text("See"), image]},
            {"type": "message", "id": "msg_1", "status": "completed", "role": "assistant", "content": [
                {"type": "output_text", "text": "A cat.", "annotations": [{"type": "url_citation"}]},
            ]},
            {"role": "assistant", "content": [{"type": "refusal", "refusal": "No."}]},
            {"role": "user", "content": [text("Sure?"), text("")]},
        ])),
        json!([
            {"role": "developer", "content": "Be brief."},
            {"role": "user", "content": [
                {"type": "text", "text": "See"},
                {"type": "image_url", "image_url": {"url": "https://x.example/a.png", "detail": "low"}},
            ]},
            {"role": "assistant", "content": "A cat."},
            {"role": "assistant", "content": null, "refusal": "No."},
            {"role": "user", "content": "Sure?"},
        ])
    );
}

#[test]
fn gathers_calls_in_the_message_that_made_them() {
    let made = |id: &str, arguments: &str| json!({"id": id, "type": "function", "function": {"name": "f", "arguments": arguments}});
    assert_eq!(
        messages(json!([
            {"role": "user", "content": "Both?"},
            {"type": "reasoning", "id": "rs_1", "summary": [], "encrypted_content": "x"},
            {"role": "assistant", "content": "Yes."},
            call("a", "{\"x\": 1}"),
            call("b", ""),
            output("a", json!("one")),
            output("b", json!([{"type": "input_text", "text": "two"}])),
            call("c", "{}"),
            {"role": "assistant", "content": "One more."},
            output("c", json!("")),
        ])),
        json!([
            {"role": "user", "content": "Both?"},
            {"role": "assistant", "content": "Yes.", "tool_calls": [made("a", "{\"x\": 1}"), made("b", "")]},
            {"role": "tool", "tool_call_id": "a", "content": "one"},
            {"role": "tool", "tool_call_id": "b", "content": "two"},
            {"role": "assistant", "content": "One more.", "tool_calls": [made("c", "{}")]},
            {"role": "tool", "tool_call_id": "c", "content": ""},
        ])
    );
}

#[test]
fn lends_functions_as_chat_completions_write_them() {
    let schema = json!({"type": "object", "z": 1, "a": 2});
    let tool = json!({"type": "function", "name": "f", "description": "d", "parameters": schema, "strict": true});
    let asked = ask(json!({"tools": [tool], "tool_choice": {"type": "function", "name": "f"},
        "parallel_tool_calls": false}));
    let sent = sent(&PAIR, &asked);
    let function = json!({"name": "f", "description": "d", "parameters": schema, "strict": true});
    assert_eq!(sent["tools"], json!([{"type": "function", "function": function}]));
    let named = json!({"type": "function", "function": {"name": "f"}});
    assert_eq!((&sent["tool_choice"], &sent["parallel_tool_calls"]), (&named, &json!(false)));
    let none =
        super::sent(&PAIR, &ask(json!({"tool_choice": "auto", "parallel_tool_calls": true})));
    assert_eq!(none, super::sent(&PAIR, &ask(json!({}))));
    let bare = ask(json!({"tools": [{"type": "function", "name": "f", "parameters": null}]}));
    let function = json!({"type": "function", "function": {"name": "f"}});
    assert_eq!(super::sent(&PAIR, &bare)["tools"], json!([function]));
}

#[test]
fn says_how_to_answer() {
    let schema = json!({"type": "object"});
    let format = json!({"type": "json_schema", "name": "n", "schema": schema, "strict": true});
    let asked =
        ask(json!({"text": {"format": format, "verbosity": "low"}, "temperature": 0.5, "top_p": 1,
        "reasoning": {"effort": "low", "summary": "auto"}, "max_output_tokens": 50}));
    let plain = sent(&PAIR, &asked);
    let format = json!({"type": "json_schema", "json_schema": {"name": "n", "schema": schema, "strict": true}});
    assert_eq!((&plain["response_format"], &plain["verbosity"]), (&format, &json!("low")));
    assert_eq!((&plain["temperature"], &plain["top_p"]), (&json!(0.5), &json!(1.0)));
    assert_eq!((&plain["reasoning_effort"], &plain["max_tokens"]), (&json!("low"), &json!(50)));
    let body = PAIR.request(asked.to_string().as_bytes(), &Options::new("openai/gpt-5-mini"));
    let reasoning: Value = serde_json::from_slice(&body.unwrap()).unwrap();
    assert_eq!(reasoning["max_completion_tokens"], 50);
    assert!(reasoning.get("max_tokens").is_none());
    let text = ask(json!({"text": {"format": {"type": "text"}}}));
    assert_eq!(sent(&PAIR, &text), sent(&PAIR, &ask(json!({}))));
}

#[test]
fn drops_what_chat_completions_have_no_word_for_only_when_told_to() {
    let plain = sent(&PAIR, &ask(json!({})));
    for (field, value, default) in [
        ("background", json!(true), json!(false)),
        ("store", json!(true), json!(false)),
        ("include", json!(["reasoning.encrypted_content"]), json!([])),
        ("truncation", json!("auto"), json!("disabled")),
        ("max_tool_calls", json!(3), Value::Null),
        ("metadata", json!({"topic": "x"}), json!({})),
        ("context_management", json!([{"type": "compaction"}]), Value::Null),
        ("top_logprobs", json!(2), json!(0)),
    ] {
        let asked = ask(json!({field: value}));
        assert_eq!(refused(&PAIR, &asked), (UnsupportedParams, field.to_owned()), "{field}");
        assert_eq!(dropped(&PAIR, &asked), plain, "{field}");
        assert_eq!(sent(&PAIR, &ask(json!({field: default}))), plain, "{field} at its default");
    }
    for (more, field) in [
        (json!({"tools": [{"type": "web_search"}]}), "tools[0].type"),
        (json!({"tools": [{"type": "custom", "name": "f"}]}), "tools[0].type"),
        (json!({"reasoning": {"summary": "detailed"}}), "reasoning.summary"),
        (json!({"tool_choice": {"type": "file_search"}}), "tool_choice.type"),
    ] {
        assert_eq!(refused(&PAIR, &ask(more.clone())), (UnsupportedParams, field.to_owned()));
        assert_eq!(dropped(&PAIR, &ask(more)), plain, "{field}");
    }
}

#[test]
fn never_drops_what_is_stored_elsewhere() {
    for (more, field) in [
        (json!({"previous_response_id": "resp_1"}), "previous_response_id"),
        (json!({"conversation": "conv_1"}), "conversation"),
        (json!({"prompt": {"id": "p"}}), "prompt"),
        (json!({"input": [{"type": "item_reference", "id": "msg_1"}]}), "input[0].type"),
        (json!({"input": [{"type": "web_search_call", "id": "ws_1"}]}), "input[0].type"),
        (
            json!({"input": [{"role": "user", "content": [{"type": "input_image", "file_id": "f"}]}]}),
            "input[0].content[0].file_id",
        ),
        (
            json!({"input": [{"role": "user", "content": [{"type": "input_file", "file_id": "f"}]}]}),
            "input[0].content[0].type",
        ),
    ] {
        let asked = ask(more).to_string();
        for drop_params in [false, true] {
            let options = Options { drop_params, ..Options::new("theirs") };
            let refused = PAIR.request(asked.as_bytes(), &options).unwrap_err();
            let refused = (refused.kind, refused.param.as_deref());
            assert_eq!(refused, (UnsupportedParams, Some(field)), "{drop_params}");
        }
    }
}

#[test]
fn names_the_field_of_responses_that_is_wrong() {
    let said = |item: Value| ask(json!({"input": [{"role": "user", "content": "Hi"}, item]}));
    let part = |part: Value| said(json!({"role": "user", "content": [part]}));
    let tool = json!({"type": "function", "name": "f", "parameters": {}});
    for (asked, field) in [
        (json!({"model": "ours"}), "input"),
        (ask(json!({"input": ""})), "input"),
        (ask(json!({"input": []})), "input"),
        (ask(json!({"input": 7})), "input"),
        (ask(json!({"temperature": 2.5})), "temperature"),
        (ask(json!({"top_p": "x"})), "top_p"),
        (ask(json!({"max_output_tokens": -1})), "max_output_tokens"),
        (ask(json!({"tool_choice": "required"})), "tool_choice"),
        (ask(json!({"tool_choice": "maybe", "tools": [tool]})), "tool_choice"),
        (ask(json!({"tool_choice": {"type": "function"}, "tools": [tool]})), "tool_choice.name"),
        (ask(json!({"tools": [{"type": "function"}]})), "tools[0].name"),
        (
            ask(json!({"tools": [{"type": "function", "name": "f", "parameters": 1}]})),
            "tools[0].parameters",
        ),
        (ask(json!({"tools": vec![tool; 1000]})), "tools"),
        (ask(json!({"text": {"format": {"type": "xml"}}})), "text.format.type"),
        (
            ask(json!({"text": {"format": {"type": "json_schema", "name": "n"}}})),
            "text.format.schema",
        ),
        (said(json!({"content": "x"})), "input[1].role"),
        (said(json!({"role": "narrator", "content": "x"})), "input[1].role"),
        (said(json!({"role": "user", "content": ""})), "input[1].content"),
        (said(json!({"role": "user", "content": [{"text": "x"}]})), "input[1].content[0].type"),
        (part(json!({"type": "input_text"})), "input[1].content[0].text"),
        (part(json!({"type": "input_image"})), "input[1].content[0].image_url"),
        (part(json!({"type": "output_text", "text": "x"})), "input[1].content[0].type"),
        (said(call("a", "{\"x\":")), "input[1].arguments"),
        (said(call("", "{}")), "input[1].call_id"),
        (said(json!({"type": "function_call", "call_id": "a", "name": "f"})), "input[1].arguments"),
        (said(output("?", json!("x"))), "input[1].call_id"),
        // Chat Completions' words where those of Responses belong.
        (ask(json!({"messages": []})), "messages"),
        (ask(json!({"max_tokens": 5})), "max_tokens"),
        (ask(json!({"response_format": {}})), "response_format"),
        (ask(json!({"stream_options": {"include_usage": true}})), "stream_options.include_usage"),
        (ask(json!({"tools": [{"type": "function", "function": {}}]})), "tools[0].function"),
        (said(json!({"role": "tool", "content": "x"})), "input[1].role"),
        (said(json!({"role": "assistant", "tool_calls": []})), "input[1].tool_calls"),
        (part(json!({"type": "text", "text": "x"})), "input[1].content[0].type"),
        (said(json!({"type": "input_text", "text": "x"})), "input[1].type"),
    ] {
        assert_eq!(refused(&PAIR, &asked), (BadRequest, field.to_owned()), "{asked}");
    }
}
