//! A stream behind the gate: its bytes cut into events, each looked at before it is passed on.
//!
//! A stream in another API than the caller's is translated first, event by event; what is looked at then, what is
//! compared, carried on and ended, is in the caller's API all the same.

use std::ops::Range;

use bytes::Bytes;
use secondwind_layers::body::{Inspect, Passed};
use secondwind_layers::classify::Verdict;
use secondwind_policy::Class;

use super::{AtEnd, Follow, Seen, StreamDialect, Transcript, Usage};
use crate::sse::{Event, Framer};
use crate::translate::TranslateStream;

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
    /// Where the provider's API is another.
    foreign: Option<Box<Foreign>>,
}

/// The provider's side of a stream that is translated.
#[derive(Debug)]
struct Foreign {
    framer: Framer,
    follow: Box<dyn Follow>,
    translate: Box<dyn TranslateStream>,
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
            foreign: None,
        }
    }

    /// The stream comes in the API of `provider`, and is given in that of the caller.
    #[must_use]
    pub fn translated(
        mut self,
        provider: &dyn StreamDialect,
        translate: Box<dyn TranslateStream>,
    ) -> Self {
        let (framer, follow) = (Framer::new(), provider.follow());
        self.foreign = Some(Box::new(Foreign { framer, follow, translate }));
        self
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

    /// The tokens counted, as far as told: to the caller, or to us by the provider.
    #[must_use]
    pub fn usage(&self) -> Option<Usage> {
        let foreign = self.foreign.as_ref();
        self.transcript().usage.or_else(|| foreign?.follow.transcript().usage)
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

impl Events {
    /// Takes what the provider said, in its API.
    fn foreign_data(
        &mut self,
        foreign: &mut Foreign,
        data: Bytes,
        passed: &mut Passed,
    ) -> Result<(), Verdict> {
        foreign.framer.push(data);
        let broken = || Verdict::new(Class::InternalServer);
        let mut out = Vec::new();
        let mut seen = Ok(());
        while seen.is_ok() {
            let Some(event) = foreign.framer.next_event().map_err(|_| broken())? else { break };
            seen = match (foreign.follow.see(&event), event.data()) {
                (Seen::Error(verdict), _) => Err(verdict),
                (Seen::Malformed { maybe_content: false }, _) if self.lenient => {
                    self.dropped += 1;
                    Ok(())
                }
                (Seen::Malformed { .. }, _) => Err(broken()),
                (_, Some(data)) => foreign
                    .translate
                    .event(event.name(), data, &mut out)
                    .map_err(|_malformed| broken()),
                // A comment is one in every API.
                (_, None) => {
                    out.extend_from_slice(event.raw());
                    Ok(())
                }
            };
        }
        // What was sound before counts.
        if !out.is_empty() {
            self.native_data(out.into(), passed)?;
        }
        seen
    }

    /// Takes what the caller gets, in its API.
    fn native_data(&mut self, data: Bytes, passed: &mut Passed) -> Result<(), Verdict> {
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
}

impl Inspect for Events {
    fn data(&mut self, data: Bytes, passed: &mut Passed) -> Result<(), Verdict> {
        let Some(mut foreign) = self.foreign.take() else {
            return self.native_data(data, passed);
        };
        let seen = self.foreign_data(&mut foreign, data, passed);
        self.foreign = Some(foreign);
        seen
    }

    fn end(&mut self, passed: &mut Passed) -> Result<(), Verdict> {
        let held = self.foreign.as_ref().map_or(&self.framer, |foreign| &foreign.framer).held();
        if held > 0 && !self.ended {
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
