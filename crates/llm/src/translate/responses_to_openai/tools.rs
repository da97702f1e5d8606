//! The tools, and which of them are to be called.

use super::super::responses::{Tool, ToolChoice};
use super::super::wire::{Choice, Extra};
use super::super::{Options, Refused, chat};

/// Fields of functions that Chat Completions has no word for.
const NO_COUNTERPART: [&str; 3] = ["allowed_callers", "defer_loading", "output_schema"];

pub(super) fn translate<'a>(
    tools: Vec<Tool<'a>>,
    options: &Options<'_>,
) -> Result<Vec<chat::Tool<'a>>, Refused> {
    if tools.len() > chat::MAX_TOOLS {
        let message = format!("{} tools, where {} may be", tools.len(), chat::MAX_TOOLS);
        return Err(Refused::bad("tools", message));
    }
    let mut sent = Vec::with_capacity(tools.len());
    for (at, tool) in tools.into_iter().enumerate() {
        let field = |field: &str| format!("tools[{at}].{field}");
        if tool.kind.as_str() != "function" {
            let message = "the provider has no tools of OpenAI's, those of type `function` only";
            options.unsupported(field("type"), message)?;
            continue;
        }
        let mut extra = tool.extra;
        if extra.contains_key("function") {
            let message = "it is of Chat Completions; Responses writes its fields within the tool";
            return Err(Refused::bad(field("function"), message));
        }
        let name = tool.name.filter(|name| !name.is_empty());
        let name = name.ok_or_else(|| Refused::bad(field("name"), "a function has one"))?;
        let parameters = tool.parameters.filter(|schema| schema.get() != "null");
        if parameters.as_ref().is_some_and(|schema| !schema.is_object()) {
            return Err(Refused::bad(field("parameters"), "a schema is an object"));
        }
        for name in NO_COUNTERPART {
            if extra.remove(name).is_some_and(|value| !value.is_null() && value != false) {
                options.unsupported(field(name), "the provider's functions have no such field")?;
            }
        }
        sent.push(chat::Tool {
            kind: tool.kind,
            function: Some(chat::Function {
                name,
                description: tool.description,
                parameters,
                strict: tool.strict,
                extra: Extra::new(),
            }),
            extra,
        });
    }
    Ok(sent)
}

pub(super) fn choice<'a>(
    asked: Option<Choice<'a, ToolChoice<'a>>>,
    any_tools: bool,
    options: &Options<'_>,
) -> Result<Option<Choice<'a, chat::ToolChoice<'a>>>, Refused> {
    let choice = match asked {
        None => return Ok(None),
        Some(Choice::Word(word)) => match word.as_str() {
            "auto" | "none" | "required" => Choice::Word(word),
            _ => {
                let message = "it is `none`, `auto`, `required` or an object";
                return Err(Refused::bad("tool_choice", message));
            }
        },
        Some(Choice::Object(object)) => match (object.kind.as_str(), object.name) {
            ("function", Some(name)) => {
                let function = Some(chat::Named { name });
                Choice::Object(chat::ToolChoice { kind: object.kind, function })
            }
            ("function", None) => {
                let message = "a choice of type `function` has one";
                return Err(Refused::bad("tool_choice.name", message));
            }
            _ => {
                options.unsupported("tool_choice.type", "the provider has no such choice")?;
                return Ok(None);
            }
        },
    };
    match &choice {
        _ if any_tools => Ok(Some(choice)),
        Choice::Word(word) if word.as_str() != "required" => Ok(None),
        _ => Err(Refused::bad("tool_choice", "there are no `tools` to choose from")),
    }
}
