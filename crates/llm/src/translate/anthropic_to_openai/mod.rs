//! Callers that speak Anthropic's Messages, over providers that speak OpenAI's Chat Completions.
//!
//! | asked | sent |
//! |---|---|
//! | `system` | a first message of role `system` |
//! | `tool_result` blocks | messages of role `tool`, before the rest of the user's turn; `is_error` in words |
//! | `max_tokens` | `max_completion_tokens` to OpenAI's reasoning models, `max_tokens` to all others |
//! | `stop_sequences` | `stop`, four at most |
//! | `tool_choice`, its `disable_parallel_tool_use` | `tool_choice`, `parallel_tool_calls: false` |
//! | `thinking` of type `enabled` | `reasoning_effort`: below 2048 tokens `low`, below 4096 `medium`, else `high` |
//! | `output_config.effort` | `reasoning_effort`, in the same words |
//! | `output_config.format` | `response_format` of type `json_schema`, called `answer` |
//! | `metadata.user_id` | `user` |
//! | `stream` | `stream`, with the usage that every stream of Anthropic's ends with |
//! | `cache_control` | nothing: OpenAI's cache needs no marks |
//!
//! Reasoning is told to callers only where it is signed, and kept from providers: one without a
//! signature would poison a conversation that goes back to Anthropic, and no provider of Chat
//! Completions takes another's. Its tokens are counted.

use bytes::Bytes;

use super::{NoAnswer, Options, Refused, Translate, TranslateStream};

mod answer;
mod conversation;
mod request;
mod stream;

/// Anthropic's Messages for callers, Chat Completions at the provider.
#[derive(Clone, Copy, Debug, Default)]
pub struct AnthropicToOpenAi;

// === impl AnthropicToOpenAi ===

impl Translate for AnthropicToOpenAi {
    fn request(&self, body: &[u8], options: &Options<'_>) -> Result<Bytes, Refused> {
        request::translate(body, options)
    }

    fn answer(&self, body: &[u8], _created: u64) -> Result<Bytes, NoAnswer> {
        answer::translate(body)
    }

    fn stream(&self, _request: &[u8], _created: u64) -> Box<dyn TranslateStream> {
        Box::new(stream::Stream::default())
    }
}
