//! Callers that speak Anthropic's Messages, over providers that speak OpenAI's Chat Completions.

use bytes::Bytes;

use super::{NoAnswer, Options, Refused, Translate, TranslateStream};

/// Anthropic's Messages for callers, Chat Completions at the provider.
#[derive(Clone, Copy, Debug, Default)]
#[non_exhaustive]
pub struct AnthropicToOpenAi;
