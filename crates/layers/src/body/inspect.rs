//! What the bytes of an answer's body prove: the seam between the gate and a protocol.

use std::collections::VecDeque;
use std::fmt;

use bytes::{Bytes, BytesMut};

use crate::classify::Verdict;

/// Looks at an answer's body as it comes, and says what of it the caller may have.
///
/// An implementation follows one answer. It hands on what it has seen to be sound, byte for byte, and says when
/// there was content; what it cannot vouch for yet (an event that is not complete) it keeps until it can.
pub trait Inspect {
    /// Takes `data` as it came. What may be handed on is [given](Passed::give) to `passed`.
    ///
    /// # Errors
    /// What is wrong with the answer. What was given before in the same call still counts.
    fn data(&mut self, data: Bytes, passed: &mut Passed) -> Result<(), Verdict>;

    /// The body ended in order.
    ///
    /// # Errors
    /// What is wrong with an answer that ends here.
    fn end(&mut self, passed: &mut Passed) -> Result<(), Verdict>;

    /// The answer is on its way although it has not proved itself: it is longer than what is held. An inspector
    /// that holds all until the end gives it now, and passes on what follows.
    fn commit(&mut self, passed: &mut Passed) {
        let _ = passed;
    }
}

/// What an inspector handed on, and what it said of it.
#[derive(Debug, Default)]
pub struct Passed {
    pieces: VecDeque<Bytes>,
    bytes: usize,
    content: bool,
    proof: bool,
    finished: bool,
}

/// An inspector for answers that count as a whole: holds all of it until its end, and asks a closure what that is.
pub struct Whole<F> {
    held: Vec<Bytes>,
    judge: F,
    committed: bool,
}

// === impl Passed ===

impl Passed {
    /// Hands on these bytes.
    pub fn give(&mut self, bytes: Bytes) {
        if !bytes.is_empty() {
            self.bytes += bytes.len();
            self.pieces.push_back(bytes);
        }
    }

    /// Says that there was content: the answer has proved itself.
    pub const fn content(&mut self) {
        self.content = true;
        self.proof = true;
    }

    /// Says that there was content, which proves nothing yet: the clocks hear of it, and the answer stays held.
    pub const fn unproven_content(&mut self) {
        self.content = true;
    }

    /// Says that the answer is complete: nothing that may follow is waited for for long.
    pub const fn finish(&mut self) {
        self.content();
        self.finished = true;
    }

    /// The next piece.
    pub fn take(&mut self) -> Option<Bytes> {
        let piece = self.pieces.pop_front()?;
        self.bytes -= piece.len();
        Some(piece)
    }

    /// How many bytes wait to be taken.
    #[must_use]
    pub const fn len(&self) -> usize {
        self.bytes
    }

    /// Whether none do.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.bytes == 0
    }

    /// Whether there was content since this was last asked.
    pub(super) const fn take_content(&mut self) -> bool {
        std::mem::replace(&mut self.content, false)
    }

    /// Whether the answer has proved itself.
    pub(super) const fn proof(&self) -> bool {
        self.proof
    }

    pub(super) const fn finished(&self) -> bool {
        self.finished
    }
}

// === impl Whole ===

impl<F> Whole<F>
where
    F: FnMut(&Bytes) -> Option<Verdict>,
{
    /// Holds the whole answer until `judge` was asked about it: `None` where it is one.
    pub const fn new(judge: F) -> Self {
        Self { held: Vec::new(), judge, committed: false }
    }
}

impl<F> Inspect for Whole<F>
where
    F: FnMut(&Bytes) -> Option<Verdict>,
{
    fn data(&mut self, data: Bytes, passed: &mut Passed) -> Result<(), Verdict> {
        if self.committed {
            passed.give(data);
        } else {
            self.held.push(data);
        }
        Ok(())
    }

    fn commit(&mut self, passed: &mut Passed) {
        self.committed = true;
        self.held.drain(..).for_each(|piece| passed.give(piece));
    }

    fn end(&mut self, passed: &mut Passed) -> Result<(), Verdict> {
        if self.committed {
            return Ok(());
        }
        let whole = match self.held.len() {
            0 | 1 => self.held.pop().unwrap_or_default(),
            _ => {
                let mut all = BytesMut::with_capacity(self.held.iter().map(Bytes::len).sum());
                self.held.drain(..).for_each(|piece| all.extend_from_slice(&piece));
                all.freeze()
            }
        };
        if let Some(verdict) = (self.judge)(&whole) {
            return Err(verdict);
        }
        passed.give(whole);
        passed.finish();
        Ok(())
    }
}

impl<F> fmt::Debug for Whole<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Whole").field("pieces", &self.held.len()).finish_non_exhaustive()
    }
}
