//! What is wrong with a value that was to be read, and the way to it.

use std::fmt;

use secondwind_policy::suggest;
use serde::de::{self, Expected, Unexpected};

use super::cx::Cx;
use super::node::{Node, Span, Value};
use super::read;

/// What is wrong with a value, and the way to it.
#[derive(Debug)]
pub(super) struct Mistake {
    kind: Kind,
    /// Indices from the value up to the root.
    path: Vec<usize>,
    /// Whether it is about the key, not about the value.
    key: bool,
    span: Option<Span>,
}

#[derive(Debug)]
enum Kind {
    Unknown { name: String, known: &'static [&'static str] },
    Missing(&'static str),
    Type { expected: String, found: String },
    Other(String),
}

/// How many names are told where none of them is near.
const FEW: usize = 10;

// === impl Mistake ===

impl Mistake {
    fn new(kind: Kind) -> Mistake {
        Mistake { kind, path: Vec::new(), key: false, span: None }
    }

    /// Notes where it happened, unless that is known more exactly.
    pub(super) fn at(mut self, span: Span) -> Mistake {
        self.span.get_or_insert(span);
        self
    }

    /// Notes that it happened in the key at this place.
    pub(super) fn in_key(mut self, span: Span) -> Mistake {
        self.key = true;
        self.at(span)
    }

    /// Notes one step of the way up.
    pub(super) fn within(mut self, index: usize) -> Mistake {
        self.path.push(index);
        self
    }

    /// The way from the root to it.
    pub(super) fn path(&self) -> Vec<usize> {
        self.path.iter().rev().copied().collect()
    }

    /// Tells it; `path` is the way to it from `root`, whose key is `name`.
    pub(super) fn note(self, cx: &mut Cx<'_>, name: Option<&str>, root: &Node, path: &[usize]) {
        let (nearest, node) = find(root, path);
        let name = nearest.or(name);
        let span = self.span.unwrap_or(node.span);
        let name = name.map(|name| format!("`{name}`"));
        let variable = node.variable();
        match self.kind {
            Kind::Unknown { name: unknown, known } => {
                let help = suggest::did_you_mean(&unknown, known.iter().copied());
                let help = help.or_else(|| {
                    (known.len() <= FEW).then(|| format!("one of {}", known.join(", ")))
                });
                cx.error(span, format!("unknown key `{unknown}`"), help);
            }
            // It was there, and what is wrong with it has been noted.
            Kind::Missing(key) if dropped(node, key) => {}
            Kind::Missing(key) => {
                let of = name.map(|name| format!(" in {name}")).unwrap_or_default();
                cx.error(span, format!("`{key}` is missing{of}"), None);
            }
            Kind::Type { expected, found } => {
                let name = name.unwrap_or_else(|| "this".to_owned());
                let message = match variable {
                    Some(variable) => {
                        format!(
                            "{name} must be {expected}; what the variable `{variable}` holds is not"
                        )
                    }
                    None if found == "a number" && expected.contains("number") => {
                        format!("{name} must be {expected}")
                    }
                    None => format!("{name} must be {expected}, not {found}"),
                };
                let lost = expected == "a mapping" && node.is_null();
                let lost = lost.then_some("indent what belongs to it");
                let help = unquote(&expected, node).or(lost).map(str::to_owned);
                cx.error(span, message, help);
            }
            Kind::Other(_) if !self.key && variable.is_some() => {
                let name = name.unwrap_or_else(|| "this".to_owned());
                let variable = variable.unwrap_or_default();
                let message = format!("{name} cannot be what the variable `{variable}` holds");
                cx.error(span, message, None);
            }
            Kind::Other(message) => {
                let message = match name {
                    Some(name) if !self.key => format!("{name}: {message}"),
                    _ => message,
                };
                cx.error(span, message, None);
            }
        }
    }
}

