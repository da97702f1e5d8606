//! Callers that speak OpenAI's Chat Completions, over providers that speak Gemini's `generateContent`.
//!
//! | asked | sent |
//! |---|---|
//! | `model`, `stream` | nothing: Gemini reads both from the address |
//! | `system` and `developer` messages, wherever they stand | `systemInstruction`, in their order |
//! | `user`, `assistant` | a content of role `user`, `model` |
//! | an image in a data URL, one by its URL | `inlineData`, `fileData` |
//! | `tool` messages one after another | one content with their `functionResponse`s; text that is no JSON object as its `output` |
//! | `tools`, their `parameters` | `functionDeclarations`, `parametersJsonSchema` as it is written |
//! | `strict` of any tool that the model may call as it likes | mode `VALIDATED` |
//! | `tool_choice` | `functionCallingConfig`: `AUTO`, `NONE`, `ANY`, and `ANY` with a name |
//! | `max_completion_tokens`, `max_tokens` | `maxOutputTokens` |
//! | `n`, `stop`, `seed`, the samplings and penalties | the same in `generationConfig` |
//! | `response_format` | `responseMimeType`, `responseJsonSchema` as it is written |
//! | `reasoning_effort` | `thinkingConfig`: a level from Gemini 3 on; before, a budget of 0 (none), 1024 (minimal, low), 8192 (medium) or 24576 tokens |
//!
//! Thoughts go to the caller as `reasoning_content`. Calls carry the signatures that Gemini wants back
//! as `extra_content.google.thought_signature`, as in Google's own layer for OpenAI's API. To Gemini 3,
//! which takes no call of this turn without one, a call of another provider's goes with the word that
//! Google has for that. Signatures of text, which nothing depends on, stay here.
//!
//! A prompt that was blocked is an answer that refuses, with the finish reason `content_filter`, as an
//! answer is that was filtered. A generation that went wrong (`MALFORMED_FUNCTION_CALL`, `OTHER` …) is
//! none. Gemini does not say when an answer was made: `created` is when it came.

use bytes::Bytes;

use super::{NoAnswer, Options, Refused, Translate, TranslateStream};

mod answer;
mod conversation;
mod params;
mod part;
mod request;
mod stream;
mod version;

/// Chat Completions for callers, Gemini's `generateContent` at the provider.
#[derive(Clone, Copy, Debug, Default)]
pub struct OpenAiToGemini;

// === impl OpenAiToGemini ===

impl Translate for OpenAiToGemini {
    fn request(&self, body: &[u8], options: &Options<'_>) -> Result<Bytes, Refused> {
        request::translate(body, options)
    }

    fn answer(&self, body: &[u8], created: u64) -> Result<Bytes, NoAnswer> {
        answer::translate(body, created)
    }

    fn stream(&self, request: &[u8], created: u64) -> Box<dyn TranslateStream> {
        Box::new(stream::Stream::new(request, created))
    }
}
