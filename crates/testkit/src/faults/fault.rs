//! What goes wrong.

use std::time::Duration;

/// What becomes of one request.
#[non_exhaustive]
#[derive(Clone, Debug, PartialEq)]
pub enum Fault {
    /// Nothing goes wrong.
    None,
    /// The connection is reset (RST) before any byte of a reply.
    ResetBeforeHead,
    /// The connection is closed (FIN) before any byte of a reply.
    CloseBeforeHead,
    /// Bytes that are no HTTP, in the place of a reply.
    GarbageHead,
    /// No reply for so long, then a proper one.
    Silence(Duration),
    /// A head, and nothing after it for so long; then the answer.
    SilenceAfterHead(Duration),
    /// The head and a stream's preamble at once, the first word after so long.
    SlowFirstWord(Duration),
    /// 429; with `retry-after` in seconds where it is given.
    RateLimited {
        /// The header's value.
        retry_after: Option<&'static str>,
    },
    /// This status, with an error object.
    Status(u16),
    /// 400: the prompt does not fit.
    ContextLength,
    /// 400: the safety system refused.
    ContentPolicy,
    /// The answer goes well up to a word (0 first), and then this happens. In JSON: at the same share of the bytes.
    At(usize, Break),
    /// A whole answer whose end is not told as it should be: a stream without `[DONE]`; JSON that ends with its
    /// connection, without a length.
    Unmarked,
    /// From this word on the words are others.
    Differs(usize),
    /// So many bytes without a line's end.
    Flood(u64),
    /// Comments for ever and no word.
    Pings(Duration),
    /// One event, or one JSON string, of so many bytes.
    BigEvent(usize),
    /// A head of so many bytes.
    BigHead(usize),
    /// A body that says that it is compressed, and would be so many bytes if it were unpacked.
    GzipBomb(u64),
}

/// How an answer breaks within its body.
#[non_exhaustive]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Break {
    /// The connection is closed (FIN) within the body.
    Cut,
    /// The connection is reset (RST).
    Reset,
    /// The body ends in good order, too early.
    End,
    /// Nothing for so long; then the answer goes on.
    Stall(Duration),
    /// Nothing for so long; then the connection is closed.
    StallAndCut(Duration),
    /// An event that tells of an error, or JSON that is one; then the body ends in good order.
    Error,
    /// An event that is no JSON comes between two words; the answer goes on.
    Malformed,
    /// The event of a word is no JSON; the answer goes on without it.
    Mangled,
    /// Bytes that are no part of any HTTP message.
    Garbage,
    /// NULs, in an event of their own; the answer goes on.
    Nuls,
    /// Bytes that are no UTF-8, within a word.
    NotUtf8,
}

/// What becomes of a request whose last message is the assistant's, to be gone on with.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Prefill {
    /// The answer goes on from it.
    #[default]
    Taken,
    /// It is refused with 400.
    Refused,
}

// === impl Fault ===

impl Fault {
    /// `how`, at the word number `word`, 0 first.
    #[must_use]
    pub const fn at(word: usize, how: Break) -> Self {
        Self::At(word, how)
    }

    /// What happens at `word`.
    pub(super) fn breaks_at(&self, word: usize) -> Option<Break> {
        match self {
            Self::At(at, how) if *at == word => Some(*how),
            _ => None,
        }
    }
}
