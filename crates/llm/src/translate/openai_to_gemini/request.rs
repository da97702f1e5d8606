//! The request: the conversation, the tools, and what is left.

use bytes::Bytes;

use super::super::gemini::{self, CallingConfig, Declaration, GenerationConfig, ToolConfig, Tools};
use super::super::wire::{self, Choice, Content, Text};
use super::super::{Options, Refused, chat, fault};
use super::version::{LEVELS, Version};
use super::{conversation, params};

pub(super) fn translate(body: &[u8], options: &Options<'_>) -> Result<Bytes, Refused> {
    let mut asked: chat::Request<'_> = fault::parse(body)?;
    let (declarations, strict) = tools_of(asked.tools.take().unwrap_or_default(), options)?;
    let any_tools = !declarations.is_empty();
    let tool_config = tool_config_of(asked.tool_choice.take(), any_tools, strict, options)?;
    if any_tools && asked.parallel_tool_calls == Some(false) {
        options
            .unsupported("parallel_tool_calls", "the provider may call several tools at once")?;
    }
    let mut config = GenerationConfig {
        stop_sequences: stop_sequences_of(asked.stop.take()),
        max_output_tokens: max_tokens_of(&asked)?,
        ..GenerationConfig::default()
    };
    format(&mut config, asked.response_format.take(), any_tools, options)?;
    let extra = params::translate(&mut config, &mut asked, options)?;
    let (system_instruction, contents) = conversation::translate(asked.messages, options)?;
    Ok(wire::json(&gemini::Request {
        system_instruction,
        contents,
        tools: any_tools.then_some([Tools { function_declarations: declarations }]),
        tool_config,
        generation_config: config,
        extra,
    }))
}

fn max_tokens_of(asked: &chat::Request<'_>) -> Result<Option<u64>, Refused> {
    if asked.max_completion_tokens.is_some() && asked.max_tokens.is_some() {
        let message = "`max_completion_tokens` takes its place; say only one of the two";
        return Err(Refused::bad("max_tokens", message));
    }
    Ok(asked.max_completion_tokens.or(asked.max_tokens))
}

/// The functions, and whether any of them is to be called by its schema only.
fn tools_of<'a>(
    tools: Vec<chat::Tool<'a>>,
    options: &Options<'_>,
) -> Result<(Vec<Declaration<'a>>, bool), Refused> {
    if tools.len() > chat::MAX_TOOLS {
        let message = format!("{} tools, where {} may be", tools.len(), chat::MAX_TOOLS);
        return Err(Refused::bad("tools", message));
    }
    let mut strict = false;
    let mut sent = Vec::with_capacity(tools.len());
    for (at, tool) in tools.into_iter().enumerate() {
        let field = |field: &str| format!("tools[{at}].{field}");
        if let Some(word) = ["functionDeclarations", "function_declarations"]
            .into_iter()
            .find(|word| tool.extra.contains_key(*word))
        {
            let message = "it is Gemini's; Chat Completions writes `function`";
            return Err(Refused::bad(field(word), message));
        }
        let function = match (tool.kind.as_str(), tool.function) {
            ("function", Some(function)) => function,
            ("function", None) => {
                let message = "a tool of type `function` has a `function`";
                return Err(Refused::bad(field("function"), message));
            }
            (_, _) => {
                let message = "the provider has no tools but those of type `function`";
                options.unsupported(field("type"), message)?;
                continue;
            }
        };
        if function.parameters.as_ref().is_some_and(|schema| !schema.is_object()) {
            return Err(Refused::bad(field("function.parameters"), "a schema is an object"));
        }
        strict |= function.strict == Some(true);
        let mut extra = tool.extra;
        extra.extend(function.extra);
        // Gemini's cache needs no marks.
        extra.remove("cache_control");
        sent.push(Declaration {
            name: function.name,
            description: function.description,
            parameters_json_schema: function.parameters,
            extra,
        });
    }
    Ok((sent, strict))
}

fn tool_config_of<'a>(
    asked: Option<Choice<'a, chat::ToolChoice<'a>>>,
    any_tools: bool,
    strict: bool,
    options: &Options<'_>,
) -> Result<Option<ToolConfig<'a>>, Refused> {
    const PARAM: &str = "tool_choice";
    let (mode, name) = match asked {
        None => (None, None),
        Some(Choice::Word(word)) => match word.as_str() {
            "auto" => (Some("AUTO"), None),
            "none" => (Some("NONE"), None),
            "required" => (Some("ANY"), None),
            _ => return Err(Refused::bad(PARAM, "it is `none`, `auto`, `required` or an object")),
        },
        Some(Choice::Object(object)) => match (object.kind.as_str(), object.function) {
            ("function", Some(function)) => (Some("ANY"), Some([function.name])),
            ("function", None) => {
                let message = "a choice of type `function` has a `function`";
                return Err(Refused::bad("tool_choice.function", message));
            }
            _ => {
                options.unsupported("tool_choice.type", "the provider has no such choice")?;
                (None, None)
            }
        },
    };
    if !any_tools {
        return match mode {
            Some("ANY") => Err(Refused::bad(PARAM, "there are no `tools` to choose from")),
            _ => Ok(None),
        };
    }
    let mode = match mode {
        None | Some("AUTO") if strict => Some("VALIDATED"),
        mode => mode,
    };
    Ok(mode.map(|mode| ToolConfig {
        function_calling_config: CallingConfig { mode, allowed_function_names: name },
    }))
}

fn stop_sequences_of<'a>(stop: Option<Content<'a, Text<'a>>>) -> Option<Vec<Text<'a>>> {
    let sequences = match stop? {
        Content::Text(one) => vec![one],
        Content::Parts(many) => many,
    };
    Some(sequences).filter(|sequences| !sequences.is_empty())
}

fn format<'a>(
    sent: &mut GenerationConfig<'a>,
    asked: Option<chat::ResponseFormat<'a>>,
    any_tools: bool,
    options: &Options<'_>,
) -> Result<(), Refused> {
    const JSON: &str = "application/json";
    let Some(asked) = asked else { return Ok(()) };
    let schema = match (asked.kind.as_str(), asked.json_schema.and_then(|format| format.schema)) {
        ("text", _) => return Ok(()),
        ("json_object", _) => None,
        ("json_schema", Some(schema)) if schema.is_object() => Some(schema),
        ("json_schema", _) => {
            let message = "a format of type `json_schema` has a schema, an object";
            return Err(Refused::bad("response_format.json_schema.schema", message));
        }
        _ => {
            let message = "it is `text`, `json_schema` or `json_object`";
            return Err(Refused::bad("response_format.type", message));
        }
    };
    if any_tools && Version::of(options.model).is_some_and(|version| version < LEVELS) {
        let message = "models before Gemini 3 take no format where there are tools";
        return options.unsupported("response_format", message);
    }
    sent.response_mime_type = Some(JSON);
    sent.response_json_schema = schema;
    Ok(())
}
