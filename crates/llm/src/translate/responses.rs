//! The vocabulary of OpenAI's Responses, as far as it is translated.

use serde::{Deserialize, Serialize};

use super::wire::{Choice, Content, Extra, Json, Text};

#[derive(Debug, Deserialize)]
pub(super) struct Request<'a> {
    #[serde(borrow)]
    pub(super) input: Content<'a, Item<'a>>,
    #[serde(default)]
    pub(super) instructions: Option<Text<'a>>,
    #[serde(default)]
    pub(super) max_output_tokens: Option<u64>,
    #[serde(default)]
    pub(super) temperature: Option<f64>,
    #[serde(default)]
    pub(super) top_p: Option<f64>,
    #[serde(default)]
    pub(super) stream: Option<bool>,
    #[serde(default)]
    pub(super) tools: Option<Vec<Tool<'a>>>,
    #[serde(default)]
    pub(super) tool_choice: Option<Choice<'a, ToolChoice<'a>>>,
    #[serde(default)]
    pub(super) parallel_tool_calls: Option<bool>,
    #[serde(default)]
    pub(super) text: Option<TextConfig<'a>>,
    #[serde(default)]
    pub(super) reasoning: Option<Reasoning<'a>>,
    #[serde(default)]
    pub(super) service_tier: Option<Text<'a>>,
    #[serde(default)]
    pub(super) user: Option<Text<'a>>,
    /// The model, for one, whose place another's takes.
    #[serde(flatten)]
    pub(super) extra: Extra,
}

/// A message, a call or what came of one.
#[derive(Debug, Default, Deserialize)]
pub(super) struct Item<'a> {
    #[serde(borrow, rename = "type", default)]
    pub(super) kind: Option<Text<'a>>,
    #[serde(default)]
    pub(super) role: Option<Text<'a>>,
    #[serde(default)]
    pub(super) content: Option<Content<'a, Part<'a>>>,
    #[serde(default)]
    pub(super) call_id: Option<Text<'a>>,
    #[serde(default)]
    pub(super) name: Option<Text<'a>>,
    #[serde(default)]
    pub(super) arguments: Option<Text<'a>>,
    #[serde(default)]
    pub(super) output: Option<Content<'a, Part<'a>>>,
    #[serde(flatten)]
    pub(super) extra: Extra,
}

#[derive(Debug, Default, Deserialize)]
pub(super) struct Part<'a> {
    #[serde(borrow, rename = "type")]
    pub(super) kind: Text<'a>,
    #[serde(default)]
    pub(super) text: Option<Text<'a>>,
    #[serde(default)]
    pub(super) refusal: Option<Text<'a>>,
    #[serde(default)]
    pub(super) image_url: Option<Text<'a>>,
    #[serde(default)]
    pub(super) file_id: Option<Text<'a>>,
    #[serde(default)]
    pub(super) detail: Option<Text<'a>>,
    #[serde(flatten)]
    pub(super) extra: Extra,
}

#[derive(Debug, Default, Deserialize)]
pub(super) struct Tool<'a> {
    #[serde(borrow, rename = "type")]
    pub(super) kind: Text<'a>,
    #[serde(default)]
    pub(super) name: Option<Text<'a>>,
    #[serde(default)]
    pub(super) description: Option<Text<'a>>,
    #[serde(default)]
    pub(super) parameters: Option<Json<'a>>,
    #[serde(default)]
    pub(super) strict: Option<bool>,
    #[serde(flatten)]
    pub(super) extra: Extra,
}

#[derive(Clone, Debug, Deserialize)]
pub(super) struct ToolChoice<'a> {
    #[serde(borrow, rename = "type")]
    pub(super) kind: Text<'a>,
    #[serde(default)]
    pub(super) name: Option<Text<'a>>,
}

#[derive(Debug, Default, Deserialize)]
pub(super) struct TextConfig<'a> {
    #[serde(borrow, default)]
    pub(super) format: Option<Format<'a>>,
    #[serde(default)]
    pub(super) verbosity: Option<String>,
}

