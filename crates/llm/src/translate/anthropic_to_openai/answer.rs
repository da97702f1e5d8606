//! The whole answer, and what it shares with a stream: why it ended, what it cost.

use bytes::Bytes;

use super::super::chat::{Answered, Completion, Part, ToolCall};
use super::super::messages::{Answer, Block, OutputTokens, Usage};
use super::super::wire::{self, Content, Json, Text};
use super::super::{NoAnswer, chat};

pub(super) fn translate(body: &[u8]) -> Result<Bytes, NoAnswer> {
    let given: Completion<'_> = serde_json::from_slice(body)?;
    let choice = given.choices.into_iter().find(|choice| choice.index == 0);
    let Some(Answered { message, finish_reason, stop_reason, .. }) = choice else {
        return Err(NoAnswer::new("it has no choices"));
    };
    let Some(finish_reason) = finish_reason else {
        return Err(NoAnswer::new("it does not say why it finished"));
    };
    let refused = message.refusal.as_ref().is_some_and(|refusal| !refusal.is_empty());
    let thoughts = message.thinking_blocks.unwrap_or_default();
    let mut content: Vec<Block<'_>> = thoughts.into_iter().filter_map(Block::thought).collect();
    // One text of however many parts: that is what a stream of it says.
    let joined = texts(message.content).into_iter().reduce(|mut all, more| {
        all.0.to_mut().push_str(more.as_str());
        all
    });
    content.extend(joined.map(Block::text));
    content.extend(message.refusal.filter(|text| !text.is_empty()).map(Block::text));
    let calls = message.tool_calls.unwrap_or_default();
    let stop_sequence = stop_sequence(stop_reason);
    let reason = Reason { calls: !calls.is_empty(), refused, sequence: stop_sequence.is_some() };
    for call in calls {
        content.push(tool_use(call)?);
    }
    let mut usage = usage(&given.usage.unwrap_or_default());
    usage.service_tier = given.service_tier.as_ref().and_then(service_tier);
    Ok(wire::json(&Answer {
        id: given.id,
        kind: "message".into(),
        role: "assistant".into(),
        model: given.model,
        content,
        stop_reason: Some(reason.stop_reason(&finish_reason).into()),
        stop_sequence,
        stop_details: None,
        usage,
        extra: unknown(given.extra),
    }))
}

/// The texts of an answer's content; an empty one says nothing.
pub(super) fn texts<'a>(content: Option<Content<'a, Part<'a>>>) -> Vec<Text<'a>> {
    let texts = match content {
        None => return Vec::new(),
        Some(Content::Text(text)) => vec![text],
        Some(Content::Parts(parts)) => parts.into_iter().filter_map(|part| part.text).collect(),
    };
    texts.into_iter().filter(|text| !text.is_empty()).collect()
}

fn tool_use(call: ToolCall<'_>) -> Result<Block<'_>, NoAnswer> {
    let function = call.function.unwrap_or_default();
    let (Some(id), Some(name)) = (call.id, function.name) else {
        return Err(NoAnswer::new("a tool call has no id or no name"));
    };
    // Models that call a function without parameters often leave them empty.
    let arguments = function.arguments.filter(|arguments| !arguments.as_str().trim().is_empty());
    let input = Json::object(arguments.unwrap_or_else(|| "{}".into()))
        .map_err(|error| NoAnswer::new(format!("a tool call's arguments are none: {error}")))?;
    Ok(Block { id: Some(id), name: Some(name), input: Some(input), ..Block::new("tool_use") })
}

/// What is left of an answer, but for what OpenAI says of its own machines.
fn unknown(mut extra: wire::Extra) -> wire::Extra {
    extra.remove("system_fingerprint");
    extra
}

/// The stop sequence that ended the answer, if the provider says which one it was.
pub(super) fn stop_sequence(told: Option<serde_json::Value>) -> Option<Text<'static>> {
    match told? {
        serde_json::Value::String(sequence) => Some(sequence.into()),
        // The number of a token, which says nothing to the caller.
        _ => None,
    }
}

/// What beside the finish reason tells why an answer ended.
#[derive(Clone, Copy, Debug)]
pub(super) struct Reason {
    pub(super) calls: bool,
    pub(super) refused: bool,
    pub(super) sequence: bool,
}

impl Reason {
    /// Why an answer ended, in Anthropic's words. Some servers call it `stop` after calls of tools.
    pub(super) fn stop_reason(self, finish_reason: &Text<'_>) -> &'static str {
        match finish_reason.as_str() {
            "length" => "max_tokens",
            "content_filter" => "refusal",
            "tool_calls" | "function_call" => "tool_use",
            _ if self.calls => "tool_use",
            _ if self.refused => "refusal",
            _ if self.sequence => "stop_sequence",
            _ => "end_turn",
        }
    }
}

/// Anthropic counts what came from the cache and what went into it beside the prompt, OpenAI with
/// it.
pub(super) fn usage(given: &chat::Usage) -> Usage<'static> {
    let details = given.prompt_tokens_details.as_ref();
    let cached = details.and_then(|details| details.cached_tokens).unwrap_or(0);
    let written = details.and_then(|details| details.cache_write_tokens).unwrap_or(0);
    let thinking = given.completion_tokens_details.as_ref();
    let thinking = thinking.and_then(|details| details.reasoning_tokens);
    Usage {
        input_tokens: Some(given.prompt_tokens.saturating_sub(cached + written)),
        cache_creation_input_tokens: Some(written),
        cache_read_input_tokens: Some(cached),
        output_tokens: Some(given.completion_tokens),
        output_tokens_details: thinking
            .filter(|tokens| *tokens > 0)
            .map(|thinking_tokens| OutputTokens { thinking_tokens }),
        service_tier: None,
    }
}

fn service_tier<'a>(given: &Text<'_>) -> Option<Text<'a>> {
    match given.as_str() {
        "default" => Some("standard".into()),
        "priority" => Some("priority".into()),
        _ => None,
    }
}
