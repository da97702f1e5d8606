//! The vocabulary of Gemini's `generateContent`, as far as it is translated.

use serde::{Deserialize, Serialize};

use super::wire::{Extra, Json, Text};

#[derive(Debug, Default, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Request<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) system_instruction: Option<Turn<'a>>,
    pub(super) contents: Vec<Turn<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) tools: Option<[Tools<'a>; 1]>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) tool_config: Option<ToolConfig<'a>>,
    #[serde(skip_serializing_if = "GenerationConfig::is_empty")]
    pub(super) generation_config: GenerationConfig<'a>,
    #[serde(flatten)]
    pub(super) extra: Extra,
}

/// What Gemini calls a content: who says it, and its parts.
#[derive(Debug, Default, Deserialize, Serialize)]
pub(super) struct Turn<'a> {
    #[serde(borrow, skip_serializing_if = "Option::is_none")]
    pub(super) role: Option<Text<'a>>,
    #[serde(default)]
    pub(super) parts: Vec<Part<'a>>,
}

#[derive(Debug, Default, Deserialize, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Part<'a> {
    #[serde(borrow, skip_serializing_if = "Option::is_none")]
    pub(super) text: Option<Text<'a>>,
    /// Whether the text is the model's reasoning.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) thought: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) inline_data: Option<Blob<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) file_data: Option<FileData<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) function_call: Option<FunctionCall<'a>>,
    #[serde(skip_deserializing, skip_serializing_if = "Option::is_none")]
    pub(super) function_response: Option<FunctionResponse<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) thought_signature: Option<Text<'a>>,
    #[serde(flatten)]
    pub(super) extra: Extra,
}

/// Bytes in base64.
#[derive(Debug, Default, Deserialize, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Blob<'a> {
    #[serde(borrow)]
    pub(super) mime_type: Text<'a>,
    pub(super) data: Text<'a>,
}

#[derive(Debug, Default, Deserialize, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct FileData<'a> {
    #[serde(borrow, skip_serializing_if = "Option::is_none")]
    pub(super) mime_type: Option<Text<'a>>,
    pub(super) file_uri: Text<'a>,
}

#[derive(Debug, Default, Deserialize, Serialize)]
pub(super) struct FunctionCall<'a> {
    #[serde(borrow, skip_serializing_if = "Option::is_none")]
    pub(super) id: Option<Text<'a>>,
    #[serde(default)]
    pub(super) name: Text<'a>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) args: Option<Json<'a>>,
}

#[derive(Debug, Serialize)]
pub(super) struct FunctionResponse<'a> {
    pub(super) id: Text<'a>,
    pub(super) name: Text<'a>,
    pub(super) response: Returned<'a>,
}

/// What a function returned: an object, or something as the output of one.
#[derive(Debug, Serialize)]
#[serde(untagged)]
pub(super) enum Returned<'a> {
    Object(Json<'a>),
    Output { output: Text<'a> },
}

#[derive(Debug, Default, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Tools<'a> {
    pub(super) function_declarations: Vec<Declaration<'a>>,
}

#[derive(Debug, Default, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Declaration<'a> {
    pub(super) name: Text<'a>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) description: Option<Text<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) parameters_json_schema: Option<Json<'a>>,
    #[serde(flatten)]
    pub(super) extra: Extra,
}

#[derive(Debug, Default, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct ToolConfig<'a> {
    pub(super) function_calling_config: CallingConfig<'a>,
}

#[derive(Debug, Default, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct CallingConfig<'a> {
    pub(super) mode: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) allowed_function_names: Option<[Text<'a>; 1]>,
}

#[derive(Debug, Default, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct GenerationConfig<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) max_output_tokens: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) temperature: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) top_p: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) top_k: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) seed: Option<i32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) presence_penalty: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) frequency_penalty: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) candidate_count: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) stop_sequences: Option<Vec<Text<'a>>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) response_mime_type: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) response_json_schema: Option<Json<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) thinking_config: Option<ThinkingConfig>,
}

#[derive(Clone, Copy, Debug, Eq, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct ThinkingConfig {
    pub(super) include_thoughts: bool,
    #[serde(flatten)]
    pub(super) thinking: Thinking,
}

/// How hard to think: in a word from Gemini 3 on, before in tokens.
#[derive(Clone, Copy, Debug, Eq, PartialEq, Serialize)]
pub(super) enum Thinking {
    #[serde(rename = "thinkingBudget")]
    Budget(u32),
    #[serde(rename = "thinkingLevel")]
    Level(&'static str),
}

/// An answer; in a stream, a piece of one.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Answer<'a> {
    #[serde(borrow, default)]
    pub(super) candidates: Vec<Candidate<'a>>,
    #[serde(default)]
    pub(super) prompt_feedback: Option<PromptFeedback<'a>>,
    #[serde(default)]
    pub(super) usage_metadata: Option<Usage>,
    #[serde(default)]
    pub(super) model_version: Text<'a>,
    #[serde(default)]
    pub(super) response_id: Text<'a>,
    /// Told in the place of an answer.
    #[serde(default)]
    pub(super) error: Option<Json<'a>>,
    #[serde(flatten)]
    pub(super) extra: Extra,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Candidate<'a> {
    #[serde(default)]
    pub(super) index: u64,
    #[serde(borrow, default)]
    pub(super) content: Option<Turn<'a>>,
    #[serde(default)]
    pub(super) finish_reason: Option<Text<'a>>,
    #[serde(default)]
    pub(super) finish_message: Option<Text<'a>>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct PromptFeedback<'a> {
    #[serde(borrow, default)]
    pub(super) block_reason: Option<Text<'a>>,
    #[serde(default)]
    pub(super) block_reason_message: Option<Text<'a>>,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Usage {
    #[serde(default)]
    pub(super) prompt_token_count: u64,
    #[serde(default)]
    pub(super) cached_content_token_count: u64,
    #[serde(default)]
    pub(super) tool_use_prompt_token_count: u64,
    #[serde(default)]
    pub(super) candidates_token_count: u64,
    #[serde(default)]
    pub(super) thoughts_token_count: Option<u64>,
}

// === impl Part ===

impl<'a> Part<'a> {
    pub(super) fn text(text: Text<'a>) -> Self {
        Self { text: Some(text), ..Self::default() }
    }
}

// === impl GenerationConfig ===

impl GenerationConfig<'_> {
    fn is_empty(&self) -> bool {
        let Self { max_output_tokens, temperature, top_p, top_k, seed, .. } = self;
        let Self { presence_penalty, frequency_penalty, candidate_count, .. } = self;
        let Self { stop_sequences, response_mime_type, thinking_config, .. } = self;
        max_output_tokens.is_none()
            && [temperature, top_p, top_k, presence_penalty, frequency_penalty]
                .iter()
                .all(|value| value.is_none())
            && seed.is_none()
            && candidate_count.is_none()
            && stop_sequences.is_none()
            && response_mime_type.is_none()
            && thinking_config.is_none()
    }
}
