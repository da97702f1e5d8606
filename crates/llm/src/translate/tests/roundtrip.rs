//! What both can say comes back as it was.

use proptest::prelude::*;
use proptest::sample::select;
use serde_json::Map;

use super::items::as_items;
use super::*;

const PAIRS: [&dyn Translate; 4] =
    [&OpenAiToAnthropic, &AnthropicToOpenAi, &OpenAiToGemini, &ResponsesToOpenAi];

/// Text that says something; what Anthropic would refuse is nothing that both can say.
fn text() -> impl Strategy<Value = String> {
    "[a-zA-Z0-9\"\\\\\n é😀{}]{0,20}[a-z]"
}

fn object() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        text().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<bool>().prop_map(Value::from),
        Just(Value::Null),
    ];
    prop::collection::btree_map("[a-z_]{1,4}", leaf, 0..4)
        .prop_map(|fields| Value::Object(fields.into_iter().collect()))
}

/// A user's parts: one text is a string, everything else a list.
fn said_by_user() -> impl Strategy<Value = Value> {
    let image = select(vec!["https://x.example/a.png", "data:image/png;base64,QUJD"])
        .prop_map(|url| json!({"type": "image_url", "image_url": {"url": url}}));
    let part = prop_oneof![text().prop_map(|text| json!({"type": "text", "text": text})), image];
    prop_oneof![
        text().prop_map(Value::from),
        prop::collection::vec(part, 2..4).prop_map(Value::from),
    ]
}

/// A turn of the user's, the assistant's answer and, where it calls, the results.
fn exchange() -> impl Strategy<Value = Vec<Value>> {
    let call = ("[a-z_]{1,8}", object(), prop_oneof![Just(String::new()), text()]);
    (said_by_user(), prop::option::of(text()), prop::collection::vec(call, 0..3)).prop_map(
        |(asked, said, calls)| {
            let mut messages = vec![json!({"role": "user", "content": asked})];
            let mut answer = json!({"role": "assistant", "content": said});
            let mut results = Vec::new();
            let mut made = Vec::new();
            for (index, (name, arguments, result)) in calls.into_iter().enumerate() {
                let id = format!("call_{index}");
                let function = json!({"name": name, "arguments": arguments.to_string()});
                made.push(json!({"id": id, "type": "function", "function": function}));
                results.push(json!({"role": "tool", "tool_call_id": id, "content": result}));
            }
            match (&said, made.is_empty()) {
                (None, true) => return messages,
                (_, false) => answer["tool_calls"] = made.into(),
                (Some(_), true) => {}
            }
            messages.push(answer);
            messages.extend(results);
            messages
        },
    )
}

/// A conversation in which nobody but a tool speaks twice in a row.
pub(super) fn conversation() -> impl Strategy<Value = Vec<Value>> {
    let system = prop::option::of(prop_oneof![
        text().prop_map(Value::from),
        prop::collection::vec(text(), 2..3).prop_map(|texts| {
            texts.into_iter().map(|text| json!({"type": "text", "text": text})).collect()
        }),
    ]);
    (system, prop::collection::vec(exchange(), 0..4), said_by_user()).prop_map(
        |(system, exchanges, last)| {
            let system = system.map(|content| json!({"role": "system", "content": content}));
            let mut messages: Vec<Value> = system.into_iter().collect();
            for mut exchange in exchanges {
                let before = messages.last().map_or(Value::Null, |last| last["role"].clone());
                // After a user or the results of tools, which are the user's turn to Anthropic, it
                // is the assistant's turn.
                if before == "user" || before == "tool" {
                    exchange.remove(0);
                }
                messages.extend(exchange);
            }
            if messages.last().is_none_or(|last| last["role"] != "user" && last["role"] != "tool") {
                messages.push(json!({"role": "user", "content": last}));
            }
            messages
        },
    )
}

