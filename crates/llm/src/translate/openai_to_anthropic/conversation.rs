//! The conversation: what the system says apart, the rest in turns.

use super::super::chat::{self, Part};
use super::super::image::{self, NoImage};
use super::super::messages::{Block, Message};
use super::super::wire::{Content, Extra, Json, Text};
use super::super::{Options, Refused};

type System<'a> = Option<Content<'a, Block<'a>>>;

pub(super) fn translate<'a>(
    asked: Vec<chat::Message<'a>>,
    options: &Options<'_>,
) -> Result<(System<'a>, Vec<Message<'a>>), Refused> {
    let mut turns = Turns { options, system: Vec::new(), messages: Vec::new(), called: Vec::new() };
    for (at, message) in asked.into_iter().enumerate() {
        turns.add(message, at)?;
    }
    if turns.messages.is_empty() {
        return Err(Refused::bad("messages", "there is none of a user or an assistant"));
    }
    let system = match turns.system.len() {
        0 => None,
        1 if turns.system.iter().all(|block| block.extra.is_empty()) => {
            turns.system.pop().and_then(|block| block.text).map(Content::Text)
        }
        _ => Some(Content::Parts(turns.system)),
    };
    Ok((system, turns.messages))
}

/// A conversation of Anthropic's: the roles take turns.
struct Turns<'a, 'o> {
    options: &'o Options<'o>,
    system: Vec<Block<'a>>,
    messages: Vec<Message<'a>>,
    /// The calls of the last assistant's turn.
    called: Vec<Text<'a>>,
}

// === impl Turns ===

impl<'a> Turns<'a, '_> {
    fn add(&mut self, message: chat::Message<'a>, at: usize) -> Result<(), Refused> {
        let role = message.role.as_str();
        if message.tool_calls.is_some() && role != "assistant" {
            let message = "only messages of role `assistant` have them";
            return Err(Refused::bad(format!("messages[{at}].tool_calls"), message));
        }
        if message.tool_call_id.is_some() && role != "tool" {
            let message = "only messages of role `tool` have one";
            return Err(Refused::bad(format!("messages[{at}].tool_call_id"), message));
        }
        match role {
            "system" | "developer" => self.system(message, at),
            "user" => self.user(message, at),
            "assistant" => self.assistant(message, at),
            "tool" => self.tool(message, at),
            "function" => Err(Refused::unsupported(
                format!("messages[{at}].role"),
                "the provider has no functions but tools: role `tool`",
            )),
            _ => Err(Refused::bad(
                format!("messages[{at}].role"),
                "it is `system`, `developer`, `user`, `assistant` or `tool`",
            )),
        }
    }

    fn system(&mut self, message: chat::Message<'a>, at: usize) -> Result<(), Refused> {
        rest(&message.extra, message.name.as_ref(), at, self.options)?;
        let (mut blocks, _) = blocks(message.content, at, Allowed::Text, self.options)?;
        self.system.append(&mut blocks);
        Ok(())
    }

    fn user(&mut self, message: chat::Message<'a>, at: usize) -> Result<(), Refused> {
        rest(&message.extra, message.name.as_ref(), at, self.options)?;
        let (blocks, _) = blocks(message.content, at, Allowed::Images, self.options)?;
        if blocks.is_empty() {
            return Err(empty(at));
        }
        self.called.clear();
        self.push("user", blocks);
        Ok(())
    }

    fn assistant(&mut self, message: chat::Message<'a>, at: usize) -> Result<(), Refused> {
        rest(&message.extra, message.name.as_ref(), at, self.options)?;
        let mut said = message.thinking_blocks.unwrap_or_default();
        let thought =
            |block: &Block<'_>| matches!(block.kind.as_str(), "thinking" | "redacted_thinking");
        if let Some(wrong) = said.iter().position(|block| !thought(block)) {
            let param = format!("messages[{at}].thinking_blocks[{wrong}].type");
            return Err(Refused::bad(param, "it is `thinking` or `redacted_thinking`"));
        }
        for block in &mut said {
            // As a stream counts them.
            block.extra.remove("index");
        }
        let (mut text, _) = blocks(message.content, at, Allowed::Refusals, self.options)?;
        said.append(&mut text);
        said.extend(message.refusal.filter(|text| !text.is_empty()).map(Block::text));
        self.called.clear();
        for (call, made) in message.tool_calls.unwrap_or_default().into_iter().enumerate() {
            let block = tool_use(made).map_err(|(field, refused)| Refused {
                param: Some(format!("messages[{at}].tool_calls[{call}].{field}")),
                ..refused
            })?;
            self.called.extend(block.id.clone());
            said.push(block);
        }
        if said.is_empty() {
            return Err(empty(at));
        }
        self.push("assistant", said);
        Ok(())
    }

    fn tool(&mut self, message: chat::Message<'a>, at: usize) -> Result<(), Refused> {
        // The name is that of the call, which is known by its id.
        rest(&message.extra, None, at, self.options)?;
        let Some(id) = message.tool_call_id.map(tool_id) else {
            let message = "a message of role `tool` has one";
            return Err(Refused::bad(format!("messages[{at}].tool_call_id"), message));
        };
        if !self.called.contains(&id) {
            let message = "it is of no call in the assistant's message before";
            return Err(Refused::bad(format!("messages[{at}].tool_call_id"), message));
        }
        let (mut blocks, whole) = blocks(message.content, at, Allowed::Text, self.options)?;
        let content = match blocks.pop() {
            Some(Block { text: Some(text), .. }) if whole => Some(Content::Text(text)),
            Some(last) => {
                blocks.push(last);
                Some(Content::Parts(blocks))
            }
            None => None,
        };
        let result = Block { tool_use_id: Some(id), content, ..Block::new("tool_result") };
        self.push("user", vec![result]);
        Ok(())
    }

    /// One role does not speak twice in a row.
    fn push(&mut self, role: &'a str, mut blocks: Vec<Block<'a>>) {
        if let Some(Message { role: last, content: Content::Parts(said), .. }) =
            self.messages.last_mut()
            && last.as_str() == role
        {
            said.append(&mut blocks);
            return;
        }
        let content = Content::Parts(blocks);
        self.messages.push(Message { role: role.into(), content, extra: Extra::new() });
    }
}

