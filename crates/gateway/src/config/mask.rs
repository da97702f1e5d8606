//! Knows what in a file is a secret.

use std::collections::HashMap;
use std::ops::Range;

use super::env;
use super::node::{Node, Span, Value};

/// What the names of keys with a secret contain.
const SECRET: [&str; 16] = [
    "access_key",
    "api_key",
    "apikey",
    "authorization",
    "connection_string",
    "cookie",
    "credential",
    "database_url",
    "dsn",
    "license",
    "organization",
    "passw",
    "private_key",
    "redis_url",
    "secret",
    "webhook",
];

/// How tokens begin by which one knows them anywhere.
const TOKENS: [&str; 12] = [
    "AIza", "AKIA", "Bearer ", "eyJ", "fw_", "ghp_", "gsk_", "hf_", "pplx-", "sk-", "xai-", "ya29.",
];

/// The shortest that is taken for a token.
const TOKEN: usize = 16;

/// How much of what stands under a key is secret.
#[derive(Clone, Copy, Eq, PartialEq)]
enum Hidden {
    Nothing,
    /// Not its keys, which are the names of headers or variables.
    Values,
    All,
}

/// Where in its source the secrets of a tree are written, in order.
pub(super) fn secrets(root: &Node) -> Vec<Range<usize>> {
    let mut search = Search { found: Vec::new(), keys: HashMap::new() };
    search.node(root, Hidden::Nothing);
    search.found.sort_unstable_by_key(|range| range.start);
    search.found
}

/// Where the texts of a tree are written that stands under a key that nobody knows. It may be a
/// mistyped one, so they may be secrets.
pub(super) fn texts(node: &Node, found: &mut Vec<Range<usize>>) {
    match &node.value {
        Value::Text(text) if env::name(text).is_none() => found.push(range(node.span)),
        Value::List(list) => list.iter().for_each(|node| texts(node, found)),
        Value::Map(map) => {
            for entry in map.all() {
                if entry.node.is_null() {
                    found.push(range(entry.at));
                }
                texts(&entry.node, found);
            }
        }
        _ => {}
    }
}

fn range(span: Span) -> Range<usize> {
    let start = span.start as usize;
    start..start + span.len as usize
}

struct Search<'n> {
    found: Vec<Range<usize>>,
    /// The keys seen so far: most come again and again.
    keys: HashMap<&'n str, Hidden>,
}

impl<'n> Search<'n> {
    fn node(&mut self, node: &'n Node, hidden: Hidden) {
        let secret = hidden != Hidden::Nothing;
        match &node.value {
            Value::Text(text) => {
                let shown = !secret || env::name(text).is_some();
                if !shown || has_credentials(text) {
                    self.add(node.span);
                }
            }
            Value::Int(_) | Value::Float(_) if secret => self.add(node.span),
            Value::List(list) => list.iter().for_each(|node| self.node(node, hidden)),
            Value::Map(map) => {
                for entry in map.all() {
                    // A key without a value may be a value without a key.
                    if hidden == Hidden::All || secret && entry.node.is_null() {
                        self.add(entry.at);
                    }
                    let below = if secret { hidden } else { self.below(&entry.key) };
                    self.node(&entry.node, below);
                }
            }
            _ => {}
        }
    }

    fn below(&mut self, key: &'n str) -> Hidden {
        *self.keys.entry(key).or_insert_with(|| below(key))
    }

    fn add(&mut self, span: Span) {
        self.found.push(range(span));
    }
}

/// How much of what stands under this key may be secret.
fn below(key: &str) -> Hidden {
    let key = key.to_ascii_lowercase();
    // A credential is called something, and that is no secret.
    match key.as_str() {
        "credential_list" | "credential_name" | "credential_info" | "litellm_credential_name" => {
            return Hidden::Nothing;
        }
        "credential_values" => return Hidden::Values,
        _ => {}
    }
    if key.contains("headers") || key.contains("environment_variables") {
        return Hidden::Values;
    }
    let named = SECRET.iter().any(|part| key.contains(part));
    let token = key.ends_with("token") || key == "key" || key.ends_with("_key");
    if named || token && !key.contains("cost") { Hidden::All } else { Hidden::Nothing }
}

/// Whether what stands under this key may be secret.
pub(super) fn is_secret(key: &str) -> bool {
    below(key) != Hidden::Nothing
}

/// Whether it is a URL with a user or a password in it.
pub(super) fn has_credentials(url: &str) -> bool {
    url.split_once("://").is_some_and(|(_, rest)| {
        rest.split(['/', '?', '#']).next().is_some_and(|authority| authority.contains('@'))
    })
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
