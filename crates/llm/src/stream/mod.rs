//! Streams of the APIs: what an event proves, how a stream ends, and how another answer carries on.
//!
//! A [`StreamDialect`] knows the events of one protocol. Its [`Follow`] looks at each event of a
//! stream and says what it proves, and whether the stream may end where it does: **an answer that was
//! cut off is never taken for a finished one**. Its [`Splice`] puts a second answer behind what the
//! caller has of the first, so that every word comes once and in order, under one id, with one
//! beginning and one end. Nothing here does I/O.
//!
//! ```
//! use bytes::Bytes;
//! use secondwind_llm::sse::Framer;
//! use secondwind_llm::stream::{AtEnd, ChatCompletions, Seen, StreamDialect};
//!
//! let mut framer = Framer::new();
//! framer.push(Bytes::from_static(
//!     b"data: {\"choices\":[{\"index\":0,\"delta\":{\"role\":\"assistant\"}}]}\n\n\
//!       data: {\"choices\":[{\"index\":0,\"delta\":{\"content\":\"Hel\"}}]}\n\n",
//! ));
//! let mut follow = ChatCompletions.follow();
//! let mut seen = Vec::new();
//! while let Some(event) = framer.next_event()? {
//!     seen.push(follow.see(&event));
//! }
//! assert_eq!(seen, [Seen::Preamble, Seen::Content]);
//! assert_eq!(follow.transcript().text, "Hel");
//! assert_eq!(follow.at_end(), AtEnd::Broken);
//! # Ok::<(), secondwind_llm::sse::EventTooLarge>(())
//! ```

use std::fmt;

use bytes::Bytes;
use secondwind_layers::classify::Verdict;

use crate::dialect::ErrorReply;
use crate::sse::Event;

mod anthropic;
mod chat_completions;
mod completions;
mod counts;
mod events;
mod gemini;
mod openai_body;
mod openai_chunk;
mod openai_splice;
mod piece;
mod relay;
mod responses;
mod shape;
mod transcript;
mod wire;

pub use self::anthropic::AnthropicMessages;
pub use self::chat_completions::ChatCompletions;
pub use self::completions::Completions;
pub use self::events::Events;
pub use self::gemini::Gemini;
pub use self::responses::Responses;
pub use self::transcript::{Transcript, Usage};

/// What a dialect knows of its streams. It has no state of its own.
pub trait StreamDialect: fmt::Debug + Send + Sync {
    /// Looks at the events of one stream.
    fn follow(&self) -> Box<dyn Follow>;

    /// An error told within a stream, in the caller's protocol: to be sent after what the caller has,
    /// and the last that is sent. It never says that the answer is finished.
    fn error_event(&self, error: &ErrorReply<'_>, said: &Transcript) -> Bytes;

    /// A complete JSON answer as the stream that says the same; `None` where it is no answer.
    fn as_stream(&self, body: &[u8]) -> Option<Bytes>;

    /// The body with which another deployment is asked to carry on with an answer to `request`.
    /// `None` where this cannot be done in this way.
    fn resume(&self, request: &[u8], said: &Transcript, way: Way) -> Option<Bytes>;

    /// Whether a broken answer to `request` may be carried on with, as far as the request tells: not
    /// where it asks for structured output, for several choices or for log probabilities. Tools may
    /// be offered: that they are *called* is seen in the answer.
    fn resumable(&self, request: &[u8]) -> bool;

    /// Puts another answer behind what the caller has.
    fn splice(&self, said: &Transcript, way: Way) -> Box<dyn Splice>;
}

/// How another deployment carries on with an answer.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Way {
    /// It gets what was said as the last message of the assistant, and goes on from it.
    Prefill,
    /// It is asked afresh, and its answer compared with what the caller has.
    Afresh,
}

/// Follows one stream.
pub trait Follow: fmt::Debug + Send {
    /// Looks at the next event.
    fn see(&mut self, event: &Event) -> Seen;

    /// All that was told so far.
    fn transcript(&self) -> &Transcript;

    /// All that was told.
    fn into_transcript(self: Box<Self>) -> Transcript;

    /// What it means that the body ended here, in good order as far as HTTP is concerned.
    fn at_end(&self) -> AtEnd;
}

/// What an event proves.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Seen {
    /// Nothing: a role chunk, `message_start`, `response.created`, a ping, a comment.
    Preamble,
    /// That there is an answer: text, a tool call or its start, a refusal, reasoning.
    Content,
    /// That the answer is finished; only the terminator is still to come. It may have content, too.
    Finish,
    /// Nothing new, after the finish: the usage.
    After,
    /// That the stream is at its end.
    Terminal,
    /// That the answer failed.
    Error(Verdict),
    /// Not JSON, or not in the shape of an event.
    Malformed {
        /// Whether content may have been lost in it.
        maybe_content: bool,
    },
}

/// What a stream is that ends here.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum AtEnd {
    /// Whole.
    Complete,
    /// Finished, but for the terminator: these bytes.
    Missing(Bytes),
    /// Cut off.
    Broken,
}

/// Puts a second answer behind what the caller has of the first.
pub trait Splice: fmt::Debug + Send {
    /// What the caller gets of an event of the second answer, whose own [`Follow`] has `seen` it.
    fn event(&mut self, event: &Event, seen: &Seen) -> Spliced;

    /// All that the caller has been told, the second answer's part included.
    fn transcript(&self) -> &Transcript;
}

/// What of an event is passed on.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Spliced {
    /// Nothing: the caller has it.
    Nothing,
    /// These bytes.
    Give(Bytes),
    /// Nothing more: this is another answer. It differs from what the caller has, it ended before it
    /// came that far, or it turned into something that cannot be put behind.
    Differs,
}

#[cfg(test)]
mod openai_tests;
