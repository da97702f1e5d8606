//! Reads from response headers how long the server asks to be left alone.
//!
//! Pure parsing: which statuses may carry a hint, how long a hint is worth waiting for, and what to
//! do otherwise is for the caller to decide. The wall clock comes in as a value.
//!
//! # What is read
//!
//! In this order, and the first that can be read is the answer:
//!
//! | header | value |
//! |---|---|
//! | `retry-after-ms` | milliseconds |
//! | `x-ms-retry-after-ms` | milliseconds |
//! | `retry-after` | seconds, or one of the three HTTP dates (RFC 9110, 10.2.3 and 5.6.7) |
//!
//! Numbers may have decimals and are rounded up to the millisecond, so that nobody comes back too
//! early. A date that has passed is a wait of zero.
//!
//! # What is not
//!
//! A sign, an exponent, a unit, a list, `inf`, a number that begins or ends with its point, a date
//! whose day of the week is wrong, and a header that came twice, all count as absent. A number too
//! large for a [`Duration`] is a valid wish, though an absurd one: it is [`Duration::MAX`].

use http::{HeaderMap, header};
use std::time::{Duration, SystemTime};

const MILLISECONDS: [&str; 2] = ["retry-after-ms", "x-ms-retry-after-ms"];
const SHOULD_RETRY: &str = "x-should-retry";

/// How long the server asks to wait, as it said, uncapped; `None` where it said nothing readable.
///
/// `now` is what a date is compared with. The module's docs tell what is read, and what is not.
#[must_use]
pub fn retry_after(headers: &HeaderMap, now: SystemTime) -> Option<Duration> {
    let milliseconds = |name: &&str| decimal(only(headers, name)?, 0);
    if let Some(wait) = MILLISECONDS.iter().find_map(milliseconds) {
        return Some(wait);
    }
    let value = only(headers, header::RETRY_AFTER.as_str())?;
    decimal(value, 3).or_else(|| until(value, now))
}

/// What the server says of whether to retry at all (`x-should-retry: true` or `false`).
#[must_use]
pub fn should_retry(headers: &HeaderMap) -> Option<bool> {
    let value = only(headers, SHOULD_RETRY)?;
    if value.eq_ignore_ascii_case("true") {
        Some(true)
    } else if value.eq_ignore_ascii_case("false") {
        Some(false)
    } else {
        None
    }
}

/// The value of a header that came once, without the white space around it.
fn only<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    let mut values = headers.get_all(name).iter();
    let value = values.next()?;
    // Two lines mean the same as one line with a comma, and that is no number.
    if values.next().is_some() {
        return None;
    }
    Some(value.to_str().ok()?.trim_matches([' ', '\t']))
}

/// A plain decimal number as a wait; `places` is 3 where it counts seconds, 0 for milliseconds.
fn decimal(text: &str, places: usize) -> Option<Duration> {
    let (whole, fraction) = match text.split_once('.') {
        Some((_, "")) => return None,
        Some(parts) => parts,
        None => (text, ""),
    };
    let digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    if whole.is_empty() || !digits(whole) || !digits(fraction) {
        return None;
    }

    let (kept, dropped) = fraction.split_at(fraction.len().min(places));
    let padding = std::iter::repeat_n(b'0', places - kept.len());
    let milliseconds =
        (whole.bytes()).chain(kept.bytes()).chain(padding).fold(0_u128, |number, digit| {
            number.saturating_mul(10).saturating_add(u128::from(digit - b'0'))
        });
    let more = dropped.bytes().any(|digit| digit != b'0');
    let milliseconds = milliseconds.saturating_add(u128::from(more));

    let wait = u64::try_from(milliseconds / 1000).map_or(Duration::MAX, |seconds| {
        Duration::new(seconds, (milliseconds % 1000) as u32 * 1_000_000)
    });
    Some(wait)
}

/// The wait until an HTTP date.
fn until(text: &str, now: SystemTime) -> Option<Duration> {
    // `httpdate` takes any character between an RFC 850 date (the only form with dashes) and its
    // time.
    if text.contains('-') && text.split(' ').count() != 4 {
        return None;
    }
    let date = httpdate::parse_http_date(text).ok()?;
    Some(date.duration_since(now).unwrap_or(Duration::ZERO))
}

#[cfg(test)]
mod tests;
