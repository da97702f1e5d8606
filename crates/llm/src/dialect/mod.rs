//! The seam between the router and the APIs of providers.
//!
//! A [`Dialect`] says how a request is addressed and signed, which headers may pass either way, what
//! a failed reply means, and how an error of ours is written. It does no I/O and knows no deployment.
//! [`by_name`] finds the one that a configured model name begins with.
//!
//! A new dialect is one file here, a line in [`builtin`], and recorded replies in
//! `testdata/`*name*`/`, each with its class in its file's name.
//!
//! ```
//! use secondwind_llm::dialect::{Endpoint, by_name};
//!
//! let provider = by_name("groq").ok_or("unknown")?;
//! assert_eq!(provider.api_base, Some("https://api.groq.com/openai/v1"));
//! let path = provider.dialect.endpoint_path(Endpoint::ChatCompletions, "llama-3.3", false);
//! assert_eq!(path.as_deref(), Some("/chat/completions"));
//! # Ok::<(), &'static str>(())
//! ```

use std::borrow::Cow;
use std::fmt;
use std::time::SystemTime;

use bytes::Bytes;
use http::{HeaderMap, HeaderName, StatusCode};
use secondwind_layers::classify::Verdict;

use crate::stream::StreamDialect;

mod anthropic;
mod azure;
pub mod builtin;
mod error;
mod event_stream;
mod gemini;
mod headers;
mod openai;
mod openai_chat;
mod reply;

pub use self::anthropic::Anthropic;
pub use self::azure::Azure;
pub use self::builtin::{Provider, by_name};
pub use self::error::{ErrorDetail, ErrorReply, InvalidKey, kind_of};
pub use self::gemini::Gemini;
pub use self::openai::OpenAi;
pub use self::openai_chat::OpenAiChat;

/// One API of providers: its addresses, headers, errors.
pub trait Dialect: fmt::Debug + Send + Sync {
    /// Its name in logs and metrics: `openai_chat`.
    fn name(&self) -> &'static str;

    /// Where `endpoint` is, behind a deployment's base URL: a path with a leading slash, and a query where there has
    /// to be one. `None` where the API has no such endpoint. In some APIs it depends on the model, and on whether
    /// a stream is asked for.
    fn endpoint_path(
        &self,
        endpoint: Endpoint,
        model: &str,
        stream: bool,
    ) -> Option<Cow<'static, str>>;

    /// Where OpenAI's own API begins behind a deployment's base URL, whose path is `base`, as far as it is an account's:
    /// files, batches and the like. `None` where another API is spoken, to which nothing can be passed through.
    fn account_base<'a>(&self, base: &'a str) -> Option<&'a str> {
        let _ = base;
        None
    }

    /// The headers that carry `key`, all of them marked as sensitive.
    ///
    /// # Errors
    /// Where `key` has characters that no header can carry.
    fn auth(&self, key: &str) -> Result<HeaderMap, InvalidKey>;

    /// Whether a caller's header may reach the provider. The names that may are few and listed: what
    /// is not known to be harmless stays here.
    fn forwards(&self, name: &HeaderName) -> bool;

    /// Whether a provider's header may reach the caller. What is about the connection, about the
    /// provider's origin or about the operator's account may not, nor may what looks like ours.
    fn relays(&self, name: &HeaderName) -> bool {
        headers::relays(name)
    }

    /// What of a caller's headers is sent to the provider; the deployment's own are put on top.
    fn request_headers(&self, caller: &HeaderMap) -> HeaderMap {
        headers::filtered(caller, headers::TO_PROVIDERS, |name| self.forwards(name))
    }

    /// What of a provider's headers is sent to the caller.
    fn reply_headers(&self, provider: &HeaderMap) -> HeaderMap {
        headers::filtered(provider, headers::TO_CALLERS, |name| self.relays(name))
    }

    /// What it knows of the streams of `endpoint`; `None` where that has none.
    fn streams(&self, endpoint: Endpoint) -> Option<&'static dyn StreamDialect> {
        let _ = endpoint;
        None
    }

    /// The verdict on a reply whose status is not a success.
    ///
    /// `body` is as much of it as was read; `now` is what a date in a wait hint is compared with.
    fn classify_error(
        &self,
        status: StatusCode,
        headers: &HeaderMap,
        body: &[u8],
        now: SystemTime,
    ) -> Verdict;

    /// The verdict on the head of a reply whose status is a success, before its body is read: `None`
    /// where it may be an answer.
    fn classify_ok_head(&self, status: StatusCode, headers: &HeaderMap) -> Option<Verdict>;

    /// The verdict on the whole JSON body of a reply whose status is a success: `None` where it is an
    /// answer. An error in it is of the class that it says; what is no answer is a failure, too.
    fn classify_ok_body(
        &self,
        endpoint: Endpoint,
        headers: &HeaderMap,
        body: &[u8],
        now: SystemTime,
    ) -> Option<Verdict>;

    /// What a failed reply's body says, without the keys in it.
    fn error_detail(&self, body: &[u8]) -> ErrorDetail;

    /// An error of ours as this dialect's callers expect it: a body of type `application/json`.
    fn error_body(&self, error: &ErrorReply<'_>) -> Bytes;
}

/// What is asked of a provider.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
#[non_exhaustive]
pub enum Endpoint {
    /// A conversation to go on with.
    ChatCompletions,
    /// A text to go on with.
    Completions,
    /// Texts to turn into vectors.
    Embeddings,
    /// OpenAI's Responses: a conversation to go on with, in items.
    Responses,
    /// Anthropic's Messages: the same, in blocks.
    Messages,
    /// Gemini's `generateContent`: the same, in parts.
    GenerateContent,
    /// Whatever else there is in OpenAI's API, passed through as it is.
    Other,
}

#[cfg(test)]
mod tests;
