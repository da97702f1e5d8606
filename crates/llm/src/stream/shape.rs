//! What stays the same from one event of a stream to the next: all but the text.
//!
//! The chunks of an answer differ in one string, as a rule. Once one of them was read in full, the next is known by what
//! stands around its text: that is compared, and only the text is read. Whatever differs anywhere else is read in full.

use std::borrow::Cow;

use super::piece::Piece;

/// The JSON of an event that was read in full, without the text in it.
#[derive(Debug, Default)]
pub(super) struct Shape {
    /// Up to the quote that begins the text; empty where nothing is known yet.
    before: Vec<u8>,
    /// From the quote that ends it.
    after: Vec<u8>,
}

// === impl Shape ===

impl Shape {
    /// Keeps what stands around `text`, which must be a string within `data` as it stands there.
    pub(super) fn learn(&mut self, data: &[u8], text: &str) {
        // A slice of it is told by its address.
        let Some(start) = (text.as_ptr() as usize).checked_sub(data.as_ptr() as usize) else {
            return;
        };
        let (before, after) = (data.get(..start), data.get(start + text.len()..));
        if let (Some(before @ [.., b'"']), Some(after @ [b'"', ..])) = (before, after) {
            self.before.clear();
            self.before.extend_from_slice(before);
            self.after.clear();
            self.after.extend_from_slice(after);
        }
    }

    /// The text of an event that is the one that was kept but for its text; `None` for any other, and where there is
    /// no text.
    pub(super) fn text<'a>(&self, data: &'a [u8]) -> Option<Cow<'a, str>> {
        if self.before.is_empty() {
            return None;
        }
        let text = data.strip_prefix(&*self.before)?.strip_suffix(&*self.after)?;
        if text.is_empty() {
            return None;
        }
        if text.iter().all(|byte| *byte >= b' ' && !matches!(byte, b'"' | b'\\')) {
            return std::str::from_utf8(text).ok().map(Cow::Borrowed);
        }
        // With its quotes it is a string, or is more than that.
        let quoted = data.get(self.before.len() - 1..=self.before.len() + text.len())?;
        match serde_json::from_slice(quoted).ok()? {
            Piece::Text(text) => Some(text),
            Piece::Nothing | Piece::Number(_) | Piece::Other => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shape(data: &str, text: &str) -> Shape {
        let start = data.find(text).unwrap();
        let mut shape = Shape::default();
        shape.learn(data.as_bytes(), &data[start..start + text.len()]);
        shape
    }

    #[test]
    fn the_text_is_read_where_all_around_it_is_the_same() {
        let shape = shape(r#"{"id":"a","text":"one","n":1}"#, "one");
        for (event, text) in [
            (r#"{"id":"a","text":"two words","n":1}"#, Some("two words")),
            (r#"{"id":"a","text":"é 😀","n":1}"#, Some("é 😀")),
            (r#"{"id":"a","text":"\n\"\u00e9\ud83d\ude00\\","n":1}"#, Some("\n\"é😀\\")),
            // None of these is.
            (r#"{"id":"a","text":"","n":1}"#, None),
            (r#"{"id":"b","text":"two","n":1}"#, None),
            (r#"{"id":"a","text":"two","n":2}"#, None),
            (r#"{"id":"a","text":null,"n":1}"#, None),
            (r#"{"id":"a","text":"one","n":"#, None),
            // Nor one that has a field more.
            (r#"{"id":"a","text":"two","error":"bad","n":1}"#, None),
            (r#"{"id":"a","text":"two\","error":"bad","n":1}"#, None),
            (r#"{"id":"a","text":"a\x","n":1}"#, None),
            ("{\"id\":\"a\",\"text\":\"a\nb\",\"n\":1}", None),
            // Shorter than what is around, which overlaps.
            (r#"{"id":"a","text":","n":1}"#, None),
        ] {
            assert_eq!(shape.text(event.as_bytes()).as_deref(), text, "{event}");
        }
        assert_eq!(shape.text(b"{\"id\":\"a\",\"text\":\"\xff\",\"n\":1}"), None);
        assert_eq!(Shape::default().text(b"\"a\""), None);
    }

    #[test]
    fn nothing_is_kept_of_a_text_from_elsewhere() {
        let mut shape = Shape::default();
        shape.learn(br#"{"text":"one"}"#, "one");
        assert_eq!(shape.text(br#"{"text":"two"}"#), None);
    }
}
