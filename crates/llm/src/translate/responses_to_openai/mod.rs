//! Callers that speak OpenAI's Responses, over providers that speak Chat Completions.
//!
//! | asked | sent |
//! |---|---|
//! | `instructions` | a first message of role `system` |
//! | `input`, a string or messages of `input_text`, `input_image`, `output_text` | messages |
//! | `function_call` items, `function_call_output` | `tool_calls` of the assistant's message before, a message of role `tool` |
//! | `reasoning` items | nothing: no provider takes another's thoughts back |
//! | `tools` of type `function`, `tool_choice` | the same, each in its own object |
//! | `max_output_tokens` | `max_completion_tokens` where an OpenAI model needs it, else `max_tokens` |
//! | `text.format`, `text.verbosity` | `response_format`, `verbosity` |
//! | `reasoning.effort`, `reasoning.summary: "auto"` | `reasoning_effort`, nothing: what the provider says of its thoughts is told |
//! | `stream` | with `stream_options.include_usage`: streams of Responses always tell their usage |
//!
//! Nothing is stored. What refers to something that is (`previous_response_id`, `conversation`,
//! `prompt`, `item_reference`) is refused, `drop_params` or not: without it, it would be another
//! question. So is what only OpenAI's own tools can answer; the tools themselves may be dropped.
//!
//! An answer does not repeat its request: `instructions`, `tools`, `temperature` … are as if nothing had
//! been asked for. Reasoning is told as an item of its own, before the message and the calls. An answer
//! that was cut or filtered is `incomplete`.

use bytes::Bytes;

use super::{NoAnswer, Options, Refused, Translate, TranslateStream};

mod answer;
mod input;
mod item;
mod request;
mod stream;
mod tools;

/// OpenAI's Responses for callers, Chat Completions at the provider.
#[derive(Clone, Copy, Debug, Default)]
pub struct ResponsesToOpenAi;

// === impl ResponsesToOpenAi ===

impl Translate for ResponsesToOpenAi {
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
