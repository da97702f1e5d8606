//! Guesses what of a file may be shown that could not be parsed: rather too little than too much.
//!
//! Shown are keys, and short values of keys that are known and hold no secret. Nobody knows what a
//! line means in such a file, so anything else may be a part of a secret.

use std::ops::Range;

use super::env;
use super::known;
use super::mask;
use super::source::line;

/// The keys of ours that LiteLLM does not have and that are no section of the file.
const OURS: [&str; 16] = [
    "attempt",
    "backoff",
    "base",
    "breaker",
    "budget",
    "connect",
    "counts",
    "fallback",
    "groups",
    "max",
    "max_retry_after",
    "policy",
    "reserve",
    "retry",
    "to",
    "total",
];

/// The parts of a line to hide, counted from its beginning.
pub(super) fn hidden(text: &str, lines: &[usize], number: usize) -> Vec<Range<usize>> {
    let get = |number| text.get(line(text, lines, number)).unwrap_or_default();
    let this = get(number);
    // Whatever stands below what nobody knows is as little known.
    let mut depth = indent(this);
    for above in (1..number).rev().map(get) {
        if !above.trim().is_empty() && indent(above) < depth {
            depth = indent(above);
            if pieces(above).any(|piece| !piece.key().is_some_and(is_harmless)) {
                return Vec::from_iter(
                    (indent(this) < this.len()).then(|| indent(this)..this.len()),
                );
            }
        }
    }
    pieces(this).flat_map(|piece| piece.hidden()).collect()
}

/// A part of a line between commas and brackets: a key with its value, or one of them.
struct Piece<'t> {
    text: &'t str,
    /// Where in the line it begins.
    start: usize,
}

/// The parts of a line that are not empty.
fn pieces(line: &str) -> impl Iterator<Item = Piece<'_>> {
    let mut start = 0;
    line.split([',', '{', '}', '[', ']']).filter_map(move |text| {
        let piece = Piece { text, start };
        start += text.len() + 1;
        let blank = |c: char| c.is_whitespace() || c == '-';
        (!text.chars().all(blank)).then_some(piece)
    })
}

fn indent(line: &str) -> usize {
    line.len() - line.trim_start_matches([' ', '\t', '-']).len()
}

fn is_harmless(key: &str) -> bool {
    !mask::is_secret(key) && (known::is_key(key) || OURS.contains(&key))
}

// === impl Piece ===

impl<'t> Piece<'t> {
    fn key(&self) -> Option<&'t str> {
        let (key, _) = self.text.split_once(':')?;
        Some(key.trim().trim_start_matches("- ").trim_matches([' ', '"', '\'']))
    }

    fn hidden(&self) -> Option<Range<usize>> {
        let end = self.start + self.text.len();
        let Some((key, value)) = self.key().zip(self.text.split_once(':')) else {
            return Some(self.start + indent(self.text)..end);
        };
        let (before, value) = value;
        if key.contains(char::is_whitespace) {
            return Some(self.start + indent(before)..end);
        }
        let from = end - value.trim_start().len();
        let word = value.split_whitespace().next().unwrap_or_default();
        let plain = is_harmless(key) && !word.contains(':');
        let shown = if plain || env::name(word).is_some() { word.len() } else { 0 };
        (from + shown < end).then_some(from + shown..end)
    }
}
