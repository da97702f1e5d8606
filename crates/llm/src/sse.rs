//! Cuts a stream of server-sent events into its events, byte for byte.
//!
//! A [`Framer`] takes the bytes in whatever pieces they come and gives them back as [`Event`]s: each
//! is a block of lines with the blank line that ends it, exactly as it came. All that was given back,
//! joined together, is what was pushed; so a stream can be watched, and passed on unchanged.
//!
//! - An event is given as soon as its last byte is there, and nothing is scanned twice. One that lies
//!   in one piece is a slice of it; the pieces of any other are copied together, once.
//! - Lines end with LF, CR or CRLF. After a CR nobody can tell whether an LF follows, so an event that
//!   may end there is not held back for it. An LF that does come, in the next piece, is the second half
//!   of that line ending: it is given back at once as an event of its own, which says nothing. Kept for
//!   the next event it would hold up a reader that waits for the CRLF.
//! - What the stream ends with after its last blank line is no event, as the standard has it. It
//!   stays [held](Framer::held).
//! - An event of more than a mebibyte is an error, and so is what may become one.
//!
//! The rules are those of the [HTML standard]; a reply's content type is looked at elsewhere, and
//! nothing here connects again.
//!
//! ```
//! use secondwind_llm::sse::Framer;
//!
//! let mut framer = Framer::new();
//! framer.push("event: ping\ndata: {}\n\nda".into());
//! let event = framer.next_event()?.expect("an event that has ended");
//! assert_eq!(event.name(), Some("ping"));
//! assert_eq!(event.data(), Some(&b"{}"[..]));
//! assert_eq!(event.raw(), "event: ping\ndata: {}\n\n");
//! assert!(framer.next_event()?.is_none());
//! assert_eq!(framer.held(), 2);
//! # Ok::<(), secondwind_llm::sse::EventTooLarge>(())
//! ```
//!
//! [HTML standard]: https://html.spec.whatwg.org/multipage/server-sent-events.html#parsing-an-event-stream

mod event;

use std::collections::VecDeque;
use std::error::Error;
use std::{fmt, iter, mem};

use bytes::Bytes;
use memchr::memchr2;

pub use self::event::Event;

/// How many bytes an event may have, unless [`Framer::with_max_event`] says otherwise.
pub const MAX_EVENT: usize = 1024 * 1024;

/// The byte order mark, which may stand at the beginning of the stream and is then no part of a line.
const BOM: &[u8] = b"\xEF\xBB\xBF";

/// Cuts a byte stream into server-sent events, byte for byte.
#[derive(Debug)]
pub struct Framer {
    max_event: usize,
    /// The pieces of an event that has not ended, scanned to their end.
    head: Vec<u8>,
    /// The piece at hand. None of it has been scanned.
    chunk: Bytes,
    /// What was pushed while there was a piece at hand.
    queue: VecDeque<Bytes>,
    /// How many bytes of the line that has not ended are in `head`.
    line: usize,
    /// Whether the last byte scanned was a CR, which an LF may still belong to.
    after_cr: bool,
    /// Whether no event has been given yet.
    first: bool,
}

/// An event that is larger than it may be, or has not ended when it is as large as it may be.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub struct EventTooLarge {
    /// How many bytes an event may have.
    pub limit: usize,
}

// === impl Framer ===

impl Framer {
    /// A framer for events of up to [`MAX_EVENT`] bytes.
    #[must_use]
    pub const fn new() -> Self {
        Self::with_max_event(MAX_EVENT)
    }

    /// A framer for events of up to `bytes` bytes, their blank line included.
    #[must_use]
    pub const fn with_max_event(bytes: usize) -> Self {
        Self {
            max_event: bytes,
            head: Vec::new(),
            chunk: Bytes::new(),
            queue: VecDeque::new(),
            line: 0,
            after_cr: false,
            first: true,
        }
    }

    /// Takes the next bytes of the stream.
    pub fn push(&mut self, data: Bytes) {
        if self.chunk.is_empty() && self.queue.is_empty() {
            self.chunk = data;
        } else if !data.is_empty() {
            self.queue.push_back(data);
        }
    }

    /// The next event, or `None` where more bytes are needed for one.
    ///
    /// # Errors
    /// Where the event is larger than the limit. The stream cannot be followed any further then: this
    /// and every later call fails.
    pub fn next_event(&mut self) -> Result<Option<Event>, EventTooLarge> {
        loop {
            if self.chunk.is_empty() {
                let Some(chunk) = self.queue.pop_front() else { return Ok(None) };
                self.chunk = chunk;
            }
            let allowed = self.chunk.len().min(self.max_event - self.head.len());
            if let Some(end) = self.scan(allowed) {
                let last = self.chunk.split_to(end);
                return Ok(Some(self.event(last)));
            }
            self.head.extend_from_slice(&self.chunk.split_to(allowed));
            if !self.chunk.is_empty() {
                return Err(EventTooLarge { limit: self.max_event });
            }
        }
    }

    /// How many of the bytes pushed are in no event given so far.
    ///
    /// Once [`next_event`](Self::next_event) gives `None` these are the beginning of an event that has
    /// not ended.
    #[must_use]
    pub fn held(&self) -> usize {
        self.head.len() + self.chunk.len() + self.queue.iter().map(Bytes::len).sum::<usize>()
    }

    /// The bytes that are in no event given so far, for whoever passes on a stream to its last byte.
    #[must_use]
    pub fn into_held(self) -> Bytes {
        let mut held = self.head;
        for piece in iter::once(self.chunk).chain(self.queue) {
            held.extend_from_slice(&piece);
        }
        held.into()
    }

    /// Where in the first `allowed` bytes of the piece at hand the event ends, if it does.
    fn scan(&mut self, allowed: usize) -> Option<usize> {
        let bytes = self.chunk.get(..allowed).unwrap_or_default();
        let mut at = 0;
        if mem::take(&mut self.after_cr) && bytes.first() == Some(&b'\n') {
            at = 1;
            // The event that the CR ended was given.
            if self.head.is_empty() {
                return Some(at);
            }
        }
        while let Some(length) = bytes.get(at..).and_then(|rest| memchr2(b'\n', b'\r', rest)) {
            let end = at + length;
            let blank = match self.line + length {
                0 => true,
                3 if self.first => self.is_bom(end),
                _ => false,
            };
            self.line = 0;
            at = end + 1;
            if bytes.get(end) == Some(&b'\r') {
                match bytes.get(at) {
                    Some(b'\n') => at += 1,
                    Some(_) => {}
                    None => self.after_cr = true,
                }
            }
            if blank {
                return Some(at);
            }
        }
        self.line += bytes.len() - at;
        None
    }

    /// Whether the event up to `end` in the piece at hand is a byte order mark and nothing else.
    fn is_bom(&self, end: usize) -> bool {
        self.head.iter().chain(self.chunk.iter().take(end)).eq(BOM)
    }

    /// The event that ends with `last`.
    fn event(&mut self, last: Bytes) -> Event {
        let raw = if self.head.is_empty() {
            last
        } else {
            let mut head = mem::take(&mut self.head);
            head.reserve_exact(last.len());
            head.extend_from_slice(&last);
            Bytes::from(head)
        };
        Event::read(raw, mem::take(&mut self.first))
    }
}

impl Default for Framer {
    fn default() -> Self {
        Self::new()
    }
}

// === impl EventTooLarge ===

impl fmt::Display for EventTooLarge {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "an event of the stream is larger than {} bytes", self.limit)
    }
}

impl Error for EventTooLarge {}

#[cfg(test)]
mod tests;
