//! The request: the input, the tools, and what is left.

use bytes::Bytes;
use serde_json::Value;

use super::super::responses::{Reasoning, Request, TextConfig};
use super::super::unsaid::{self, Neutral};
use super::super::wire::{self, Extra, Text};
use super::super::{Options, Refused, chat, fault};
use super::{input, tools};

/// What refers to something that is stored, and nothing here is.
const STORED: [&str; 3] = ["previous_response_id", "conversation", "prompt"];

/// Parameters of Responses that Chat Completions has no word for.
const NO_COUNTERPART: [(&str, Neutral); 9] = [
    ("background", |value| *value == false),
    ("store", |value| *value == false),
    ("include", |value| value.as_array().is_some_and(Vec::is_empty)),
    ("truncation", |value| value == "disabled"),
    ("max_tool_calls", |_| false),
    // OpenAI's Chat Completions takes it for what is stored only.
    ("metadata", |value| value.as_object().is_some_and(Extra::is_empty)),
    ("context_management", |value| value.as_array().is_some_and(Vec::is_empty)),
    ("top_logprobs", |value| *value == 0),
    ("moderation", |_| false),
];

/// Chat Completions' fields that Responses has another word for.
const ANOTHER_WORD: [(&str, &str); 9] = [
    ("messages", "it is of Chat Completions; Responses writes `input`"),
    ("max_tokens", "it is of Chat Completions; Responses writes `max_output_tokens`"),
    ("max_completion_tokens", "it is of Chat Completions; Responses writes `max_output_tokens`"),
    ("response_format", "it is of Chat Completions; Responses writes `text.format`"),
    ("reasoning_effort", "it is of Chat Completions; Responses writes `reasoning.effort`"),
    ("verbosity", "it is of Chat Completions; Responses writes `text.verbosity`"),
    ("functions", "it is of Chat Completions; Responses writes `tools`"),
    ("function_call", "it is of Chat Completions; Responses writes `tool_choice`"),
    ("n", "it is of Chat Completions; Responses has one answer"),
];

pub(super) fn translate(body: &[u8], options: &Options<'_>) -> Result<Bytes, Refused> {
    let asked: Request<'_> = fault::parse(body)?;
    let mut extra = rest(asked.extra, options)?;
    let tools = tools::translate(asked.tools.unwrap_or_default(), options)?;
    let tool_choice = tools::choice(asked.tool_choice, !tools.is_empty(), options)?;
    let (response_format, verbosity) = text_of(asked.text)?;
    extra.extend(verbosity.map(|verbosity| ("verbosity".to_owned(), verbosity.into())));
    for (name, value, most) in
        [("temperature", asked.temperature, 2.0), ("top_p", asked.top_p, 1.0)]
    {
        if value.is_some_and(|value| !(0.0..=most).contains(&value)) {
            return Err(Refused::bad(name, format!("it is a number from 0 to {most}")));
        }
    }
    let reasons = chat::reasons(options.model);
    let told = chat::StreamOptions { include_usage: Some(true), extra: Extra::new() };
    Ok(wire::json(&chat::Request {
        model: options.model.into(),
        max_tokens: asked.max_output_tokens.filter(|_| !reasons),
        max_completion_tokens: asked.max_output_tokens.filter(|_| reasons),
        messages: input::translate(asked.instructions, asked.input, options)?,
        temperature: asked.temperature,
        top_p: asked.top_p,
        stop: None,
        stream: asked.stream,
        stream_options: (asked.stream == Some(true)).then_some(told),
        parallel_tool_calls: asked.parallel_tool_calls.filter(|_| !tools.is_empty()),
        tools: Some(tools).filter(|tools| !tools.is_empty()),
        tool_choice,
        reasoning_effort: effort_of(asked.reasoning, options)?,
        response_format,
        service_tier: asked.service_tier,
        user: asked.user,
        extra,
    }))
}

/// What is left of a request: what both call the same, and what is in nobody's documentation.
fn rest(mut extra: Extra, options: &Options<'_>) -> Result<Extra, Refused> {
    unsaid::another_word(&extra, &ANOTHER_WORD)?;
    for name in STORED {
        if extra.remove(name).is_some_and(|value| !value.is_null()) {
            return Err(Refused::unsupported(name, "nothing is stored at this provider"));
        }
    }
    unsaid::take(&mut extra, &NO_COUNTERPART, options)?;
    extra.remove("model");
    // How an event is padded; none is.
    if let Some(Value::Object(streamed)) = extra.remove("stream_options")
        && streamed.contains_key("include_usage")
    {
        let message = "it is of Chat Completions; streams of Responses always tell their usage";
        return Err(Refused::bad("stream_options.include_usage", message));
    }
    extra.retain(|_, value| !value.is_null());
    Ok(extra)
}

type Wording<'a> = (Option<chat::ResponseFormat<'a>>, Option<String>);

fn text_of(asked: Option<TextConfig<'_>>) -> Result<Wording<'_>, Refused> {
    let Some(TextConfig { format, verbosity }) = asked else { return Ok((None, None)) };
    let Some(format) = format else { return Ok((None, verbosity)) };
    let json_schema = match format.kind.as_str() {
        "text" => return Ok((None, verbosity)),
        "json_object" => None,
        "json_schema" => {
            let missing = |name: &str| {
                let message = "a format of type `json_schema` has a `name` and a `schema`";
                Refused::bad(format!("text.format.{name}"), message)
            };
            let schema = format.schema.filter(wire::Json::is_object);
            Some(chat::JsonSchema {
                name: format.name.ok_or_else(|| missing("name"))?,
                description: format.description,
                schema: Some(schema.ok_or_else(|| missing("schema"))?),
                strict: format.strict,
            })
        }
        _ => {
            let message = "it is `text`, `json_schema` or `json_object`";
            return Err(Refused::bad("text.format.type", message));
        }
    };
    Ok((Some(chat::ResponseFormat { kind: format.kind, json_schema }), verbosity))
}

fn effort_of<'a>(
    asked: Option<Reasoning<'a>>,
    options: &Options<'_>,
) -> Result<Option<Text<'a>>, Refused> {
    let Some(asked) = asked else { return Ok(None) };
    for (field, value) in &asked.extra {
        // What the provider has to say of its thoughts is told anyway.
        let summary = matches!(&**field, "summary" | "generate_summary") && value == "auto";
        if !value.is_null() && !summary {
            let message = "the provider takes an `effort` only";
            options.unsupported(format!("reasoning.{field}"), message)?;
        }
    }
    Ok(asked.effort)
}
