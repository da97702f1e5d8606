//! Reads a request, and says which of its fields is the one that cannot be read.

use serde::Deserialize;

use super::Refused;
use super::error::RefusedKind;

/// A body as `T`. What stops it is looked for only after it has failed.
pub(super) fn parse<'a, T: Deserialize<'a>>(body: &'a [u8]) -> Result<T, Refused> {
    serde_json::from_slice(body).map_err(|error| {
        let message = error.to_string();
        let param = if error.is_data() { field(body, &error, &message) } else { None };
        Refused { kind: RefusedKind::BadRequest, param, message }
    })
}

/// Where the walk over a body stands.
enum Frame<'a> {
    Object { key: Option<&'a [u8]>, in_value: bool },
    Array { index: usize },
}

/// The path of the field that `error` is about.
fn field(body: &[u8], error: &serde_json::Error, message: &str) -> Option<String> {
    let missing = message.strip_prefix("missing field `").and_then(|rest| rest.split('`').next());
    let end = offset(body, error.line(), error.column())?;
    // A field is found missing once the bracket that ends its object has been read.
    let frames = walk(body.get(..end - usize::from(missing.is_some() && end > 0))?);
    let mut path = String::new();
    let parents = frames.len() - usize::from(missing.is_some() && !frames.is_empty());
    for frame in frames.iter().take(parents) {
        match frame {
            Frame::Object { key: Some(key), .. } => name(&mut path, std::str::from_utf8(key).ok()?),
            Frame::Object { key: None, .. } => {}
            Frame::Array { index } => path.push_str(&format!("[{index}]")),
        }
    }
    if let Some(missing) = missing {
        name(&mut path, missing);
    }
    Some(path).filter(|path| !path.is_empty())
}

fn name(path: &mut String, key: &str) {
    if !path.is_empty() {
        path.push('.');
    }
    path.push_str(key);
}

/// How many bytes of `body` had been read at `line` and `column`, both as serde_json counts them.
fn offset(body: &[u8], line: usize, column: usize) -> Option<usize> {
    let mut begin = 0;
    for _ in 1..line {
        begin += memchr::memchr(b'\n', body.get(begin..)?)? + 1;
    }
    Some((begin + column).min(body.len()))
}

/// The brackets that are open at the end of `read`, and where in each one it ends.
fn walk(read: &[u8]) -> Vec<Frame<'_>> {
    let mut frames = Vec::new();
    let mut at = 0;
    while let Some(&byte) = read.get(at) {
        match byte {
            b'{' => frames.push(Frame::Object { key: None, in_value: false }),
            b'[' => frames.push(Frame::Array { index: 0 }),
            b'}' | b']' => drop(frames.pop()),
            b':' => {
                if let Some(Frame::Object { in_value, .. }) = frames.last_mut() {
                    *in_value = true;
                }
            }
            b',' => match frames.last_mut() {
                Some(Frame::Object { in_value, .. }) => *in_value = false,
                Some(Frame::Array { index }) => *index += 1,
                None => {}
            },
            b'"' => {
                let text = read.get(at + 1..).unwrap_or_default();
                let length = string(text);
                if let Some(Frame::Object { key, in_value: false }) = frames.last_mut() {
                    *key = text.get(..length);
                }
                at += length + 1;
            }
            _ => {}
        }
        at += 1;
    }
    frames
}

/// How long the string is whose opening quote `text` follows.
fn string(text: &[u8]) -> usize {
    let mut at = 0;
    while let Some(next) = memchr::memchr2(b'"', b'\\', text.get(at..).unwrap_or_default()) {
        if text.get(at + next) == Some(&b'"') {
            return at + next;
        }
        at += next + 2;
    }
    text.len()
}
