//! The vocabulary of OpenAI's Chat Completions, as far as it is translated.

use serde::{Deserialize, Serialize};

use super::messages::Block;
use super::wire::{Choice, Content, Extra, Json, Text};

/// How many tools a request may have.
pub(super) const MAX_TOOLS: usize = 128;

#[derive(Debug, Default, Deserialize, Serialize)]
pub(super) struct Request<'a> {
    #[serde(borrow, default)]
    pub(super) model: Text<'a>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) max_tokens: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) max_completion_tokens: Option<u64>,
    pub(super) messages: Vec<Message<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) temperature: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) top_p: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) stop: Option<Content<'a, Text<'a>>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) stream: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) stream_options: Option<StreamOptions>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) tools: Option<Vec<Tool<'a>>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) tool_choice: Option<Choice<'a, ToolChoice<'a>>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) parallel_tool_calls: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) reasoning_effort: Option<Text<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) response_format: Option<ResponseFormat<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) service_tier: Option<Text<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) user: Option<Text<'a>>,
    #[serde(flatten)]
    pub(super) extra: Extra,
}

#[derive(Debug, Default, Deserialize, Serialize)]
pub(super) struct StreamOptions {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) include_usage: Option<bool>,
    #[serde(flatten)]
    pub(super) extra: Extra,
}

/// Of all that a request says, what its stream depends on.
#[derive(Debug, Default, Deserialize)]
pub(super) struct StreamRequest {
    #[serde(default)]
    pub(super) stream_options: Option<StreamOptions>,
}

#[derive(Debug, Default, Deserialize, Serialize)]
pub(super) struct Message<'a> {
    #[serde(borrow)]
    pub(super) role: Text<'a>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) name: Option<Text<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) tool_call_id: Option<Text<'a>>,
    #[serde(default)]
    pub(super) content: Option<Content<'a, Part<'a>>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) refusal: Option<Text<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) tool_calls: Option<Vec<ToolCall<'a>>>,
    /// What reasoning models say before they answer; widespread, but not OpenAI's own.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) reasoning_content: Option<Text<'a>>,
    /// The same as signed blocks, as LiteLLM writes it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) thinking_blocks: Option<Vec<Block<'a>>>,
    #[serde(flatten)]
    pub(super) extra: Extra,
}

#[derive(Clone, Debug, Default, Deserialize, Serialize)]
pub(super) struct Part<'a> {
    #[serde(borrow, rename = "type")]
    pub(super) kind: Text<'a>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) text: Option<Text<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) refusal: Option<Text<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) image_url: Option<ImageUrl<'a>>,
    #[serde(flatten)]
    pub(super) extra: Extra,
}

#[derive(Clone, Debug, Default, Deserialize, Serialize)]
pub(super) struct ImageUrl<'a> {
    #[serde(borrow)]
    pub(super) url: Text<'a>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) detail: Option<Text<'a>>,
}

/// A call of a tool; in a stream, a piece of one.
#[derive(Debug, Default, Deserialize, Serialize)]
pub(super) struct ToolCall<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) index: Option<u64>,
    #[serde(borrow, skip_serializing_if = "Option::is_none")]
    pub(super) id: Option<Text<'a>>,
    #[serde(rename = "type", skip_serializing_if = "Option::is_none")]
    pub(super) kind: Option<Text<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) function: Option<FunctionCall<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) extra_content: Option<ExtraContent<'a>>,
}

/// What Google's own layer for OpenAI's API writes beside a call.
#[derive(Debug, Default, Deserialize, Serialize)]
pub(super) struct ExtraContent<'a> {
    #[serde(borrow, skip_serializing_if = "Option::is_none")]
    pub(super) google: Option<Google<'a>>,
}

#[derive(Debug, Default, Deserialize, Serialize)]
pub(super) struct Google<'a> {
    #[serde(borrow, skip_serializing_if = "Option::is_none")]
    pub(super) thought_signature: Option<Text<'a>>,
}

#[derive(Debug, Default, Deserialize, Serialize)]
pub(super) struct FunctionCall<'a> {
    #[serde(borrow, skip_serializing_if = "Option::is_none")]
    pub(super) name: Option<Text<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) arguments: Option<Text<'a>>,
}

#[derive(Debug, Default, Deserialize, Serialize)]
pub(super) struct Tool<'a> {
    #[serde(borrow, rename = "type")]
    pub(super) kind: Text<'a>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) function: Option<Function<'a>>,
    #[serde(flatten)]
    pub(super) extra: Extra,
}

