//! Chunks of OpenAI's older streams, Chat Completions and Completions, and how they are followed.
//!
//! A choice is begun by its first chunk and ended by its `finish_reason`; the answer is finished when
//! every choice that was begun has ended. `[DONE]` alone finishes nothing.

use std::borrow::Cow;
use std::fmt;

use serde::Deserialize;
use serde::de::{Deserializer, MapAccess, Visitor};
use serde_json::Value;

use super::counts::Counts;
use super::piece::{Few, Piece};
use super::shape::Shape;
use super::{AtEnd, Follow, Seen, Transcript, wire};
use crate::sse::Event;

/// What a chunk may show beside text that is no part of the answer.
pub(super) const REASONING: [&str; 4] =
    ["reasoning_content", "reasoning", "reasoning_details", "thinking"];

/// As much of a chunk as tells what it proves.
#[derive(Deserialize)]
struct Chunk<'a> {
    #[serde(borrow, default)]
    id: Piece<'a>,
    #[serde(borrow, default)]
    model: Piece<'a>,
    #[serde(borrow, default)]
    created: Piece<'a>,
    #[serde(borrow, default)]
    choices: Few<Choice<'a>>,
    #[serde(default)]
    usage: Counts,
    #[serde(borrow, default)]
    error: Piece<'a>,
}

#[derive(Deserialize)]
struct Choice<'a> {
    #[serde(borrow, default)]
    index: Piece<'a>,
    #[serde(borrow, default)]
    delta: Delta<'a>,
    /// The text itself, in Completions.
    #[serde(borrow, default)]
    text: Piece<'a>,
    #[serde(borrow, default)]
    finish_reason: Piece<'a>,
    #[serde(borrow, default)]
    logprobs: Piece<'a>,
    #[serde(borrow, default)]
    error: Piece<'a>,
}

#[derive(Default)]
struct Delta<'a> {
    content: Piece<'a>,
    role: bool,
    /// A tool call, a refusal, reasoning, or something that is not known here.
    other: bool,
}

/// Follows a stream of chunks.
#[derive(Debug, Default)]
pub(super) struct Chunks {
    told: Transcript,
    /// The last chunk that gave text and nothing else.
    shape: Shape,
}

// === impl Chunks ===

impl Chunks {
    /// Goes on with what the caller has been told.
    pub(super) fn after(said: &Transcript) -> Self {
        Self { told: said.clone(), shape: Shape::default() }
    }

    fn chunk(&mut self, chunk: &Chunk<'_>) -> Seen {
        let told = &mut self.told;
        told.identify(chunk.id.text(), chunk.model.text(), chunk.created.number());
        told.count(chunk.usage);
        let (mut content, mut finish) = (false, false);
        for choice in chunk.choices.iter() {
            let index = choice.index.number().unwrap_or_default();
            let bit = 1 << index.min(127);
            told.place.begun |= bit;
            for text in [&choice.delta.content, &choice.text] {
                if let Some(text) = text.text() {
                    if index == 0 {
                        told.text.push_str(text);
                    }
                } else if text.told() {
                    // Parts, of which some are not text.
                    told.not_only_text();
                }
                content |= text.told();
            }
            if choice.delta.other || choice.logprobs.told() || index > 0 {
                told.not_only_text();
            }
            content |= choice.delta.other;
            told.started |= choice.delta.role || content;
            if choice.finish_reason.told() {
                told.place.ended |= bit;
                finish = true;
            }
        }
        told.finished = told.place.ended != 0 && told.place.begun & !told.place.ended == 0;
        told.events += u64::from(content);
        match (told.finished, content || finish) {
            (true, _) if finish => Seen::Finish,
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
        if data == b"[DONE]" {
            // Said by some who were cut off themselves.
            if !self.told.finished {
                return Seen::Malformed { maybe_content: false };
            }
            self.told.closed = true;
            return Seen::Terminal;
        }
        if event.name() == Some("error") {
            return Seen::Error(wire::verdict(data));
        }
        if let Some(text) = self.shape.text(data) {
            // The chunk that it is like has said all else.
            self.told.text.push_str(&text);
            self.told.events += 1;
            return Seen::Content;
        }
        match wire::parse::<Chunk<'_>>(data) {
            Some(chunk) => {
                let failed = chunk.error.told()
                    || !chunk.choices.given
                    || chunk.choices.iter().any(Choice::failed);
                match failed.then(|| failure(data)).flatten() {
                    Some(error) => error,
                    None => {
                        if let Some(text) = chunk.only_text() {
                            self.shape.learn(data, text);
                        }
                        self.chunk(&chunk)
                    }
                }
            }
            None => failure(data)
                .unwrap_or(Seen::Malformed { maybe_content: wire::maybe_content(data) }),
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
            (false, true) => AtEnd::Missing(wire::DONE),
            (false, false) => AtEnd::Broken,
        }
    }
}

/// What failed, where a chunk tells of that.
fn failure(data: &[u8]) -> Option<Seen> {
    let chunk: Value = serde_json::from_slice(data).ok()?;
    let chunk = chunk.get(0).unwrap_or(&chunk);
    let choices = chunk.get("choices").and_then(Value::as_array);
    let message = ["message", "detail", "errors"].iter().any(|key| wire::asked(&chunk[*key]));
    let verdict = if wire::verdict_on(&chunk["error"]).is_some() || choices.is_none() && message {
        // Some put what the error is about beside its text.
        wire::verdict(data)
    } else {
        let choices = choices.into_iter().flatten();
        let failed = |choice: &&Value| {
            wire::verdict_on(&choice["error"]).is_some() || choice["finish_reason"] == "error"
        };
        let error = &choices.clone().find(failed)?["error"];
        wire::verdict_on(error).unwrap_or_else(|| wire::verdict(b"{}"))
    };
    Some(Seen::Error(verdict))
}

// === impl Chunk ===

impl Chunk<'_> {
    /// The text of the first choice, as it stands in the chunk, where that is all that the chunk adds: another one
    /// that differs in nothing but the text adds that text.
    fn only_text(&self) -> Option<&str> {
        let mut choices = self.choices.iter();
        let (Some(choice), None) = (choices.next(), choices.next()) else { return None };
        let first = choice.index.number().unwrap_or_default() == 0;
        let Choice { delta, text, finish_reason, logprobs, .. } = choice;
        if !first || delta.other || finish_reason.told() || logprobs.told() {
            return None;
        }
        match (&delta.content, text) {
            (Piece::Text(Cow::Borrowed(only)), other)
            | (other, Piece::Text(Cow::Borrowed(only)))
                if !only.is_empty() && !other.told() =>
            {
                Some(only)
            }
            _ => None,
        }
    }
}

// === impl Choice ===

impl Choice<'_> {
    /// A router of providers (OpenRouter) tells a failure of its provider in this place.
    fn failed(&self) -> bool {
        self.error.told() || self.finish_reason.text() == Some("error")
    }
}

impl<'de: 'a, 'a> Deserialize<'de> for Delta<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(AnyDelta)
    }
}

struct AnyDelta;

impl<'de> Visitor<'de> for AnyDelta {
    type Value = Delta<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a delta")
    }

    fn visit_unit<E>(self) -> Result<Self::Value, E> {
        Ok(Delta::default())
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let mut delta = Delta::default();
        while let Some((key, value)) = map.next_entry::<Piece<'_>, Piece<'_>>()? {
            match key.text().unwrap_or_default() {
                "content" => delta.content = value,
                "role" => delta.role = value.told(),
                _ => delta.other |= value.told(),
            }
        }
        Ok(delta)
    }
}
