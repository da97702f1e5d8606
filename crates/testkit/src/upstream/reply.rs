//! One scripted reply: what is answered, when, and how far it gets.

use std::time::Duration;

use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode};

use super::Outcome;

/// What the upstream does with one request.
///
/// Made by a constructor, refined by the methods that take `self`:
///
/// ```
/// # use secondwind_testkit::upstream::Reply;
/// # use std::time::Duration;
/// Reply::ok().content("Two words").after(Duration::from_millis(50));
/// Reply::status(529).header("retry-after", "3");
/// ```
#[derive(Clone, Debug)]
pub struct Reply {
    pub(super) outcome: Outcome,
    pub(super) kind: Kind,
    pub(super) end: End,
    pub(super) headers: HeaderMap,
    pub(super) content: Option<String>,
    /// Before anything is answered.
    pub(super) delay: Duration,
    /// Between two chunks of a stream.
    pub(super) pause: Duration,
}

/// What is said.
#[derive(Clone, Debug)]
pub(super) enum Kind {
    /// The endpoint's proper answer.
    Answer,
    /// This body with this status; no body means the error object that goes with the status.
    Fixed { status: StatusCode, content_type: &'static str, body: Option<Bytes> },
    /// These chunks, each as it is.
    Chunks(Vec<Bytes>),
    /// No headers, ever.
    Hang,
    /// No headers; the connection goes.
    Sever(Sever),
}

/// How far it gets.
#[derive(Clone, Copy, Debug)]
pub(super) enum End {
    /// To its end.
    Whole,
    /// To the middle, as if that were the end.
    Half,
    /// This many chunks, as if that were the end.
    Unfinished(usize),
    /// This many chunks, then silence.
    Stall(usize),
    /// This many chunks, then the connection goes.
    Sever(usize, Sever),
}

/// How a connection goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Sever {
    /// Closed in good order (FIN).
    Close,
    /// Torn down (RST).
    Reset,
}

impl Reply {
    fn new(outcome: Outcome, kind: Kind, end: End) -> Self {
        Self {
            outcome,
            kind,
            end,
            headers: HeaderMap::new(),
            content: None,
            delay: Duration::ZERO,
            pause: Duration::ZERO,
        }
    }

    /// A proper answer: JSON, or a stream where the request asks for one.
    #[must_use]
    pub fn ok() -> Self {
        Self::new(Outcome::Ok, Kind::Answer, End::Whole)
    }

    /// A proper answer whose headers come after `delay`.
    #[must_use]
    pub fn slow(delay: Duration) -> Self {
        Self::new(Outcome::Slow, Kind::Answer, End::Whole).after(delay)
    }

    /// This status, with the error object that OpenAI would send with it (or [`Reply::body`]).
    ///
    /// # Panics
    ///
    /// If `status` is not between 100 and 999.
    #[must_use]
    pub fn status(status: u16) -> Self {
        Self::failed(Outcome::Failed, status)
    }

    /// 429 with `retry-after` in seconds.
    #[must_use]
    pub fn rate_limited(retry_after: u64) -> Self {
        let reply = Self::failed(Outcome::RateLimited, 429);
        reply.header("retry-after", &retry_after.to_string())
    }

    /// 429 of an account that has no money left: no wait helps.
    #[must_use]
    pub fn quota_exhausted() -> Self {
        Self::failed(Outcome::QuotaExhausted, 429)
    }

    /// 503, "overloaded".
    #[must_use]
    pub fn overloaded() -> Self {
        Self::failed(Outcome::Overloaded, 503)
    }

    /// 400 for a prompt that does not fit the model's context.
    #[must_use]
    pub fn context_window() -> Self {
        Self::failed(Outcome::ContextWindow, 400)
    }

    /// 400 of the safety system.
    #[must_use]
    pub fn content_policy() -> Self {
        Self::failed(Outcome::ContentPolicy, 400)
    }

    /// No headers, ever; ends when the client goes away.
    #[must_use]
    pub fn hang() -> Self {
        Self::new(Outcome::Hung, Kind::Hang, End::Whole)
    }

    /// The connection is torn down (RST) before any reply.
    #[must_use]
    pub fn reset() -> Self {
        Self::new(Outcome::Reset, Kind::Sever(Sever::Reset), End::Whole)
    }

