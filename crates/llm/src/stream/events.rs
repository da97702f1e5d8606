//! A stream behind the gate: its bytes cut into events, each looked at before it is passed on.

use std::ops::Range;

use bytes::Bytes;
use secondwind_layers::body::{Inspect, Passed};
use secondwind_layers::classify::Verdict;
use secondwind_policy::Class;

use super::{AtEnd, Follow, Seen, StreamDialect, Transcript};
use crate::sse::{Event, Framer};

/// Looks at the events of one stream on their way to the caller.
///
/// What is sound is passed on byte for byte, and in the pieces in which it came where every event in them is
/// complete. An event that is not complete waits for the rest of it; one that is malformed is not passed on.
#[derive(Debug)]
pub struct Events {
    framer: Framer,
    follow: Box<dyn Follow>,
    /// Whether content counts as proof, or only the end does.
    hold: bool,
    /// Whether what is malformed and cannot have been content is dropped.
    lenient: bool,
    dropped: u64,
    ended: bool,
}

// === impl Events ===

impl Events {
    /// Follows one stream of `dialect`.
    #[must_use]
    pub fn new(dialect: &dyn StreamDialect) -> Self {
        Self {
            framer: Framer::new(),
            follow: dialect.follow(),
            hold: false,
            lenient: false,
            dropped: 0,
            ended: false,
        }
    }

    /// Nothing counts as proof but the end: the answer is held until it is whole.
    #[must_use]
    pub const fn holding_all(mut self) -> Self {
        self.hold = true;
        self
    }

    /// A malformed event that cannot have been content is dropped. Otherwise every malformed event breaks the
    /// stream.
    #[must_use]
    pub const fn lenient(mut self) -> Self {
        self.lenient = true;
        self
    }

    /// All that was told so far.
    #[must_use]
    pub fn transcript(&self) -> &Transcript {
        self.follow.transcript()
    }

    /// All that was told.
    #[must_use]
    pub fn into_transcript(self) -> Transcript {
        self.follow.into_transcript()
    }

    /// What it means that the stream ends here.
    #[must_use]
    pub fn at_end(&self) -> AtEnd {
        self.follow.at_end()
    }

    /// How many malformed events were dropped.
    #[must_use]
    pub const fn dropped(&self) -> u64 {
        self.dropped
    }

    /// Looks at an event; whether it is passed on.
    fn see(&mut self, event: &Event, passed: &mut Passed) -> Result<bool, Verdict> {
        match self.follow.see(event) {
            // After the terminator there is nothing that a caller could be told.
            _ if self.ended => return Ok(event.data().is_none()),
            Seen::Preamble | Seen::After => {}
            Seen::Content | Seen::Finish if self.hold => passed.unproven_content(),
            Seen::Content | Seen::Finish => passed.content(),
            Seen::Terminal => {
                self.ended = true;
                passed.finish();
            }
            Seen::Error(verdict) => return Err(verdict),
            Seen::Malformed { maybe_content: false } if self.lenient => {
                self.dropped += 1;
                return Ok(false);
            }
            Seen::Malformed { .. } => return Err(Verdict::new(Class::InternalServer)),
        }
        Ok(true)
    }
}

impl Inspect for Events {
    fn data(&mut self, data: Bytes, passed: &mut Passed) -> Result<(), Verdict> {
        self.framer.push(data.clone());
        // What lies in one piece in `data` is passed on in one piece.
        let mut run = Run { data, range: 0..0 };
        loop {
            let seen = match self.framer.next_event() {
                Ok(Some(event)) => match self.see(&event, passed) {
                    Ok(true) => {
                        run.add(event.raw(), passed);
                        continue;
                    }
                    Ok(false) => {
                        run.give(passed);
                        continue;
                    }
                    Err(verdict) => Err(verdict),
                },
                Ok(None) => Ok(()),
                Err(_too_large) => Err(Verdict::new(Class::InternalServer)),
            };
            run.give(passed);
            return seen;
        }
    }

    fn end(&mut self, passed: &mut Passed) -> Result<(), Verdict> {
        if self.framer.held() > 0 && !self.ended {
            // The last event's blank line may be missing; what it says counts if it is all there.
            // Cut off within what comes after the finish, the answer is finished all the same.
            let last = self.data(Bytes::from_static(b"\n\n"), passed);
            if last.is_err() && self.follow.at_end() == AtEnd::Broken {
                return Err(Verdict::new(Class::Connection));
            }
        }
        match self.follow.at_end() {
            AtEnd::Complete => {}
            AtEnd::Missing(terminator) => passed.give(terminator),
            AtEnd::Broken => return Err(Verdict::new(Class::Connection)),
        }
        passed.finish();
        Ok(())
    }
}

/// Neighbouring events, as one piece.
struct Run {
    data: Bytes,
    range: Range<usize>,
}

// === impl Run ===

impl Run {
    fn add(&mut self, raw: &Bytes, passed: &mut Passed) {
        // Where `raw` lies in `data`, if it does: a slice of it is told by its address.
        let start = (raw.as_ptr() as usize).checked_sub(self.data.as_ptr() as usize);
        let range = start.map(|start| start..start + raw.len());
        match range.filter(|range| range.end <= self.data.len() && !raw.is_empty()) {
            Some(range) if range.start == self.range.end && !self.range.is_empty() => {
                self.range.end = range.end;
            }
            Some(range) => {
                self.give(passed);
                self.range = range;
            }
            None => {
                self.give(passed);
                passed.give(raw.clone());
            }
        }
    }

    fn give(&mut self, passed: &mut Passed) {
        let range = std::mem::replace(&mut self.range, 0..0);
        passed.give(self.data.slice(range));
    }
}

#[cfg(test)]
mod tests;
