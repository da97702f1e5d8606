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

use std::borrow::Cow;
use std::fmt;
use std::ops::Range;

/// How deeply objects and arrays may be nested, the body itself included.
pub const MAX_DEPTH: u32 = 128;

/// What a request body asks for.
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub struct Peek {
    /// The model's name, with the escapes of its JSON string resolved.
    pub model: String,
    /// Where the model's name stands in the body, its quotes included.
    pub model_range: Range<usize>,
    /// Whether the answer is to be streamed: `stream`, false where it is missing or `null`.
    pub stream: bool,
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
    /// A second `model` or `stream`, or one that differs from it in case only.
    Duplicate {
        /// `model` or `stream`.
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
    cursor.whitespace();
    if cursor.byte()? == b'}' {
        cursor.at += 1;
    } else {
        loop {
            cursor.whitespace();
            let key = cursor.key()?;
            cursor.whitespace();
            let value = cursor.value()?;
            if is_short(&key) {
                let name = name(body, &key)?;
                model.offer(&name, key.start, &value)?;
                stream.offer(&name, key.start, &value)?;
            }
            cursor.whitespace();
            let end = cursor.byte()?;
            cursor.at += 1;
            match end {
                b',' => {}
                b'}' => break,
                _ => return Err(PeekError::NotJson { at: cursor.at - 1 }),
            }
        }
    }
    cursor.whitespace();
    if cursor.at < body.len() {
        return Err(cursor.not_json());
    }

    let model_range = model.value.ok_or(PeekError::NoModel)?;
    if body.get(model_range.start) != Some(&b'"') {
        return Err(PeekError::ModelNotAString { at: model_range.start });
    }
    Ok(Peek {
        model: decode(body, &model_range)?,
        model_range,
        stream: stream.value.map_or(Ok(false), |value| flag(body, value))?,
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

/// Whether a key, quotes included, may be one that is looked for: six characters at most, each
/// perhaps as `\u0000`.
fn is_short(key: &Range<usize>) -> bool {
    key.len() <= 6 * 6 + 2
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

/// A place in a body.
struct Cursor<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl Cursor<'_> {
    /// The byte here.
    fn byte(&self) -> Result<u8, PeekError> {
        self.bytes.get(self.at).copied().ok_or(PeekError::CutShort { at: self.bytes.len() })
    }

    fn not_json(&self) -> PeekError {
        PeekError::NotJson { at: self.at }
    }

    fn whitespace(&mut self) {
        while let Some(b' ' | b'\n' | b'\r' | b'\t') = self.bytes.get(self.at) {
            self.at += 1;
        }
    }

    /// Passes a string; the place of it, quotes included.
    fn string(&mut self) -> Result<Range<usize>, PeekError> {
        let start = self.at;
        if self.byte()? != b'"' {
            return Err(self.not_json());
        }
        self.at += 1;
        loop {
            let rest = self.bytes.get(self.at..).unwrap_or_default();
            let Some(quote) = memchr::memchr(b'"', rest) else {
                return Err(PeekError::CutShort { at: self.bytes.len() });
            };
            // Escaped if an odd number of backslashes stands before it. Those runs end at a quote
            // each, so that none is counted twice and the whole stays linear.
            let escapes = rest.iter().take(quote).rev().take_while(|byte| **byte == b'\\').count();
            self.at += quote + 1;
            if escapes % 2 == 0 {
                return Ok(start..self.at);
            }
        }
    }

    /// Passes a key and its colon; the place of the key, quotes included.
    fn key(&mut self) -> Result<Range<usize>, PeekError> {
        let key = self.string()?;
        self.whitespace();
        if self.byte()? != b':' {
            return Err(self.not_json());
        }
        self.at += 1;
        Ok(key)
    }

    /// Passes a number, `true`, `false` or `null`, or what a lenient writer puts there (`NaN`).
    fn scalar(&mut self) -> Result<(), PeekError> {
        let start = self.at;
        while let Some(b'0'..=b'9' | b'a'..=b'z' | b'A'..=b'Z' | b'-' | b'+' | b'.') =
            self.bytes.get(self.at)
        {
            self.at += 1;
        }
        if self.at == start { Err(self.not_json()) } else { Ok(()) }
    }

    /// Passes the value that begins here, whatever is in it; its place.
    fn value(&mut self) -> Result<Range<usize>, PeekError> {
        let start = self.at;
        let mut open = Open::default();
        loop {
            self.whitespace();
            match self.byte()? {
                b'"' => {
                    self.string()?;
                }
                opening @ (b'{' | b'[') => {
                    if !open.push(opening == b'{') {
                        return Err(PeekError::TooDeep { at: self.at });
                    }
                    self.at += 1;
                    self.whitespace();
                    match (opening, self.byte()?) {
                        (b'{', b'}') | (b'[', b']') => {}
                        (b'{', _) => {
                            self.key()?;
                            continue;
                        }
                        _ => continue,
                    }
                }
                _ => self.scalar()?,
            }
            // A value has ended, or an empty object or array is about to.
            loop {
                let Some(object) = open.innermost() else {
                    return Ok(start..self.at);
                };
                self.whitespace();
                match (self.byte()?, object) {
                    (b',', _) => {
                        self.at += 1;
                        if object {
                            self.whitespace();
                            self.key()?;
                        }
                        break;
                    }
                    (b'}', true) | (b']', false) => {
                        self.at += 1;
                        open.pop();
                    }
                    _ => return Err(self.not_json()),
                }
            }
        }
    }
}

/// The brackets that are open within a value of the outermost object: a bit each, set for objects.
#[derive(Default)]
struct Open {
    objects: u128,
    depth: u32,
}

impl Open {
    /// False where that is one too many.
    fn push(&mut self, object: bool) -> bool {
        // The outermost object is open as well.
        if self.depth + 1 >= MAX_DEPTH {
            return false;
        }
        self.objects = self.objects << 1 | u128::from(object);
        self.depth += 1;
        true
    }

    fn pop(&mut self) {
        self.objects >>= 1;
        self.depth -= 1;
    }

    /// Whether the innermost is an object; `None` where nothing is open.
    fn innermost(&self) -> Option<bool> {
        (self.depth > 0).then_some(self.objects & 1 == 1)
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
