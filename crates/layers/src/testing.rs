//! What the tests of several modules share.

use std::error::Error as StdError;
use std::fmt;
use std::time::Duration;

use secondwind_policy::{Class, Policy, PolicyBuilder};
use secondwind_testkit::contract::Step;
use tokio::time::Instant;

use crate::classify::{ClassifyFn, Opinion, Verdict, classify_fn};
use crate::kind::Scoped;

/// An error that says itself what it means.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Failed(pub(crate) Verdict);

pub(crate) type Word = fn(Result<&u32, &Failed>) -> Opinion;

impl fmt::Display for Failed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} failed", self.0.class)
    }
}

impl StdError for Failed {}

/// Takes a [`Failed`] by its word.
pub(crate) fn by_its_word() -> ClassifyFn<Word, u32, Failed> {
    classify_fn(|outcome| match outcome {
        Ok(_) => Opinion::Success,
        Err(Failed(verdict)) => (*verdict).into(),
    })
}

pub(crate) fn failed(class: Class) -> Failed {
    Failed(Verdict::new(class))
}

/// A step of a script that fails.
pub(crate) fn fail(class: Class) -> Step<u32, Failed> {
    Step::fail(failed(class))
}

/// A step of a script that fails and asks for a wait.
pub(crate) fn fail_with_hint(class: Class, hint: Duration) -> Step<u32, Failed> {
    Step::fail(Failed(Verdict::new(class).with_hint(hint)))
}

/// A policy whose own waits are exactly as long as `retry_after` says, which is not at all.
pub(crate) fn prompt() -> PolicyBuilder {
    Policy::builder().backoff(Duration::ZERO, 1.0, Duration::ZERO)
}

/// A request with a context, both beginning now.
pub(crate) fn scoped(request: &str) -> Scoped<String> {
    Scoped::new(request.to_owned(), Instant::now())
}

pub(crate) fn secs(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

pub(crate) fn ms(milliseconds: u64) -> Duration {
    Duration::from_millis(milliseconds)
}
