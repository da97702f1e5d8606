//! The request: the conversation, the tools, and what is left.

use bytes::Bytes;
use serde_json::Value;

use super::super::messages::{self, OutputConfig, Thinking};
use super::super::wire::{self, Choice, Content, Extra, Json, Text};
use super::super::{Options, Refused, chat, fault};
use super::conversation;

/// How many stop sequences Chat Completions takes.
const MAX_STOPS: usize = 4;

/// OpenAI's fields that Messages has another word for.
const ANOTHER_WORD: [(&str, &str); 9] = [
    ("max_completion_tokens", "it is OpenAI's; Messages writes `max_tokens`"),
    ("stop", "it is OpenAI's; Messages writes `stop_sequences`"),
    ("response_format", "it is OpenAI's; Messages writes `output_config.format`"),
    ("reasoning_effort", "it is OpenAI's; Messages writes `thinking` or `output_config.effort`"),
    ("parallel_tool_calls", "it is OpenAI's; Messages writes it within `tool_choice`"),
    ("user", "it is OpenAI's; Messages writes `metadata.user_id`"),
    ("stream_options", "it is OpenAI's; streams of Messages always tell their usage"),
    ("functions", "it is OpenAI's; Messages writes `tools`"),
    ("n", "it is OpenAI's; Messages has one answer"),
];

/// Anthropic's fields that Chat Completions has no word for.
const NO_COUNTERPART: [&str; 9] = [
    "top_k",
    "container",
    "mcp_servers",
    "context_management",
    "inference_geo",
    "speed",
    "diagnostics",
    "user_profile_id",
    "betas",
];

pub(super) fn translate(body: &[u8], options: &Options<'_>) -> Result<Bytes, Refused> {
    let mut asked: messages::Request<'_> = fault::parse(body)?;
    samplings(&asked)?;
    let extra = rest(asked.extra, options)?;
    let tools = tools_of(asked.tools.unwrap_or_default(), options)?;
    let (tool_choice, one_call) = tool_choice_of(asked.tool_choice, !tools.is_empty())?;
    let format = asked.output_config.as_mut().and_then(|config| config.format.take());
    let reasoning_effort = effort_of(asked.thinking.as_ref(), asked.output_config)?;
    let reasons = chat::reasons(options.model);
    let stream = asked.stream;
    let told = chat::StreamOptions { include_usage: Some(true), extra: Extra::new() };
    Ok(wire::json(&chat::Request {
        model: options.model.into(),
        max_tokens: Some(asked.max_tokens).filter(|_| !reasons),
        max_completion_tokens: Some(asked.max_tokens).filter(|_| reasons),
        messages: conversation::translate(asked.system, asked.messages, options)?,
        temperature: asked.temperature,
        top_p: asked.top_p,
        stop: stop_of(asked.stop_sequences, options)?,
        stream,
        stream_options: (stream == Some(true)).then_some(told),
        tools: Some(tools).filter(|tools| !tools.is_empty()),
        tool_choice,
        parallel_tool_calls: one_call.then_some(false),
        reasoning_effort,
        response_format: format.map(response_format_of).transpose()?,
        service_tier: service_tier_of(asked.service_tier.as_ref())?,
        user: user_of(asked.metadata, options)?,
        extra,
    }))
}

/// Both documents have the same limits, but for a temperature that OpenAI would take.
fn samplings(asked: &messages::Request<'_>) -> Result<(), Refused> {
    let unit = 0.0..=1.0;
    for (field, value) in [("temperature", asked.temperature), ("top_p", asked.top_p)] {
        if value.is_some_and(|value| !unit.contains(&value)) {
            return Err(Refused::bad(field, "it is a number from 0 to 1"));
        }
    }
    Ok(())
}

fn rest(mut extra: Extra, options: &Options<'_>) -> Result<Extra, Refused> {
    for (name, message) in ANOTHER_WORD {
        if extra.contains_key(name) {
            return Err(Refused::bad(name, message));
        }
    }
    extra.remove("cache_control");
    for name in NO_COUNTERPART {
        if extra.remove(name).is_some_and(|value| !value.is_null()) {
            options.unsupported(name, "the provider has no such parameter")?;
        }
    }
    Ok(extra)
}

fn tools_of<'a>(
    tools: Vec<messages::Tool<'a>>,
    options: &Options<'_>,
) -> Result<Vec<chat::Tool<'a>>, Refused> {
    if tools.len() > chat::MAX_TOOLS {
        let message = format!("{} tools, where {} may be", tools.len(), chat::MAX_TOOLS);
        return Err(Refused::unsupported("tools", message));
    }
    let mut sent = Vec::with_capacity(tools.len());
    for (at, tool) in tools.into_iter().enumerate() {
        let field = |field: &str| format!("tools[{at}].{field}");
        if tool.extra.contains_key("function") {
            let message = "it is OpenAI's; Messages writes `name` and `input_schema` of the tool";
            return Err(Refused::bad(field("function"), message));
        }
        if tool.kind.as_ref().is_some_and(|kind| kind.as_str() != "custom") {
            let message = "the provider has no tools of Anthropic's, those of type `custom` only";
            options.unsupported(field("type"), message)?;
            continue;
        }
        if tool.name.is_empty() {
            return Err(Refused::bad(field("name"), "a tool has one"));
        }
        if !tool.input_schema.as_ref().is_some_and(Json::is_object) {
            return Err(Refused::bad(field("input_schema"), "a tool has one, an object"));
        }
        let mut extra = tool.extra;
        extra.remove("cache_control");
        for name in ["allowed_callers", "defer_loading", "eager_input_streaming", "input_examples"]
        {
            if extra.remove(name).is_some_and(|value| says_more(name, &value)) {
                options.unsupported(field(name), "the provider's tools have no such field")?;
            }
        }
        sent.push(chat::Tool {
            kind: "function".into(),
            function: Some(chat::Function {
                name: tool.name,
                description: tool.description,
                parameters: tool.input_schema,
                strict: tool.strict,
                extra: Extra::new(),
            }),
            extra,
        });
    }
    Ok(sent)
}

