//! The whole answer, and what it shares with a stream: why it ended, what it cost.

use bytes::Bytes;

use super::super::messages::{Answer, Block, StopDetails, Usage};
use super::super::wire::{self, Content, Text};
use super::super::{NoAnswer, chat};

pub(super) fn translate(body: &[u8], created: u64) -> Result<Bytes, NoAnswer> {
    let given: Answer<'_> = serde_json::from_slice(body)?;
    let Some(reason) = &given.stop_reason else {
        return Err(NoAnswer::new("it does not say why it stopped"));
    };
    let mut message = chat::Message { role: "assistant".into(), ..chat::Message::default() };
    let mut said = Said::default();
    for block in given.content {
        said.add(block)?;
    }
    message.content = said.text.map(Content::Text);
    message.reasoning_content = said.thought;
    message.thinking_blocks = some(said.blocks);
    message.tool_calls = some(said.calls);
    message.refusal = given.stop_details.and_then(refusal);
    let choice = chat::Answered {
        index: 0,
        message,
        finish_reason: Some(finish_reason(reason).into()),
        stop_reason: given.stop_sequence.map(|sequence| sequence.as_str().into()),
    };
    Ok(wire::json(&chat::Completion {
        id: given.id,
        object: "chat.completion".into(),
        created,
        model: given.model,
        choices: vec![choice],
        usage: Some(usage(&given.usage)),
        service_tier: service_tier(&given.usage),
        extra: given.extra,
    }))
}

/// What an answer's blocks say, sorted by where Chat Completions puts it.
#[derive(Default)]
struct Said<'a> {
    text: Option<Text<'a>>,
    thought: Option<Text<'a>>,
    blocks: Vec<Block<'a>>,
    calls: Vec<chat::ToolCall<'a>>,
}

impl<'a> Said<'a> {
    fn add(&mut self, mut block: Block<'a>) -> Result<(), NoAnswer> {
        match block.kind.as_str() {
            "text" => append(&mut self.text, block.text),
            "thinking" => {
                append(&mut self.thought, block.thinking.clone());
                // Without its signature nobody takes it back.
                if block.signature.as_ref().is_some_and(|signature| !signature.is_empty()) {
                    self.blocks.push(block);
                }
            }
            "redacted_thinking" => self.blocks.push(block),
            "tool_use" => {
                let input = block.input.take().filter(wire::Json::is_object);
                let Some(input) = input else {
                    return Err(NoAnswer::new("a block of type `tool_use` has no `input`"));
                };
                let arguments = Some(input.into_text());
                self.calls.push(chat::ToolCall {
                    index: None,
                    id: block.id,
                    kind: Some("function".into()),
                    function: Some(chat::FunctionCall { name: block.name, arguments }),
                    ..chat::ToolCall::default()
                });
            }
            // What the provider's own tools did; the caller could not ask for them.
            _ => {}
        }
        Ok(())
    }
}

/// Blocks of text are one text to Chat Completions. An empty one is none.
fn append<'a>(all: &mut Option<Text<'a>>, more: Option<Text<'a>>) {
    let Some(more) = more.filter(|more| !more.is_empty()) else { return };
    match all {
        None => *all = Some(more),
        Some(all) => all.0.to_mut().push_str(more.as_str()),
    }
}

fn some<T>(list: Vec<T>) -> Option<Vec<T>> {
    Some(list).filter(|list| !list.is_empty())
}

/// Why an answer ended, in OpenAI's words.
pub(super) fn finish_reason(stop_reason: &Text<'_>) -> &'static str {
    match stop_reason.as_str() {
        "max_tokens" | "model_context_window_exceeded" => "length",
        "tool_use" => "tool_calls",
        "refusal" => "content_filter",
        // `end_turn`, `stop_sequence`, `pause_turn`: the answer is over as far as the caller goes.
        _ => "stop",
    }
}

/// Why an answer was refused, if the provider says so.
pub(super) fn refusal(details: StopDetails<'_>) -> Option<Text<'_>> {
    details.explanation.filter(|explanation| !explanation.is_empty())
}

/// OpenAI counts what came from the cache and what went into it with the prompt, Anthropic beside
/// it.
pub(super) fn usage(given: &Usage<'_>) -> chat::Usage {
    let cached = given.cache_read_input_tokens.unwrap_or(0);
    let written = given.cache_creation_input_tokens.unwrap_or(0);
    let prompt_tokens = given.input_tokens.unwrap_or(0) + cached + written;
    let completion_tokens = given.output_tokens.unwrap_or(0);
    let thinking = given.output_tokens_details.as_ref().map(|details| details.thinking_tokens);
    chat::Usage {
        prompt_tokens,
        completion_tokens,
        total_tokens: prompt_tokens + completion_tokens,
        prompt_tokens_details: Some(chat::PromptTokens {
            cached_tokens: Some(cached),
            cache_write_tokens: Some(written),
        }),
        completion_tokens_details: thinking
            .map(|tokens| chat::CompletionTokens { reasoning_tokens: Some(tokens) }),
    }
}

fn service_tier<'a>(given: &Usage<'_>) -> Option<Text<'a>> {
    match given.service_tier.as_ref()?.as_str() {
        "standard" => Some("default".into()),
        "priority" => Some("priority".into()),
        _ => None,
    }
}
