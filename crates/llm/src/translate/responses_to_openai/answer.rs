//! The whole answer, and what it shares with a stream: how it ended, what it cost.

use bytes::Bytes;

use super::super::chat::{Answered, Completion, ToolCall};
use super::super::responses::{
    Incomplete, InputTokens, Nothing, OutputItem, OutputPart, OutputTokens, Response, Status, Usage,
};
use super::super::wire::{self, Content, Extra, Text};
use super::super::{NoAnswer, chat};

pub(super) fn translate(body: &[u8]) -> Result<Bytes, NoAnswer> {
    let given: Completion<'_> = serde_json::from_slice(body)?;
    let choice = given.choices.into_iter().find(|choice| choice.index == 0);
    let Some(Answered { message, finish_reason, .. }) = choice else {
        return Err(NoAnswer::new("it has no choices"));
    };
    let Some(finish_reason) = finish_reason else {
        return Err(NoAnswer::new("it does not say why it finished"));
    };
    let end = End::of(&finish_reason);
    let ids = Ids::of(&given.id);
    let mut output = Vec::new();
    if let Some(text) = message.reasoning_content.filter(|text| !text.is_empty()) {
        output.push(reasoning(ids.item("rs", 0), vec![OutputPart::ReasoningText { text }]));
    }
    let text = message.content.map(text_of).filter(|text| !text.is_empty());
    let refusal = message.refusal.filter(|refusal| !refusal.is_empty());
    let mut content: Vec<_> = text.map(OutputPart::output_text).into_iter().collect();
    content.extend(refusal.map(|refusal| OutputPart::Refusal { refusal }));
    if !content.is_empty() {
        output.push(said(ids.item("msg", 0), content));
    }
    for call in message.tool_calls.unwrap_or_default() {
        output.push(function_call(call)?);
    }
    if let Some(last) = output.last_mut() {
        last.set_status(end.status);
    }
    let mut extra = given.extra;
    // What OpenAI says of its own machines.
    extra.remove("system_fingerprint");
    Ok(wire::json(&Response {
        usage: given.usage.as_ref().map(usage),
        incomplete_details: end.details,
        service_tier: given.service_tier,
        extra,
        ..response(ids.response(), given.created, given.model, end.status, &output)
    }))
}

/// All text of a content.
pub(super) fn text_of<'a>(content: Content<'a, chat::Part<'a>>) -> Text<'a> {
    match content {
        Content::Text(text) => text,
        Content::Parts(parts) => {
            let texts = parts.iter().filter_map(|part| part.text.as_ref());
            texts.map(Text::as_str).collect::<String>().into()
        }
    }
}

fn function_call<'a>(call: ToolCall<'a>) -> Result<OutputItem<'a>, NoAnswer> {
    let function = call.function.unwrap_or_default();
    let id = call.id.filter(|id| !id.is_empty());
    let (Some(call_id), Some(name)) = (id, function.name) else {
        return Err(NoAnswer::new("a tool call has no id or no name"));
    };
    // Models that call a function without parameters often leave them empty.
    let arguments = function.arguments.filter(|arguments| !arguments.is_empty());
    let arguments = arguments.unwrap_or_else(|| "{}".into());
    let id = Ids::call(call_id.as_str());
    Ok(OutputItem::FunctionCall { id, call_id, name, arguments, status: Status::Completed })
}

pub(super) fn reasoning<'a>(id: String, content: Vec<OutputPart<'a>>) -> OutputItem<'a> {
    OutputItem::Reasoning { id, summary: [], content, status: Status::Completed }
}

pub(super) fn said<'a>(id: String, content: Vec<OutputPart<'a>>) -> OutputItem<'a> {
    OutputItem::Message { id, status: Status::Completed, role: "assistant", content }
}

/// An answer of `output` that says nothing else.
pub(super) fn response<'a>(
    id: String,
    created_at: u64,
    model: Text<'a>,
    status: Status,
    output: &'a [OutputItem<'a>],
) -> Response<'a> {
    Response {
        id: id.into(),
        object: "response",
        created_at,
        status,
        error: (),
        incomplete_details: None,
        instructions: (),
        max_output_tokens: (),
        model,
        output,
        parallel_tool_calls: true,
        previous_response_id: (),
        store: false,
        temperature: (),
        tool_choice: "auto",
        tools: [],
        top_p: (),
        usage: None,
        metadata: Nothing {},
        service_tier: None,
        extra: Extra::new(),
    }
}

/// How an answer ended.
#[derive(Clone, Copy, Debug)]
pub(super) struct End {
    pub(super) status: Status,
    pub(super) details: Option<Incomplete>,
}

// === impl End ===

impl End {
    pub(super) fn of(finish_reason: &Text<'_>) -> Self {
        let reason = match finish_reason.as_str() {
            "length" => "max_output_tokens",
            "content_filter" => "content_filter",
            _ => return Self { status: Status::Completed, details: None },
        };
        Self { status: Status::Incomplete, details: Some(Incomplete { reason }) }
    }
}

/// The ids of an answer, all made of the provider's one.
#[derive(Debug, Default)]
pub(super) struct Ids(String);

// === impl Ids ===

impl Ids {
    pub(super) fn of(id: &Text<'_>) -> Self {
        let id = id.as_str();
        Self(id.strip_prefix("chatcmpl-").unwrap_or(id).to_owned())
    }

    pub(super) fn response(&self) -> String {
        format!("resp_{}", self.0)
    }

    /// The id of an item; of several of a kind, each has its own.
    pub(super) fn item(&self, kind: &str, nth: usize) -> String {
        match nth {
            0 => format!("{kind}_{}", self.0),
            _ => format!("{kind}_{}_{nth}", self.0),
        }
    }

    pub(super) fn call(call_id: &str) -> String {
        format!("fc_{}", call_id.strip_prefix("call_").unwrap_or(call_id))
    }
}

// === impl OutputItem ===

impl OutputItem<'_> {
    pub(super) fn set_status(&mut self, to: Status) {
        match self {
            Self::Reasoning { status, .. }
            | Self::Message { status, .. }
            | Self::FunctionCall { status, .. } => *status = to,
        }
    }
}

/// Both count alike, in other words.
pub(super) fn usage(given: &chat::Usage) -> Usage {
    let prompt = given.prompt_tokens_details.as_ref();
    let completion = given.completion_tokens_details.as_ref();
    Usage {
        input_tokens: given.prompt_tokens,
        input_tokens_details: InputTokens {
            cached_tokens: prompt.and_then(|details| details.cached_tokens).unwrap_or(0),
            cache_write_tokens: prompt.and_then(|details| details.cache_write_tokens).unwrap_or(0),
        },
        output_tokens: given.completion_tokens,
        output_tokens_details: OutputTokens {
            reasoning_tokens: completion.and_then(|details| details.reasoning_tokens).unwrap_or(0),
        },
        total_tokens: given.total_tokens,
    }
}
