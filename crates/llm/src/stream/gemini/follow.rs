//! Follows the chunks of an answer of Gemini's.

use std::fmt;

use http::StatusCode;
use secondwind_layers::classify::Verdict;
use secondwind_policy::Class;
use serde::Deserialize;
use serde::de::{Deserializer, MapAccess, Visitor};
use serde_json::Value;

use crate::sse::Event;
use crate::stream::counts::Counts;
use crate::stream::piece::{Few, Piece};
use crate::stream::{AtEnd, Follow, Seen, Transcript, wire};

/// As much of a chunk as tells what it proves.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Chunk<'a> {
    #[serde(borrow, default)]
    candidates: Few<Candidate<'a>>,
    #[serde(default)]
    usage_metadata: Counts,
    #[serde(borrow, default)]
    prompt_feedback: Option<Feedback<'a>>,
    #[serde(borrow, default)]
    model_version: Piece<'a>,
    #[serde(borrow, default)]
    response_id: Piece<'a>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Candidate<'a> {
    #[serde(borrow, default)]
    index: Piece<'a>,
    #[serde(borrow, default)]
    content: Option<Content<'a>>,
    #[serde(borrow, default)]
    finish_reason: Piece<'a>,
    #[serde(borrow, default)]
    logprobs_result: Piece<'a>,
}

#[derive(Deserialize)]
struct Content<'a> {
    #[serde(borrow, default)]
    parts: Few<Part<'a>>,
}

#[derive(Default)]
struct Part<'a> {
    text: Piece<'a>,
    /// The text is a thought, or there is something else in the part: a function call, a file.
    other: bool,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Feedback<'a> {
    #[serde(borrow, default)]
    block_reason: Piece<'a>,
}

/// Follows a stream of chunks.
#[derive(Debug, Default)]
pub(super) struct Chunks {
    told: Transcript,
}

// === impl Chunks ===

impl Chunks {
    /// Goes on with what the caller has been told.
    pub(super) fn after(said: &Transcript) -> Self {
        Self { told: said.clone() }
    }

    fn chunk(&mut self, chunk: &Chunk<'_>) -> Seen {
        let told = &mut self.told;
        told.identify(chunk.response_id.text(), chunk.model_version.text(), None);
        told.count(chunk.usage_metadata);
        let (mut content, mut finish) = (false, false);
        for candidate in chunk.candidates.iter() {
            let index = candidate.index.number().unwrap_or_default();
            let bit = 1 << index.min(127);
            told.place.begun |= bit;
            for part in candidate.content.iter().flat_map(|content| content.parts.iter()) {
                if part.other || index > 0 {
                    told.not_only_text();
                } else {
                    told.text.push_str(part.text.text().unwrap_or_default());
                }
                content |= part.other || part.text.told();
            }
            if candidate.logprobs_result.told() {
                told.not_only_text();
            }
            if candidate.finish_reason.told() {
                told.place.ended |= bit;
                finish = true;
            }
        }
        told.started |= content;
        told.finished = told.place.ended != 0 && told.place.begun & !told.place.ended == 0;
        told.closed = told.finished;
        told.events += u64::from(content);
        match (told.finished, content || finish) {
            (true, _) if finish => Seen::Terminal,
            (_, true) => Seen::Content,
            (true, false) => Seen::After,
            (false, false) => Seen::Preamble,
        }
    }
}

impl Follow for Chunks {
    fn see(&mut self, event: &Event) -> Seen {
        let Some(data) = event.data().map(<[u8]>::trim_ascii).filter(|data| !data.is_empty())
        else {
            return Seen::Preamble;
        };
        let malformed = Seen::Malformed { maybe_content: wire::maybe_content(data) };
        match wire::parse::<Chunk<'_>>(data) {
            Some(chunk) if chunk.candidates.given => self.chunk(&chunk),
            Some(chunk) => match &chunk.prompt_feedback {
                // The prompt was refused.
                Some(feedback) if feedback.block_reason.told() => {
                    let status = StatusCode::OK.as_u16();
                    Seen::Error(Verdict::new(Class::ContentPolicy).with_status(status))
                }
                _ => failure(data).unwrap_or_else(|| self.chunk(&chunk)),
            },
            None => failure(data).unwrap_or(malformed),
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

/// What failed, where a chunk tells of that.
fn failure(data: &[u8]) -> Option<Seen> {
    let chunk: Value = serde_json::from_slice(data).ok()?;
    let error = &chunk.get(0).unwrap_or(&chunk)["error"];
    let mut verdict = wire::verdict_on(error)?;
    if let Some(class) = error["status"].as_str().and_then(class_of) {
        verdict.class = class;
    }
    Some(Seen::Error(verdict))
}

/// The class of an error by its status, a name of `google.rpc.Code`, where that says it all. (What
/// does not fit is an `INVALID_ARGUMENT`, too, and which quota is exhausted only the details tell.)
fn class_of(status: &str) -> Option<Class> {
    Some(match status {
        "ABORTED" => Class::Conflict,
        "CANCELLED" | "DATA_LOSS" | "INTERNAL" | "UNIMPLEMENTED" | "UNKNOWN" => {
            Class::InternalServer
        }
        "DEADLINE_EXCEEDED" => Class::Timeout,
        "NOT_FOUND" => Class::NotFound,
        "PERMISSION_DENIED" => Class::Permission,
        "UNAUTHENTICATED" => Class::Authentication,
        "UNAVAILABLE" => Class::ServiceUnavailable,
        _ => return None,
    })
}

impl<'de: 'a, 'a> Deserialize<'de> for Part<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(AnyPart)
    }
}

struct AnyPart;

impl<'de> Visitor<'de> for AnyPart {
    type Value = Part<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a part")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let mut part = Part::default();
        while let Some((key, value)) = map.next_entry::<Piece<'_>, Piece<'_>>()? {
            match key.text().unwrap_or_default() {
                "text" => part.text = value,
                // It stands beside a text, and says nothing of it.
                "thoughtSignature" => {}
                _ => part.other |= value.told(),
            }
        }
        Ok(part)
    }
}
