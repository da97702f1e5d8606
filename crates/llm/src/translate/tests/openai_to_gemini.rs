use super::RefusedKind::{BadRequest, UnsupportedParams};
use super::*;

const PAIR: OpenAiToGemini = OpenAiToGemini;

/// A request whose conversation is `messages`.
fn talk(messages: Value) -> Value {
    json!({"model": "ours", "messages": messages})
}

fn turns(messages: Value) -> Value {
    sent(&PAIR, &talk(messages))["contents"].clone()
}

/// What is sent to `model`, or the field for which nothing is.
fn sent_to(model: &str, asked: &Value) -> Result<Value, String> {
    let body = PAIR.request(asked.to_string().as_bytes(), &Options::new(model));
    body.map(|body| serde_json::from_slice(&body).unwrap())
        .map_err(|refused| refused.param.unwrap_or_default())
}

fn call(id: &str, arguments: &str) -> Value {
    json!({"id": id, "type": "function", "function": {"name": "f", "arguments": arguments}})
}

fn tool() -> Value {
    json!({"type": "function", "function": {"name": "f", "parameters": {"type": "object"}}})
}

#[test]
fn asks_gemini_for_nothing_that_the_caller_did_not() {
    let hi = json!([{"role": "user", "parts": [{"text": "Hi"}]}]);
    assert_eq!(sent(&PAIR, &chat(json!({"stream": true}))), json!({"contents": hi}));
}

#[test]
fn tells_gemini_apart_what_the_system_says() {
    let asked = talk(json!([
        {"role": "developer", "content": "Be brief."},
        {"role": "user", "content": "Hi"},
        {"role": "assistant", "content": "Hello"},
        {"role": "system", "content": [{"type": "text", "text": "In verse."}]},
        {"role": "user", "content": [{"type": "text", "text": "Well?"}, {"type": "text", "text": ""}]},
    ]));
    assert_eq!(
        sent(&PAIR, &asked),
        json!({
            "systemInstruction": {"parts": [{"text": "Be brief."}, {"text": "In verse."}]},
            "contents": [
                {"role": "user", "parts": [{"text": "Hi"}]},
                {"role": "model", "parts": [{"text": "Hello"}]},
                {"role": "user", "parts": [{"text": "Well?"}]},
            ],
        })
    );
}

#[test]
fn gives_gemini_the_results_of_calls_in_one_content() {
    let conversation = turns(json!([
        {"role": "user", "content": "Both?"},
        {"role": "assistant", "content": "Yes.", "tool_calls": [call("a", "{\"x\":1}"), call("b", "")]},
        {"role": "tool", "tool_call_id": "a", "content": "{\"rain\": true}"},
        {"role": "tool", "tool_call_id": "b", "content": [{"type": "text", "text": "[1]"}], "name": "f"},
        {"role": "user", "content": "So?"},
    ]));
    assert_eq!(
        conversation,
        json!([
            {"role": "user", "parts": [{"text": "Both?"}]},
            {"role": "model", "parts": [
                {"text": "Yes."},
                {"functionCall": {"id": "a", "name": "f", "args": {"x": 1}}},
                {"functionCall": {"id": "b", "name": "f", "args": {}}},
            ]},
            {"role": "user", "parts": [
                {"functionResponse": {"id": "a", "name": "f", "response": {"rain": true}}},
                {"functionResponse": {"id": "b", "name": "f", "response": {"output": "[1]"}}},
            ]},
            {"role": "user", "parts": [{"text": "So?"}]},
        ])
    );
}

#[test]
fn gives_gemini_its_signatures_back_and_says_which_calls_are_anothers() {
    let google = json!({"google": {"thought_signature": "c2ln"}});
    let signed = with(&call("a", "{}"), json!({"extra_content": google}));
    let conversation = |first: Value| {
        talk(json!([
            {"role": "user", "content": "Both?"},
            {"role": "assistant", "tool_calls": [first, call("b", "{}")]},
        ]))
    };
    let signatures = |model: &str, first: Value| {
        let sent = sent_to(model, &conversation(first)).unwrap();
        [0, 1].map(|at| sent["contents"][1]["parts"][at]["thoughtSignature"].clone())
    };
    for model in ["gemini-2.5-flash", "gemini-3-pro-preview", "mine"] {
        assert_eq!(signatures(model, signed.clone()), [json!("c2ln"), Value::Null], "{model}");
    }
    assert_eq!(signatures("gemini-2.5-flash", call("a", "{}")), [Value::Null, Value::Null]);
    let others = json!("skip_thought_signature_validator");
    assert_eq!(signatures("google/gemini-3.1-pro", call("a", "{}")), [others, Value::Null]);
}