    /// The connection is closed (FIN) before any reply.
    #[must_use]
    pub fn close() -> Self {
        Self::new(Outcome::Closed, Kind::Sever(Sever::Close), End::Whole)
    }

    /// An answer whose connection is closed after `chunks` chunks.
    ///
    /// A stream's first chunk carries the role only, its content begins with the second; a JSON
    /// answer stops half way, short of its `content-length`, whatever `chunks` says.
    #[must_use]
    pub fn cut_after(chunks: usize) -> Self {
        Self::new(Outcome::Cut, Kind::Answer, End::Sever(chunks, Sever::Close))
    }

    /// As [`Reply::cut_after`], with the connection torn down (RST) instead of closed.
    #[must_use]
    pub fn reset_after(chunks: usize) -> Self {
        Self::new(Outcome::Reset, Kind::Answer, End::Sever(chunks, Sever::Reset))
    }

    /// An answer that falls silent after `chunks` chunks, counted as in [`Reply::cut_after`]; ends
    /// when the client goes away.
    #[must_use]
    pub fn stall_after(chunks: usize) -> Self {
        Self::new(Outcome::Stalled, Kind::Answer, End::Stall(chunks))
    }

    /// A stream that ends in good order after `chunks` chunks, without finish reason and `[DONE]`.
    #[must_use]
    pub fn unfinished_after(chunks: usize) -> Self {
        Self::new(Outcome::Unfinished, Kind::Answer, End::Unfinished(chunks))
    }

    /// A 200 that is a page of HTML.
    #[must_use]
    pub fn garbage() -> Self {
        let page = Bytes::from_static(b"<!doctype html><title>It works!</title>");
        Self::fixed(Outcome::Garbage, 200, "text/html", Some(page))
    }

    /// A complete 200 whose JSON stops half way; a stream stops in the middle of an event.
    #[must_use]
    pub fn truncated() -> Self {
        Self::new(Outcome::Truncated, Kind::Answer, End::Half)
    }

    /// This status with this JSON, whatever was asked; for other dialects than OpenAI's.
    ///
    /// # Panics
    ///
    /// If `status` is not between 100 and 999.
    #[must_use]
    pub fn json(status: u16, body: impl Into<Bytes>) -> Self {
        let outcome = if status < 400 { Outcome::Ok } else { Outcome::Failed };
        Self::fixed(outcome, status, "application/json", Some(body.into()))
    }

    /// A 200 with an event stream of these chunks, each sent as it is, whatever was asked.
    #[must_use]
    pub fn chunks<C: Into<Bytes>>(chunks: impl IntoIterator<Item = C>) -> Self {
        let chunks = chunks.into_iter().map(Into::into).collect();
        Self::new(Outcome::Ok, Kind::Chunks(chunks), End::Whole)
    }

    /// The text of a proper answer, in place of [`Upstream::says`](super::Upstream::says); a stream
    /// sends a chunk a word.
    #[must_use]
    pub fn content(mut self, content: impl Into<String>) -> Self {
        self.content = Some(content.into());
        self
    }

    /// The body of an error status, in place of OpenAI's error object.
    #[must_use]
    pub fn body(mut self, text: impl Into<Bytes>) -> Self {
        if let Kind::Fixed { body, .. } = &mut self.kind {
            *body = Some(text.into());
        }
        self
    }

    /// A header of the reply, in place of one of the same name.
    ///
    /// # Panics
    ///
    /// If it is not a valid header.
    #[must_use]
    pub fn header(mut self, name: &'static str, value: &str) -> Self {
        let value = HeaderValue::from_str(value).expect("a header's value");
        self.headers.insert(HeaderName::from_static(name), value);
        self
    }

    /// Waits before anything is answered (or the connection goes).
    #[must_use]
    pub fn after(mut self, delay: Duration) -> Self {
        self.delay = delay;
        self
    }

    /// Waits between two chunks of a stream.
    #[must_use]
    pub fn pause(mut self, pause: Duration) -> Self {
        self.pause = pause;
        self
    }

    fn failed(outcome: Outcome, status: u16) -> Self {
        Self::fixed(outcome, status, "application/json", None)
    }

    fn fixed(
        outcome: Outcome,
        status: u16,
        content_type: &'static str,
        body: Option<Bytes>,
    ) -> Self {
        let status = StatusCode::from_u16(status).expect("a status");
        Self::new(outcome, Kind::Fixed { status, content_type, body }, End::Whole)
    }
}
