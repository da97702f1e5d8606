//! What a caller makes of a stream, by a reader that shares nothing with the one under test.

use std::collections::BTreeSet;

use serde_json::Value;

/// Where in the events of a dialect a caller finds what.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Shape {
    /// The text, as JSON pointer.
    pub(crate) text: &'static str,
    /// All that an event may have of the answer, of which text is a part.
    pub(crate) content: &'static str,
    /// What makes an answer more than text, though it is beside the content.
    pub(crate) beside: &'static str,
    pub(crate) id: &'static str,
    pub(crate) role: &'static str,
    pub(crate) finish: &'static str,
    pub(crate) usage: &'static str,
    pub(crate) error: &'static str,
    /// The data of the event that is the last.
    pub(crate) terminal: &'static str,
}

/// What a caller heard.
#[derive(Debug, Default)]
pub(crate) struct Heard {
    /// All words: those of the text, and of tool calls, refusals, thoughts.
    pub(crate) text: String,
    /// Whether there was text only.
    pub(crate) plain: bool,
    pub(crate) ids: BTreeSet<String>,
    pub(crate) roles: usize,
    pub(crate) finishes: Vec<String>,
    pub(crate) usages: Vec<Value>,
    pub(crate) errors: Vec<Value>,
    pub(crate) terminals: usize,
    /// Events that cannot be read, that came after the last, or are not whole.
    pub(crate) odd: Vec<String>,
}

// === impl Shape ===

impl Shape {
    pub(crate) const CHAT: Self = Self {
        text: "/choices/0/delta/content",
        content: "/choices/0/delta",
        beside: "/choices/0/logprobs",
        id: "/id",
        role: "/choices/0/delta/role",
        finish: "/choices/0/finish_reason",
        usage: "/usage",
        error: "/error",
        terminal: "[DONE]",
    };

    pub(crate) const COMPLETIONS: Self =
        Self { text: "/choices/0/text", content: "/choices/0/text", ..Self::CHAT };

    /// The stream with another first word.
    pub(crate) fn reworded(&self, stream: &str) -> String {
        let mut reworded = false;
        let line = |line: &str| {
            let data = line.strip_prefix("data: ").filter(|_| !reworded);
            let event = data.and_then(|data| serde_json::from_str::<Value>(data.trim_end()).ok());
            let Some(mut event) = event else { return line.to_owned() };
            reworded = event.pointer_mut(self.content).is_some_and(reword);
            if reworded { format!("data: {event}\n") } else { line.to_owned() }
        };
        stream.split_inclusive('\n').map(line).collect()
    }
}

/// Changes the first word within `content`; whether there is one.
fn reword(content: &mut Value) -> bool {
    match content {
        Value::String(text) if !text.is_empty() => {
            text.insert(0, '~');
            true
        }
        Value::Object(fields) => {
            fields.iter_mut().filter(|(name, _)| *name != "role").any(|(_, field)| reword(field))
        }
        Value::Array(items) => items.iter_mut().any(reword),
        _ => false,
    }
}

// === impl Heard ===

impl Heard {
    /// What is in `bytes`, of which an event counts once its blank line is there.
    pub(crate) fn of(bytes: &[u8], shape: &Shape) -> Self {
        let mut heard = Self { plain: true, ..Self::default() };
        // A cut may be within a letter: what is before it counts.
        let valid = bytes.utf8_chunks().next().map_or("", |chunk| chunk.valid());
        let text = valid.replace("\r\n", "\n");
        for event in text.split_inclusive("\n\n") {
            match event.strip_suffix("\n\n") {
                Some(event) => heard.event(event.trim_start_matches('\n'), shape),
                None if event.trim().is_empty() => {}
                None => heard.odd.push(event.to_owned()),
            }
        }
        heard
    }

    fn event(&mut self, event: &str, shape: &Shape) {
        let data: Vec<_> = event.lines().filter_map(|line| line.strip_prefix("data:")).collect();
        let data = data.join("\n");
        let data = data.trim();
        if data.is_empty() {
            return;
        }
        if self.terminals > 0 || !self.errors.is_empty() {
            self.odd.push(event.to_owned());
        }
        if data == shape.terminal {
            self.terminals += 1;
            return;
        }
        let Ok(event) = serde_json::from_str::<Value>(data) else {
            return self.odd.push(event.to_owned());
        };
        let find = |pointer: &str| event.pointer(pointer).filter(|found| !found.is_null());
        let string = |pointer: &str| find(pointer).and_then(Value::as_str).map(str::to_owned);
        let mut words = String::new();
        find(shape.content).into_iter().for_each(|content| collect(content, &mut words));
        self.text.push_str(&words);
        let text_only = words == string(shape.text).unwrap_or_default();
        self.plain &= text_only && find(shape.beside).is_none();
        self.ids.extend(string(shape.id));
        self.roles += usize::from(find(shape.role).is_some());
        self.finishes.extend(string(shape.finish));
        self.usages.extend(find(shape.usage).cloned());
        self.errors.extend(find(shape.error).cloned());
    }

    /// Whether it is the whole answer, each word once, ended by who may say so.
    pub(crate) fn is_whole(&self, text: &str) -> bool {
        self.text == text
            && self.odd.is_empty()
            && self.errors.is_empty()
            && (self.ids.len(), self.finishes.len(), self.terminals) == (1, 1, 1)
    }

    /// Whether it is this much of an answer, and then an error that says so.
    pub(crate) fn is_told(&self, text: &str) -> bool {
        self.text == text
            && self.odd.is_empty()
            && (self.errors.len(), self.finishes.len(), self.terminals) == (1, 0, 0)
    }

    /// What the error says.
    pub(crate) fn message(&self) -> &str {
        self.errors.first().and_then(|error| error["message"].as_str()).unwrap_or_default()
    }

    /// What kind of error it is.
    pub(crate) fn class(&self) -> &str {
        self.errors.first().and_then(|error| error["class"].as_str()).unwrap_or_default()
    }
}

/// All words in `content`.
fn collect(content: &Value, words: &mut String) {
    match content {
        Value::String(text) => words.push_str(text),
        Value::Object(fields) => fields
            .iter()
            .filter(|(name, _)| *name != "role")
            .for_each(|(_, field)| collect(field, words)),
        Value::Array(items) => items.iter().for_each(|item| collect(item, words)),
        _ => {}
    }
}
