//! Turns YAML into a tree of [`Node`]s that know their places.
//!
//! The YAML 1.2 core schema: `true` and `false` are booleans, `yes`, `no`, `on` and `off` are text.
//! Anchors, aliases and merge keys (`<<`) work; an alias is a copy of what it stands for, and there
//! is a bound on how much may be copied.

use std::borrow::Cow;
use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use serde_saphyr::granit_parser::{self as yaml, Event, Marker, Parser, ScalarStyle, Tag};

use super::cx::Cx;
use super::node::{Entry, Map, Node, Span, Value};
use super::source::{Source, Text};

/// The largest source, in bytes.
const LARGEST: usize = 64 * 1024 * 1024;

/// How deep lists and mappings may be nested.
const DEEPEST: usize = 64;

/// How many nodes aliases may stand for in one source.
const COPIES: usize = 500_000;

/// Reads a source. `None` if it is not YAML, which has been noted.
pub(super) fn read(cx: &mut Cx<'_>, source: Source) -> Option<Node> {
    let text: Arc<str> = source.text.into();
    if text.len() > LARGEST {
        let message = format!("{} is larger than {} MiB", source.name, LARGEST / 1024 / 1024);
        cx.error(None, message, None);
        return None;
    }
    let file = cx.add_source(Text::new(source.name, Arc::clone(&text)));
    let options = yaml::options! { emit_comments: false };
    let parser = Parser::new_from_str_with_options(&text, options);
    let mut reader = Reader { cx, parser, file, anchors: HashMap::new(), copied: 0 };
    let root = match reader.document() {
        Ok(root) => root,
        Err(stop) => {
            cx.error(stop.at, stop.message, stop.help);
            return None;
        }
    };
    if let Some(text) = cx.source_mut(file) {
        text.understand(&root);
    }
    Some(root)
}

/// Where the reading ends early, and why.
struct Stop {
    at: Span,
    message: String,
    help: Option<String>,
}

struct Reader<'c, 'e, 't> {
    cx: &'c mut Cx<'e>,
    parser: Parser<'t, yaml::StrInput<'t>>,
    file: u32,
    anchors: HashMap<usize, Node>,
    copied: usize,
}

// === impl Reader ===

impl<'t> Reader<'_, '_, 't> {
    fn document(&mut self) -> Result<Node, Stop> {
        let mut root = None;
        loop {
            let (event, at) = self.next()?;
            match event {
                Event::StreamEnd => break,
                Event::StreamStart | Event::DocumentEnd => {}
                Event::DocumentStart(..) if root.is_some() => {
                    return Err(stop(at, "a second document begins here; only one is expected"));
                }
                Event::DocumentStart(..) => {}
                event => root = Some(self.node(event, at, 0)?),
            }
        }
        Ok(root.unwrap_or_else(|| Node::new(Value::Null, self.start())))
    }

    /// The node that begins with this event.
    fn node(&mut self, event: Event<'t>, at: Span, depth: usize) -> Result<Node, Stop> {
        if depth > DEEPEST {
            return Err(stop(at, format!("nested deeper than {DEEPEST} levels")));
        }
        let (node, anchor) = match event {
            Event::Scalar(text, style, anchor, tag) => {
                (self.scalar(text, style, tag.as_deref(), at)?, anchor)
            }
            Event::SequenceStart(_, anchor, tag) => {
                self.plain(tag.as_deref(), at)?;
                (self.list(at, depth)?, anchor)
            }
            Event::MappingStart(_, anchor, tag) => {
                self.plain(tag.as_deref(), at)?;
                (self.map(at, depth)?, anchor)
            }
            Event::Alias(anchor) => return self.alias(anchor, at),
            _ => return Err(stop(at, "a value was expected here")),
        };
        if anchor > 0 {
            self.anchors.insert(anchor, node.clone());
        }
        Ok(node)
    }

    fn list(&mut self, at: Span, depth: usize) -> Result<Node, Stop> {
        let mut list = Vec::new();
        loop {
            let (event, at) = self.next()?;
            match event {
                Event::SequenceEnd => break,
                event => list.push(self.node(event, at, depth + 1)?),
            }
        }
        Ok(Node::new(Value::List(list), at))
    }

