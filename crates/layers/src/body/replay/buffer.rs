//! What was read of a body, up to a cap.

use bytes::{Bytes, BytesMut};

/// Frames of at least this many bytes are kept as they came, without a copy.
const WORTH_KEEPING: usize = 1024;
/// Smaller ones are joined to pieces of about this size.
const JOINED: usize = 16 * 1024;

/// The bytes of a body from the first one on.
///
/// Small frames are copied together. A piece of a read buffer costs its own bookkeeping, and keeps
/// the whole of that buffer alive: a body sent byte by byte would weigh many times what it is long.
#[derive(Debug)]
pub(super) struct Buffer {
    /// What is kept, each piece with the place of its first byte.
    pieces: Vec<(u64, Bytes)>,
    /// Small frames that are still being joined: what follows the last piece.
    small: BytesMut,
    len: u64,
    max: u64,
}

impl Buffer {
    pub(super) fn new(max: u64) -> Self {
        Self { pieces: Vec::new(), small: BytesMut::new(), len: 0, max }
    }

    /// How many bytes there are.
    pub(super) fn len(&self) -> u64 {
        self.len
    }

    /// In how many pieces they are.
    #[cfg(test)]
    pub(super) fn pieces(&self) -> usize {
        self.pieces.len()
    }

    /// Keeps what follows; false where that is too much in all.
    #[must_use]
    pub(super) fn push(&mut self, bytes: &Bytes) -> bool {
        let len = self.len.saturating_add(bytes.len() as u64);
        if len > self.max {
            return false;
        }
        if bytes.len() < WORTH_KEEPING {
            self.small.extend_from_slice(bytes);
            self.len = len;
            if self.small.len() >= JOINED {
                self.join();
            }
        } else {
            self.join();
            self.pieces.push((self.len, bytes.clone()));
            self.len = len;
        }
        true
    }

    /// The piece that begins at a byte; `None` at the end.
    pub(super) fn read(&mut self, from: u64) -> Option<Bytes> {
        self.join();
        let after = self.pieces.partition_point(|(start, _)| *start <= from);
        let (start, bytes) = self.pieces.get(after.checked_sub(1)?)?;
        let skip = usize::try_from(from - start).ok()?;
        (skip < bytes.len()).then(|| bytes.slice(skip..))
    }

    /// Makes a piece of the small frames.
    fn join(&mut self) {
        if !self.small.is_empty() {
            let start = self.len - self.small.len() as u64;
            self.pieces.push((start, self.small.split().freeze()));
        }
    }
}