fn params() -> impl Strategy<Value = Map<String, Value>> {
    let tool = ("[a-z_]{1,8}", prop::option::of(text()), object(), any::<bool>()).prop_map(
        |(name, description, schema, strict)| {
            let mut function = json!({"name": name, "parameters": schema});
            if let Some(description) = description {
                function["description"] = description.into();
            }
            if strict {
                function["strict"] = true.into();
            }
            json!({"type": "function", "function": function})
        },
    );
    let named = json!({"type": "function", "function": {"name": "f"}});
    let tools = (
        prop::collection::vec(tool, 1..4),
        prop::option::of(select(vec![json!("auto"), json!("none"), json!("required"), named])),
        any::<bool>(),
    );
    let schema = object().prop_map(|schema| {
        json!({"type": "json_schema", "json_schema": {"name": "answer", "schema": schema,
            "strict": true}})
    });
    (
        1..100_000u32,
        prop::option::of(0..=10u32),
        prop::option::of(0..=10u32),
        prop::option::of(prop::collection::vec(text(), 1..4)),
        prop::option::of(any::<bool>()),
        prop::option::of(tools),
        prop::option::of(schema),
        prop::option::of(text()),
        prop::option::of(select(vec!["auto", "default"])),
    )
        .prop_map(|(max, temperature, top_p, stop, stream, tools, format, user, tier)| {
            let mut fields = json!({"max_tokens": max});
            let mut set = |field: &str, value: Option<Value>| {
                if let Some(value) = value {
                    fields[field] = value;
                }
            };
            set("temperature", temperature.map(|tenths| json!(f64::from(tenths) / 10.0)));
            set("top_p", top_p.map(|tenths| json!(f64::from(tenths) / 10.0)));
            set("stop", stop.map(Value::from));
            set("stream", stream.map(Value::from));
            set("stream_options", (stream == Some(true)).then(|| json!({"include_usage": true})));
            set("response_format", format);
            set("user", user.map(Value::from));
            set("service_tier", tier.map(Value::from));
            if let Some((tools, choice, parallel)) = tools {
                set("tools", Some(tools.into()));
                // "At most one call" is said within a choice, which then is one.
                let one = !parallel && choice.as_ref().is_some_and(|choice| *choice != "none");
                set("tool_choice", choice);
                set("parallel_tool_calls", one.then_some(json!(false)));
            }
            match fields {
                Value::Object(fields) => fields,
                _ => Map::new(),
            }
        })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn a_request_of_openais_comes_back_as_it_was(
        messages in conversation(),
        params in params(),
    ) {
        let mut asked = json!({"model": "theirs", "messages": messages});
        asked.as_object_mut().unwrap().extend(params);
        let theirs = sent(&OpenAiToAnthropic, &asked);
        prop_assert_eq!(&sent(&AnthropicToOpenAi, &theirs), &asked, "by way of {}", theirs);
        // And what came of it as well: there is one way to say it.
        let again = sent(&OpenAiToAnthropic, &sent(&AnthropicToOpenAi, &theirs));
        prop_assert_eq!(again, theirs);
    }

    #[test]
    fn an_answer_of_openais_comes_back_as_it_was(
        said in prop::option::of(text()),
        calls in prop::collection::vec(("[a-z_]{1,8}", object()), 0..3),
        finish in select(vec!["stop", "length", "content_filter"]),
        tokens in (0..1000u64, 0..1000u64, 0..1000u64, 0..1000u64),
    ) {
        let mut message = json!({"role": "assistant", "content": said});
        if !calls.is_empty() {
            message["tool_calls"] = calls.iter().map(|(name, arguments)| json!({
                "id": format!("call_{name}"), "type": "function",
                "function": {"name": name, "arguments": arguments.to_string()},
            })).collect();
        }
        let finish = if calls.is_empty() { finish } else { "tool_calls" };
        let (fresh, cached, written, output) = tokens;
        let prompt = fresh + cached + written;
        let given = json!({
            "id": "chatcmpl-1", "object": "chat.completion", "created": CREATED, "model": "theirs",
            "choices": [{"index": 0, "message": message, "finish_reason": finish}],
            "usage": {"prompt_tokens": prompt, "completion_tokens": output,
                "total_tokens": prompt + output,
                "prompt_tokens_details": {"cached_tokens": cached, "cache_write_tokens": written}},
            "service_tier": "default", "new_thing": {"a": [1]},
        });
        let theirs = answered(&AnthropicToOpenAi, &given);
        prop_assert_eq!(answered(&OpenAiToAnthropic, &theirs), given);
    }

    #[test]
    fn no_body_makes_a_translation_panic(body in prop::collection::vec(any::<u8>(), 0..200)) {
        let options = Options::new("theirs");
        for pair in PAIRS {
            let _ = (pair.request(&body, &options).is_ok(), pair.answer(&body, CREATED).is_ok());
            let _ = pair.stream(&body, CREATED).event(None, &body, &mut Vec::new()).is_ok();
        }
    }

    #[test]
    fn a_request_cut_anywhere_or_with_anything_in_it_makes_none_panic(
        messages in conversation(),
        at in any::<prop::sample::Index>(),
        byte in select(b"{}[]\",:0\\".to_vec()),
    ) {
        let asked = json!({"max_tokens": 5, "messages": messages});
        broken_anywhere(asked, at, byte, &[&OpenAiToAnthropic, &AnthropicToOpenAi, &OpenAiToGemini]);
        broken_anywhere(json!({"input": as_items(&messages)}), at, byte, &[&ResponsesToOpenAi]);
    }
}

fn broken_anywhere(asked: Value, at: prop::sample::Index, byte: u8, pairs: &[&dyn Translate]) {
    let body = asked.to_string().into_bytes();
    let at = at.index(body.len());
    let mut broken = body.clone();
    broken[at] = byte;
    for body in [&body[..at], &broken] {
        for pair in pairs {
            let _ = pair.request(body, &Options::new("theirs")).is_ok();
        }
    }
}
