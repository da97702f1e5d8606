//! Writes server-sent events.

use serde::Serialize;

/// An event without a name, `value` as its data.
pub(super) fn data(out: &mut Vec<u8>, value: &impl Serialize) {
    line(out, "data: ", value);
    out.extend_from_slice(b"\n\n");
}

/// An event called `name`, `value` as its data.
pub(super) fn event(out: &mut Vec<u8>, name: &str, value: &impl Serialize) {
    out.extend_from_slice(b"event: ");
    out.extend_from_slice(name.as_bytes());
    out.push(b'\n');
    data(out, value);
}

/// A comment: it says nothing, but that somebody is there.
pub(super) fn comment(out: &mut Vec<u8>, text: &str) {
    out.extend_from_slice(b": ");
    out.extend_from_slice(text.as_bytes());
    out.extend_from_slice(b"\n\n");
}

/// The end of a stream of Chat Completions.
pub(super) fn done(out: &mut Vec<u8>) {
    out.extend_from_slice(b"data: [DONE]\n\n");
}

fn line(out: &mut Vec<u8>, field: &str, value: &impl Serialize) {
    out.extend_from_slice(field.as_bytes());
    let begin = out.len();
    // Memory takes all that is written to it, and every key of ours is a string.
    if serde_json::to_writer(&mut *out, value).is_err() {
        out.truncate(begin);
    }
}
