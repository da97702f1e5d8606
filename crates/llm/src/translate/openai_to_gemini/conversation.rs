//! The conversation: what the system says apart, the rest as contents of two roles.

use super::super::chat;
use super::super::gemini::{FunctionCall, FunctionResponse, Part, Returned, Turn};
use super::super::wire::{Extra, Json, Text};
use super::super::{Options, Refused};
use super::part::{self, Allowed};
use super::version::{LEVELS, Version};

/// Google's word in the place of a signature, for calls that are another model's.
const NOT_OURS: &str = "skip_thought_signature_validator";

pub(super) fn translate<'a>(
    asked: Vec<chat::Message<'a>>,
    options: &Options<'_>,
) -> Result<(Option<Turn<'a>>, Vec<Turn<'a>>), Refused> {
    let signed = Version::of(options.model).is_some_and(|version| version >= LEVELS);
    let (system, contents) = (Vec::new(), Vec::with_capacity(asked.len()));
    let mut turns = Turns { options, signed, system, contents, called: Vec::new() };
    for (at, message) in asked.into_iter().enumerate() {
        turns.add(message, at)?;
    }
    if turns.contents.is_empty() {
        return Err(Refused::bad("messages", "there is none of a user or an assistant"));
    }
    let parts = turns.system;
    let system = (!parts.is_empty()).then_some(Turn { role: None, parts });
    Ok((system, turns.contents))
}

/// A conversation of Gemini's.
struct Turns<'a, 'o> {
    options: &'o Options<'o>,
    /// Whether calls are to be signed.
    signed: bool,
    system: Vec<Part<'a>>,
    contents: Vec<Turn<'a>>,
    /// The ids and names of the calls of the last assistant's turn.
    called: Vec<(Text<'a>, Text<'a>)>,
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
        if message.name.is_some() && role != "tool" {
            let message = "the provider knows roles, no names";
            self.options.unsupported(format!("messages[{at}].name"), message)?;
        }
        rest(&message.extra, at, self.options)?;
        match role {
            "system" | "developer" => {
                let parts = part::all(message.content, at, Allowed::Text, self.options)?;
                self.system.extend(parts);
                Ok(())
            }
            "user" => {
                let parts = part::all(message.content, at, Allowed::Images, self.options)?;
                self.called.clear();
                self.push("user", parts, at)
            }
            "assistant" => self.assistant(message, at),
            "tool" => self.tool(message, at),
            "function" => Err(Refused::unsupported(
                format!("messages[{at}].role"),
                "the provider has no functions but tools: role `tool`",
            )),
            "model" => {
                let message = "it is Gemini's; Chat Completions writes `assistant`";
                Err(Refused::bad(format!("messages[{at}].role"), message))
            }
            _ => Err(Refused::bad(
                format!("messages[{at}].role"),
                "it is `system`, `developer`, `user`, `assistant` or `tool`",
            )),
        }
    }

    /// What an assistant said and called. Reasoning that comes with it is no part of what Gemini is
    /// told again.
    fn assistant(&mut self, message: chat::Message<'a>, at: usize) -> Result<(), Refused> {
        let mut parts = part::all(message.content, at, Allowed::Refusals, self.options)?;
        parts.extend(message.refusal.filter(|text| !text.is_empty()).map(Part::text));
        self.called.clear();
        for (index, call) in message.tool_calls.unwrap_or_default().into_iter().enumerate() {
            let part = self.call(call, index == 0).map_err(|(field, refused)| Refused {
                param: Some(format!("messages[{at}].tool_calls[{index}].{field}")),
                ..refused
            })?;
            parts.push(part);
        }
        self.push("model", parts, at)
    }

    /// A call. Of calls made at once the first is signed for all.
    fn call(&mut self, call: chat::ToolCall<'a>, first: bool) -> Result<Part<'a>, part::InField> {
        let bad = |field, message: &str| (field, Refused::bad(field, message));
        match call.kind.as_ref().map(Text::as_str) {
            None | Some("function") => {}
            Some("custom") => {
                let message = "the provider has no custom tools";
                return Err(("type", Refused::unsupported("type", message)));
            }
            Some(_) => return Err(bad("type", "it is `function`")),
        }
        let id = call.id.filter(|id| !id.is_empty()).ok_or_else(|| bad("id", "a call has one"))?;
        let function = call.function.ok_or_else(|| bad("function", "a call has one"))?;
        let name = function.name.filter(|name| !name.is_empty());
        let name = name.ok_or_else(|| bad("function.name", "a function has one"))?;
        // Models that call a function without parameters often leave them empty.
        let arguments = function.arguments.filter(|said| !said.as_str().trim().is_empty());
        let args = Json::object(arguments.unwrap_or_else(|| "{}".into())).map_err(|message| {
            bad("function.arguments", &format!("not a JSON object: {message}"))
        })?;
        let google = call.extra_content.and_then(|extra| extra.google);
        let signature = google.and_then(|google| google.thought_signature);
        self.called.push((id.clone(), name.clone()));
        Ok(Part {
            function_call: Some(FunctionCall { id: Some(id), name, args: Some(args) }),
            thought_signature: signature.or((first && self.signed).then_some(NOT_OURS.into())),
            ..Part::default()
        })
    }

    /// What a tool returned; what several did stands together.
    fn tool(&mut self, message: chat::Message<'a>, at: usize) -> Result<(), Refused> {
        let field = || format!("messages[{at}].tool_call_id");
        let Some(id) = message.tool_call_id else {
            return Err(Refused::bad(field(), "a message of role `tool` has one"));
        };
        let Some((_, name)) = self.called.iter().find(|(called, _)| *called == id) else {
            let message = "it is of no call in the assistant's message before";
            return Err(Refused::bad(field(), message));
        };
        let name = name.clone();
        let mut said = part::all(message.content, at, Allowed::Text, self.options)?.into_iter();
        let mut output = said.next().and_then(|part| part.text).unwrap_or_default();
        for more in said.filter_map(|part| part.text) {
            output.0.to_mut().push_str(more.as_str());
        }
        let response = match Json::object(output.clone()) {
            Ok(object) => Returned::Object(object),
            Err(_) => Returned::Output { output },
        };
        let function_response = Some(FunctionResponse { id, name, response });
        let part = Part { function_response, ..Part::default() };
        match self.contents.last_mut() {
            Some(last) if last.parts.iter().any(|part| part.function_response.is_some()) => {
                last.parts.push(part);
                Ok(())
            }
            _ => self.push("user", vec![part], at),
        }
    }

    fn push(&mut self, role: &'a str, parts: Vec<Part<'a>>, at: usize) -> Result<(), Refused> {
        if parts.is_empty() {
            let message = "the provider takes no message without any";
            return Err(Refused::bad(format!("messages[{at}].content"), message));
        }
        self.contents.push(Turn { role: Some(role.into()), parts });
        Ok(())
    }
}

/// What a message says beside its content. An answer's own fields, sent back with it, say nothing
/// where they are empty.
fn rest(extra: &Extra, at: usize, options: &Options<'_>) -> Result<(), Refused> {
    let empty =
        |value: &serde_json::Value| value.is_null() || value.as_array().is_some_and(Vec::is_empty);
    for (field, _) in extra.iter().filter(|(_, value)| !empty(value)) {
        if field == "parts" {
            let message = "it is Gemini's; Chat Completions writes `content`";
            return Err(Refused::bad(format!("messages[{at}].parts"), message));
        }
        let message = "the provider's contents have no such field";
        options.unsupported(format!("messages[{at}].{field}"), message)?;
    }
    Ok(())
}
