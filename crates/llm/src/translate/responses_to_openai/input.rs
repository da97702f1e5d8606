//! The input: items of one kind each, as messages.

use super::super::responses::Item;
use super::super::wire::{Content, Extra, Json, Text};
use super::super::{Options, Refused, chat};
use super::item::{self, Allowed};

pub(super) fn translate<'a>(
    instructions: Option<Text<'a>>,
    input: Content<'a, Item<'a>>,
    options: &Options<'_>,
) -> Result<Vec<chat::Message<'a>>, Refused> {
    let mut messages = Messages { options, sent: Vec::new() };
    if let Some(text) = instructions.filter(|text| !text.is_empty()) {
        messages.say("system".into(), Content::Text(text));
    }
    let first = messages.sent.len();
    match input {
        Content::Text(text) if text.is_empty() => {}
        Content::Text(text) => messages.say("user".into(), Content::Text(text)),
        Content::Parts(items) => {
            for (at, item) in items.into_iter().enumerate() {
                messages.add(item, &format!("input[{at}]"))?;
            }
        }
    }
    if messages.sent.len() == first {
        return Err(Refused::bad("input", "there is none"));
    }
    Ok(messages.sent)
}

struct Messages<'a, 'o> {
    options: &'o Options<'o>,
    sent: Vec<chat::Message<'a>>,
}

// === impl Messages ===

impl<'a> Messages<'a, '_> {
    fn add(&mut self, item: Item<'a>, path: &str) -> Result<(), Refused> {
        let kind = item.kind.as_ref().map_or("message", Text::as_str);
        match kind {
            "message" => self.message(item, path),
            "function_call" => self.call(item, path),
            "function_call_output" => self.output(item, path),
            "reasoning" => Ok(()),
            "item_reference" => {
                let message = "nothing is stored at this provider";
                Err(Refused::unsupported(format!("{path}.type"), message))
            }
            "input_text" | "input_image" | "input_file" | "output_text" | "text" => {
                let message = "it is a part of a message's `content`";
                Err(Refused::bad(format!("{path}.type"), message))
            }
            _ => {
                let message = "the provider knows messages and functions only";
                Err(Refused::unsupported(format!("{path}.type"), message))
            }
        }
    }

    fn message(&mut self, item: Item<'a>, path: &str) -> Result<(), Refused> {
        if item.extra.contains_key("tool_calls") {
            let message = "it is of Chat Completions; Responses writes items of `function_call`";
            return Err(Refused::bad(format!("{path}.tool_calls"), message));
        }
        self.rest(&item.extra, path)?;
        let field = format!("{path}.role");
        let role = item.role.ok_or_else(|| Refused::bad(&*field, "a message has one"))?;
        let allowed = match role.as_str() {
            "user" => Allowed::Images,
            "system" | "developer" => Allowed::Text,
            "assistant" => Allowed::Answers,
            "tool" => {
                let message = "it is of Chat Completions; Responses writes `function_call_output`";
                return Err(Refused::bad(field, message));
            }
            _ => {
                let message = "it is `user`, `assistant`, `system` or `developer`";
                return Err(Refused::bad(field, message));
            }
        };
        let content = format!("{path}.content");
        let said = item.content.map(|said| item::content(said, &content, allowed, self.options));
        let (said, refusal) = said.transpose()?.unwrap_or_default();
        if said.is_none() && refusal.is_none() {
            return Err(Refused::bad(content, "the provider takes no message without any"));
        }
        match self.sent.last_mut() {
            // What an assistant says after its calls is still the same message.
            Some(last)
                if allowed == Allowed::Answers
                    && last.tool_calls.is_some()
                    && last.content.is_none() =>
            {
                last.content = said;
                last.refusal = refusal;
            }
            _ => self.sent.push(chat::Message {
                role,
                content: said,
                refusal,
                ..chat::Message::default()
            }),
        }
        Ok(())
    }

    fn call(&mut self, item: Item<'a>, path: &str) -> Result<(), Refused> {
        self.rest(&item.extra, path)?;
        let missing = |name: &str| {
            let message = "a call has a `call_id`, a `name` and `arguments`";
            Refused::bad(format!("{path}.{name}"), message)
        };
        let id = item.call_id.filter(|id| !id.is_empty()).ok_or_else(|| missing("call_id"))?;
        let name = item.name.filter(|name| !name.is_empty()).ok_or_else(|| missing("name"))?;
        let arguments = item.arguments.ok_or_else(|| missing("arguments"))?;
        if let Err(message) = Json::object(arguments.clone())
            && !arguments.as_str().trim().is_empty()
        {
            let message = format!("not a JSON object: {message}");
            return Err(Refused::bad(format!("{path}.arguments"), message));
        }
        let call = chat::ToolCall {
            id: Some(id),
            kind: Some("function".into()),
            function: Some(chat::FunctionCall { name: Some(name), arguments: Some(arguments) }),
            ..chat::ToolCall::default()
        };
        match self.sent.last_mut() {
            Some(last) if last.role.as_str() == "assistant" => {
                last.tool_calls.get_or_insert_default().push(call);
            }
            _ => self.sent.push(chat::Message {
                role: "assistant".into(),
                tool_calls: Some(vec![call]),
                ..chat::Message::default()
            }),
        }
        Ok(())
    }

    fn output(&mut self, item: Item<'a>, path: &str) -> Result<(), Refused> {
        self.rest(&item.extra, path)?;
        let field = format!("{path}.call_id");
        let id = item.call_id.ok_or_else(|| Refused::bad(&*field, "an output has one"))?;
        let mut calls = self.sent.iter().flat_map(|said| said.tool_calls.iter().flatten());
        if !calls.any(|call| call.id.as_ref() == Some(&id)) {
            return Err(Refused::bad(field, "it is of no `function_call` in the input before"));
        }
        let field = format!("{path}.output");
        let output = item.output.ok_or_else(|| Refused::bad(&*field, "an output has one"))?;
        let (content, _) = item::content(output, &field, Allowed::Text, self.options)?;
        self.sent.push(chat::Message {
            role: "tool".into(),
            tool_call_id: Some(id),
            content: content.or_else(|| Some(Content::Text("".into()))),
            ..chat::Message::default()
        });
        Ok(())
    }

    fn say(&mut self, role: Text<'a>, content: Content<'a, chat::Part<'a>>) {
        self.sent.push(chat::Message { role, content: Some(content), ..chat::Message::default() });
    }

    /// What an item says beside. Its own id and status say nothing to another provider.
    fn rest(&self, extra: &Extra, path: &str) -> Result<(), Refused> {
        let says = |field: &str, value: &serde_json::Value| {
            !matches!(field, "id" | "status") && !value.is_null()
        };
        for (field, _) in extra.iter().filter(|(field, value)| says(field, value)) {
            let message = "the provider's messages have no such field";
            self.options.unsupported(format!("{path}.{field}"), message)?;
        }
        Ok(())
    }
}
