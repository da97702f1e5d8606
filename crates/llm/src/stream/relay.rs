//! What splices share: comparing an answer with what was said, and keeping account of what is given.

use bytes::Bytes;
use serde_json::{Map, Value};

use super::{Follow, Spliced, Transcript, Usage, Way, wire};

/// The text that the caller has, and how far a second answer has come in it.
#[derive(Debug)]
pub(super) struct CatchUp {
    said: String,
    at: usize,
}

/// The second answer says something else.
#[derive(Debug)]
pub(super) struct Differs;

// === impl CatchUp ===

impl CatchUp {
    pub(super) fn new(said: &Transcript, way: Way) -> Self {
        match way {
            // It goes on where the first one ended.
            Way::Prefill => Self { said: String::new(), at: 0 },
            Way::Afresh => Self { said: said.text.clone(), at: 0 },
        }
    }

    /// Compares the next piece of the second answer; what of it is new.
    pub(super) fn take<'a>(&mut self, text: &'a str) -> Result<&'a str, Differs> {
        let rest = self.said.get(self.at..).unwrap_or_default();
        if let Some(new) = text.strip_prefix(rest) {
            self.at = self.said.len();
            return Ok(new);
        }
        if !rest.starts_with(text) {
            return Err(Differs);
        }
        self.at += text.len();
        Ok("")
    }

    /// Whether the second answer has said all that the caller has.
    pub(super) fn caught_up(&self) -> bool {
        self.at == self.said.len()
    }
}

/// Follows what the caller is given.
#[derive(Debug)]
pub(super) struct Relay<F> {
    told: F,
}

// === impl Relay ===

impl<F: Follow> Relay<F> {
    /// `told` has seen all that the caller has.
    pub(super) fn new(told: F) -> Self {
        Self { told }
    }

    pub(super) fn transcript(&self) -> &Transcript {
        self.told.transcript()
    }

    /// Gives whole events to the caller.
    pub(super) fn give(&mut self, text: impl Into<Bytes>) -> Spliced {
        let text = text.into();
        if text.is_empty() {
            return Spliced::Nothing;
        }
        for event in wire::events(&text) {
            self.told.see(&event);
        }
        Spliced::Give(text)
    }
}

/// Puts a field of `said` in the place of the second answer's.
pub(super) fn repeat<T: Clone + Into<Value>>(
    object: &mut Map<String, Value>,
    key: &str,
    told: Option<&T>,
) {
    if let Some(told) = told {
        object.insert(key.to_owned(), told.clone().into());
    }
}

/// Adds what is known of the first answer's cost to the `usage` of a second that went on from it, to
/// each of `counts` that it has: the answer's tokens, and the sum of all.
pub(super) fn add_usage(usage: &mut Value, before: Option<Usage>, counts: &[&str]) {
    let (Some(usage), Some(before)) = (usage.as_object_mut(), before) else {
        return;
    };
    for count in counts {
        if let Some(of_second) = usage.get(*count).and_then(Value::as_u64) {
            usage.insert((*count).to_owned(), (of_second + before.output).into());
        }
    }
}