/// The node at a path, and the name of the nearest key above it.
fn find<'n>(root: &'n Node, path: &[usize]) -> (Option<&'n str>, &'n Node) {
    let mut found = (None, root);
    for &index in path {
        found = match &found.1.value {
            Value::List(list) => match list.get(index) {
                Some(node) => (found.0, node),
                None => return found,
            },
            Value::Map(map) => match map.entries.get(index) {
                Some(entry) => (Some(entry.written.as_deref().unwrap_or(&entry.key)), &entry.node),
                None => return found,
            },
            _ => return found,
        };
    }
    found
}

fn dropped(node: &Node, key: &str) -> bool {
    matches!(&node.value, Value::Map(map) if map.has_dropped(key))
}

/// A number in quotes is text.
fn unquote(expected: &str, node: &Node) -> Option<&'static str> {
    match &node.value {
        Value::Text(text) if expected.contains("number") && read::number(text).is_some() => {
            Some("write it without quotes")
        }
        Value::Int(_) | Value::Float(_) | Value::Bool(_) if expected == "text" => {
            Some("write it in quotes")
        }
        _ => None,
    }
}

impl fmt::Display for Mistake {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.kind {
            Kind::Unknown { name, .. } => write!(f, "unknown key `{name}`"),
            Kind::Missing(key) => write!(f, "`{key}` is missing"),
            Kind::Type { expected, found } => write!(f, "must be {expected}, not {found}"),
            Kind::Other(message) => f.write_str(message),
        }
    }
}

impl std::error::Error for Mistake {}

impl de::Error for Mistake {
    fn custom<T: fmt::Display>(message: T) -> Mistake {
        Mistake::new(Kind::Other(message.to_string()))
    }

    fn invalid_type(found: Unexpected<'_>, expected: &dyn Expected) -> Mistake {
        let (expected, found) = (say_expected(expected), say_found(&found));
        Mistake::new(Kind::Type { expected, found })
    }

    fn invalid_value(found: Unexpected<'_>, expected: &dyn Expected) -> Mistake {
        de::Error::invalid_type(found, expected)
    }

    fn unknown_field(name: &str, known: &'static [&'static str]) -> Mistake {
        Mistake::new(Kind::Unknown { name: name.to_owned(), known })
    }

    fn unknown_variant(name: &str, known: &'static [&'static str]) -> Mistake {
        let known = known.join("`, `");
        de::Error::custom(format!("`{name}` is none of `{known}`"))
    }

    fn missing_field(name: &'static str) -> Mistake {
        Mistake::new(Kind::Missing(name))
    }
}

/// What serde calls a type, as people call it.
fn say_expected(expected: &dyn Expected) -> String {
    let expected = expected.to_string();
    match expected.as_str() {
        "u8" | "u16" | "u32" | "u64" | "usize" => "a whole number, 0 or more".to_owned(),
        "i8" | "i16" | "i32" | "i64" | "isize" => "a whole number".to_owned(),
        "f32" | "f64" => "a number".to_owned(),
        "a boolean" => "true or false".to_owned(),
        "a string" => "text".to_owned(),
        "a sequence" => "a list".to_owned(),
        "a map" => "a mapping".to_owned(),
        other if other.starts_with("struct ") => "a mapping".to_owned(),
        _ => expected,
    }
}

/// What was found, without its value: it may be a secret.
fn say_found(found: &Unexpected<'_>) -> String {
    match found {
        Unexpected::Bool(value) => value.to_string(),
        Unexpected::Signed(value) if *value < 0 => "a negative number".to_owned(),
        Unexpected::Unsigned(_) | Unexpected::Signed(_) | Unexpected::Float(_) => {
            "a number".to_owned()
        }
        Unexpected::Char(_) | Unexpected::Str(_) => "text".to_owned(),
        Unexpected::Unit | Unexpected::Option => "nothing".to_owned(),
        Unexpected::Seq => "a list".to_owned(),
        Unexpected::Map => "a mapping".to_owned(),
        _ => "this".to_owned(),
    }
}
