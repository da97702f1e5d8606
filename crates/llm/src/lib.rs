//! Dialects of HTTP LLM APIs: what a request asks, what an error means.
//!
//! - [`peek`](mod@peek) reads the model and the stream flag of a request body, and nothing else of it.
//! - [`body`] sends the same body with another model's name in it.
//! - [`escapes`] resolves those of URIs.
//! - [`multipart`] reads the model of a form that passes.
//! - [`dialect`] is the seam: addresses, keys, headers and errors of one API.
//! - [`rate_limit`] reads when a limit begins anew.
//! - [`session`](mod@session) finds what requests that belong together have in common.
//! - [`tokens`] estimates how many tokens a request is, and reads how many an answer took.
//! - [`redact`](mod@redact) keeps keys out of what is passed on.
//! - [`sse`] cuts a stream into its events.
//! - [`stream`] follows streamed answers to their end, and puts one behind another.
//! - [`translate`] turns one API's requests, answers and streams into another's.
//!
//! Nothing here does I/O, reads a clock or knows a deployment.

pub mod body;
mod classify;
pub mod dialect;
pub mod escapes;
pub mod multipart;
pub mod peek;
pub mod rate_limit;
pub mod redact;
pub mod session;
pub mod sse;
pub mod stream;
pub mod tokens;
pub mod translate;
