//! Puts one stream of OpenAI's older chunks behind another.

use serde_json::{Map, Value};

use super::openai_chunk::{Chunks, REASONING};
use super::relay::{CatchUp, Differs, Relay, add_usage, repeat};
use super::{Seen, Splice, Spliced, Transcript, Usage, Way, wire};
use crate::sse::Event;

/// Splices chunks.
#[derive(Debug)]
pub(super) struct ChunkSplice {
    relay: Relay<Chunks>,
    catch_up: CatchUp,
    /// What the first answer cost, where the second goes on from it.
    before: Option<Usage>,
}

// === impl ChunkSplice ===

impl ChunkSplice {
    pub(super) fn new(said: &Transcript, way: Way) -> Self {
        Self {
            relay: Relay::new(Chunks::after(said)),
            catch_up: CatchUp::new(said, way),
            before: said.usage.filter(|_| way == Way::Prefill),
        }
    }

    /// `chunk` as the caller gets it; `None`: there is nothing new in it.
    fn rewrite(&mut self, mut chunk: Map<String, Value>) -> Result<Option<Value>, Differs> {
        let told = self.relay.transcript();
        let new =
            match chunk.get_mut("choices").and_then(Value::as_array_mut).map(Vec::as_mut_slice) {
                // The usage.
                None | Some([]) => told.finished,
                Some([Value::Object(choice)]) => {
                    let index = choice.get("index").and_then(Value::as_u64).unwrap_or_default();
                    if index != 0 || told.finished && !is_idle(choice) {
                        return Err(Differs);
                    }
                    if told.finished {
                        // Some bring the usage beside a choice that says nothing.
                        if let Some(delta) = choice.get_mut("delta").and_then(Value::as_object_mut)
                        {
                            delta.remove("role");
                        }
                        chunk.get("usage").is_some_and(wire::asked)
                    } else {
                        self.choice_is_new(choice)?
                    }
                }
                Some(_) => return Err(Differs),
            };
        if !new {
            return Ok(None);
        }
        let told = self.relay.transcript();
        repeat(&mut chunk, "id", told.id.as_ref());
        repeat(&mut chunk, "model", told.model.as_ref());
        repeat(&mut chunk, "created", told.created.as_ref());
        if let Some(usage) = chunk.get_mut("usage") {
            add_usage(usage, self.before, &["completion_tokens", "total_tokens"]);
        }
        Ok(Some(Value::Object(chunk)))
    }

    /// Leaves in `choice` what the caller has not got; whether that is anything.
    fn choice_is_new(&mut self, choice: &mut Map<String, Value>) -> Result<bool, Differs> {
        let mut new = self.text_is_new(choice, "text")?;
        if let Some(delta) = choice.get_mut("delta").and_then(Value::as_object_mut) {
            // Thoughts come before an answer; these would come within.
            delta.retain(|key, _| !REASONING.contains(&key.as_str()));
            new |= self.text_is_new(delta, "content")?;
            let started = self.relay.transcript().started;
            if started {
                delta.remove("role");
            } else {
                new |= delta.get("role").is_some_and(wire::asked);
            }
            let shows = |(key, value): (&String, &Value)| {
                !["content", "role"].contains(&key.as_str()) && wire::asked(value)
            };
            if delta.get("refusal").is_some_and(wire::asked) {
                return Err(Differs);
            }
            if delta.iter().any(shows) {
                // A tool call, say: the answer goes on with that.
                self.must_have_caught_up()?;
                new = true;
            }
        }
        if choice.get("finish_reason").is_some_and(wire::asked) {
            self.must_have_caught_up()?;
            new = true;
        }
        Ok(new)
    }

    /// Leaves what is new of the text at `key`; whether that is anything.
    fn text_is_new(&mut self, within: &mut Map<String, Value>, key: &str) -> Result<bool, Differs> {
        match within.get_mut(key) {
            None | Some(Value::Null) => Ok(false),
            Some(Value::String(text)) => {
                let rest = self.catch_up.take(text)?.to_owned();
                *text = rest;
                Ok(!text.is_empty())
            }
            Some(_) => Err(Differs),
        }
    }

    fn must_have_caught_up(&self) -> Result<(), Differs> {
        if self.catch_up.caught_up() { Ok(()) } else { Err(Differs) }
    }
}

/// Whether a choice has nothing in it, as some have that bring the usage.
fn is_idle(choice: &Map<String, Value>) -> bool {
    let idle = |value: &Value| {
        !value.as_object().is_some_and(|delta| {
            delta.iter().any(|(key, value)| key != "role" && wire::asked(value))
        })
    };
    !choice.get("text").is_some_and(wire::asked) && choice.get("delta").is_none_or(idle)
}

impl Splice for ChunkSplice {
    fn event(&mut self, event: &Event, seen: &Seen) -> Spliced {
        match seen {
            Seen::Error(_) | Seen::Malformed { .. } => return Spliced::Differs,
            Seen::Terminal if self.relay.transcript().finished => {
                return self.relay.give(wire::DONE);
            }
            Seen::Terminal => return Spliced::Differs,
            Seen::Preamble | Seen::Content | Seen::Finish | Seen::After => {}
        }
        let Some(Value::Object(chunk)) = wire::json_of(event) else {
            return Spliced::Nothing;
        };
        match self.rewrite(chunk) {
            Ok(Some(chunk)) => self.relay.give(wire::data(&chunk)),
            Ok(None) => Spliced::Nothing,
            Err(Differs) => Spliced::Differs,
        }
    }

    fn transcript(&self) -> &Transcript {
        self.relay.transcript()
    }
}
