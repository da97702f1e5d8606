//! Takes keys out of messages before they are passed on.
//!
//! Providers quote the key that they refuse: "Incorrect API key provided: sk-…". The key is the
//! operator's, the message goes to the caller, and so the one must leave the other. What is left of a
//! key that the provider masked itself goes, too.

use std::borrow::Cow;

/// What stands in the place of a key.
pub const MASK: &str = "[redacted]";

/// How keys begin, and how many characters must follow for one to be a key.
const KEYS: [(&str, usize); 19] = [
    ("sk-", 1),
    ("sk_", 1),
    ("sk*", 0),
    ("gsk_", 8),
    ("csk-", 8),
    ("xai-", 8),
    ("pplx-", 8),
    ("nvapi-", 8),
    ("fw_", 8),
    ("tgp_", 8),
    ("hf_", 8),
    ("r8_", 8),
    ("ghp_", 8),
    ("github_pat_", 8),
    ("AIza", 16),
    ("ya29.", 8),
    ("AKIA", 12),
    ("ASIA", 12),
    ("eyJ", 16),
];

/// What stands before a key, in lower case, and how many characters must follow for it to be one.
const LABELS: [(&str, usize); 10] = [
    ("bearer ", 8),
    ("api key provided: ", 1),
    ("received api key = ", 1),
    ("api key: ", 16),
    ("api-key: ", 8),
    ("key=", 6),
    ("token=", 6),
    ("secret=", 6),
    ("password=", 1),
    ("authorization: ", 8),
];

/// `message` with everything that looks like a key replaced by [`MASK`].
///
/// ```
/// use secondwind_llm::redact::redact;
///
/// let message = "Incorrect API key provided: sk-proj-abc***xyz. See the dashboard.";
/// assert_eq!(redact(message), "Incorrect API key provided: [redacted]. See the dashboard.");
/// ```
#[must_use]
pub fn redact(message: &str) -> Cow<'_, str> {
    let mut clean = String::new();
    let mut copied = 0;
    let mut at = 0;
    let mut before = ' ';
    while let Some(rest) = message.get(at..)
        && let Some(next) = rest.chars().next()
    {
        // In the middle of a word nothing begins: "task-force" holds no key.
        let begins = !before.is_alphanumeric();
        if let Some((label, length)) = begins.then(|| secret(rest)).flatten() {
            clean.push_str(message.get(copied..at + label).unwrap_or_default());
            clean.push_str(MASK);
            at += label + length;
            copied = at;
            before = '*';
        } else {
            at += next.len_utf8();
            before = next;
        }
    }
    if copied == 0 {
        return Cow::Borrowed(message);
    }
    clean.push_str(message.get(copied..).unwrap_or_default());
    Cow::Owned(clean)
}

/// `message` with every occurrence of `key` replaced by [`MASK`]: for a key that is known, whatever
/// it looks like.
///
/// A key of less than eight characters is left: it protects nothing, and is often a word (`none`).
#[must_use]
pub fn redact_known<'a>(message: &'a str, key: &str) -> Cow<'a, str> {
    if key.len() < 8 || !message.contains(key) {
        return Cow::Borrowed(message);
    }
    Cow::Owned(message.replace(key, MASK))
}

/// The secret at the beginning of `text`: the length of the label before it, and its own.
fn secret(text: &str) -> Option<(usize, usize)> {
    let key = KEYS.iter().find(|(start, _)| text.starts_with(start)).and_then(|(start, least)| {
        let length = word(text);
        (length >= start.len() + least).then_some((0, length))
    });
    key.or_else(|| {
        let (label, least) = LABELS.iter().find(|(label, _)| {
            text.get(..label.len()).is_some_and(|start| start.eq_ignore_ascii_case(label))
        })?;
        let rest = text.get(label.len()..)?;
        // The scheme and the quotes stand between a label and its key.
        let bare = rest.trim_start_matches(['"', '\'', '`']);
        let scheme = ["Bearer ", "bearer ", "Basic ", "basic "];
        let bare = scheme.iter().find_map(|scheme| bare.strip_prefix(scheme)).unwrap_or(bare);
        let length = word(bare);
        (length >= *least).then_some((text.len() - bare.len(), length))
    })
}

/// The length of what may be a key at the beginning of `text`.
fn word(text: &str) -> usize {
    let end = text
        .find(|c: char| !(c.is_ascii_alphanumeric() || "-_.*+/=~%…•".contains(c)))
        .unwrap_or(text.len());
    // The end of a sentence.
    text.get(..end).unwrap_or_default().trim_end_matches('.').len()
}

#[cfg(test)]
mod tests;
