//! Whether the events of a message fit together, as a caller's library puts them together.

use serde_json::Value;

/// A content block, as far as it came.
struct Block<'e> {
    kind: &'e str,
    words: String,
    open: bool,
}

/// The first event that does not fit those before.
pub(super) fn unfit(events: &[Value]) -> Option<&Value> {
    let (mut blocks, mut started, mut finished) = (Vec::<Block<'_>>::new(), false, false);
    events.iter().find(|event| {
        let kind = event["type"].as_str().unwrap_or_default();
        let index = event["index"].as_u64().map(|index| index as usize);
        // The open one is the last.
        let block = blocks.last_mut().filter(|block| block.open);
        let fits = match (kind, block) {
            ("message_start", None) => !std::mem::replace(&mut started, true),
            ("content_block_start", None) => {
                let last = blocks.len();
                let (block, open) = (&event["content_block"], true);
                let kind = block["type"].as_str().unwrap_or_default();
                let words = block["text"].as_str().unwrap_or_default().to_owned();
                blocks.push(Block { kind, words, open });
                started && !finished && index == Some(last)
            }
            ("content_block_delta", Some(block)) => block.add(&event["delta"]),
            ("content_block_stop", Some(block)) => block.stop(),
            ("message_delta", None) => {
                let finish = event["delta"]["stop_reason"].is_string();
                started && !(std::mem::replace(&mut finished, finish) && finish)
            }
            ("message_stop", None) => finished,
            ("message_start" | "message_delta" | "message_stop", _) => false,
            (kind, _) => !kind.starts_with("content_block"),
        };
        let within = matches!(kind, "content_block_delta" | "content_block_stop");
        !fits || within && index.is_none_or(|index| index + 1 != blocks.len())
    })
}

// === impl Block ===

impl Block<'_> {
    /// Whether the delta is one of such a block.
    fn add(&mut self, delta: &Value) -> bool {
        let (kind, words) = match delta["type"].as_str() {
            Some("text_delta") => ("text", &delta["text"]),
            Some("thinking_delta") => ("thinking", &delta["thinking"]),
            Some("signature_delta") => ("thinking", &delta["signature"]),
            Some("input_json_delta") => ("tool_use", &delta["partial_json"]),
            _ => return false,
        };
        self.words.push_str(words.as_str().unwrap_or_default());
        self.kind == kind && words.is_string()
    }

    /// Whether it may stop here: with something in it, which of a call's input is JSON.
    fn stop(&mut self) -> bool {
        self.open = false;
        match self.kind {
            "tool_use" => serde_json::from_str::<Value>(&self.words).is_ok(),
            // The API refuses a block of no text where a caller sends the answer back to it.
            _ => !self.words.is_empty(),
        }
    }
}
