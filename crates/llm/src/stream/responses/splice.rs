//! Puts one response behind another.
//!
//! The second is a whole answer, structure and all. What the caller has of that it does not get
//! again; the rest is renumbered and renamed to fit.

use serde_json::Value;

use super::follow::{Items, step};
use super::next_sequence;
use crate::sse::Event;
use crate::stream::relay::{CatchUp, Differs, Relay, repeat};
use crate::stream::transcript::Step;
use crate::stream::{Seen, Splice, Spliced, Transcript, Way, wire};

/// Splices responses.
#[derive(Debug)]
pub(super) struct ItemSplice {
    relay: Relay<Items>,
    catch_up: CatchUp,
    way: Way,
    /// The second answer's items, by their index in it.
    items: Vec<(u64, Item)>,
}

/// What becomes of an item of the second answer.
#[derive(Clone, Debug)]
enum Item {
    /// Not given: thoughts come before an answer, and these would come within.
    Kept,
    /// Given, in this place of the caller's answer.
    Given { index: u64, id: Value, told_as: Value },
}

// === impl ItemSplice ===

impl ItemSplice {
    pub(super) fn new(said: &Transcript, way: Way) -> Self {
        Self {
            relay: Relay::new(Items::after(said)),
            catch_up: CatchUp::new(said, way),
            way,
            items: Vec::new(),
        }
    }

    /// `event` as the caller gets it; `None`: there is nothing new in it.
    fn rewrite(&mut self, mut event: Value) -> Result<Option<Value>, Differs> {
        let kind = event["type"].as_str().unwrap_or_default().to_owned();
        if !kind.starts_with("response.") || self.relay.transcript().finished {
            return Ok(None);
        }
        if kind == "response.output_item.added" {
            self.item(&event)?;
        }
        let item = match event["output_index"].as_u64() {
            Some(index) => match self.items.iter().find(|(at, _)| *at == index) {
                Some((_, Item::Kept)) => return Ok(None),
                Some((_, item)) => Some(item.clone()),
                None => return Err(Differs),
            },
            None => None,
        };
        if let Some(Item::Given { index, told_as, .. }) = item {
            event["output_index"] = index.into();
            if event.get("item_id").is_some() {
                event["item_id"] = told_as.clone();
            }
            if event["item"]["id"].is_string() {
                event["item"]["id"] = told_as;
            }
        }

        let (index, part) = (event["output_index"].as_u64(), event["content_index"].as_u64());
        let told = self.relay.transcript();
        let has =
            |kind| step(kind, index, part).is_some_and(|step| told.place.told.contains(&step));
        let begun = !told.place.items.is_empty();
        match kind.as_str() {
            "response.created" if told.started => return Ok(None),
            "response.created" => {}
            "response.in_progress" | "response.queued" if begun || has(&kind) => return Ok(None),
            "response.in_progress" | "response.queued" => {}
            "response.output_text.delta" => {
                let new = self.catch_up.take(event["delta"].as_str().unwrap_or_default())?;
                if new.is_empty() {
                    return Ok(None);
                }
                if has("response.output_text.done") {
                    return Err(Differs);
                }
                event["delta"] = new.to_owned().into();
            }
            _ if has(&kind) => return Ok(None),
            // What follows the text: the end of a part, a tool call, the end of all.
            _ => {
                let refused = event["part"]["type"] == "refusal";
                // The same text in other parts than the caller has begun.
                let apart = match kind.as_str() {
                    "response.output_item.done" => open(told, "response.content_part"),
                    "response.completed" | "response.incomplete" => {
                        open(told, "response.content_part") || open(told, "response.output_item")
                    }
                    _ => false,
                };
                if refused || apart || !self.catch_up.caught_up() {
                    return Err(Differs);
                }
            }
        }
        self.identify(&mut event);
        Ok(Some(event))
    }

    /// Finds the place of an item that is begun.
    fn item(&mut self, event: &Value) -> Result<(), Differs> {
        let at = event["output_index"].as_u64().unwrap_or_default();
        let item = if event["item"]["type"] == "reasoning" {
            Item::Kept
        } else {
            let given = |(_, item): &&(u64, Item)| matches!(item, Item::Given { .. });
            let index = self.items.iter().filter(given).count() as u64;
            let id = event["item"]["id"].clone();
            let told = &self.relay.transcript().place.items;
            let told_as = told.iter().find(|(at, _)| *at == index).map(|(_, id)| id.clone());
            if told_as.is_some() && event["item"]["type"] != "message" {
                return Err(Differs);
            }
            Item::Given { index, told_as: told_as.map_or_else(|| id.clone(), Value::from), id }
        };
        self.items.push((at, item));
        Ok(())
    }

    /// Puts the first answer's identity in the place of the second's.
    fn identify(&self, event: &mut Value) {
        let told = self.relay.transcript();
        event["sequence_number"] = next_sequence(told).into();
        let Some(response) = event.get_mut("response").and_then(Value::as_object_mut) else {
            return;
        };
        repeat(response, "id", told.id.as_ref());
        repeat(response, "model", told.model.as_ref());
        repeat(response, "created_at", told.created.as_ref());
        if let Some(Value::Array(output)) = response.get_mut("output") {
            output.retain(|item| item["type"] != "reasoning");
            for item in output {
                let renamed = self.items.iter().find_map(|(_, given)| match given {
                    Item::Given { id, told_as, .. } if *id == item["id"] => Some(told_as),
                    Item::Given { .. } | Item::Kept => None,
                });
                if let Some(told_as) = renamed {
                    item["id"] = told_as.clone();
                }
            }
        }
    }
}

/// Whether the caller knows of a part, or an item, that was begun and not ended.
fn open(told: &Transcript, what: &str) -> bool {
    let steps = &told.place.told;
    let of = |step: &Step| step.kind.strip_prefix(what);
    steps.iter().filter(|step| of(step) == Some(".added")).any(|begun| {
        let ended = |step: &Step| {
            of(step) == Some(".done") && (step.item, step.part) == (begun.item, begun.part)
        };
        !steps.iter().any(ended)
    })
}

impl Splice for ItemSplice {
    fn event(&mut self, event: &Event, seen: &Seen) -> Spliced {
        if self.way == Way::Prefill || matches!(seen, Seen::Error(_) | Seen::Malformed { .. }) {
            return Spliced::Differs;
        }
        match wire::json_of(event).map(|event| self.rewrite(event)) {
            Some(Ok(Some(event))) => self.relay.give(wire::named(&event)),
            Some(Ok(None)) | None => Spliced::Nothing,
            Some(Err(Differs)) => Spliced::Differs,
        }
    }

    fn transcript(&self) -> &Transcript {
        self.relay.transcript()
    }
}
