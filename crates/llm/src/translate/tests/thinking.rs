//! What callers of Chat Completions ask of models that think, by the models' versions.

use super::RefusedKind::{BadRequest, UnsupportedParams};
use super::*;

const PAIR: OpenAiToAnthropic = OpenAiToAnthropic;

fn call(id: &str, arguments: &str) -> Value {
    json!({"id": id, "type": "function", "function": {"name": "f", "arguments": arguments}})
}

/// What is sent for `asked` to `model`, or the field that is at fault.
fn to(model: &str, asked: &Value) -> Result<Value, String> {
    let body = serde_json::to_vec(asked).unwrap();
    match PAIR.request(&body, &Options::new(model)) {
        Ok(sent) => Ok(serde_json::from_slice(&sent).unwrap()),
        Err(refused) => Err(refused.param.unwrap_or_default()),
    }
}

#[test]
fn thinks_as_hard_as_asked_within_the_answers_length() {
    let thinking = |more: Value| {
        let asked = sent(&PAIR, &chat(more));
        (asked["max_tokens"].clone(), asked["thinking"]["budget_tokens"].clone())
    };
    assert_eq!(thinking(json!({"reasoning_effort": "none"})), (json!(4096), Value::Null));
    assert_eq!(thinking(json!({"reasoning_effort": "low"})), (json!(5120), json!(1024)));
    let long = json!({"reasoning_effort": "high", "max_tokens": 9000});
    assert_eq!(thinking(long), (json!(9000), json!(4096)));
    let short = json!({"reasoning_effort": "high", "max_tokens": 2000});
    assert_eq!(thinking(short), (json!(2000), json!(1999)));
    for (more, field) in [
        (json!({"max_tokens": 1024}), "reasoning_effort"),
        (json!({"temperature": 0.5}), "temperature"),
        (json!({"top_p": 0.5}), "top_p"),
        (json!({"thinking": {"type": "enabled", "budget_tokens": 2000}}), "thinking"),
        (
            json!({"tool_choice": "required", "tools": [{"type": "function",
                "function": {"name": "f"}}]}),
            "reasoning_effort",
        ),
    ] {
        let asked = with(&chat(json!({"reasoning_effort": "medium"})), more);
        assert_eq!(refused(&PAIR, &asked).1, field);
    }
    assert_eq!(refused(&PAIR, &chat(json!({"reasoning_effort": "hard"}))).0, BadRequest);
}

#[test]
fn thinks_on_after_calls_only_where_their_thoughts_are_told() {
    let thought = json!({"type": "thinking", "thinking": "Hm.", "signature": "sig"});
    let mut asked = chat(json!({"reasoning_effort": "low", "messages": [
        {"role": "user", "content": "Hi"},
        {"role": "assistant", "content": null, "tool_calls": [call("a", "{}")],
            "reasoning_content": "Hm."},
        {"role": "tool", "tool_call_id": "a", "content": "1"},
    ]}));
    assert_eq!(refused(&PAIR, &asked), (UnsupportedParams, "reasoning_effort".into()));
    assert_eq!(dropped(&PAIR, &asked)["thinking"], Value::Null);
    asked["messages"][1]["thinking_blocks"] = json!([with(&thought, json!({"index": 0}))]);
    let asked = sent(&PAIR, &asked);
    assert_eq!(asked["messages"][1]["content"][0], thought);
    assert_eq!(asked["thinking"]["budget_tokens"], 1024);
}

#[test]
fn tells_models_how_hard_to_think_in_the_way_of_their_version() {
    let effort = |effort: &str| chat(json!({"reasoning_effort": effort, "max_tokens": 20_000}));
    for old in [
        "claude-3-7-sonnet-20250219",
        "claude-sonnet-4-20250514",
        "anthropic.claude-sonnet-4-5-20250929-v1:0",
        "claude-haiku-4-5",
        "ours",
    ] {
        let sent = to(old, &effort("xhigh")).unwrap();
        assert_eq!(sent["thinking"], json!({"type": "enabled", "budget_tokens": 8192}), "{old}");
        assert_eq!(sent["output_config"], Value::Null, "{old}");
    }
    for (new, word) in [
        ("claude-opus-4-6", "max"),
        ("claude-opus-4-7", "xhigh"),
        ("anthropic/claude-opus-4.8", "xhigh"),
        ("claude-sonnet-5", "xhigh"),
    ] {
        let sent = to(new, &effort("xhigh")).unwrap();
        assert_eq!(sent["thinking"], json!({"type": "adaptive"}), "{new}");
        assert_eq!(sent["output_config"], json!({"effort": word}), "{new}");
    }
    // Neither a budget nor what was thought before is asked of them.
    let mut short = effort("low");
    short["max_tokens"] = json!(100);
    short["messages"] = json!([
        {"role": "assistant", "tool_calls": [call("a", "{}")]},
        {"role": "tool", "tool_call_id": "a", "content": "1"},
    ]);
    assert_eq!(to("claude-opus-4-5", &short), Err("reasoning_effort".to_owned()));
    assert_eq!(to("claude-opus-4-6", &short).unwrap()["max_tokens"], 100);
    let schema = json!({"type": "object"});
    let format =
        json!({"type": "json_schema", "json_schema": {"name": "answer", "schema": schema}});
    let both = with(&effort("high"), json!({"response_format": format}));
    assert_eq!(
        to("claude-opus-4-7", &both).unwrap()["output_config"],
        json!({"effort": "high", "format": {"type": "json_schema", "schema": schema}})
    );
}

#[test]
fn sends_no_samplings_to_models_that_take_none() {
    for (field, default) in [("temperature", 1.0), ("top_p", 1.0)] {
        let asked = |value: f64| chat(json!({field: value}));
        assert_eq!(to("claude-opus-4-6", &asked(0.5)).unwrap()[field], 0.5);
        assert_eq!(to("claude-opus-4-7", &asked(0.5)), Err(field.to_owned()));
        assert_eq!(to("claude-opus-4-7", &asked(default)).unwrap()[field], Value::Null);
    }
}
