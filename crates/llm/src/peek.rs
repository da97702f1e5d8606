//! Reads the model and the stream flag of a request body without building a tree of it.
//!
//! A prompt may be megabytes of text; of all that a router needs two fields of the outermost object.
//! [`peek`] walks over the body once, copies nothing but the model's name, and leaves the rest to the
//! provider: inside of strings and numbers nothing is checked, around them everything is.
//!
//! What two parsers could read differently is refused, so that no caller is routed by one model and
//! served by another: a second `model` or `stream`, and any spelling of them that a parser which
//! ignores case would take for the same key.
//!
//! In passing it notes what is meant for the router itself ([`ours`]).
//!
//! ```
//! use secondwind_llm::peek::peek;
//!
//! let body = br#"{"messages": [{"model": "not this"}], "model": "gpt-4", "stream": true}"#;
//! let peeked = peek(body)?;
//! assert_eq!(peeked.model, "gpt-4");
//! assert_eq!(&body[peeked.model_range.clone()], br#""gpt-4""#);
//! assert!(peeked.stream);
//! # Ok::<(), secondwind_llm::peek::PeekError>(())
//! ```

mod cursor;
pub mod ours;

use std::borrow::Cow;
use std::fmt;
use std::ops::Range;

use self::cursor::Cursor;
use self::ours::{LONGEST, members, named, of_metadata};

pub use self::ours::Ours;

/// How deeply objects and arrays may be nested, the body itself included.
pub const MAX_DEPTH: u32 = 128;

/// What a request body asks for.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
#[non_exhaustive]
pub struct Peek {
    /// The model's name, with the escapes of its JSON string resolved.
    pub model: String,
    /// Where the model's name stands in the body, its quotes included.
    pub model_range: Range<usize>,
    /// Whether the answer is to be streamed: `stream`, false where it is missing or `null`.
    pub stream: bool,
    /// The fields that are not for the provider, in their order: see [`ours`].
    pub ours: Vec<Ours>,
}

/// Why a body cannot be routed. Every `at` is a place in the body, in bytes from its beginning.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum PeekError {
    /// Something that cannot stand in JSON, or not there.
    NotJson {
        /// The first byte that is wrong.
        at: usize,
    },
    /// The body ends before its JSON does.
    CutShort {
        /// The length of the body.
        at: usize,
    },
    /// The body is JSON of another kind.
    NotAnObject {
        /// Where it begins.
        at: usize,
    },
    /// More than [`MAX_DEPTH`] objects and arrays within each other.
    TooDeep {
        /// The bracket that is one too many.
        at: usize,
    },
    /// There is no `model`.
    NoModel,
    /// `model` is something else than a string.
    ModelNotAString {
        /// Where its value begins.
        at: usize,
    },
    /// `stream` is something else than `true`, `false` or `null`.
    StreamNotABool {
        /// Where its value begins.
        at: usize,
    },
    /// A second `model` or `stream`, or one that differs from it in case only; a second one of those that are
    /// [ours].
    Duplicate {
        /// Its name.
        key: &'static str,
        /// Where the second key begins.
        at: usize,
    },
}

/// Reads `model` and `stream` of the object that is `body`.
///
/// Takes one pass, with no recursion and no allocation but the name's, whatever the body is.
///
/// # Errors
/// Where the body is not a JSON object with a string for a `model`, or is ambiguous: see [`PeekError`].
pub fn peek(body: &[u8]) -> Result<Peek, PeekError> {
    let peeked = read(body, false)?;
    if peeked.model_range.is_empty() { Err(PeekError::NoModel) } else { Ok(peeked) }
}

/// The same, where a model may be missing or `null`: then its name is empty, and so is its place.
///
/// # Errors
/// As those of [`peek`], but for that.
pub fn peek_at_any(body: &[u8]) -> Result<Peek, PeekError> {
    read(body, true)
}

