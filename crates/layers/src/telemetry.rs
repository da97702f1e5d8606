//! The names of the layers' spans and events, in one place.
//!
//! | what | level | fields |
//! |---|---|---|
//! | span `request` | INFO | `group` |
//! | span `attempt` | DEBUG | `group`, `deployment`, `attempt` (1 for the first of its layer), `waited_ms`, `class` |
//! | event of each decision | DEBUG | `class`, `next` (`repeat`, `again`, `move_on`, or why it stops), `wait_ms` |
//! | event `the failure before stands` | DEBUG | `next` (why the attempt that was decided on came to nothing) |
//! | event `falling back` | INFO | `from`, `to`, `class` |
//!
//! Where nobody listens nothing of it is computed.

use std::time::Duration;

use tracing::field::Empty;
use tracing::{Level, Span, debug, debug_span, enabled, info, info_span};

use crate::classify::Verdict;
use crate::context::Context;
use crate::retry::Next;
use crate::trail::Stop;

/// Calls within the span, where there is one.
#[inline]
pub(crate) fn within<T>(span: Option<&Span>, call: impl FnOnce() -> T) -> T {
    match span {
        None => call(),
        Some(span) => span.in_scope(call),
    }
}

/// The span of an attempt; `None` where nobody listens. In a box, so that it weighs little where it is not.
#[inline]
pub(crate) fn attempt_span(
    context: Option<&Context>,
    attempt: u32,
    waited: Duration,
) -> Option<Box<Span>> {
    enabled!(Level::DEBUG).then(|| Box::new(new_attempt_span(context, attempt, waited)))
}

#[cold]
fn new_attempt_span(context: Option<&Context>, attempt: u32, waited: Duration) -> Span {
    let span = debug_span!(
        "attempt",
        group = Empty,
        deployment = Empty,
        attempt,
        waited_ms = millis(waited),
        class = Empty
    );
    if let Some(context) = context {
        if let Some(group) = context.group() {
            span.record("group", &*group);
        }
        if let Some(deployment) = context.deployment() {
            span.record("deployment", &*deployment);
        }
    }
    span
}

/// The span of a whole request, for the layer that makes its context.
#[inline]
pub(crate) fn request_span(context: Option<&Context>) -> Option<Box<Span>> {
    context.filter(|_| enabled!(Level::INFO)).map(|context| Box::new(new_request_span(context)))
}

#[cold]
fn new_request_span(context: &Context) -> Span {
    let span = info_span!("request", group = Empty);
    if let Some(group) = context.group() {
        span.record("group", &*group);
    }
    span
}

/// Tells the span of the whole request, where this is inside of one, which group it asks for.
#[inline]
pub(crate) fn entered_group(group: &str) {
    if enabled!(Level::INFO) {
        Span::current().record("group", group);
    }
}

pub(crate) fn decided(span: Option<&Span>, verdict: &Verdict, next: Next) {
    let Some(span) = span else { return };
    let class = verdict.class.name();
    span.record("class", class);
    span.in_scope(|| match next {
        Next::Repeat => debug!(class, next = "repeat", "it was never sent"),
        Next::Again { wait } => debug!(class, next = "again", wait_ms = millis(wait), "retrying"),
        Next::MoveOn { .. } => debug!(class, next = "move_on", "giving way to a sibling"),
        Next::Stop(why) => debug!(class, next = why.name(), "no further attempt here"),
    });
}

pub(crate) fn stands(span: Option<&Span>, why: Stop) {
    let _entered = span.map(Span::enter);
    debug!(next = why.name(), "the failure before stands");
}

pub(crate) fn falling_back(from: &str, to: &str, verdict: &Verdict) {
    info!(from, to, class = verdict.class.name(), "falling back");
}

fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}