#[test]
fn shows_gemini_images_by_url_and_by_data() {
    let image = |url: &str| json!({"type": "image_url", "image_url": {"url": url}});
    let parts = json!([
        image("https://x.example/a.JPG?size=1.5"),
        image("https://x.example/cat"),
        image("data:image/jpg;base64,QUJD"),
    ]);
    assert_eq!(
        turns(json!([{"role": "user", "content": parts}]))[0]["parts"],
        json!([
            {"fileData": {"mimeType": "image/jpeg", "fileUri": "https://x.example/a.JPG?size=1.5"}},
            {"fileData": {"fileUri": "https://x.example/cat"}},
            {"inlineData": {"mimeType": "image/jpeg", "data": "QUJD"}},
        ])
    );
    let bad = |url: &str| refused(&PAIR, &talk(json!([{"role": "user", "content": [image(url)]}])));
    let field = "messages[0].content[0].image_url.url".to_owned();
    assert_eq!(bad("cat.png"), (BadRequest, field.clone()));
    assert_eq!(bad("data:image/png,QUJD"), (BadRequest, field.clone()));
    assert_eq!(bad("data:image/png;base64,"), (BadRequest, field.clone()));
    assert_eq!(bad("data:image/gif;base64,QUJD"), (UnsupportedParams, field.clone()));
    let large = format!("data:image/png;base64,{}", "A".repeat(20_000_000 / 3 * 4));
    assert_eq!(bad(&large), (UnsupportedParams, field));
}

#[test]
fn lends_gemini_tools_with_their_schemas_as_they_are_written() {
    let schema = r#"{"z":1.0,"type":"object","a":12345678901234567890123}"#;
    let asked = format!(
        r#"{{"messages":[{{"role":"user","content":"Hi"}}],"tools":[{{"type":"function","function":
            {{"name":"f","description":"d","parameters":{schema}}}}},{{"type":"function","function":
            {{"name":"g"}}}}],"response_format":{{"type":"json_object"}}}}"#
    );
    let sent = PAIR.request(asked.as_bytes(), &Options::new("gemini-3-flash")).unwrap();
    let declared = format!(
        r#""tools":[{{"functionDeclarations":[{{"name":"f","description":"d","parametersJsonSchema":{schema}}},{{"name":"g"}}]}}]"#
    );
    assert!(std::str::from_utf8(&sent).unwrap().contains(&declared));
}

#[test]
fn chooses_geminis_tools_as_asked() {
    let config = |more: Value| {
        let asked = with(&chat(json!({"tools": [tool()]})), more);
        sent(&PAIR, &asked)["toolConfig"]["functionCallingConfig"].clone()
    };
    let named = json!({"type": "function", "function": {"name": "f"}});
    assert_eq!(config(json!({})), Value::Null);
    assert_eq!(config(json!({"tool_choice": "auto"})), json!({"mode": "AUTO"}));
    assert_eq!(config(json!({"tool_choice": "none"})), json!({"mode": "NONE"}));
    assert_eq!(config(json!({"tool_choice": "required"})), json!({"mode": "ANY"}));
    let one = json!({"mode": "ANY", "allowedFunctionNames": ["f"]});
    assert_eq!(config(json!({"tool_choice": named})), one);
    let strict = json!([{"type": "function", "function": {"name": "f", "strict": true}}]);
    assert_eq!(config(json!({"tools": strict})), json!({"mode": "VALIDATED"}));
    let forced = json!({"tools": strict, "tool_choice": "required"});
    assert_eq!(config(forced), json!({"mode": "ANY"}));
    let one = chat(json!({"tools": [tool()], "parallel_tool_calls": false}));
    assert_eq!(refused(&PAIR, &one), (UnsupportedParams, "parallel_tool_calls".into()));
}

