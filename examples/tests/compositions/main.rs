//! The layers over the clients, and inside the servers, that people have; and the examples, run.
//!
//! Each composition makes real requests over loopback that fail first.

// In a test a panic is the report.
#![allow(clippy::unwrap_used)]

mod axum;
mod examples;
mod hyper;
mod reqwest;
mod tonic;

use std::time::Duration;

use secondwind::policy::PolicyBuilder;
use secondwind::{Class, Policy, Trail};

/// What a chat request says.
const QUESTION: &str = r#"{"model": "gpt-4o-mini", "messages": []}"#;

/// The default policy, with waits that a test can wait for.
fn quick() -> PolicyBuilder {
    Policy::builder()
        .backoff(Duration::from_millis(1), 2.0, Duration::from_millis(4))
        .non_idempotent(true)
}

/// What went wrong, attempt by attempt; `None` is an answer.
fn classes(trail: &Trail) -> Vec<Option<Class>> {
    trail.attempts().iter().map(|attempt| attempt.class).collect()
}
