//! Knows what in a file is a secret.

use std::ops::Range;

use super::env;
use super::node::{Node, Span, Value};
use super::source::line;

/// What the names of keys with a secret contain.
const SECRET: [&str; 18] = [
    "access_key",
    "api_key",
    "apikey",
    "authorization",
    "connection_string",
    "cookie",
    "credential",
    "database_url",
    "environment_variables",
    "headers",
    "license",
    "organization",
    "passw",
    "private_key",
    "redis_url",
    "secret",
    "webhook",
    "dsn",
];

/// How tokens begin by which one knows them anywhere.
const TOKENS: [&str; 12] = [
    "AIza", "AKIA", "Bearer ", "eyJ", "fw_", "ghp_", "gsk_", "hf_", "pplx-", "sk-", "xai-", "ya29.",
];

/// The shortest that is taken for a token.
const TOKEN: usize = 16;

/// Whether what stands under this key may be a secret.
pub(super) fn is_secret(key: &str) -> bool {
    let key = key.to_ascii_lowercase();
    let named = SECRET.iter().any(|part| key.contains(part));
    let token = key.ends_with("token") || key == "key" || key.ends_with("_key");
    named || token && !key.contains("cost")
}

/// How much of a tree is secret.
#[derive(Clone, Copy, Eq, PartialEq)]
pub(super) enum Hidden {
    Nothing,
    /// Not its keys, which are the names of headers or variables.
    Values,
    All,
}

/// Collects where in its source the secrets of a tree are written.
pub(super) fn secrets(node: &Node, hidden: Hidden, found: &mut Vec<Range<usize>>) {
    let range = |span: Span| span.start as usize..(span.start + span.len) as usize;
    let secret = hidden != Hidden::Nothing;
    match &node.value {
        Value::Text(text) => {
            let shown = !secret || env::name(text).is_some();
            if !shown || has_credentials(text) {
                found.push(range(node.span));
            }
        }
        Value::Int(_) | Value::Float(_) if secret => found.push(range(node.span)),
        Value::List(list) => list.iter().for_each(|node| secrets(node, hidden, found)),
        Value::Map(map) => {
            for entry in map.entries.iter().chain(&map.shadowed) {
                let below = match hidden {
                    Hidden::Nothing if !is_secret(&entry.key) => Hidden::Nothing,
                    Hidden::Nothing if named(&entry.key) => Hidden::Values,
                    Hidden::Nothing => Hidden::All,
                    Hidden::Values | Hidden::All => hidden,
                };
                if hidden == Hidden::All {
                    found.push(range(entry.at));
                }
                secrets(&entry.node, below, found);
            }
        }
        _ => {}
    }
}

/// Whether what stands under this key is a mapping of names to secrets.
fn named(key: &str) -> bool {
    let key = key.to_ascii_lowercase();
    key.contains("headers") || key.contains("environment_variables")
}

/// Whether it is a URL with a user or a password in it.
pub(super) fn has_credentials(url: &str) -> bool {
    url.split_once("://").is_some_and(|(_, rest)| {
        rest.split(['/', '?', '#'])
            .next()
            .is_some_and(|authority| authority.contains('@'))
    })
}

/// What of a line may be secret in a file that could not be parsed, counted from its beginning.
/// Rather too much than too little.
pub(super) fn guess(text: &str, lines: &[usize], number: usize) -> Option<Range<usize>> {
    let get = |number| text.get(line(text, lines, number)).unwrap_or_default();
    let this = get(number);
    let own = keys(this);
    if let Some(from) = own
        .iter()
        .find(|(key, _)| is_secret(key))
        .map(|(_, from)| *from)
    {
        let value = this.get(from..).unwrap_or_default().trim_start();
        // The name of a variable is no secret, but what follows it in the line may be one.
        let known = if env::name(value.trim_matches(['"', '\''])).is_some() {
            value
                .find(|c: char| c.is_whitespace() || c == ',')
                .unwrap_or(value.len())
        } else {
            0
        };
        return Some(this.len() - value.len() + known..this.len());
    }
    // It may go on with a value that began above, or stand under a key that is secret as a whole.
    let mut depth = indent(this);
    let mut nearest = own.is_empty();
    for above in (1..number).rev().map(get) {
        let keys = keys(above);
        if above.trim().is_empty() || keys.is_empty() {
            continue;
        }
        let secret = keys.iter().any(|(key, _)| is_secret(key));
        if secret && (nearest || indent(above) < depth) {
            return Some(indent(this)..this.len());
        }
        nearest = false;
        depth = depth.min(indent(above));
    }
    None
}

/// The parts of a text that look like a token of a provider.
pub(super) fn tokens(text: &str) -> Vec<Range<usize>> {
    let mut found = Vec::new();
    for prefix in TOKENS {
        for (start, _) in text.match_indices(prefix) {
            let inside = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
            let rest = text.get(start + prefix.len()..).unwrap_or_default();
            let len = prefix.len() + rest.find(|c| !inside(c)).unwrap_or(rest.len());
            let begins = !text.get(..start).unwrap_or_default().ends_with(inside);
            if begins && len >= TOKEN {
                found.push(start..start + len);
            }
        }
    }
    found
}

/// The text with `***` for what looks like a token.
pub(super) fn hush(text: String) -> String {
    let mut found = tokens(&text);
    if found.is_empty() {
        return text;
    }
    found.sort_unstable_by_key(|range| range.start);
    let mut hushed = String::new();
    let mut done = 0;
    for range in found {
        hushed.push_str(text.get(done..range.start).unwrap_or_default());
        hushed.push_str("***");
        done = done.max(range.end);
    }
    hushed.push_str(text.get(done..).unwrap_or_default());
    hushed
}

/// The keys of a line, each with the byte at which its value begins.
fn keys(line: &str) -> Vec<(&str, usize)> {
    line.match_indices(':')
        .map(|(at, _)| {
            let before = line.get(..at).unwrap_or_default();
            let begin = before.rfind(['{', ',', '[']).map_or(0, |at| at + 1);
            let key = before.get(begin..).unwrap_or_default();
            (key.trim_matches([' ', '-', '"', '\'']), at + 1)
        })
        .filter(|(key, _)| !key.is_empty() && !key.contains(' '))
        .collect()
}

fn indent(line: &str) -> usize {
    line.len() - line.trim_start().len()
}
