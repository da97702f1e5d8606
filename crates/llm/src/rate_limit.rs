//! Reads from rate limit headers when the limit that is used up begins anew.
//!
//! Providers send, for each of several limits, what remains of it and when it is full again:
//!
//! ```text
//! x-ratelimit-remaining-requests: 59           x-ratelimit-reset-requests: 1s
//! x-ratelimit-remaining-tokens:   0            x-ratelimit-reset-tokens:   6m0s
//! anthropic-ratelimit-requests-remaining: 0    anthropic-ratelimit-requests-reset: 2023-09-29T16:26:57Z
//! ratelimit: "burst";r=0;t=5, "daily";r=100;t=36000
//! ```
//!
//! Only a limit with nothing left says something about when to come back. It is the weakest of the hints, so it
//! is asked for after `retry-after` and what the body says; but it is there before anybody was refused, on the
//! success that used up the last of it.
//!
//! | whose | the wait is |
//! |---|---|
//! | OpenAI, Groq, Azure, Cerebras | a duration as Go writes it (`6m0s`, `120ms`, `1m26.4s`), or a plain number of seconds |
//! | Anthropic | a moment, as RFC 3339 writes it |
//! | OpenRouter, Together | a number: seconds, or a moment in seconds or milliseconds of Unix time |
//! | Mistral | a number of seconds |
//! | the IETF's drafts | seconds, a field for each limit up to draft 06, one field for all since |
//!
//! A wait is rounded up to the millisecond; a moment that has passed is a wait of none. What cannot be read, is
//! negative or does not fit counts as absent.

mod go;
mod ietf;
mod rfc3339;

use http::{HeaderMap, HeaderValue};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// How a header tells for how long.
#[derive(Clone, Copy)]
enum Form {
    /// A Go duration or seconds.
    Duration,
    /// A moment of RFC 3339.
    Moment,
    /// Seconds, or a moment of Unix time.
    Number,
    /// Whole seconds.
    Seconds,
}

/// The limits: for each, the header that tells what remains, and the one that tells for how long.
const LIMITS: [(&str, &str, Form); 11] = [
    ("x-ratelimit-remaining-requests", "x-ratelimit-reset-requests", Form::Duration),
    ("x-ratelimit-remaining-tokens", "x-ratelimit-reset-tokens", Form::Duration),
    // Cerebras has one limit a day and one a minute.
    ("x-ratelimit-remaining-requests-day", "x-ratelimit-reset-requests-day", Form::Duration),
    ("x-ratelimit-remaining-tokens-minute", "x-ratelimit-reset-tokens-minute", Form::Duration),
    ("anthropic-ratelimit-requests-remaining", "anthropic-ratelimit-requests-reset", Form::Moment),
    ("anthropic-ratelimit-tokens-remaining", "anthropic-ratelimit-tokens-reset", Form::Moment),
    (
        "anthropic-ratelimit-input-tokens-remaining",
        "anthropic-ratelimit-input-tokens-reset",
        Form::Moment,
    ),
    (
        "anthropic-ratelimit-output-tokens-remaining",
        "anthropic-ratelimit-output-tokens-reset",
        Form::Moment,
    ),
    ("x-ratelimit-remaining", "x-ratelimit-reset", Form::Number),
    ("ratelimitbysize-remaining", "ratelimitbysize-reset", Form::Number),
    ("ratelimit-remaining", "ratelimit-reset", Form::Seconds),
];

/// The one field of the IETF's newer drafts.
const IETF: &str = "ratelimit";

/// How long until every limit that is used up has begun anew; `None` where none is, or none says. `now` is what
/// moments are compared with.
#[must_use]
pub fn rate_limit_reset(headers: &HeaderMap, now: SystemTime) -> Option<Duration> {
    // Most answers have none of these headers.
    if !headers.keys().any(|name| name.as_str().contains(IETF)) {
        return None;
    }
    let now = now.duration_since(UNIX_EPOCH).unwrap_or_default();
    let ietf = headers.get_all(IETF).iter().filter_map(|field| ietf::wait(field.to_str().ok()?));
    LIMITS
        .iter()
        .filter(|(remaining, ..)| headers.get(*remaining).is_some_and(is_used_up))
        .filter_map(|(_, reset, form)| wait(headers.get(*reset)?, *form, now))
        .chain(ietf)
        .max()
}

fn is_used_up(remaining: &HeaderValue) -> bool {
    let remaining = remaining.to_str().unwrap_or_default().trim();
    // Some count on below zero.
    remaining.parse::<i64>().is_ok_and(|left| left <= 0)
}

/// Reads a reset header; `now` is the time since the Unix epoch.
fn wait(value: &HeaderValue, form: Form, now: Duration) -> Option<Duration> {
    // Not `to_str`: the micro sign is not ASCII.
    let text = std::str::from_utf8(value.as_bytes()).ok()?.trim();
    let nanos = match form {
        Form::Duration => go::go_duration(text).or_else(|| go::seconds(text))?,
        Form::Moment => rfc3339::moment(text)?.saturating_sub(now).as_nanos(),
        Form::Number => match ietf::integer(text) {
            Some(number) => seconds_or_moment(number, now).as_nanos(),
            None => go::seconds(text)?,
        },
        Form::Seconds => Duration::from_secs(ietf::integer(text)?).as_nanos(),
    };
    let milliseconds = nanos.div_ceil(1_000_000);
    u64::try_from(milliseconds).ok().map(Duration::from_millis)
}

/// What a whole number says: a moment of our times, in seconds or milliseconds, or else seconds to wait.
fn seconds_or_moment(number: u64, now: Duration) -> Duration {
    match number {
        // From 2001 on.
        1_000_000_000..1_000_000_000_000 => Duration::from_secs(number).saturating_sub(now),
        1_000_000_000_000.. => Duration::from_millis(number).saturating_sub(now),
        _ => Duration::from_secs(number),
    }
}

#[cfg(test)]
mod tests;