#[test]
fn configures_gemini_as_asked() {
    let asked =
        chat(json!({"max_tokens": 5, "temperature": 1.5, "top_p": 0.5, "top_k": 40, "seed": 7,
        "presence_penalty": 0.5, "frequency_penalty": -0.5, "n": 2, "stop": "END"}));
    assert_eq!(
        sent(&PAIR, &asked)["generationConfig"],
        json!({"maxOutputTokens": 5, "temperature": 1.5, "topP": 0.5, "topK": 40.0, "seed": 7,
            "presencePenalty": 0.5, "frequencyPenalty": -0.5, "candidateCount": 2,
            "stopSequences": ["END"]})
    );
    for (more, kind, field) in [
        (json!({"max_tokens": 5, "max_completion_tokens": 5}), BadRequest, "max_tokens"),
        (json!({"temperature": 2.5}), BadRequest, "temperature"),
        (json!({"top_p": -1}), BadRequest, "top_p"),
        (json!({"presence_penalty": 3}), BadRequest, "presence_penalty"),
        (json!({"seed": "x"}), BadRequest, "seed"),
        (json!({"seed": 4_294_967_296_u64}), UnsupportedParams, "seed"),
        (json!({"n": 0}), BadRequest, "n"),
        (json!({"n": 9}), UnsupportedParams, "n"),
    ] {
        assert_eq!(refused(&PAIR, &chat(more)), (kind, field.to_owned()));
    }
}

#[test]
fn has_gemini_write_json_to_a_schema() {
    let schema = json!({"type": "object", "properties": {"a": {"type": "string"}}});
    let format =
        json!({"type": "json_schema", "json_schema": {"name": "answer", "schema": schema}});
    let asked = chat(json!({"response_format": format}));
    let config = json!({"responseMimeType": "application/json", "responseJsonSchema": schema});
    assert_eq!(sent(&PAIR, &asked)["generationConfig"], config);
    let object = chat(json!({"response_format": {"type": "json_object"}}));
    let config = json!({"responseMimeType": "application/json"});
    assert_eq!(sent(&PAIR, &object)["generationConfig"], config);
    let both = with(&asked, json!({"tools": [tool()]}));
    assert_eq!(sent_to("gemini-2.5-pro", &both), Err("response_format".into()));
    assert!(sent_to("gemini-3-pro", &both).is_ok());
}

#[test]
fn has_gemini_think_as_hard_as_its_version_can() {
    let thinking = |model: &str, effort: &str| {
        let sent = sent_to(model, &chat(json!({"reasoning_effort": effort})))?;
        Ok(sent["generationConfig"]["thinkingConfig"].clone())
    };
    let level = |level: &str| Ok(json!({"includeThoughts": true, "thinkingLevel": level}));
    let budget = |tokens: u32| Ok(json!({"includeThoughts": true, "thinkingBudget": tokens}));
    let refused = Err("reasoning_effort".to_owned());
    assert_eq!(thinking("gemini-2.5-flash", "minimal"), budget(1024));
    assert_eq!(thinking("gemini-2.5-pro", "medium"), budget(8192));
    assert_eq!(thinking("gemini-flash-latest", "max"), budget(24576));
    assert_eq!(thinking("gemini-3-flash-preview", "minimal"), level("minimal"));
    assert_eq!(thinking("gemini-3-flash-preview", "medium"), level("medium"));
    assert_eq!(thinking("gemini-3-pro-preview", "minimal"), level("low"));
    assert_eq!(thinking("gemini-3-pro-preview", "medium"), level("high"));
    assert_eq!(thinking("models/gemini-3.1-pro", "medium"), level("medium"));
    assert_eq!(thinking("gemini-3-flash", "xhigh"), level("high"));
    let none = Ok(json!({"includeThoughts": false, "thinkingBudget": 0}));
    assert_eq!(thinking("gemini-2.5-flash-lite", "none"), none);
    assert_eq!(thinking("gemini-2.0-flash-001", "none"), Ok(Value::Null));
    assert_eq!(thinking("gemini-2.0-flash-001", "low"), refused);
    assert_eq!(thinking("gemini-2.5-pro", "none"), refused);
    assert_eq!(thinking("gemini-3-flash", "none"), refused);
    assert_eq!(thinking("gemini-3-flash", "much"), refused);
}

