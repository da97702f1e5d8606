//! Whether the events of a response fit together, as a caller's library puts them together.

use std::collections::BTreeMap;

use serde_json::Value;

/// A response, as far as it came.
#[derive(Default)]
struct Response {
    begun: bool,
    /// The ids of its items, and whether they are done.
    items: Vec<(String, bool)>,
    /// By the indexes of the item and of the part in it.
    parts: BTreeMap<(u64, u64), Part>,
}

#[derive(Default)]
struct Part {
    words: String,
    /// The words were told as a whole.
    told: bool,
    done: bool,
}

/// The first event that does not fit those before.
pub(super) fn unfit(events: &[Value]) -> Option<&Value> {
    let mut response = Response::default();
    let numbered = |at: usize, event: &Value| event["sequence_number"] == at;
    let mut all = events.iter().enumerate();
    all.find(|(at, event)| !(numbered(*at, event) && response.fits(event))).map(|(_, event)| event)
}

// === impl Response ===

impl Response {
    fn fits(&mut self, event: &Value) -> bool {
        let kind = event["type"].as_str().unwrap_or_default();
        match kind {
            "response.created" => return !std::mem::replace(&mut self.begun, true),
            "response.failed" | "error" => return true,
            _ if !self.begun => return false,
            "response.in_progress" => return self.items.is_empty(),
            "response.completed" | "response.incomplete" => return self.ends(&event["response"]),
            _ => {}
        }
        let Some(item) = event["output_index"].as_u64() else { return false };
        let id = event["item_id"].as_str().or(event["item"]["id"].as_str()).unwrap_or_default();
        if kind == "response.output_item.added" {
            let next = item == self.items.len() as u64 && self.items.iter().all(|(_, done)| *done);
            self.items.push((id.to_owned(), false));
            return next;
        }
        if self.items.get(item as usize) != Some(&(id.to_owned(), false)) {
            return false;
        }
        if kind == "response.output_item.done" {
            self.items[item as usize].1 = true;
            return words(&event["item"]) == self.words(item);
        }
        let part = event["content_index"].as_u64().or(event["summary_index"].as_u64());
        let place = (item, part.unwrap_or_default());
        if kind.ends_with("part.added") {
            return self.parts.insert(place, Part::default()).is_none();
        }
        // A call's arguments are a part that nobody adds.
        if part.is_none() {
            self.parts.entry(place).or_default();
        }
        let Some(part) = self.parts.get_mut(&place) else { return false };
        let fresh = !part.done;
        if let Some(delta) = event["delta"].as_str() {
            part.words += delta;
            return fresh && !part.told;
        }
        let told = if event["part"].is_object() {
            part.done = true;
            words(&event["part"])
        } else {
            part.told = true;
            words(event)
        };
        fresh && kind.ends_with(".done") && told == part.words
    }

    /// Whether it may end with this.
    fn ends(&self, whole: &Value) -> bool {
        let output = whole["output"].as_array().map_or(&[][..], Vec::as_slice);
        output.len() == self.items.len()
            && (0..).zip(output).zip(&self.items).all(|((at, item), (id, done))| {
                *done && item["id"] == **id && words(item) == self.words(at)
            })
    }

    /// All words of an item, as its parts told them.
    fn words(&self, item: u64) -> String {
        let parts = self.parts.range((item, 0)..=(item, u64::MAX));
        parts.map(|(_, part)| &*part.words).collect()
    }
}

/// The words of an item, of a part, or of an event, as they are told as a whole.
fn words(whole: &Value) -> String {
    let own = ["text", "refusal", "arguments"].map(|field| whole[field].as_str());
    let parts = ["content", "summary"].map(|field| whole[field].as_array());
    let own = own.into_iter().flatten().map(str::to_owned);
    own.chain(parts.into_iter().flatten().flatten().map(words)).collect()
}
