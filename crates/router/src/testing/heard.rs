//! What a caller makes of a stream, by a reader that shares nothing with the one under test.

mod message;
mod response;

mod shape;

use std::collections::BTreeSet;

use serde_json::Value;

pub(crate) use self::shape::Shape;

/// What a caller heard.
#[derive(Clone, Debug, Default)]
pub(crate) struct Heard {
    /// All words: those of the text, and of tool calls, refusals, thoughts.
    pub(crate) text: String,
    /// Whether there was text only.
    pub(crate) plain: bool,
    /// Of the answer.
    pub(crate) ids: BTreeSet<String>,
    /// Of the items in it, where its dialect has such.
    pub(crate) items: BTreeSet<String>,
    pub(crate) roles: usize,
    pub(crate) finishes: Vec<String>,
    pub(crate) usages: Vec<Value>,
    pub(crate) errors: Vec<Value>,
    pub(crate) terminals: usize,
    /// Events that cannot be read, that came after the last, are not whole, or do not fit those before.
    pub(crate) odd: Vec<String>,
}

// === impl Heard ===

impl Heard {
    /// What is in `bytes`, of which an event counts once its blank line is there.
    pub(crate) fn of(bytes: &[u8], shape: &Shape) -> Self {
        let mut heard = Self { plain: true, ..Self::default() };
        // A cut may be within a letter: what is before it counts.
        let valid = bytes.utf8_chunks().next().map_or("", |chunk| chunk.valid());
        // A line ends with any of three.
        let text = valid.replace("\r\n", "\n").replace('\r', "\n");
        let mut events = Vec::new();
        for event in text.split_inclusive("\n\n") {
            match event.strip_suffix("\n\n") {
                Some(event) => events.extend(heard.event(event.trim_start_matches('\n'), shape)),
                None if event.trim().is_empty() => {}
                None => heard.odd.push(event.to_owned()),
            }
        }
        heard.odd.extend((shape.unfit)(&events).map(|event| format!("unfit: {event}")));
        heard
    }

    /// Takes an event, and gives its data if it is JSON.
    fn event(&mut self, event: &str, shape: &Shape) -> Option<Value> {
        let field = |line: &'_ str, name| line.strip_prefix(name).map(str::to_owned);
        let data: Vec<_> = event.lines().filter_map(|line| field(line, "data:")).collect();
        let data = data.join("\n");
        let data = data.trim();
        if data.is_empty() {
            return None;
        }
        if self.terminals > 0 || !self.errors.is_empty() {
            self.odd.push(event.to_owned());
        }
        if shape.terminals.contains(&data) {
            self.terminals += 1;
            return None;
        }
        let Ok(told) = serde_json::from_str::<Value>(data) else {
            self.odd.push(event.to_owned());
            return None;
        };
        let name = event.lines().find_map(|line| field(line, "event: "));
        if shape.named && name.as_deref() != told["type"].as_str() {
            self.odd.push(event.to_owned());
        }
        let find = |spots| Shape::find(spots, &told);
        let strings = |spots| find(spots).into_iter().filter_map(Value::as_str).map(str::to_owned);
        let words = shape.words(&told);
        self.plain &= words == strings(shape.text).collect::<String>();
        self.plain &= find(shape.beside).is_empty();
        self.text.push_str(&words);
        self.ids.extend(strings(shape.id));
        self.items.extend(strings(shape.item));
        self.roles += find(shape.role).len();
        self.finishes.extend(strings(shape.finish));
        self.usages.extend(find(shape.usage).into_iter().cloned());
        self.errors.extend(find(shape.error).into_iter().cloned());
        let terminal = told["type"].as_str().is_some_and(|kind| shape.terminals.contains(&kind));
        self.terminals += usize::from(terminal);
        Some(told)
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
