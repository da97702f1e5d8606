//! The vocabulary of Anthropic's Messages, as far as it is translated.

use serde::{Deserialize, Serialize};

use super::wire::{Content, Extra, Json, Text};

/// The least that a budget for thinking may be.
pub(super) const MIN_THINKING: u64 = 1024;

#[derive(Debug, Default, Deserialize, Serialize)]
pub(super) struct Request<'a> {
    #[serde(borrow, default)]
    pub(super) model: Text<'a>,
    pub(super) max_tokens: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) system: Option<Content<'a, Block<'a>>>,
    pub(super) messages: Vec<Message<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) temperature: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) top_p: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) stop_sequences: Option<Vec<Text<'a>>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) stream: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) tools: Option<Vec<Tool<'a>>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) tool_choice: Option<ToolChoice<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) thinking: Option<Thinking<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) output_config: Option<OutputConfig<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) metadata: Option<Metadata<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) service_tier: Option<Text<'a>>,
    #[serde(flatten)]
    pub(super) extra: Extra,
}

#[derive(Debug, Deserialize, Serialize)]
pub(super) struct Message<'a> {
    #[serde(borrow)]
    pub(super) role: Text<'a>,
    pub(super) content: Content<'a, Block<'a>>,
    #[serde(flatten)]
    pub(super) extra: Extra,
}

/// A block of content. Which fields it has depends on its kind.
#[derive(Clone, Debug, Default, Deserialize, Serialize)]
pub(super) struct Block<'a> {
    #[serde(borrow, rename = "type")]
    pub(super) kind: Text<'a>,
    /// Of `text`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) text: Option<Text<'a>>,
    /// Of `image`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) source: Option<Source<'a>>,
    /// Of `tool_use`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) id: Option<Text<'a>>,
    /// Of `tool_use`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) name: Option<Text<'a>>,
    /// Of `tool_use`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) input: Option<Json<'a>>,
    /// Of `tool_result`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) tool_use_id: Option<Text<'a>>,
    /// Of `tool_result`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) content: Option<Content<'a, Block<'a>>>,
    /// Of `tool_result`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) is_error: Option<bool>,
    /// Of `thinking`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) thinking: Option<Text<'a>>,
    /// Of `thinking`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) signature: Option<Text<'a>>,
    /// Of `redacted_thinking`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) data: Option<Text<'a>>,
    #[serde(flatten)]
    pub(super) extra: Extra,
}

#[derive(Clone, Debug, Default, Deserialize, Serialize)]
pub(super) struct Source<'a> {
    #[serde(borrow, rename = "type")]
    pub(super) kind: Text<'a>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) media_type: Option<Text<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) data: Option<Text<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) url: Option<Text<'a>>,
}

#[derive(Debug, Default, Deserialize, Serialize)]
pub(super) struct Tool<'a> {
    #[serde(borrow, default, rename = "type", skip_serializing_if = "Option::is_none")]
    pub(super) kind: Option<Text<'a>>,
    #[serde(default)]
    pub(super) name: Text<'a>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) description: Option<Text<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) input_schema: Option<Json<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) strict: Option<bool>,
    #[serde(flatten)]
    pub(super) extra: Extra,
}

#[derive(Clone, Debug, Default, Deserialize, Serialize)]
pub(super) struct ToolChoice<'a> {
    #[serde(borrow, rename = "type")]
    pub(super) kind: Text<'a>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) name: Option<Text<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) disable_parallel_tool_use: Option<bool>,
}

#[derive(Debug, Default, Deserialize, Serialize)]
pub(super) struct Thinking<'a> {
    #[serde(borrow, rename = "type")]
    pub(super) kind: Text<'a>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) budget_tokens: Option<u64>,
    #[serde(flatten)]
    pub(super) extra: Extra,
}

#[derive(Debug, Default, Deserialize, Serialize)]
pub(super) struct OutputConfig<'a> {
    #[serde(borrow, skip_serializing_if = "Option::is_none")]
    pub(super) effort: Option<Text<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) format: Option<OutputFormat<'a>>,
    #[serde(flatten)]
    pub(super) extra: Extra,
}

