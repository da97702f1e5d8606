//! Dialects of HTTP LLM APIs: what a request asks, what an error means.

pub mod body;
pub mod peek;