/// What a message may be made of beside text.
#[derive(Clone, Copy, Eq, PartialEq)]
enum Allowed {
    Text,
    Images,
    Refusals,
}

/// The blocks of a message, and whether they came as one string. Empty text says nothing.
fn blocks<'a>(
    content: Option<Content<'a, Part<'a>>>,
    at: usize,
    allowed: Allowed,
    options: &Options<'_>,
) -> Result<(Vec<Block<'a>>, bool), Refused> {
    let parts = match content {
        None => return Ok((Vec::new(), true)),
        Some(Content::Text(text)) if text.is_empty() => return Ok((Vec::new(), true)),
        Some(Content::Text(text)) => return Ok((vec![Block::text(text)], true)),
        Some(Content::Parts(parts)) => parts,
    };
    let mut blocks = Vec::with_capacity(parts.len());
    for (index, part) in parts.into_iter().enumerate() {
        let block = block(part, allowed, options).map_err(|(field, refused)| {
            let mut param = format!("messages[{at}].content[{index}]");
            if !field.is_empty() {
                param = format!("{param}.{field}");
            }
            Refused { param: Some(param), ..refused }
        })?;
        blocks.extend(block);
    }
    Ok((blocks, false))
}

type InField = (&'static str, Refused);

fn block<'a>(
    part: Part<'a>,
    allowed: Allowed,
    options: &Options<'_>,
) -> Result<Option<Block<'a>>, InField> {
    let bad = |field, message: &str| Err((field, Refused::bad(field, message)));
    let unsupported = |field, message: &str| Err((field, Refused::unsupported(field, message)));
    let extra = part.extra;
    match (part.kind.as_str(), part.text, part.refusal, part.image_url) {
        ("text", Some(text), ..) | ("refusal", None, Some(text), _)
            if part.kind.as_str() == "text" || allowed == Allowed::Refusals =>
        {
            let block = Block { extra, ..Block::text(text) };
            Ok(Some(block).filter(|block| block.text.as_ref().is_some_and(|text| !text.is_empty())))
        }
        ("image_url", _, _, Some(image)) if allowed == Allowed::Images => {
            if image.detail.as_ref().is_some_and(|detail| detail.as_str() != "auto") {
                let message = "the provider looks at every image alike: `auto`";
                let field = "image_url.detail";
                options.unsupported(field, message).map_err(|refused| (field, refused))?;
            }
            match image::source(image.url) {
                Ok(source) => {
                    Ok(Some(Block { source: Some(source), extra, ..Block::new("image") }))
                }
                Err(NoImage::Bad(message)) => bad("image_url.url", message),
                Err(NoImage::Unsupported(message)) => unsupported("image_url.url", message),
            }
        }
        ("text", None, ..) => bad("text", "a part of type `text` has one"),
        ("image_url", _, _, None) => bad("image_url", "a part of type `image_url` has one"),
        ("image_url", ..) => bad("type", "only messages of role `user` have images"),
        ("refusal", ..) => bad("type", "only messages of role `assistant` refuse"),
        ("input_audio", ..) => unsupported("type", "the provider does not listen"),
        ("file", ..) => unsupported("type", "files are not translated"),
        ("image", ..) => {
            bad("type", "it is Anthropic's; Chat Completions writes a part of type `image_url`")
        }
        ("tool_use", ..) => {
            bad("type", "it is Anthropic's; Chat Completions writes the message's `tool_calls`")
        }
        ("tool_result", ..) => {
            bad("type", "it is Anthropic's; Chat Completions writes a message of role `tool`")
        }
        _ => bad("type", "it is no part of Chat Completions"),
    }
}

