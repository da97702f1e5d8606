//! The conversation: a turn of many blocks as messages of one kind each.

use super::super::chat::{self, Part};
use super::super::image::{self, NoImage};
use super::super::messages::{Block, Message};
use super::super::wire::{Content, Extra, Text};
use super::super::{Options, Refused};

pub(super) fn translate<'a>(
    system: Option<Content<'a, Block<'a>>>,
    asked: Vec<Message<'a>>,
    options: &Options<'_>,
) -> Result<Vec<chat::Message<'a>>, Refused> {
    let mut sent = Vec::with_capacity(asked.len() + 1);
    let system = system.map(|content| text_of(content, "system")).transpose()?.flatten();
    sent.extend(system.map(|content| message("system", Some(content))));
    let (first, last) = (sent.len(), asked.len().saturating_sub(1));
    for (at, turn) in asked.into_iter().enumerate() {
        for (field, value) in &turn.extra {
            let param = format!("messages[{at}].{field}");
            if matches!(&**field, "tool_calls" | "tool_call_id") {
                let message = "it is OpenAI's; Messages writes blocks of `content`";
                return Err(Refused::bad(param, message));
            }
            if !value.is_null() {
                options.unsupported(param, "the provider's messages have no such field")?;
            }
        }
        match turn.role.as_str() {
            "user" => user(turn.content, at, &mut sent)?,
            "assistant" => {
                if at == last {
                    let message = "the provider does not go on from what an assistant began";
                    options.unsupported(format!("messages[{at}]"), message)?;
                }
                sent.push(assistant(turn.content, at)?);
            }
            "system" => {
                let field = format!("messages[{at}].content");
                let content = text_of(turn.content, &field)?.ok_or_else(|| empty(at))?;
                sent.push(message("system", Some(content)));
            }
            "tool" => {
                let message = "it is OpenAI's; Messages writes a block of type `tool_result`";
                return Err(Refused::bad(format!("messages[{at}].role"), message));
            }
            _ => {
                let message = "it is `user`, `assistant` or `system`";
                return Err(Refused::bad(format!("messages[{at}].role"), message));
            }
        }
    }
    if sent.len() == first {
        return Err(Refused::bad("messages", "there are none"));
    }
    Ok(sent)
}

fn message<'a>(role: &'a str, content: Option<Content<'a, Part<'a>>>) -> chat::Message<'a> {
    chat::Message { role: role.into(), content, ..chat::Message::default() }
}

/// What the user says; what their tools say comes first.
fn user<'a>(
    content: Content<'a, Block<'a>>,
    at: usize,
    sent: &mut Vec<chat::Message<'a>>,
) -> Result<(), Refused> {
    let before = sent.len();
    let mut parts = Vec::new();
    let blocks = match content {
        Content::Text(text) if text.is_empty() => return Err(empty(at)),
        Content::Text(text) => {
            sent.push(message("user", Some(Content::Text(text))));
            return Ok(());
        }
        Content::Parts(blocks) => blocks,
    };
    for (index, block) in blocks.into_iter().enumerate() {
        let path = |field: &str| format!("messages[{at}].content[{index}]{field}");
        match block.kind.as_str() {
            "tool_result" if !parts.is_empty() => {
                let message = "the results of tools come first in their message";
                return Err(Refused::bad(path(""), message));
            }
            "tool_result" => sent.push(tool(block, &path(""))?),
            "text" => parts.extend(text_part(block, &path(""))?),
            "image" => {
                let Some(source) = block.source else {
                    return Err(Refused::bad(path(".source"), "a block of type `image` has one"));
                };
                let image_url = match image::url(source) {
                    Ok(url) => Some(url),
                    Err(NoImage::Bad(message)) => {
                        return Err(Refused::bad(path(".source"), message));
                    }
                    Err(NoImage::Unsupported(message)) => {
                        return Err(Refused::unsupported(path(".source"), message));
                    }
                };
                let kind = "image_url".into();
                let extra = unmarked(block.extra);
                parts.push(Part { kind, image_url, extra, ..Part::default() });
            }
            _ => return Err(no_block(block.kind.as_str(), &path(".type"))),
        }
    }
    let content = simplest(parts);
    if content.is_none() && sent.len() == before {
        return Err(empty(at));
    }
    sent.extend(content.map(|content| message("user", Some(content))));
    Ok(())
}

fn assistant<'a>(content: Content<'a, Block<'a>>, at: usize) -> Result<chat::Message<'a>, Refused> {
    let mut parts = Vec::new();
    let mut calls = Vec::new();
    let mut thought = false;
    let blocks = match content {
        Content::Text(text) if text.is_empty() => return Err(empty(at)),
        Content::Text(text) => return Ok(message("assistant", Some(Content::Text(text)))),
        Content::Parts(blocks) => blocks,
    };
    for (index, block) in blocks.into_iter().enumerate() {
        let path = |field: &str| format!("messages[{at}].content[{index}]{field}");
        match block.kind.as_str() {
            "text" => parts.extend(text_part(block, &path(""))?),
            "tool_use" => calls.push(call(block, &path(""))?),
            "thinking" | "redacted_thinking" => thought = true,
            _ => return Err(no_block(block.kind.as_str(), &path(".type"))),
        }
    }
    let content = simplest(parts);
    if content.is_none() && calls.is_empty() && !thought {
        return Err(empty(at));
    }
    let tool_calls = Some(calls).filter(|calls| !calls.is_empty());
    // Who has but thought has said nothing.
    let content = content.or_else(|| tool_calls.is_none().then(|| Content::Text("".into())));
    Ok(chat::Message { tool_calls, ..message("assistant", content) })
}