/// Whether a field of a tool says more than its absence does. When its input is streamed is no
/// question of what it is.
fn says_more(name: &str, value: &Value) -> bool {
    match name {
        "allowed_callers" => *value != Value::from(vec!["direct"]),
        "eager_input_streaming" => false,
        _ => !value.is_null() && *value != false,
    }
}

type ToolChoice<'a> = Option<Choice<'a, chat::ToolChoice<'a>>>;

/// Which tools are to be called, and whether one at most.
fn tool_choice_of(
    asked: Option<messages::ToolChoice<'_>>,
    any_tools: bool,
) -> Result<(ToolChoice<'_>, bool), Refused> {
    let Some(asked) = asked else { return Ok((None, false)) };
    let one = asked.disable_parallel_tool_use == Some(true);
    let choice = match (asked.kind.as_str(), asked.name) {
        ("auto", _) => Choice::Word("auto".into()),
        ("none", _) => Choice::Word("none".into()),
        ("any", _) => Choice::Word("required".into()),
        ("tool", Some(name)) => {
            let function = Some(chat::Named { name });
            Choice::Object(chat::ToolChoice { kind: "function".into(), function })
        }
        ("tool", None) => {
            return Err(Refused::bad("tool_choice.name", "a choice of type `tool` has one"));
        }
        _ => {
            let message = "it is `auto`, `any`, `tool` or `none`";
            return Err(Refused::bad("tool_choice.type", message));
        }
    };
    match (any_tools, asked.kind.as_str()) {
        (true, kind) => Ok((Some(choice), one && kind != "none")),
        (false, "any" | "tool") => {
            Err(Refused::bad("tool_choice", "there are no `tools` to choose from"))
        }
        (false, _) => Ok((None, false)),
    }
}

fn stop_of<'a>(
    sequences: Option<Vec<Text<'a>>>,
    options: &Options<'_>,
) -> Result<Option<Content<'a, Text<'a>>>, Refused> {
    let Some(mut sequences) = sequences.filter(|sequences| !sequences.is_empty()) else {
        return Ok(None);
    };
    if sequences.len() > MAX_STOPS {
        options.unsupported("stop_sequences", "the provider takes four at most")?;
        sequences.truncate(MAX_STOPS);
    }
    Ok(Some(Content::Parts(sequences)))
}

fn effort_of<'a>(
    thinking: Option<&Thinking<'a>>,
    config: Option<OutputConfig<'a>>,
) -> Result<Option<Text<'a>>, Refused> {
    let effort = match thinking.map(|thinking| (thinking.kind.as_str(), thinking.budget_tokens)) {
        None | Some(("disabled" | "adaptive", _)) => None,
        Some(("enabled", Some(..2048))) => Some("low".into()),
        Some(("enabled", Some(2048..4096))) => Some("medium".into()),
        Some(("enabled", Some(_))) => Some("high".into()),
        Some(("enabled", None)) => {
            let message = "thinking of type `enabled` has a budget";
            return Err(Refused::bad("thinking.budget_tokens", message));
        }
        Some(_) => {
            let message = "it is `enabled`, `disabled` or `adaptive`";
            return Err(Refused::bad("thinking.type", message));
        }
    };
    Ok(config.and_then(|config| config.effort).or(effort))
}

fn response_format_of(
    format: messages::OutputFormat<'_>,
) -> Result<chat::ResponseFormat<'_>, Refused> {
    match (format.kind.as_str(), format.schema) {
        ("json_schema", Some(schema)) if schema.is_object() => Ok(chat::ResponseFormat {
            kind: "json_schema".into(),
            json_schema: Some(chat::JsonSchema {
                name: "answer".into(),
                description: None,
                schema: Some(schema),
                strict: Some(true),
            }),
        }),
        ("json_schema", _) => {
            let message = "a format of type `json_schema` has one, an object";
            Err(Refused::bad("output_config.format.schema", message))
        }
        _ => Err(Refused::bad("output_config.format.type", "it is `json_schema`")),
    }
}

fn service_tier_of(asked: Option<&Text<'_>>) -> Result<Option<Text<'static>>, Refused> {
    match asked.map(Text::as_str) {
        None => Ok(None),
        Some("auto") => Ok(Some("auto".into())),
        Some("standard_only") => Ok(Some("default".into())),
        Some(_) => Err(Refused::bad("service_tier", "it is `auto` or `standard_only`")),
    }
}

fn user_of<'a>(
    metadata: Option<messages::Metadata<'a>>,
    options: &Options<'_>,
) -> Result<Option<Text<'a>>, Refused> {
    let Some(metadata) = metadata else { return Ok(None) };
    if let Some(field) = metadata.extra.keys().next() {
        options.unsupported(format!("metadata.{field}"), "the provider is told of users only")?;
    }
    Ok(metadata.user_id)
}
