//! The request: the conversation, the tools, and what is left.

use bytes::Bytes;

use super::super::wire::{self, Choice, Content, Json, Text};
use super::super::{Options, Refused, chat, fault, messages};
use super::{conversation, params};

pub(super) fn translate(body: &[u8], options: &Options<'_>) -> Result<Bytes, Refused> {
    let asked: chat::Request<'_> = fault::parse(body)?;
    let chat::Request { tools, tool_choice, parallel_tool_calls, .. } = asked;
    let tools = tools_of(tools.unwrap_or_default(), options)?;
    let parallel = parallel_tool_calls.unwrap_or(true);
    let tool_choice = tool_choice_of(tool_choice, parallel, !tools.is_empty(), options)?;
    let stop_sequences = stop_sequences_of(asked.stop, options)?;

    let mut sent = messages::Request {
        model: options.model.into(),
        max_tokens: 0,
        tools: Some(tools).filter(|tools| !tools.is_empty()),
        tool_choice,
        stop_sequences,
        stream: asked.stream,
        output_config: output_config_of(asked.response_format, options)?,
        service_tier: service_tier_of(asked.service_tier.as_ref(), options)?,
        extra: params::rest(asked.extra, options)?,
        ..messages::Request::default()
    };
    if sent.output_config.is_some() && sent.extra.contains_key("output_config") {
        let message = "`response_format` and Anthropic's `output_config` say the same thing twice";
        return Err(Refused::bad("output_config", message));
    }
    sent.metadata = params::metadata_of(asked.user, &mut sent.extra, options)?;
    params::sampling(&mut sent, asked.temperature, asked.top_p, options)?;
    (sent.system, sent.messages) = conversation::translate(asked.messages, options)?;

    let max_tokens = match (asked.max_completion_tokens, asked.max_tokens) {
        (Some(_), Some(_)) => {
            let message = "`max_completion_tokens` takes its place; say only one of the two";
            return Err(Refused::bad("max_tokens", message));
        }
        (asked, None) | (None, asked) => asked,
    };
    sent.max_tokens = max_tokens.unwrap_or(options.default_max_tokens.into());
    params::reasoning(&mut sent, asked.reasoning_effort.as_ref(), max_tokens, options)?;
    Ok(wire::json(&sent))
}

fn tools_of<'a>(
    tools: Vec<chat::Tool<'a>>,
    options: &Options<'_>,
) -> Result<Vec<messages::Tool<'a>>, Refused> {
    if tools.len() > chat::MAX_TOOLS {
        let message = format!("{} tools, where {} may be", tools.len(), chat::MAX_TOOLS);
        return Err(Refused::bad("tools", message));
    }
    let mut sent = Vec::with_capacity(tools.len());
    for (at, tool) in tools.into_iter().enumerate() {
        if tool.extra.contains_key("input_schema") {
            let message = "it is Anthropic's; Chat Completions writes `function.parameters`";
            return Err(Refused::bad(format!("tools[{at}].input_schema"), message));
        }
        match (tool.kind.as_str(), tool.function) {
            ("function", Some(function)) => sent.push(tool_of(function, tool.extra, at)?),
            ("function", None) => {
                let message = "a tool of type `function` has a `function`";
                return Err(Refused::bad(format!("tools[{at}].function"), message));
            }
            (_, _) => options.unsupported(
                format!("tools[{at}].type"),
                "the provider has no tools but those of type `function`",
            )?,
        }
    }
    Ok(sent)
}

fn tool_of<'a>(
    function: chat::Function<'a>,
    mut extra: wire::Extra,
    at: usize,
) -> Result<messages::Tool<'a>, Refused> {
    let input_schema = function.parameters.map_or_else(empty_schema, Ok)?;
    if !input_schema.is_object() {
        let param = format!("tools[{at}].function.parameters");
        return Err(Refused::bad(param, "a schema is an object"));
    }
    extra.extend(function.extra);
    Ok(messages::Tool {
        kind: None,
        name: function.name,
        description: function.description,
        input_schema: Some(input_schema),
        strict: function.strict,
        extra,
    })
}