fn call<'a>(block: Block<'a>, path: &str) -> Result<chat::ToolCall<'a>, Refused> {
    let field = |field: &str| format!("{path}.{field}");
    let missing = |name: &str| {
        Refused::bad(field(name), "a block of type `tool_use` has an `id`, a `name` and an `input`")
    };
    let id = block.id.filter(|id| !id.is_empty()).ok_or_else(|| missing("id"))?;
    let name = block.name.filter(|name| !name.is_empty()).ok_or_else(|| missing("name"))?;
    let input = block.input.ok_or_else(|| missing("input"))?;
    if !input.is_object() {
        return Err(Refused::bad(field("input"), "it is an object"));
    }
    Ok(chat::ToolCall {
        index: None,
        id: Some(id),
        kind: Some("function".into()),
        function: Some(chat::FunctionCall { name: Some(name), arguments: Some(input.into_text()) }),
        ..chat::ToolCall::default()
    })
}

fn tool<'a>(block: Block<'a>, path: &str) -> Result<chat::Message<'a>, Refused> {
    let Some(id) = block.tool_use_id.filter(|id| !id.is_empty()) else {
        let message = "a block of type `tool_result` has one";
        return Err(Refused::bad(format!("{path}.tool_use_id"), message));
    };
    let content = block.content.map(|content| text_of(content, &format!("{path}.content")));
    let mut content = content.transpose()?.flatten().unwrap_or_else(|| Content::Text("".into()));
    if block.is_error == Some(true) {
        failed(&mut content);
    }
    Ok(chat::Message { tool_call_id: Some(id), ..message("tool", Some(content)) })
}

/// Chat Completions has no mark for a call that failed, so that it is said, unless it says so
/// itself.
fn failed<'a>(content: &mut Content<'a, Part<'a>>) {
    let said = match content {
        Content::Text(text) => Some(text),
        Content::Parts(parts) => parts.first_mut().and_then(|part| part.text.as_mut()),
    };
    if let Some(said) = said
        && !said.as_str().get(..5).is_some_and(|begin| begin.eq_ignore_ascii_case("error"))
    {
        *said = format!("Error: {}", said.as_str()).into();
    }
}

/// Content where there may be nothing but text.
fn text_of<'a>(
    content: Content<'a, Block<'a>>,
    path: &str,
) -> Result<Option<Content<'a, Part<'a>>>, Refused> {
    let blocks = match content {
        Content::Text(text) if text.is_empty() => return Ok(None),
        Content::Text(text) => return Ok(Some(Content::Text(text))),
        Content::Parts(blocks) => blocks,
    };
    let mut parts = Vec::with_capacity(blocks.len());
    for (index, block) in blocks.into_iter().enumerate() {
        let path = format!("{path}[{index}]");
        if block.kind.as_str() != "text" {
            let message = "the provider takes nothing but text here";
            return Err(Refused::unsupported(format!("{path}.type"), message));
        }
        parts.extend(text_part(block, &path)?);
    }
    Ok(simplest(parts))
}

/// A block of text; an empty one says nothing.
fn text_part<'a>(block: Block<'a>, path: &str) -> Result<Option<Part<'a>>, Refused> {
    let Some(text) = block.text else {
        return Err(Refused::bad(format!("{path}.text"), "a block of type `text` has one"));
    };
    let (kind, extra) = ("text".into(), unmarked(block.extra));
    let part = Part { kind, text: Some(text), extra, ..Part::default() };
    Ok(Some(part).filter(|part| part.text.as_ref().is_some_and(|text| !text.is_empty())))
}

/// What there is beside a block's own fields. Marks for a cache go, since OpenAI's needs none, and
/// so do citations, which are Anthropic's own words about its own answer.
fn unmarked(mut extra: Extra) -> Extra {
    extra.remove("cache_control");
    extra.remove("citations");
    extra
}

/// One plain text is a string: older servers know nothing else.
fn simplest<'a>(mut parts: Vec<Part<'a>>) -> Option<Content<'a, Part<'a>>> {
    match parts.as_mut_slice() {
        [] => None,
        [Part { text: Some(text), extra, .. }] if extra.is_empty() => {
            Some(Content::Text(Text(std::mem::take(&mut text.0))))
        }
        _ => Some(Content::Parts(parts)),
    }
}

fn no_block(kind: &str, path: &str) -> Refused {
    let another = match kind {
        "image_url" => "it is OpenAI's; Messages writes a block of type `image`",
        "input_audio" | "file" => "it is OpenAI's; Messages has no such block",
        "text" | "image" | "tool_use" | "tool_result" | "thinking" | "redacted_thinking" => {
            "not in a message of this role"
        }
        _ => return Refused::unsupported(path, "the provider has no such block"),
    };
    Refused::bad(path, another)
}

fn empty(at: usize) -> Refused {
    Refused::bad(format!("messages[{at}].content"), "a message says something")
}
