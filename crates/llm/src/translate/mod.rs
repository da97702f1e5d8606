//! The seam between callers of one API and providers of another.
//!
//! A [`Translate`] turns the request of a caller into the provider's, and the provider's answer,
//! whole or as a stream, into the caller's. It is pure: no I/O, no clock, no deployment. A pair is
//! one folder here; the vocabularies, each written down once, are in `chat.rs`, `messages.rs`,
//! `gemini.rs` and `responses.rs`.
//!
//! - **Nothing is lost silently.** What the provider has no word for is refused as
//!   [`RefusedKind::UnsupportedParams`], naming the field, or left out where
//!   [`Options::drop_params`] says so. A field at its default says nothing and is always left out.
//!   Content that has no counterpart (audio, say) is refused in either case: without it, it would
//!   be another question.
//! - **What neither knows passes.** Fields that are in nobody's documentation as of writing are
//!   sent on as they are, on the request, its parts and its tools. A field of the *provider's* API
//!   that the caller's has another word for is a mistake, and refused with that word.
//! - **Bytes stay where they can.** Schemas, tool inputs and arguments keep their order and
//!   numbers.
//!
//! ```
//! use secondwind_llm::translate::{OpenAiToAnthropic, Options, Translate};
//!
//! let asked = br#"{"model": "fast", "messages": [{"role": "user", "content": "Hi"}], "seed": 7}"#;
//! let options = Options::new("claude-sonnet-4-5");
//! let refused = OpenAiToAnthropic.request(asked, &options).unwrap_err();
//! assert_eq!(refused.param.as_deref(), Some("seed"));
//!
//! let request = OpenAiToAnthropic.request(asked, &Options { drop_params: true, ..options })?;
//! assert!(request.starts_with(br#"{"model":"claude-sonnet-4-5","max_tokens":4096,"#));
//! # Ok::<(), secondwind_llm::translate::Refused>(())
//! ```

use std::fmt;

use bytes::Bytes;

mod anthropic_to_openai;
mod chain;
mod chat;
mod chunk;
mod error;
mod fault;
mod gemini;
mod image;
mod messages;
mod openai_to_anthropic;
mod openai_to_gemini;
mod pairs;
mod responses;
mod responses_to_openai;
mod sse;
mod unsaid;
mod wire;

pub use self::anthropic_to_openai::AnthropicToOpenAi;
pub use self::error::{Malformed, NoAnswer, Refused, RefusedKind};
pub use self::openai_to_anthropic::OpenAiToAnthropic;
pub use self::openai_to_gemini::OpenAiToGemini;
pub use self::pairs::over;
pub use self::responses_to_openai::ResponsesToOpenAi;

/// A caller's API over a provider's.
pub trait Translate: fmt::Debug + Send + Sync {
    /// The provider's request for a caller's.
    ///
    /// # Errors
    /// Where the request is none of the caller's API, or asks for what the provider does not have.
    fn request(&self, body: &[u8], options: &Options<'_>) -> Result<Bytes, Refused>;

    /// The caller's answer for a provider's whole JSON answer. `created` is when it was made, in seconds since 1970,
    /// for APIs that tell it and providers that do not.
    ///
    /// # Errors
    /// Where the body is no answer, or not a finished one.
    fn answer(&self, body: &[u8], created: u64) -> Result<Bytes, NoAnswer>;

    /// The translation of one stream, event by event. `request` is the caller's body: it says what
    /// the stream is to carry; `created` is as that of an answer.
    fn stream(&self, request: &[u8], created: u64) -> Box<dyn TranslateStream>;
}

/// The translation of one stream.
pub trait TranslateStream: fmt::Debug + Send {
    /// Writes to `out` what the caller gets for one event of the provider: complete events, or
    /// nothing. `name` is the event's `event:`, `data` what its `data:` lines say.
    ///
    /// # Errors
    /// Where the event is an error told in-band, or none that can follow those before it. Nothing
    /// is written then.
    fn event(
        &mut self,
        name: Option<&str>,
        data: &[u8],
        out: &mut Vec<u8>,
    ) -> Result<(), Malformed>;
}

/// What a translation needs to know of the deployment.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Options<'a> {
    /// The provider's name of the model, in the place of the caller's.
    pub model: &'a str,
    /// Whether parameters without a counterpart are left out instead of refused.
    pub drop_params: bool,
    /// How long an answer may be where the caller does not say but the provider needs to be told.
    pub default_max_tokens: u32,
}

// === impl Options ===

impl<'a> Options<'a> {
    /// For the provider's `model`: nothing is dropped, answers of up to 4096 tokens.
    #[must_use]
    pub const fn new(model: &'a str) -> Self {
        Self { model, drop_params: false, default_max_tokens: 4096 }
    }

    /// What to do with a parameter that has no counterpart: leave it out, or refuse.
    fn unsupported(&self, param: impl Into<String>, message: &str) -> Result<(), Refused> {
        if self.drop_params { Ok(()) } else { Err(Refused::unsupported(param, message)) }
    }
}

#[cfg(test)]
mod tests;