#[derive(Debug, Default, Deserialize, Serialize)]
pub(super) struct OutputFormat<'a> {
    #[serde(borrow, rename = "type")]
    pub(super) kind: Text<'a>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) schema: Option<Json<'a>>,
}

#[derive(Debug, Default, Deserialize, Serialize)]
pub(super) struct Metadata<'a> {
    #[serde(borrow, skip_serializing_if = "Option::is_none")]
    pub(super) user_id: Option<Text<'a>>,
    #[serde(flatten)]
    pub(super) extra: Extra,
}

/// A whole answer; in a stream, how it begins.
#[derive(Debug, Default, Deserialize, Serialize)]
pub(super) struct Answer<'a> {
    #[serde(borrow, default)]
    pub(super) id: Text<'a>,
    #[serde(default, rename = "type")]
    pub(super) kind: Text<'a>,
    #[serde(default)]
    pub(super) role: Text<'a>,
    #[serde(default)]
    pub(super) model: Text<'a>,
    pub(super) content: Vec<Block<'a>>,
    pub(super) stop_reason: Option<Text<'a>>,
    pub(super) stop_sequence: Option<Text<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) stop_details: Option<StopDetails<'a>>,
    #[serde(default)]
    pub(super) usage: Usage<'a>,
    #[serde(flatten)]
    pub(super) extra: Extra,
}

#[derive(Debug, Default, Deserialize, Serialize)]
pub(super) struct StopDetails<'a> {
    #[serde(borrow, rename = "type")]
    pub(super) kind: Text<'a>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) explanation: Option<Text<'a>>,
}

/// Counts that an event leaves out are those of the event before.
#[derive(Clone, Debug, Default, Deserialize, Serialize)]
pub(super) struct Usage<'a> {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) input_tokens: Option<u64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) cache_creation_input_tokens: Option<u64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) cache_read_input_tokens: Option<u64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) output_tokens: Option<u64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) output_tokens_details: Option<OutputTokens>,
    #[serde(borrow, default, skip_serializing_if = "Option::is_none")]
    pub(super) service_tier: Option<Text<'a>>,
}

#[derive(Clone, Debug, Default, Deserialize, Serialize)]
pub(super) struct OutputTokens {
    #[serde(default)]
    pub(super) thinking_tokens: u64,
}

/// An event of a stream. Which fields it has depends on its kind.
#[derive(Debug, Default, Deserialize, Serialize)]
pub(super) struct Event<'a> {
    #[serde(borrow, default, rename = "type")]
    pub(super) kind: Text<'a>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) message: Option<Answer<'a>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) index: Option<u64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) content_block: Option<Block<'a>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) delta: Option<Delta<'a>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) usage: Option<Usage<'a>>,
}

/// What an event adds: to a block, or (`stop_reason` and the rest) to the answer.
#[derive(Debug, Default, Deserialize, Serialize)]
pub(super) struct Delta<'a> {
    #[serde(borrow, default, rename = "type", skip_serializing_if = "Option::is_none")]
    pub(super) kind: Option<Text<'a>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) text: Option<Text<'a>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) partial_json: Option<Text<'a>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) thinking: Option<Text<'a>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) signature: Option<Text<'a>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) stop_reason: Option<Text<'a>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) stop_sequence: Option<Text<'a>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) stop_details: Option<StopDetails<'a>>,
}

// === impl Block ===

impl<'a> Block<'a> {
    pub(super) fn new(kind: &'a str) -> Self {
        Self { kind: kind.into(), ..Self::default() }
    }

    pub(super) fn text(text: Text<'a>) -> Self {
        Self { text: Some(text), ..Self::new("text") }
    }

    /// What of it is a thought, with the fields that thoughts have and no others: nothing that
    /// could break out of a line of an event.
    pub(super) fn thought(self) -> Option<Self> {
        let Self { kind, thinking, signature, data, .. } = self;
        match kind.as_str() {
            "thinking" => Some(Self { kind, thinking, signature, ..Self::default() }),
            "redacted_thinking" => Some(Self { kind, data, ..Self::default() }),
            _ => None,
        }
    }
}