#[derive(Debug, Default, Deserialize)]
pub(super) struct Format<'a> {
    #[serde(borrow, rename = "type")]
    pub(super) kind: Text<'a>,
    #[serde(default)]
    pub(super) name: Option<Text<'a>>,
    #[serde(default)]
    pub(super) description: Option<Text<'a>>,
    #[serde(default)]
    pub(super) schema: Option<Json<'a>>,
    #[serde(default)]
    pub(super) strict: Option<bool>,
}

#[derive(Debug, Default, Deserialize)]
pub(super) struct Reasoning<'a> {
    #[serde(borrow, default)]
    pub(super) effort: Option<Text<'a>>,
    #[serde(flatten)]
    pub(super) extra: Extra,
}

/// An answer, whole or as far as it has come.
#[derive(Debug, Serialize)]
pub(super) struct Response<'a> {
    pub(super) id: Text<'a>,
    pub(super) object: &'static str,
    pub(super) created_at: u64,
    pub(super) status: Status,
    pub(super) error: (),
    pub(super) incomplete_details: Option<Incomplete>,
    pub(super) instructions: (),
    pub(super) max_output_tokens: (),
    pub(super) model: Text<'a>,
    pub(super) output: &'a [OutputItem<'a>],
    pub(super) parallel_tool_calls: bool,
    pub(super) previous_response_id: (),
    pub(super) store: bool,
    pub(super) temperature: (),
    pub(super) tool_choice: &'static str,
    pub(super) tools: [(); 0],
    pub(super) top_p: (),
    pub(super) usage: Option<Usage>,
    pub(super) metadata: Nothing,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) service_tier: Option<Text<'a>>,
    #[serde(flatten)]
    pub(super) extra: Extra,
}

/// An object without fields.
#[derive(Clone, Copy, Debug, Serialize)]
pub(super) struct Nothing {}

#[derive(Clone, Copy, Debug, Eq, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Status {
    InProgress,
    Completed,
    Incomplete,
}

#[derive(Clone, Copy, Debug, Serialize)]
pub(super) struct Incomplete {
    pub(super) reason: &'static str,
}

#[derive(Debug, Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub(super) enum OutputItem<'a> {
    Reasoning {
        id: String,
        summary: [(); 0],
        content: Vec<OutputPart<'a>>,
        status: Status,
    },
    Message {
        id: String,
        status: Status,
        role: &'static str,
        content: Vec<OutputPart<'a>>,
    },
    FunctionCall {
        id: String,
        call_id: Text<'a>,
        name: Text<'a>,
        arguments: Text<'a>,
        status: Status,
    },
}

#[derive(Debug, Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub(super) enum OutputPart<'a> {
    OutputText { text: Text<'a>, annotations: [(); 0], logprobs: [(); 0] },
    Refusal { refusal: Text<'a> },
    ReasoningText { text: Text<'a> },
}

#[derive(Clone, Debug, Serialize)]
pub(super) struct Usage {
    pub(super) input_tokens: u64,
    pub(super) input_tokens_details: InputTokens,
    pub(super) output_tokens: u64,
    pub(super) output_tokens_details: OutputTokens,
    pub(super) total_tokens: u64,
}

#[derive(Clone, Debug, Serialize)]
pub(super) struct InputTokens {
    pub(super) cached_tokens: u64,
    pub(super) cache_write_tokens: u64,
}

#[derive(Clone, Debug, Serialize)]
pub(super) struct OutputTokens {
    pub(super) reasoning_tokens: u64,
}

/// An event of a stream.
#[derive(Clone, Copy, Debug, Default, Serialize)]
pub(super) struct Event<'a> {
    #[serde(rename = "type")]
    pub(super) kind: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) response: Option<&'a Response<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) item_id: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) output_index: Option<usize>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) content_index: Option<usize>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) item: Option<&'a OutputItem<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) part: Option<&'a OutputPart<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) delta: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) text: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) refusal: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) name: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) arguments: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) logprobs: Option<[(); 0]>,
    pub(super) sequence_number: u64,
}

// === impl OutputPart ===

impl<'a> OutputPart<'a> {
    pub(super) fn output_text(text: Text<'a>) -> Self {
        Self::OutputText { text, annotations: [], logprobs: [] }
    }
}
