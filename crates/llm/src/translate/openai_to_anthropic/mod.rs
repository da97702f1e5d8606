//! Callers that speak OpenAI's Chat Completions, over providers that speak Anthropic's Messages.
//!
//! | asked | sent |
//! |---|---|
//! | `system` and `developer` messages, wherever they stand | `system`, in their order |
//! | messages of one role after another, `tool` messages | one turn; `tool_result` blocks of a user's turn |
//! | `max_completion_tokens`, `max_tokens`, neither | `max_tokens`, at last [`Options::default_max_tokens`] |
//! | `temperature` above 1 | 1: Anthropic's own layer for OpenAI's API caps it so; from Claude 4.7 on no samplings but the defaults are taken |
//! | `stop` | `stop_sequences` |
//! | `tool_choice`, `parallel_tool_calls: false` | `tool_choice`, its `disable_parallel_tool_use` |
//! | `reasoning_effort` | from Claude 4.6 on adaptive `thinking` and `output_config.effort`; before, `thinking` with a budget of 1024 (minimal, low) to 16384 tokens (max) |
//! | `response_format` of type `json_schema` | `output_config.format`; its name says nothing and stays |
//! | `user`, `safety_identifier` | `metadata.user_id` |
//!
//! Reasoning goes to the caller as `reasoning_content`, and as the signed `thinking_blocks` that
//! Anthropic wants back where tools are called; callers that send those with the conversation keep
//! them in it. Reasoning without a signature is no provider's to be sent back, and stays here.
//!
//! Anthropic does not say when an answer was made: `created` is when it came.

use bytes::Bytes;

use super::{NoAnswer, Options, Refused, Translate, TranslateStream, chat};

mod answer;
mod conversation;
mod params;
mod request;
mod stream;
mod version;

/// Chat Completions for callers, Anthropic's Messages at the provider.
#[derive(Clone, Copy, Debug, Default)]
pub struct OpenAiToAnthropic;

// === impl OpenAiToAnthropic ===

impl Translate for OpenAiToAnthropic {
    fn request(&self, body: &[u8], options: &Options<'_>) -> Result<Bytes, Refused> {
        request::translate(body, options)
    }

    fn answer(&self, body: &[u8], created: u64) -> Result<Bytes, NoAnswer> {
        answer::translate(body, created)
    }

    fn stream(&self, request: &[u8], created: u64) -> Box<dyn TranslateStream> {
        let asked: chat::StreamRequest = serde_json::from_slice(request).unwrap_or_default();
        let usage = asked.stream_options.and_then(|options| options.include_usage);
        Box::new(stream::Stream::new(usage == Some(true), created))
    }
}
