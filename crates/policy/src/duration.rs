//! Durations as people write them: seconds as a number, or text such as `1m30s`.

use std::time::Duration;

#[cfg(test)]
mod tests;

/// What a duration may be written as; said in errors and in the schema.
pub(crate) const FORMS: &str = "a number of seconds, or text such as `250ms`, `2s` or `1m30s`";

/// Longer durations are mistakes, and would overflow a clock.
pub(crate) const LONGEST: Duration = Duration::from_secs(365 * 24 * 60 * 60);

/// The units and their nanoseconds, from large to small.
const UNITS: [(&str, u128); 7] = [
    ("d", 24 * 60 * 60 * 1_000_000_000),
    ("h", 60 * 60 * 1_000_000_000),
    ("m", 60 * 1_000_000_000),
    ("s", 1_000_000_000),
    ("ms", 1_000_000),
    ("us", 1_000),
    ("ns", 1),
];

/// Reads a number of seconds. The error says what to write.
pub(crate) fn from_seconds(seconds: f64) -> Result<Duration, String> {
    if !seconds.is_finite() {
        return Err(format!("must be {FORMS}, not {seconds}"));
    }
    if seconds < 0.0 {
        return Err(format!("must not be negative ({seconds})"));
    }
    within(Duration::try_from_secs_f64(seconds).unwrap_or(Duration::MAX))
}

/// Reads text such as `1m30s`. The error says what to write.
pub(crate) fn parse(text: &str) -> Result<Duration, String> {
    let trimmed = text.trim();
    if trimmed.is_empty() {
        return Err(format!("must not be empty; write {FORMS}"));
    }
    if trimmed.starts_with('-') {
        return Err(format!("must not be negative (`{trimmed}`)"));
    }
    if trimmed.parse::<f64>().is_ok_and(f64::is_finite) {
        return Err(format!("`{trimmed}` has no unit; write `{trimmed}s`, or the number alone"));
    }
    let mut nanos: u128 = 0;
    let mut units = &UNITS[..];
    let mut rest = trimmed;
    while !rest.is_empty() {
        let (number, after) = split(rest, |c| c.is_ascii_digit() || c == '.');
        let (unit, after) = split(after.trim_start(), char::is_alphabetic);
        let malformed = || format!("`{trimmed}` is not a duration; write {FORMS}");
        if number.is_empty() {
            return Err(malformed());
        }
        if unit.is_empty() && after.is_empty() {
            return Err(format!("`{number}` has no unit in `{trimmed}`; write `{number}s`"));
        }
        // The micro sign and the Greek letter look the same.
        let unit = if matches!(unit, "µs" | "μs") { "us" } else { unit };
        let Some(place) = units.iter().position(|(name, _)| *name == unit) else {
            return Err(if UNITS.iter().any(|(name, _)| *name == unit) {
                format!("`{trimmed}` must name each unit once, from large to small")
            } else {
                format!("unknown unit `{unit}` in `{trimmed}`; use d, h, m, s, ms, us or ns")
            });
        };
        let part = scale(number, units[place].1).ok_or_else(malformed)?;
        nanos = nanos.saturating_add(part);
        units = &units[place + 1..];
        rest = after.trim_start();
    }
    let seconds = u64::try_from(nanos / 1_000_000_000).unwrap_or(u64::MAX);
    within(Duration::new(seconds, (nanos % 1_000_000_000) as u32))
}

/// Writes a duration so that it reads back as the same one: `0s`, `250ms`, `1m30s`, `1h0.5s`.
pub(crate) fn show(duration: Duration) -> String {
    let (seconds, nanos) = (duration.as_secs(), duration.subsec_nanos());
    if seconds == 0 && nanos > 0 {
        return match nanos {
            n if n % 1_000_000 == 0 => format!("{}ms", n / 1_000_000),
            n if n % 1_000 == 0 => format!("{}us", n / 1_000),
            n => format!("{n}ns"),
        };
    }
    let (hours, minutes, seconds) = (seconds / 3600, seconds / 60 % 60, seconds % 60);
    let mut text = String::new();
    if hours > 0 {
        text.push_str(&format!("{hours}h"));
    }
    if minutes > 0 {
        text.push_str(&format!("{minutes}m"));
    }
    if nanos > 0 {
        let fraction = format!("{nanos:09}");
        text.push_str(&format!("{seconds}.{}s", fraction.trim_end_matches('0')));
    } else if seconds > 0 || text.is_empty() {
        text.push_str(&format!("{seconds}s"));
    }
    text
}

/// `duration`, if it is one that a clock can take.
pub(crate) fn within(duration: Duration) -> Result<Duration, String> {
    if duration > LONGEST {
        return Err("must not be longer than a year".to_owned());
    }
    Ok(duration)
}

/// The longest beginning of `text` made of such characters, and what follows.
fn split(text: &str, belongs: impl Fn(char) -> bool) -> (&str, &str) {
    text.split_at(text.find(|c| !belongs(c)).unwrap_or(text.len()))
}

/// `number`, a decimal, times `unit`; what is finer than a nanosecond is dropped.
fn scale(number: &str, unit: u128) -> Option<u128> {
    let (whole, fraction) = number.split_once('.').unwrap_or((number, "0"));
    let fraction = fraction.get(..18).unwrap_or(fraction);
    if whole.is_empty() {
        return None;
    }
    // Digits only, so what does not parse is too large.
    let whole = whole.parse::<u128>().unwrap_or(u128::MAX).saturating_mul(unit);
    let part = fraction.parse::<u128>().ok()? * unit / 10_u128.pow(fraction.len() as u32);
    Some(whole.saturating_add(part))
}
