//! The field of the IETF's drafts: a list of limits (since draft 08), or a dictionary that is about one (draft 07).
//!
//! ```text
//! ratelimit: "burst";r=0;t=5, "daily";r=100;t=36000
//! ratelimit: limit=100, remaining=0, reset=50
//! ```

use std::time::Duration;

/// How long until every limit of the field that is used up has begun anew.
pub(super) fn wait(field: &str) -> Option<Duration> {
    let members: Vec<&str> = split(field, ',')?;
    let first = members.first().and_then(|first| first.split(';').next());
    let is_dictionary = first.is_some_and(|first| named(first).is_some());
    if is_dictionary {
        return used_up(members.iter().copied(), "remaining", "reset");
    }
    let limits = members.into_iter().map(|member| {
        let mut parts = split(member, ';')?.into_iter();
        parts.next().filter(|name| !name.is_empty())?;
        used_up(parts, "r", "t")
    });
    limits.flatten().max()
}

/// The seconds that `reset` names, where `remaining` is nothing.
fn used_up<'a>(
    parts: impl Iterator<Item = &'a str>,
    remaining: &str,
    reset: &str,
) -> Option<Duration> {
    let (mut left, mut seconds) = (None, None);
    for (name, value) in parts.filter_map(named) {
        if name == remaining {
            left = integer(value);
        } else if name == reset {
            seconds = integer(value);
        }
    }
    seconds.filter(|_| left == Some(0)).map(Duration::from_secs)
}

fn named(part: &str) -> Option<(&str, &str)> {
    if part.starts_with('"') { None } else { part.split_once('=') }
}

/// A whole number, not negative, of at most 15 digits.
pub(super) fn integer(text: &str) -> Option<u64> {
    let fits = (1..=15).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_digit());
    if fits { text.parse().ok() } else { None }
}

/// The parts between the separators that are in no string; `None` where a string does not end.
fn split(text: &str, separator: char) -> Option<Vec<&str>> {
    let (mut quoted, mut escaped) = (false, false);
    let parts = text.split(|c: char| {
        if quoted {
            quoted = escaped || c != '"';
            escaped = !escaped && c == '\\';
            return false;
        }
        quoted = c == '"';
        c == separator
    });
    let parts = parts.map(str::trim).collect();
    (!quoted).then_some(parts)
}
