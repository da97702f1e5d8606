//! Follows the events of a response.

use secondwind_layers::classify::Verdict;
use serde::Deserialize;
use serde_json::{Value, json};

use crate::sse::Event;
use crate::stream::counts::Counts;
use crate::stream::piece::Piece;
use crate::stream::transcript::Step;
use crate::stream::{AtEnd, Follow, Seen, Transcript, wire};

/// As much of an event as tells what it proves.
#[derive(Deserialize)]
struct Told<'a> {
    #[serde(borrow, default, rename = "type")]
    kind: Piece<'a>,
    #[serde(borrow, default)]
    sequence_number: Piece<'a>,
    #[serde(borrow, default)]
    output_index: Piece<'a>,
    #[serde(borrow, default)]
    content_index: Piece<'a>,
    #[serde(borrow, default)]
    delta: Piece<'a>,
    #[serde(borrow, default)]
    logprobs: Piece<'a>,
    #[serde(borrow, default)]
    item: Option<Item<'a>>,
    #[serde(borrow, default)]
    part: Option<Item<'a>>,
    #[serde(borrow, default)]
    response: Option<Response<'a>>,
}

/// An item, or a part of one.
#[derive(Deserialize)]
struct Item<'a> {
    #[serde(borrow, default, rename = "type")]
    kind: Piece<'a>,
    #[serde(borrow, default)]
    id: Piece<'a>,
}

#[derive(Deserialize)]
struct Response<'a> {
    #[serde(borrow, default)]
    id: Piece<'a>,
    #[serde(borrow, default)]
    model: Piece<'a>,
    #[serde(borrow, default)]
    created_at: Piece<'a>,
    #[serde(default)]
    usage: Counts,
}

/// The events of structure that every answer of text has. They come once for an item or a part.
const STEPS: [&str; 7] = [
    "response.in_progress",
    "response.queued",
    "response.output_item.added",
    "response.content_part.added",
    "response.output_text.done",
    "response.content_part.done",
    "response.output_item.done",
];

/// Which event of structure one is, by its kind and the indexes in it.
pub(super) fn step(kind: &str, item: Option<u64>, part: Option<u64>) -> Option<Step> {
    let kind = STEPS.into_iter().find(|step| *step == kind)?;
    Some(Step { kind, item: item.unwrap_or_default(), part: part.unwrap_or_default() })
}

/// Follows a response.
#[derive(Debug, Default)]
pub(super) struct Items {
    told: Transcript,
}

// === impl Items ===

impl Items {
    /// Goes on with what the caller has been told.
    pub(super) fn after(said: &Transcript) -> Self {
        Self { told: said.clone() }
    }

    fn event(&mut self, event: &Told<'_>, whole: &Event) -> Option<Seen> {
        let told = &mut self.told;
        let kind = event.kind.text()?;
        told.place.sequence = event.sequence_number.number().or(told.place.sequence);
        if let Some(response) = &event.response {
            let (id, model) = (response.id.text(), response.model.text());
            told.identify(id, model, response.created_at.number());
            told.count(response.usage);
        }
        let index = event.output_index.number();
        let seen = match kind {
            "response.created" => {
                told.started = true;
                told.place.opening = Some(whole.raw().clone());
                Seen::Preamble
            }
            "response.output_text.delta" => {
                let text = event.delta.text()?;
                told.text.push_str(text);
                if event.logprobs.told() {
                    told.not_only_text();
                }
                if text.is_empty() { Seen::Preamble } else { Seen::Content }
            }
            "response.output_item.added" => {
                let item = event.item.as_ref()?;
                match item.kind.text()? {
                    "message" => {
                        let id = item.id.text().unwrap_or_default().to_owned();
                        told.place.items.push((index.unwrap_or_default(), id));
                        Seen::Preamble
                    }
                    kind => {
                        told.not_only_text();
                        // Thoughts that are begun are none yet.
                        if kind == "reasoning" { Seen::Preamble } else { Seen::Content }
                    }
                }
            }
            "response.content_part.added" => {
                if event.part.as_ref()?.kind.text() != Some("output_text") {
                    told.not_only_text();
                }
                Seen::Preamble
            }
            "response.completed" | "response.incomplete" => {
                told.finished = true;
                told.closed = true;
                Seen::Terminal
            }
            kind if STEPS.contains(&kind) => Seen::Preamble,
            kind if kind.starts_with("response.") => {
                // A call, a refusal, thoughts, or what is not known yet.
                told.not_only_text();
                if kind.ends_with(".delta") { Seen::Content } else { Seen::Preamble }
            }
            _ => Seen::Preamble,
        };
        told.place.told.extend(step(kind, index, event.content_index.number()));
        told.events += u64::from(seen == Seen::Content);
        Some(seen)
    }
}

impl Follow for Items {
    fn see(&mut self, event: &Event) -> Seen {
        let Some(data) = event.data().map(<[u8]>::trim_ascii).filter(|data| !data.is_empty())
        else {
            return Seen::Preamble;
        };
        if data == b"[DONE]" && self.told.closed {
            // Not of this protocol, but said by some.
            return Seen::After;
        }
        let malformed = Seen::Malformed { maybe_content: wire::maybe_content(data) };
        let failed = |kind| matches!(kind, None | Some("response.failed" | "error"));
        match wire::parse::<Told<'_>>(data) {
            Some(told) if !failed(told.kind.text()) => {
                self.event(&told, event).unwrap_or(malformed)
            }
            _ => failure(data).map_or(malformed, Seen::Error),
        }
    }

    fn transcript(&self) -> &Transcript {
        &self.told
    }

    fn into_transcript(self: Box<Self>) -> Transcript {
        self.told
    }

    fn at_end(&self) -> AtEnd {
        if self.told.closed { AtEnd::Complete } else { AtEnd::Broken }
    }
}

/// What failed, where an event tells of that.
fn failure(data: &[u8]) -> Option<Verdict> {
    let event: Value = serde_json::from_slice(data).ok()?;
    let error = match event["type"].as_str() {
        Some("response.failed") => event["response"]["error"].clone(),
        Some("error") if !wire::asked(&event["error"]) => {
            json!({ "code": event["code"], "message": event["message"] })
        }
        Some("error") | None => event["error"].clone(),
        Some(_) => return None,
    };
    let known = wire::verdict_on(&error);
    // That it failed is told, if not why.
    known.or_else(|| event["type"].is_string().then(|| wire::verdict(b"{}")))
}