fn tool_use(made: chat::ToolCall<'_>) -> Result<Block<'_>, InField> {
    let bad = |field, message: &str| (field, Refused::bad(field, message));
    if made.kind.is_some_and(|kind| kind.as_str() != "function") {
        let message = "the provider has no calls but those of functions";
        return Err(("type", Refused::unsupported("type", message)));
    }
    let id = made.id.filter(|id| !id.is_empty()).ok_or_else(|| bad("id", "a call has one"))?;
    let function = made.function.ok_or_else(|| bad("function", "a call has one"))?;
    let name = function.name.filter(|name| !name.is_empty());
    let name = name.ok_or_else(|| bad("function.name", "a call has one"))?;
    // Models that call a function without parameters often leave them empty.
    let arguments = function.arguments.filter(|arguments| !arguments.as_str().trim().is_empty());
    let input = Json::object(arguments.unwrap_or_else(|| "{}".into()))
        .map_err(|message| bad("function.arguments", &format!("not a JSON object: {message}")))?;
    Ok(Block {
        id: Some(tool_id(id)),
        name: Some(name),
        input: Some(input),
        ..Block::new("tool_use")
    })
}

/// Anthropic's ids are letters, digits, `_` and `-`; other providers' may be anything.
fn tool_id(id: Text<'_>) -> Text<'_> {
    let taken = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-');
    if id.as_str().chars().all(taken) {
        return id;
    }
    id.as_str().chars().map(|c| if taken(c) { c } else { '_' }).collect::<String>().into()
}

/// What a message says beside its content.
fn rest(
    extra: &Extra,
    name: Option<&Text<'_>>,
    at: usize,
    options: &Options<'_>,
) -> Result<(), Refused> {
    if name.is_some() {
        let message = "the provider knows roles, no names";
        options.unsupported(format!("messages[{at}].name"), message)?;
    }
    // An answer's own fields, sent back with it, say nothing where they are empty.
    let empty =
        |value: &serde_json::Value| value.is_null() || value.as_array().is_some_and(Vec::is_empty);
    for (field, _) in extra.iter().filter(|(_, value)| !empty(value)) {
        let message = "the provider's messages have no such field";
        options.unsupported(format!("messages[{at}].{field}"), message)?;
    }
    Ok(())
}

fn empty(at: usize) -> Refused {
    Refused::bad(format!("messages[{at}].content"), "the provider takes no message without any")
}