    fn map(&mut self, at: Span, depth: usize) -> Result<Node, Stop> {
        let mut entries: Vec<Entry> = Vec::new();
        let mut names = Names::default();
        let mut merged = Vec::new();
        let mut shadowed = Vec::new();
        loop {
            let (event, key_at) = self.next()?;
            let (key, style) = match event {
                Event::MappingEnd => break,
                Event::Scalar(text, style, _, None) if !is_null(&text, style) => (text, style),
                _ => return Err(stop(key_at, "a key must be text")),
            };
            let (event, value_at) = self.next()?;
            let mut node = self.node(event, value_at, depth + 1)?;
            if key == "<<" && style == ScalarStyle::Plain {
                merge(node, &mut merged)?;
                continue;
            }
            let has_text = !matches!(node.value, Value::Null | Value::List(_) | Value::Map(_));
            if !has_text {
                // Better than the first bracket, or nothing at all.
                node.span = key_at;
            }
            let entry = Entry { key: key.into_owned(), at: key_at, written: None, node };
            if names.is_new(&entry.key, &entries) {
                entries.push(entry);
            } else {
                let key = &entry.key;
                let first = entries.iter().find(|first| first.key == *key);
                let help = first.map(|first| format!("first written in line {}", first.at.line));
                self.cx.error(key_at, format!("the key `{key}` is there twice"), help);
                shadowed.push(entry);
            }
        }
        for entry in merged {
            if names.is_new(&entry.key, &entries) {
                entries.push(entry);
            } else {
                shadowed.push(entry);
            }
        }
        let at = entries.first().map_or(at, |first| first.at);
        let mut map = Map::new(entries);
        shadowed.into_iter().for_each(|entry| map.shadow(entry));
        Ok(Node::new(Value::Map(map), at))
    }

    fn alias(&mut self, anchor: usize, at: Span) -> Result<Node, Stop> {
        let node = self.anchors.get(&anchor).cloned();
        let node = node.ok_or_else(|| stop(at, "an anchor cannot contain itself"))?;
        self.copied += node.size();
        if self.copied > COPIES {
            return Err(stop(at, format!("aliases stand for more than {COPIES} values")));
        }
        Ok(node)
    }

    fn scalar(
        &mut self,
        text: Cow<'t, str>,
        style: ScalarStyle,
        tag: Option<&Tag>,
        at: Span,
    ) -> Result<Node, Stop> {
        let value = match tag.map(|tag| (tag, tag.core_suffix())) {
            None if style == ScalarStyle::Plain => plain(text),
            None | Some((_, Some("str"))) => Value::Text(text.into_owned()),
            Some((_, kind)) => {
                let value = plain(text);
                let fits = match kind {
                    Some("null") => matches!(value, Value::Null),
                    Some("bool") => matches!(value, Value::Bool(_)),
                    Some("int") => matches!(value, Value::Int(_)),
                    Some("float") => matches!(value, Value::Int(_) | Value::Float(_)),
                    _ => return Err(unknown(at)),
                };
                if !fits {
                    let kind = kind.unwrap_or_default();
                    return Err(stop(at, format!("the tag `!!{kind}` does not fit this value")));
                }
                value
            }
        };
        Ok(Node::new(value, at))
    }

    /// Lists and mappings have no tag, or the one that says what they are.
    fn plain(&self, tag: Option<&Tag>, at: Span) -> Result<(), Stop> {
        match tag {
            Some(tag) if !matches!(tag.core_suffix(), Some("seq" | "map")) => Err(unknown(at)),
            _ => Ok(()),
        }
    }

    fn next(&mut self) -> Result<(Event<'t>, Span), Stop> {
        match self.parser.next() {
            Some(Ok((event, span))) => {
                let len = span.byte_range().map_or(0, |range| range.len());
                Ok((event, self.span(&span.start, len)))
            }
            Some(Err(error)) => {
                let at = self.span(error.marker(), 0);
                Err(Stop { help: hint(&error.info()).map(str::to_owned), ..stop(at, error.info()) })
            }
            None => Ok((Event::StreamEnd, self.start())),
        }
    }

    fn span(&self, start: &Marker, len: usize) -> Span {
        let number = |n: usize| u32::try_from(n).unwrap_or(u32::MAX);
        Span {
            file: self.file,
            line: number(start.line()),
            column: number(start.col() + 1),
            start: number(start.byte_offset().unwrap_or_default()),
            len: number(len),
        }
    }

    fn start(&self) -> Span {
        Span { file: self.file, line: 1, column: 1, start: 0, len: 0 }
    }
}

/// The keys of a mapping, once it is so large that looking through it takes too long.
#[derive(Default)]
struct Names(HashSet<String>);

