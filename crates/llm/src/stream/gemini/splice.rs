//! Puts one answer of Gemini's behind another.

use serde_json::{Value, json};

use super::follow::Chunks;
use crate::sse::Event;
use crate::stream::relay::{CatchUp, Differs, Relay, add_usage, repeat};
use crate::stream::{Seen, Splice, Spliced, Transcript, Usage, Way, wire};

/// Splices chunks.
#[derive(Debug)]
pub(super) struct PartSplice {
    relay: Relay<Chunks>,
    catch_up: CatchUp,
    /// What the first answer cost, where the second goes on from it.
    before: Option<Usage>,
}

// === impl PartSplice ===

impl PartSplice {
    pub(super) fn new(said: &Transcript, way: Way) -> Self {
        Self {
            relay: Relay::new(Chunks::after(said)),
            catch_up: CatchUp::new(said, way),
            before: said.usage.filter(|_| way == Way::Prefill),
        }
    }

    /// `chunk` as the caller gets it; `None`: there is nothing new in it.
    fn rewrite(&mut self, mut chunk: Value) -> Result<Option<Value>, Differs> {
        let told = self.relay.transcript();
        let candidates = chunk.get_mut("candidates").and_then(Value::as_array_mut);
        let candidate = match candidates.map(Vec::as_mut_slice) {
            None | Some([]) => return Ok(None),
            Some([candidate]) if candidate["index"].as_u64().unwrap_or_default() == 0 => candidate,
            Some(_) => return Err(Differs),
        };
        if told.finished {
            return Ok(None);
        }
        let mut parts = Vec::new();
        if let Some(Value::Array(all)) = candidate.pointer_mut("/content/parts").map(Value::take) {
            for part in all {
                parts.extend(self.part(part)?);
            }
        }
        let finished = wire::asked(&candidate["finishReason"]);
        if finished && !self.catch_up.caught_up() {
            return Err(Differs);
        }
        if parts.is_empty() {
            if !finished {
                return Ok(None);
            }
            parts.push(json!({ "text": "" }));
        }
        candidate["content"] = json!({ "role": "model", "parts": parts });

        let told = self.relay.transcript();
        if let Some(usage) = chunk.get_mut("usageMetadata") {
            add_usage(usage, self.before, &["candidatesTokenCount", "totalTokenCount"]);
        }
        if let Some(chunk) = chunk.as_object_mut() {
            repeat(chunk, "responseId", told.id.as_ref());
            repeat(chunk, "modelVersion", told.model.as_ref());
        }
        Ok(Some(chunk))
    }

    /// What is new in a part.
    fn part(&mut self, mut part: Value) -> Result<Option<Value>, Differs> {
        if part["thought"] == true {
            // Thoughts come before an answer; these would come within.
            return Ok(None);
        }
        let Some(text) = part["text"].as_str() else {
            // A function call, say: the answer goes on with that.
            return if self.catch_up.caught_up() { Ok(Some(part)) } else { Err(Differs) };
        };
        let new = self.catch_up.take(text)?.to_owned();
        let any = !new.is_empty();
        part["text"] = new.into();
        Ok(any.then_some(part))
    }
}

impl Splice for PartSplice {
    fn event(&mut self, event: &Event, seen: &Seen) -> Spliced {
        if matches!(seen, Seen::Error(_) | Seen::Malformed { .. }) {
            return Spliced::Differs;
        }
        match wire::json_of(event).map(|chunk| self.rewrite(chunk)) {
            Some(Ok(Some(chunk))) => self.relay.give(wire::data(&chunk)),
            Some(Ok(None)) | None => Spliced::Nothing,
            Some(Err(Differs)) => Spliced::Differs,
        }
    }

    fn transcript(&self) -> &Transcript {
        self.relay.transcript()
    }
}
