//! What an event says: the fields of its lines.

use std::borrow::Cow;
use std::ops::Range;

use bytes::Bytes;
use memchr::{memchr, memchr2};

use super::BOM;

/// One block of lines with the blank line that ends it.
///
/// Lines that say nothing (comments, fields with another name) are in its bytes only. The bytes need
/// not be UTF-8.
#[derive(Clone, Debug)]
pub struct Event {
    raw: Bytes,
    /// Where its first line begins: after the byte order mark, if there is one.
    start: usize,
    name: Option<Text>,
    data: Option<Text>,
}

/// A part of an event.
#[derive(Clone, Debug)]
enum Text {
    /// As it stands in the event.
    Here(Range<usize>),
    /// As it had to be put together.
    Made(Bytes),
}

/// The fields of an event: each one's name, and where its value stands.
struct Fields<'a> {
    raw: &'a [u8],
    at: usize,
}

// === impl Event ===

impl Event {
    /// Reads the block `raw`, which may be the `first` of its stream.
    pub(super) fn read(raw: Bytes, first: bool) -> Self {
        let start = if first && raw.starts_with(BOM) { BOM.len() } else { 0 };
        let (mut name, mut data, mut joined) = (None, None, None);
        for (field, value) in (Fields { raw: &raw, at: start }) {
            match field {
                b"data" => match &data {
                    None => data = Some(value),
                    Some(before) => {
                        let joined = joined.get_or_insert_with(|| part(&raw, before).to_vec());
                        joined.push(b'\n');
                        joined.extend_from_slice(part(&raw, &value));
                    }
                },
                b"event" => name = Some(value),
                _ => {}
            }
        }
        let name = name.filter(|name| !name.is_empty()).map(|name| {
            match String::from_utf8_lossy(part(&raw, &name)) {
                Cow::Borrowed(_) => Text::Here(name),
                Cow::Owned(mended) => Text::Made(mended.into()),
            }
        });
        let data = joined.map(|joined| Text::Made(joined.into())).or(data.map(Text::Here));
        Self { raw, start, name, data }
    }

    /// The event as it came.
    #[must_use]
    pub fn raw(&self) -> &Bytes {
        &self.raw
    }

    /// The value of `event`, the last one if there are several; `None` where it is empty.
    ///
    /// What is not UTF-8 in it is replaced by U+FFFD, as the standard asks.
    #[must_use]
    pub fn name(&self) -> Option<&str> {
        let name = self.name.as_ref()?;
        std::str::from_utf8(name.of(&self.raw)).ok()
    }

    /// The values of `data`, with a line feed between them.
    ///
    /// `None` where there is no such line: a client gets to see nothing of an event like that. It is
    /// part of the event's own bytes where there is one such line.
    #[must_use]
    pub fn data(&self) -> Option<&[u8]> {
        self.data.as_ref().map(|data| data.of(&self.raw))
    }

    /// The value of `id`, the last one if there are several: what a client says when it connects
    /// again after this event, or one that follows and has none.
    ///
    /// Empty takes it back. One with a NUL in it does not count.
    #[must_use]
    pub fn id(&self) -> Option<&[u8]> {
        self.values(b"id").filter(|id| memchr(0, id).is_none()).last()
    }

    /// The value of `retry`, the last one if there are several: after how many milliseconds a client
    /// connects again.
    ///
    /// One that is not all digits, or does not fit, does not count.
    #[must_use]
    pub fn retry(&self) -> Option<u64> {
        let number = |value: &[u8]| {
            // Not `parse` alone: that takes a sign.
            let digits = value.iter().all(u8::is_ascii_digit);
            std::str::from_utf8(value).ok().filter(|_| digits)?.parse().ok()
        };
        self.values(b"retry").filter_map(number).last()
    }

    fn values<'a>(&'a self, wanted: &'a [u8]) -> impl Iterator<Item = &'a [u8]> {
        Fields { raw: &self.raw, at: self.start }
            .filter(move |(field, _)| *field == wanted)
            .map(|(_, value)| part(&self.raw, &value))
    }
}

// === impl Text ===

impl Text {
    fn of<'a>(&'a self, raw: &'a [u8]) -> &'a [u8] {
        match self {
            Self::Here(range) => part(raw, range),
            Self::Made(text) => text,
        }
    }
}

// === impl Fields ===

impl<'a> Iterator for Fields<'a> {
    type Item = (&'a [u8], Range<usize>);

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            let start = self.at;
            let rest = self.raw.get(start..).filter(|rest| !rest.is_empty())?;
            let length = memchr2(b'\n', b'\r', rest).unwrap_or(rest.len());
            // A CRLF counts as two line endings: a blank line more is no field.
            self.at = start + length + 1;
            let line = rest.get(..length).unwrap_or_default();
            if line.is_empty() {
                continue;
            }
            let Some(colon) = memchr(b':', line) else {
                return Some((line, start + length..start + length));
            };
            let space = usize::from(line.get(colon + 1) == Some(&b' '));
            let name = line.get(..colon).unwrap_or_default();
            return Some((name, start + colon + 1 + space..start + length));
        }
    }
}

fn part<'a>(raw: &'a [u8], range: &Range<usize>) -> &'a [u8] {
    raw.get(range.clone()).unwrap_or_default()
}