#[derive(Debug, Default, Deserialize, Serialize)]
pub(super) struct Function<'a> {
    #[serde(borrow)]
    pub(super) name: Text<'a>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) description: Option<Text<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) parameters: Option<Json<'a>>,
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
    pub(super) function: Option<Named<'a>>,
}

#[derive(Clone, Debug, Default, Deserialize, Serialize)]
pub(super) struct Named<'a> {
    #[serde(borrow)]
    pub(super) name: Text<'a>,
}

#[derive(Debug, Default, Deserialize, Serialize)]
pub(super) struct ResponseFormat<'a> {
    #[serde(borrow, rename = "type")]
    pub(super) kind: Text<'a>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) json_schema: Option<JsonSchema<'a>>,
}

#[derive(Debug, Default, Deserialize, Serialize)]
pub(super) struct JsonSchema<'a> {
    #[serde(borrow)]
    pub(super) name: Text<'a>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) description: Option<Text<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) schema: Option<Json<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) strict: Option<bool>,
}

/// What OpenAI's models are called that take `max_completion_tokens` only.
const REASONING_MODELS: [&str; 4] = ["o1", "o3", "o4", "gpt-5"];

/// Whether `model`, whoever lends it (`openai/gpt-5`), takes `max_completion_tokens` only.
pub(super) fn reasons(model: &str) -> bool {
    let name = model.rsplit('/').next().unwrap_or(model);
    REASONING_MODELS.iter().any(|known| name.starts_with(known))
}

/// A whole answer.
#[derive(Debug, Default, Deserialize, Serialize)]
pub(super) struct Completion<'a> {
    #[serde(borrow, default)]
    pub(super) id: Text<'a>,
    #[serde(default)]
    pub(super) object: Text<'a>,
    #[serde(default)]
    pub(super) created: u64,
    #[serde(default)]
    pub(super) model: Text<'a>,
    pub(super) choices: Vec<Answered<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) usage: Option<Usage>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) service_tier: Option<Text<'a>>,
    #[serde(flatten)]
    pub(super) extra: Extra,
}

#[derive(Debug, Default, Deserialize, Serialize)]
pub(super) struct Answered<'a> {
    #[serde(default)]
    pub(super) index: u64,
    #[serde(borrow)]
    pub(super) message: Message<'a>,
    pub(super) finish_reason: Option<Text<'a>>,
    /// The stop sequence that ended the answer, as vLLM writes it; a number where it was a token.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) stop_reason: Option<serde_json::Value>,
}

/// A piece of an answer.
#[derive(Debug, Default, Deserialize, Serialize)]
pub(super) struct Chunk<'a> {
    #[serde(borrow, default)]
    pub(super) id: Text<'a>,
    #[serde(default)]
    pub(super) object: Text<'a>,
    #[serde(default)]
    pub(super) created: u64,
    #[serde(default)]
    pub(super) model: Text<'a>,
    #[serde(default)]
    pub(super) choices: Vec<Said<'a>>,
    /// `null` within a stream that will tell it at its end.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) usage: Option<Option<Usage>>,
}

#[derive(Debug, Default, Deserialize, Serialize)]
pub(super) struct Said<'a> {
    #[serde(default)]
    pub(super) index: u64,
    #[serde(borrow, default)]
    pub(super) delta: Delta<'a>,
    #[serde(default)]
    pub(super) finish_reason: Option<Text<'a>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) stop_reason: Option<serde_json::Value>,
}

#[derive(Debug, Default, Deserialize, Serialize)]
pub(super) struct Delta<'a> {
    #[serde(borrow, default, skip_serializing_if = "Option::is_none")]
    pub(super) role: Option<Text<'a>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) content: Option<Content<'a, Part<'a>>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) refusal: Option<Text<'a>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) reasoning_content: Option<Text<'a>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) thinking_blocks: Option<Vec<Block<'a>>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) tool_calls: Option<Vec<ToolCall<'a>>>,
}

#[derive(Clone, Debug, Default, Deserialize, Serialize)]
pub(super) struct Usage {
    #[serde(default)]
    pub(super) prompt_tokens: u64,
    #[serde(default)]
    pub(super) completion_tokens: u64,
    #[serde(default)]
    pub(super) total_tokens: u64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) prompt_tokens_details: Option<PromptTokens>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) completion_tokens_details: Option<CompletionTokens>,
}

#[derive(Clone, Debug, Default, Deserialize, Serialize)]
pub(super) struct PromptTokens {
    #[serde(default)]
    pub(super) cached_tokens: Option<u64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) cache_write_tokens: Option<u64>,
}

#[derive(Clone, Debug, Default, Deserialize, Serialize)]
pub(super) struct CompletionTokens {
    #[serde(default)]
    pub(super) reasoning_tokens: Option<u64>,
}
