//! A place in a JSON text that is walked over, and never back.

use std::ops::Range;

use super::{MAX_DEPTH, PeekError};

/// A place in a body.
pub(super) struct Cursor<'a> {
    pub(super) bytes: &'a [u8],
    pub(super) at: usize,
}

impl Cursor<'_> {
    /// The byte here.
    pub(super) fn byte(&self) -> Result<u8, PeekError> {
        self.bytes.get(self.at).copied().ok_or(PeekError::CutShort { at: self.bytes.len() })
    }

    pub(super) fn not_json(&self) -> PeekError {
        PeekError::NotJson { at: self.at }
    }

    pub(super) fn whitespace(&mut self) {
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
    pub(super) fn key_and_colon(&mut self) -> Result<Range<usize>, PeekError> {
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
    pub(super) fn value(&mut self) -> Result<Range<usize>, PeekError> {
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
                            self.key_and_colon()?;
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
                            self.key_and_colon()?;
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