/// A function without parameters takes none.
fn empty_schema<'a>() -> Result<Json<'a>, Refused> {
    Json::object(r#"{"type":"object","properties":{}}"#.into())
        .map_err(|message| Refused::bad("tools", message))
}

fn tool_choice_of<'a>(
    asked: Option<Choice<'a, chat::ToolChoice<'a>>>,
    parallel: bool,
    any_tools: bool,
    options: &Options<'_>,
) -> Result<Option<messages::ToolChoice<'a>>, Refused> {
    const PARAM: &str = "tool_choice";
    let mut choice = match asked {
        None => messages::ToolChoice::default(),
        Some(Choice::Word(word)) => match word.as_str() {
            "auto" => choice("auto"),
            "none" => choice("none"),
            "required" => choice("any"),
            _ => return Err(Refused::bad(PARAM, "it is `none`, `auto`, `required` or an object")),
        },
        Some(Choice::Object(object)) => match (object.kind.as_str(), object.function) {
            ("function", Some(function)) => {
                messages::ToolChoice { name: Some(function.name), ..choice("tool") }
            }
            ("function", None) => {
                let message = "a choice of type `function` has a `function`";
                return Err(Refused::bad("tool_choice.function", message));
            }
            ("auto" | "any" | "tool" | "none", _) => {
                let message = "it is Anthropic's; Chat Completions writes `none`, `auto`, \
                     `required` or an object of type `function`";
                return Err(Refused::bad("tool_choice.type", message));
            }
            _ => {
                options.unsupported("tool_choice.type", "the provider has no such choice")?;
                messages::ToolChoice::default()
            }
        },
    };
    if !any_tools {
        return match choice.kind.as_str() {
            "any" | "tool" => Err(Refused::bad(PARAM, "there are no `tools` to choose from")),
            _ => Ok(None),
        };
    }
    if !parallel && choice.kind.as_str() != "none" {
        choice.disable_parallel_tool_use = Some(true);
        if choice.kind.is_empty() {
            choice.kind = "auto".into();
        }
    }
    Ok(Some(choice).filter(|choice| !choice.kind.is_empty()))
}

fn choice(kind: &str) -> messages::ToolChoice<'_> {
    messages::ToolChoice { kind: kind.into(), ..messages::ToolChoice::default() }
}

fn stop_sequences_of<'a>(
    stop: Option<Content<'a, Text<'a>>>,
    options: &Options<'_>,
) -> Result<Option<Vec<Text<'a>>>, Refused> {
    let mut sequences = match stop {
        None => return Ok(None),
        Some(Content::Text(one)) => vec![one],
        Some(Content::Parts(many)) => many,
    };
    if sequences.iter().any(blank) {
        options.unsupported("stop", "the provider stops at no white space alone")?;
        sequences.retain(|sequence| !blank(sequence));
    }
    Ok(Some(sequences).filter(|sequences| !sequences.is_empty()))
}

fn blank(sequence: &Text<'_>) -> bool {
    sequence.as_str().trim().is_empty()
}

fn output_config_of<'a>(
    asked: Option<chat::ResponseFormat<'a>>,
    options: &Options<'_>,
) -> Result<Option<messages::OutputConfig<'a>>, Refused> {
    let Some(asked) = asked else { return Ok(None) };
    match (asked.kind.as_str(), asked.json_schema.and_then(|format| format.schema)) {
        ("text", _) => Ok(None),
        ("json_schema", Some(schema)) if schema.is_object() => {
            let kind = "json_schema".into();
            let format = Some(messages::OutputFormat { kind, schema: Some(schema) });
            Ok(Some(messages::OutputConfig { format, ..messages::OutputConfig::default() }))
        }
        ("json_schema", _) => {
            let message = "a format of type `json_schema` has a schema, an object";
            Err(Refused::bad("response_format.json_schema.schema", message))
        }
        ("json_object", _) => {
            let message = "the provider writes JSON to a schema only: type `json_schema`";
            options.unsupported("response_format", message)?;
            Ok(None)
        }
        _ => {
            let message = "it is `text`, `json_schema` or `json_object`";
            Err(Refused::bad("response_format.type", message))
        }
    }
}

fn service_tier_of(
    asked: Option<&Text<'_>>,
    options: &Options<'_>,
) -> Result<Option<Text<'static>>, Refused> {
    match asked.map(Text::as_str) {
        None => Ok(None),
        Some("auto") => Ok(Some("auto".into())),
        Some("default") => Ok(Some("standard_only".into())),
        Some(_) => {
            options.unsupported("service_tier", "the provider has no such tier")?;
            Ok(None)
        }
    }
}
