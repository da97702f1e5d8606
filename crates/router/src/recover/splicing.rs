//! A second answer on its way behind the first.

use bytes::Bytes;
use secondwind_llm::sse::Framer;
use secondwind_llm::stream::{AtEnd, Follow, Splice, Spliced, StreamDialect, Transcript, Way};

use super::spent::Spent;
use crate::request::Request;

/// Takes the events of a second answer, and gives what the caller does not have yet.
pub(super) struct Splicing {
    framer: Framer,
    follow: Box<dyn Follow>,
    splice: Box<dyn Splice>,
}

/// The second answer is another one, and cannot be put behind the first.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) struct Differs;

// === impl Splicing ===

impl Splicing {
    pub(super) fn new(dialect: &dyn StreamDialect, said: &Transcript, way: Way) -> Self {
        let (follow, splice) = (dialect.follow(), dialect.splice(said, way));
        Self { framer: Framer::new(), follow, splice }
    }

    /// Takes whole events.
    pub(super) fn data(&mut self, data: Bytes, mut give: impl FnMut(Bytes)) -> Result<(), Differs> {
        self.framer.push(data);
        while let Some(event) = self.framer.next_event().map_err(|_| Differs)? {
            let seen = self.follow.see(&event);
            match self.splice.event(&event, &seen) {
                Spliced::Nothing => {}
                Spliced::Give(bytes) => give(bytes),
                Spliced::Differs => return Err(Differs),
            }
        }
        Ok(())
    }

    /// All that the caller has been told.
    pub(super) fn transcript(&self) -> &Transcript {
        self.splice.transcript()
    }

    /// The second answer is of no use: what it took was in vain.
    pub(super) fn in_vain(&self, number: usize, request: &Request) {
        Spent::new(number, request, self.follow.transcript()).in_vain(request.context());
    }

    /// What it means that the second answer ends here.
    pub(super) fn at_end(&self) -> AtEnd {
        self.follow.at_end()
    }
}