/// What the body asks for; the model's place is empty where there is none, or where it is `null` and `may_be_null`.
fn read(body: &[u8], may_be_null: bool) -> Result<Peek, PeekError> {
    let mut cursor = Cursor { bytes: body, at: 0 };
    cursor.whitespace();
    match cursor.byte()? {
        b'{' => cursor.at += 1,
        b'[' | b'"' | b'-' | b'0'..=b'9' | b't' | b'f' | b'n' => {
            return Err(PeekError::NotAnObject { at: cursor.at });
        }
        _ => return Err(cursor.not_json()),
    }

    let (mut model, mut stream) = (Field::new("model"), Field::new("stream"));
    let mut ours = Vec::new();
    members(&mut cursor, &mut ours, |ours, key, value| {
        if !may_matter(&key) {
            return Ok(None);
        }
        let name = name(body, &key)?;
        model.offer(&name, key.start, &value)?;
        stream.offer(&name, key.start, &value)?;
        if name.eq_ignore_ascii_case(b"metadata") && body.get(value.start) == Some(&b'{') {
            of_metadata(body, value.start + 1, ours)?;
        }
        named(&name, key.start, ours)
    })?;
    cursor.whitespace();
    if cursor.at < body.len() {
        return Err(cursor.not_json());
    }

    let is_text = |range: &Range<usize>| match body.get(range.clone()) {
        Some([b'"', ..]) => Ok(true),
        Some(b"null") if may_be_null => Ok(false),
        _ => Err(PeekError::ModelNotAString { at: range.start }),
    };
    let model_range = match model.value {
        Some(range) if is_text(&range)? => range,
        _ => 0..0,
    };
    Ok(Peek {
        model: if model_range.is_empty() { String::new() } else { decode(body, &model_range)? },
        model_range,
        stream: stream.value.map_or(Ok(false), |value| flag(body, value))?,
        ours,
    })
}

/// A field of the outermost object that is looked for.
struct Field {
    name: &'static str,
    /// Whether a key was seen that some parser takes for it.
    claimed: bool,
    value: Option<Range<usize>>,
}

impl Field {
    const fn new(name: &'static str) -> Self {
        Self { name, claimed: false, value: None }
    }

    /// Takes `value` if it stands under this field's name.
    fn offer(&mut self, name: &[u8], at: usize, value: &Range<usize>) -> Result<(), PeekError> {
        if !name.eq_ignore_ascii_case(self.name.as_bytes()) {
            return Ok(());
        }
        if self.claimed {
            return Err(PeekError::Duplicate { key: self.name, at });
        }
        self.claimed = true;
        if name == self.name.as_bytes() {
            self.value = Some(value.clone());
        }
        Ok(())
    }
}

/// Whether a key, quotes included, may be one that is looked for: as long as the longest at most, each
/// character perhaps as `\u0000`.
fn may_matter(key: &Range<usize>) -> bool {
    key.len() <= LONGEST * 6 + 2
}

/// The name that the key at `range`, quotes included, spells.
fn name<'a>(body: &'a [u8], range: &Range<usize>) -> Result<Cow<'a, [u8]>, PeekError> {
    let within = body.get(range.start + 1..range.end - 1).unwrap_or_default();
    if within.contains(&b'\\') {
        return Ok(Cow::Owned(decode(body, range)?.into_bytes()));
    }
    Ok(Cow::Borrowed(within))
}

/// The text of the JSON string at `range`, quotes included.
fn decode(body: &[u8], range: &Range<usize>) -> Result<String, PeekError> {
    body.get(range.clone())
        .and_then(|text| serde_json::from_slice(text).ok())
        .ok_or(PeekError::NotJson { at: range.start })
}

fn flag(body: &[u8], value: Range<usize>) -> Result<bool, PeekError> {
    let at = value.start;
    match body.get(value).unwrap_or_default() {
        b"true" => Ok(true),
        b"false" | b"null" => Ok(false),
        _ => Err(PeekError::StreamNotABool { at }),
    }
}

// === impl PeekError ===

impl fmt::Display for PeekError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotJson { at } => write!(f, "the body is not JSON: unexpected byte at {at}"),
            Self::CutShort { at } => {
                write!(f, "the body is not JSON: it is cut short at byte {at}")
            }
            Self::NotAnObject { at } => write!(f, "the body is not a JSON object (byte {at})"),
            Self::TooDeep { at } => {
                write!(f, "the body is nested more than {MAX_DEPTH} levels deep (byte {at})")
            }
            Self::NoModel => f.write_str("the body has no `model`"),
            Self::ModelNotAString { at } => write!(f, "`model` is not a string (byte {at})"),
            Self::StreamNotABool { at } => write!(f, "`stream` is not true or false (byte {at})"),
            Self::Duplicate { key, at } => write!(f, "`{key}` is given twice (byte {at})"),
        }
    }
}

impl std::error::Error for PeekError {}

#[cfg(test)]
mod tests;
