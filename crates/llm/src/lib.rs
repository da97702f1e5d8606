//! Dialects of HTTP LLM APIs: what a request asks, what an error means.
//!
//! - [`peek`](mod@peek) reads the model and the stream flag of a request body, and nothing else of it.
//! - [`body`] sends the same body with another model's name in it.
//! - [`dialect`] is the seam: addresses, keys, headers and errors of one API.
//! - [`redact`](mod@redact) keeps keys out of what is passed on.
//!
//! Nothing here does I/O, reads a clock or knows a deployment.

pub mod body;
mod classify;
pub mod dialect;
pub mod peek;
mod rate_limit {
    pub(crate) fn until_reset(
        _: &http::HeaderMap,
        _: std::time::SystemTime,
    ) -> Option<std::time::Duration> {
        None
    }
}
pub mod redact;
