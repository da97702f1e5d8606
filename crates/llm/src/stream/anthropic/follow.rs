//! Follows the events of a message.

use bytes::Bytes;
use secondwind_policy::Class;
use serde::Deserialize;
use serde_json::Value;

use crate::sse::Event;
use crate::stream::counts::Counts;
use crate::stream::piece::Piece;
use crate::stream::{AtEnd, Follow, Seen, Transcript, wire};

/// As much of an event as tells what it proves.
#[derive(Deserialize)]
struct Told<'a> {
    #[serde(borrow, default, rename = "type")]
    kind: Piece<'a>,
    #[serde(borrow, default)]
    index: Piece<'a>,
    #[serde(borrow, default)]
    message: Option<Message<'a>>,
    #[serde(borrow, default)]
    content_block: Option<Block<'a>>,
    #[serde(borrow, default)]
    delta: Option<Block<'a>>,
    #[serde(default)]
    usage: Counts,
}

#[derive(Deserialize)]
struct Message<'a> {
    #[serde(borrow, default)]
    id: Piece<'a>,
    #[serde(borrow, default)]
    model: Piece<'a>,
    #[serde(borrow, default)]
    content: Piece<'a>,
    #[serde(default)]
    usage: Counts,
}

/// A content block, or what is new in it, or in the message.
#[derive(Default, Deserialize)]
struct Block<'a> {
    #[serde(borrow, default, rename = "type")]
    kind: Piece<'a>,
    #[serde(borrow, default)]
    text: Piece<'a>,
    #[serde(borrow, default)]
    stop_reason: Piece<'a>,
}

/// Follows a message.
#[derive(Debug, Default)]
pub(super) struct Messages {
    told: Transcript,
}

// === impl Messages ===

impl Messages {
    /// Goes on with what the caller has been told.
    pub(super) fn after(said: &Transcript) -> Self {
        Self { told: said.clone() }
    }

    fn event(&mut self, event: &Told<'_>) -> Option<Seen> {
        let told = &mut self.told;
        told.count(event.usage);
        let index = event.index.number().unwrap_or_default();
        let seen = match event.kind.text()? {
            "message_start" => {
                let message = event.message.as_ref()?;
                told.started = true;
                told.identify(message.id.text(), message.model.text(), None);
                told.count(message.usage);
                if message.content.told() {
                    told.not_only_text();
                }
                Seen::Preamble
            }
            "content_block_start" => {
                let block = event.content_block.as_ref()?;
                told.place.open = Some(index);
                told.place.next = told.place.next.max(index.saturating_add(1));
                told.place.bare = block.kind.text() == Some("text");
                match block.kind.text() {
                    Some("text") => text(told, block.text.text()),
                    kind => {
                        told.not_only_text();
                        // Thoughts that are begun are none yet.
                        if kind == Some("thinking") { Seen::Preamble } else { Seen::Content }
                    }
                }
            }
            "content_block_delta" => {
                let delta = event.delta.as_ref()?;
                if delta.kind.text() == Some("text_delta") {
                    text(told, delta.text.text())
                } else {
                    told.not_only_text();
                    Seen::Content
                }
            }
            "content_block_stop" => {
                told.place.open = None;
                Seen::Preamble
            }
            "message_delta" => {
                if told.finished {
                    return Some(Seen::After);
                }
                told.finished = event.delta.as_ref()?.stop_reason.told();
                if told.finished { Seen::Finish } else { Seen::Preamble }
            }
            "message_stop" => {
                told.finished = true;
                told.closed = true;
                Seen::Terminal
            }
            // A ping, or what is not known yet.
            _ => Seen::Preamble,
        };
        told.events += u64::from(seen == Seen::Content);
        Some(seen)
    }
}

fn text(told: &mut Transcript, text: Option<&str>) -> Seen {
    let text = text.unwrap_or_default();
    told.text.push_str(text);
    told.place.bare &= text.is_empty();
    if text.is_empty() { Seen::Preamble } else { Seen::Content }
}

impl Follow for Messages {
    fn see(&mut self, event: &Event) -> Seen {
        let Some(data) = event.data().map(<[u8]>::trim_ascii).filter(|data| !data.is_empty())
        else {
            return Seen::Preamble;
        };
        let malformed = Seen::Malformed { maybe_content: wire::maybe_content(data) };
        match wire::parse::<Told<'_>>(data) {
            Some(told) if event.name() != Some("error") && told.kind.text() != Some("error") => {
                let seen = self.event(&told);
                seen.or_else(|| failure(data)).unwrap_or(malformed)
            }
            _ => failure(data).unwrap_or(malformed),
        }
    }

    fn transcript(&self) -> &Transcript {
        &self.told
    }

    fn into_transcript(self: Box<Self>) -> Transcript {
        self.told
    }

    fn at_end(&self) -> AtEnd {
        match (self.told.closed, self.told.finished) {
            (true, _) => AtEnd::Complete,
            (false, true) => AtEnd::Missing(Bytes::from_static(
                b"event: message_stop\ndata: {\"type\":\"message_stop\"}\n\n",
            )),
            (false, false) => AtEnd::Broken,
        }
    }
}

/// What failed, where an event tells of that.
fn failure(data: &[u8]) -> Option<Seen> {
    let event: Value = serde_json::from_slice(data).ok()?;
    // What proxies in front say is in the words of OpenAI, or nearly.
    let mut verdict = match &event["error"] {
        Value::Null if event["type"] == "error" => wire::verdict(data),
        error => wire::verdict_on(error)?,
    };
    if let Some(class) = event["error"]["type"].as_str().and_then(class_of) {
        verdict.class = class;
    }
    Some(Seen::Error(verdict))
}

/// The class of an error by its type, where that says it all. (What does not fit is an
/// `invalid_request_error`, too, and whether a model or a file is not found only the message tells.)
fn class_of(kind: &str) -> Option<Class> {
    Some(match kind {
        "api_error" => Class::InternalServer,
        "authentication_error" => Class::Authentication,
        "billing_error" => Class::QuotaExhausted,
        "overloaded_error" => Class::ServiceUnavailable,
        "rate_limit_error" => Class::RateLimit,
        "request_too_large" => Class::RequestTooLarge,
        "timeout_error" => Class::Timeout,
        _ => return None,
    })
}
