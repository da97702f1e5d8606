//! A request body with another model's name spliced in, and not one byte of the prompt copied.

use std::convert::Infallible;
use std::fmt;
use std::ops::Range;
use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};

/// Up to three slices of bytes, sent one after the other.
///
/// Clones share the bytes. Its length is known exactly, so that it is sent with a `content-length`.
///
/// ```
/// use bytes::Bytes;
/// use http_body::Body;
/// use secondwind_llm::body::{Spliced, json_string};
/// use secondwind_llm::peek::peek;
///
/// let body = Bytes::from_static(br#"{"model": "fast", "messages": []}"#);
/// let model = peek(&body)?.model_range;
/// let spliced = Spliced::new(&body, model, json_string("gpt-4o-mini"));
/// assert_eq!(spliced.size_hint().exact(), Some(40));
/// # Ok::<(), secondwind_llm::peek::PeekError>(())
/// ```
#[derive(Clone, Default)]
pub struct Spliced {
    /// What is still to be sent, in order.
    parts: [Bytes; 3],
}

// === impl Spliced ===

impl Spliced {
    /// `body` with `replacement` in the place of `range`.
    ///
    /// `range` is one that [`peek`](crate::peek::peek) found in the same body; of any other one, what
    /// lies outside of `body` is ignored. Where the replacement is what stands there already, the
    /// body is sent as it is.
    #[must_use]
    pub fn new(body: &Bytes, range: Range<usize>, replacement: Bytes) -> Self {
        let start = range.start.min(body.len());
        let end = range.end.clamp(start, body.len());
        if body.get(start..end) == Some(&*replacement) {
            return Self::whole(body.clone());
        }
        Self { parts: [body.slice(..start), replacement, body.slice(end..)] }
    }

    /// `body` as it is.
    #[must_use]
    pub fn whole(body: Bytes) -> Self {
        Self { parts: [body, Bytes::new(), Bytes::new()] }
    }

    /// Nothing.
    #[must_use]
    pub fn empty() -> Self {
        Self::default()
    }

    /// How many bytes are still to be sent.
    fn remaining(&self) -> u64 {
        self.parts.iter().map(|part| part.len() as u64).sum()
    }
}

impl Body for Spliced {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        let next = self.parts.iter_mut().find(|part| !part.is_empty()).map(std::mem::take);
        Poll::Ready(next.map(|part| Ok(Frame::data(part))))
    }

    fn is_end_stream(&self) -> bool {
        self.parts.iter().all(Bytes::is_empty)
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(self.remaining())
    }
}

// A prompt is nobody's business but the caller's and the provider's.
impl fmt::Debug for Spliced {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Spliced").field("remaining", &self.remaining()).finish_non_exhaustive()
    }
}

/// `text` as a JSON string, quotes included: what [`Spliced::new`] takes for a model's name.
#[must_use]
pub fn json_string(text: &str) -> Bytes {
    Bytes::from(serde_json::Value::from(text).to_string())
}

#[cfg(test)]
mod tests;