#[test]
fn drops_what_gemini_has_no_word_for_only_when_told_to() {
    let plain = sent(&PAIR, &chat(json!({})));
    for (field, value, default) in [
        ("logprobs", json!(true), json!(false)),
        ("top_logprobs", json!(3), json!(0)),
        ("logit_bias", json!({"50256": -100}), json!({})),
        ("prediction", json!({"type": "content", "content": "x"}), Value::Null),
        ("modalities", json!(["text", "audio"]), json!(["text"])),
        ("store", json!(true), json!(false)),
        ("metadata", json!({"topic": "x"}), json!({})),
        ("service_tier", json!("flex"), json!("auto")),
        ("verbosity", json!("low"), json!("medium")),
        ("user", json!("u"), Value::Null),
        ("safety_identifier", json!("u"), Value::Null),
        ("functions", json!([{"name": "f"}]), json!([])),
    ] {
        let asked = chat(json!({field: value}));
        assert_eq!(refused(&PAIR, &asked), (UnsupportedParams, field.to_owned()), "{field}");
        assert_eq!(dropped(&PAIR, &asked), plain, "{field}");
        assert_eq!(sent(&PAIR, &chat(json!({field: default}))), plain, "{field} at its default");
    }
    let news = chat(json!({"safetySettings": [], "new_thing": {"a": [1]}}));
    let news = sent(&PAIR, &news);
    assert_eq!((&news["safetySettings"], &news["new_thing"]), (&json!([]), &json!({"a": [1]})));
}

#[test]
fn names_the_field_that_is_wrong_for_gemini() {
    let said = |message: Value| talk(json!([{"role": "user", "content": "Hi"}, message]));
    let calls = |call: Value| said(json!({"role": "assistant", "tool_calls": [call]}));
    let part = |part: Value| said(json!({"role": "user", "content": [part]}));
    for (asked, kind, field) in [
        (json!({"model": "ours"}), BadRequest, "messages"),
        (talk(json!([{"role": "system", "content": "x"}])), BadRequest, "messages"),
        (chat(json!({"tool_choice": "required"})), BadRequest, "tool_choice"),
        (chat(json!({"tool_choice": "maybe"})), BadRequest, "tool_choice"),
        (said(json!({"role": "narrator", "content": "x"})), BadRequest, "messages[1].role"),
        (said(json!({"role": "function", "content": "x"})), UnsupportedParams, "messages[1].role"),
        (said(json!({"role": "user", "content": []})), BadRequest, "messages[1].content"),
        (said(json!({"role": "assistant", "content": ""})), BadRequest, "messages[1].content"),
        (
            said(json!({"role": "user", "content": "x", "name": "Ann"})),
            UnsupportedParams,
            "messages[1].name",
        ),
        (part(json!({"type": "text"})), BadRequest, "messages[1].content[0].text"),
        (part(json!({"type": "input_audio"})), UnsupportedParams, "messages[1].content[0].type"),
        (calls(call("a", "{\"x\":")), BadRequest, "messages[1].tool_calls[0].function.arguments"),
        (calls(call("a", "[1]")), BadRequest, "messages[1].tool_calls[0].function.arguments"),
        (calls(json!({"type": "function"})), BadRequest, "messages[1].tool_calls[0].id"),
        (
            calls(json!({"id": "a", "function": {}})),
            BadRequest,
            "messages[1].tool_calls[0].function.name",
        ),
        (
            calls(json!({"id": "a", "type": "custom"})),
            UnsupportedParams,
            "messages[1].tool_calls[0].type",
        ),
        (
            said(json!({"role": "tool", "content": "x", "tool_call_id": "?"})),
            BadRequest,
            "messages[1].tool_call_id",
        ),
        (chat(json!({"tools": [{"type": "function"}]})), BadRequest, "tools[0].function"),
        (chat(json!({"tools": [{"type": "web"}]})), UnsupportedParams, "tools[0].type"),
        (chat(json!({"tools": vec![tool(); 1000]})), BadRequest, "tools"),
        // Gemini's words where OpenAI's belong.
        (chat(json!({"contents": []})), BadRequest, "contents"),
        (chat(json!({"systemInstruction": {}})), BadRequest, "systemInstruction"),
        (chat(json!({"generationConfig": {}})), BadRequest, "generationConfig"),
        (said(json!({"role": "model", "content": "x"})), BadRequest, "messages[1].role"),
        (said(json!({"role": "user", "parts": [{"text": "x"}]})), BadRequest, "messages[1].parts"),
    ] {
        assert_eq!(refused(&PAIR, &asked), (kind, field.to_owned()), "{asked}");
    }
}
