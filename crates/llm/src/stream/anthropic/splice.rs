//! Puts one message behind another.
//!
//! The caller's blocks are counted on: what is new of the text goes into the block that is open, or into
//! a new one; a tool call gets the next index.

use serde_json::{Value, json};

use super::follow::Messages;
use crate::sse::Event;
use crate::stream::relay::{CatchUp, Differs, Relay, add_usage};
use crate::stream::{Seen, Splice, Spliced, Transcript, Usage, Way, wire};

/// Splices messages.
#[derive(Debug)]
pub(super) struct BlockSplice {
    relay: Relay<Messages>,
    catch_up: CatchUp,
    /// What the first answer cost, where the second goes on from it.
    before: Option<Usage>,
    /// The second answer's block that is open.
    current: Block,
}

#[derive(Clone, Copy, Debug)]
enum Block {
    /// Its text is compared, and what is new of it given.
    Text,
    /// Not given: thoughts come before an answer, and these would come within.
    Kept,
    /// Given, with this index.
    Passed(u64),
}

// === impl BlockSplice ===

impl BlockSplice {
    pub(super) fn new(said: &Transcript, way: Way) -> Self {
        Self {
            relay: Relay::new(Messages::after(said)),
            catch_up: CatchUp::new(said, way),
            before: said.usage.filter(|_| way == Way::Prefill),
            current: Block::Text,
        }
    }

    /// What the caller gets of an event: events as text.
    fn rewrite(&mut self, mut event: Value) -> Result<String, Differs> {
        let told = self.relay.transcript();
        Ok(match event["type"].as_str().unwrap_or_default() {
            "message_start" if wire::asked(&event["message"]["content"]) => return Err(Differs),
            "message_start" if told.started => String::new(),
            "message_start" => wire::named(&event),
            _ if told.finished && event["type"] != "message_stop" => String::new(),
            "content_block_start" => return self.start(event),
            "content_block_delta" => match (self.current, event["delta"]["type"].as_str()) {
                (Block::Text, Some("text_delta")) => {
                    return self.text(event["delta"]["text"].as_str());
                }
                (Block::Kept, _) => String::new(),
                (Block::Text, _) => match told.place.open {
                    Some(open) if self.catch_up.caught_up() => at(event, open),
                    _ => String::new(),
                },
                (Block::Passed(index), _) => at(event, index),
            },
            "content_block_stop" => match std::mem::replace(&mut self.current, Block::Text) {
                // What the second answer's next block has goes into one that has nothing yet.
                Block::Text if self.catch_up.caught_up() && !told.place.bare => self.stop(),
                Block::Text | Block::Kept => String::new(),
                Block::Passed(index) => at(event, index),
            },
            "message_delta" if wire::asked(&event["delta"]["stop_reason"]) => {
                self.must_have_caught_up()?;
                if let Some(usage) = event.get_mut("usage") {
                    add_usage(usage, self.before, &["output_tokens"]);
                }
                self.stop() + &wire::named(&event)
            }
            "message_stop" if told.finished => wire::named(&event),
            "message_stop" => return Err(Differs),
            _ => String::new(),
        })
    }

    fn start(&mut self, event: Value) -> Result<String, Differs> {
        match event["content_block"]["type"].as_str() {
            Some("text") => {
                self.current = Block::Text;
                self.text(event["content_block"]["text"].as_str())
            }
            Some("thinking" | "redacted_thinking") => {
                self.current = Block::Kept;
                Ok(String::new())
            }
            _ => {
                self.must_have_caught_up()?;
                let index = self.relay.transcript().place.next;
                self.current = Block::Passed(index);
                Ok(self.stop() + &at(event, index))
            }
        }
    }

    /// What is new of `text`, in a block of the caller's.
    fn text(&mut self, text: Option<&str>) -> Result<String, Differs> {
        let new = self.catch_up.take(text.unwrap_or_default())?;
        if new.is_empty() {
            return Ok(String::new());
        }
        let place = &self.relay.transcript().place;
        let mut events = String::new();
        let index = place.open.unwrap_or_else(|| {
            let block = json!({ "type": "text", "text": "" });
            events =
                at(json!({ "type": "content_block_start", "content_block": block }), place.next);
            place.next
        });
        let delta = json!({ "type": "text_delta", "text": new });
        Ok(events + &at(json!({ "type": "content_block_delta", "delta": delta }), index))
    }

    /// Stops the block that is open, if one is.
    fn stop(&self) -> String {
        let open = self.relay.transcript().place.open;
        open.map(|open| at(json!({ "type": "content_block_stop" }), open)).unwrap_or_default()
    }

    fn must_have_caught_up(&self) -> Result<(), Differs> {
        if self.catch_up.caught_up() { Ok(()) } else { Err(Differs) }
    }
}

/// An event about the block at `index`.
fn at(mut event: Value, index: u64) -> String {
    event["index"] = index.into();
    wire::named(&event)
}

impl Splice for BlockSplice {
    fn event(&mut self, event: &Event, seen: &Seen) -> Spliced {
        if matches!(seen, Seen::Error(_) | Seen::Malformed { .. }) {
            return Spliced::Differs;
        }
        match wire::json_of(event).map(|event| self.rewrite(event)) {
            Some(Ok(events)) => self.relay.give(events),
            Some(Err(Differs)) => Spliced::Differs,
            None => Spliced::Nothing,
        }
    }

    fn transcript(&self) -> &Transcript {
        self.relay.transcript()
    }
}
