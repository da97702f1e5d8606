//! Reads from rate limit headers when the limit that is used up begins anew.
//!
//! OpenAI and those who speak like it send, for each of several limits, what remains of it and how
//! long it takes to be full again:
//!
//! ```text
//! x-ratelimit-remaining-requests: 59        x-ratelimit-reset-requests: 1s
//! x-ratelimit-remaining-tokens:   0         x-ratelimit-reset-tokens:   6m0s
//! ```
//!
//! Only a limit with nothing left says something about when to come back: here in six minutes. It is
//! the weakest of the hints, so it is asked for after `retry-after` and what the body says.
//!
//! The wait is a duration as Go writes it (`6m0s`, `120ms`, `1m26.4s`), or a plain number of seconds
//! (Azure, Cerebras), and is rounded up to the millisecond. What cannot be read, is negative or does
//! not fit what Go can hold counts as absent.

use http::{HeaderMap, HeaderValue};
use std::time::Duration;

/// The limits: for each, the header that tells what remains, and the one that tells for how long.
const LIMITS: [(&str, &str); 4] = [
    ("x-ratelimit-remaining-requests", "x-ratelimit-reset-requests"),
    ("x-ratelimit-remaining-tokens", "x-ratelimit-reset-tokens"),
    // Cerebras has one limit a day and one a minute.
    ("x-ratelimit-remaining-requests-day", "x-ratelimit-reset-requests-day"),
    ("x-ratelimit-remaining-tokens-minute", "x-ratelimit-reset-tokens-minute"),
];

/// How Go writes the units of a duration, and how many nanoseconds each is.
const UNITS: [(&str, u128); 8] = [
    ("ns", 1),
    ("us", 1_000),
    ("\u{b5}s", 1_000),  // the micro sign
    ("\u{3bc}s", 1_000), // the Greek letter mu
    ("ms", 1_000_000),
    ("s", 1_000_000_000),
    ("m", 60 * 1_000_000_000),
    ("h", 3600 * 1_000_000_000),
];

/// How long until every limit that is used up has begun anew; `None` where none is, or none says.
#[must_use]
pub fn rate_limit_reset(headers: &HeaderMap) -> Option<Duration> {
    LIMITS
        .iter()
        .filter(|(remaining, _)| headers.get(*remaining).is_some_and(is_used_up))
        .filter_map(|(_, reset)| wait(headers.get(*reset)?))
        .max()
}

fn is_used_up(remaining: &HeaderValue) -> bool {
    let remaining = remaining.to_str().unwrap_or_default().trim();
    // Some count on below zero.
    remaining.parse::<i64>().is_ok_and(|left| left <= 0)
}

/// Reads a reset header: a Go duration, or a number of seconds.
fn wait(value: &HeaderValue) -> Option<Duration> {
    // Not `to_str`: the micro sign is not ASCII.
    let text = std::str::from_utf8(value.as_bytes()).ok()?.trim();
    let nanos = go_duration(text).or_else(|| seconds(text))?;
    let milliseconds = nanos.div_ceil(1_000_000);
    u64::try_from(milliseconds).ok().map(Duration::from_millis)
}

/// Nanoseconds of a duration that Go's `time.ParseDuration` takes, unless it is negative.
fn go_duration(text: &str) -> Option<u128> {
    let mut rest = text.strip_prefix('+').unwrap_or(text);
    if rest == "0" {
        return Some(0);
    }
    if rest.is_empty() {
        return None;
    }
    let mut total = 0_u128;
    while !rest.is_empty() {
        let (whole, fraction, after) = number(rest)?;
        let end = after.find(|c: char| c == '.' || c.is_ascii_digit()).unwrap_or(after.len());
        let (name, next) = after.split_at(end);
        let (_, unit) = UNITS.iter().find(|(unit, _)| *unit == name)?;
        total = total.checked_add(nanos(whole, fraction, *unit)?)?;
        rest = next;
    }
    Some(total).filter(fits)
}

/// Nanoseconds of a plain number of seconds.
fn seconds(text: &str) -> Option<u128> {
    let (whole, fraction, after) = number(text)?;
    let written_out = !whole.is_empty() && (!fraction.is_empty() || !text.contains('.'));
    if !after.is_empty() || !written_out {
        return None;
    }
    nanos(whole, fraction, 1_000_000_000).filter(fits)
}

/// Splits off a number: its digits before and after the point (one of the two may be missing), and
/// what follows.
fn number(text: &str) -> Option<(&str, &str, &str)> {
    let (whole, rest) = digits(text);
    let (fraction, rest) = rest.strip_prefix('.').map_or(("", rest), digits);
    (!whole.is_empty() || !fraction.is_empty()).then_some((whole, fraction, rest))
}

fn digits(text: &str) -> (&str, &str) {
    let end = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    text.split_at(end)
}

/// So many units in nanoseconds, cut off after the last whole one as Go does.
fn nanos(whole: &str, fraction: &str, unit: u128) -> Option<u128> {
    let whole = if whole.is_empty() {
        0
    } else {
        // More digits than this are more than Go can hold.
        whole.parse::<u128>().ok()?.checked_mul(unit)?
    };
    // Further digits are less than a nanosecond of the largest unit.
    let places = fraction.len().min(18);
    let (fraction, _) = fraction.split_at(places);
    let (part, scale) = fraction.bytes().fold((0_u128, 1_u128), |(part, scale), digit| {
        (part * 10 + u128::from(digit - b'0'), scale * 10)
    });
    whole.checked_add(part * unit / scale)
}

/// Go holds nanoseconds in 64 bits with a sign.
fn fits(nanos: &u128) -> bool {
    i64::try_from(*nanos).is_ok()
}

#[cfg(test)]
mod tests;