impl Names {
    /// How many entries are looked through.
    const FEW: usize = 16;

    /// Whether no entry has this key; if so it must be added to them.
    fn is_new(&mut self, key: &str, entries: &[Entry]) -> bool {
        if entries.len() < Names::FEW {
            return entries.iter().all(|entry| entry.key != key);
        }
        if self.0.is_empty() {
            self.0.extend(entries.iter().map(|entry| entry.key.clone()));
        }
        self.0.insert(key.to_owned())
    }
}

fn stop(at: Span, message: impl Into<String>) -> Stop {
    Stop { at, message: message.into(), help: None }
}

/// What people who wrote what the parser complains of did most often.
fn hint(message: &str) -> Option<&'static str> {
    let hints = [
        (
            "mapping values are not allowed",
            "is a `: ` missing in the line above, or this not indented as it?",
        ),
        ("did not find expected key", "is it indented like its neighbours?"),
        ("tabs", "indent with spaces"),
        ("unknown anchor", "an anchor (`&name`) must come before its alias"),
        ("expected ',' or", "is a bracket not closed in the line above?"),
    ];
    hints.iter().find(|(part, _)| message.contains(part)).map(|(_, hint)| *hint)
}

/// A tag is not named: a secret that begins with `!` looks like one.
fn unknown(at: Span) -> Stop {
    stop(at, "this tag has no meaning here; write a text that begins with `!` in quotes")
}

/// Adds what `<<` brings: of two with the same key the first counts.
fn merge(node: Node, into: &mut Vec<Entry>) -> Result<(), Stop> {
    match node.value {
        Value::Map(map) => into.extend(map.entries),
        Value::List(list) => {
            for node in list {
                match node.value {
                    Value::Map(map) => into.extend(map.entries),
                    _ => return Err(stop(node.span, "`<<` takes mappings")),
                }
            }
        }
        _ => {
            return Err(stop(node.span, "`<<` takes a mapping or a list of mappings"));
        }
    }
    Ok(())
}

fn is_null(text: &str, style: ScalarStyle) -> bool {
    style == ScalarStyle::Plain && matches!(plain(Cow::Borrowed(text)), Value::Null)
}

/// What a plain scalar is by the core schema (YAML 1.2.2, 10.3.2).
fn plain(text: Cow<'_, str>) -> Value {
    match &*text {
        "" | "~" | "null" | "Null" | "NULL" => Value::Null,
        "true" | "True" | "TRUE" => Value::Bool(true),
        "false" | "False" | "FALSE" => Value::Bool(false),
        _ => number(&text).unwrap_or_else(|| Value::Text(text.into_owned())),
    }
}

/// The number that a text is, if it is one.
pub(super) fn number(text: &str) -> Option<Value> {
    let digits = text.strip_prefix(['-', '+']).unwrap_or(text);
    let first = digits.bytes().next()?;
    if !first.is_ascii_digit() && first != b'.' {
        return None;
    }
    let (radix, digits) = match digits.get(..2) {
        // No sign before these.
        Some("0o") if digits.len() == text.len() => (8, &digits[2..]),
        Some("0x") if digits.len() == text.len() => (16, &digits[2..]),
        _ => (10, digits),
    };
    if !digits.is_empty() && digits.chars().all(|c| c.is_digit(radix)) {
        let int = i64::from_str_radix(digits, radix).ok();
        let sign = if text.starts_with('-') { -1 } else { 1 };
        // What is too large for any of our numbers need not be exact.
        let large = || Value::Float(digits.parse().unwrap_or(f64::INFINITY) * sign as f64);
        return Some(int.map_or_else(large, |int| Value::Int(sign * int)));
    }
    match digits {
        ".nan" | ".NaN" | ".NAN" if digits.len() == text.len() => {
            return Some(Value::Float(f64::NAN));
        }
        ".inf" | ".Inf" | ".INF" => {
            let sign = if text.starts_with('-') { -1.0 } else { 1.0 };
            return Some(Value::Float(sign * f64::INFINITY));
        }
        _ => {}
    }
    let decimal = |c: char| c.is_ascii_digit() || matches!(c, '.' | 'e' | 'E' | '+' | '-');
    let ends = digits.starts_with(|c: char| c.is_ascii_digit() || c == '.');
    (radix == 10 && ends && digits.chars().all(decimal))
        .then(|| text.parse().ok().map(Value::Float))
        .flatten()
}
