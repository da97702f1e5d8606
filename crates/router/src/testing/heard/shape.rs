//! Where in the events of a dialect what is told.

use serde_json::Value;

use super::{message, response};

/// The type of an event (any, if it is empty), and where in it: a JSON pointer, whose `*` is each item of a list.
type Spot = (&'static str, &'static str);

/// Where in the events of a dialect a caller finds what.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Shape {
    /// The text.
    pub(super) text: &'static [Spot],
    /// All that an event may have of the answer, of which text is a part.
    pub(super) content: &'static [Spot],
    /// The fields within it that are no words.
    pub(super) wordless: &'static [&'static str],
    /// What makes an answer more than text, though it is beside the content.
    pub(super) beside: &'static [Spot],
    /// Where content is told again.
    pub(super) again: &'static [Spot],
    pub(super) id: &'static [Spot],
    pub(super) item: &'static [Spot],
    pub(super) role: &'static [Spot],
    pub(super) finish: &'static [Spot],
    pub(super) usage: &'static [Spot],
    pub(super) error: &'static [Spot],
    /// The data, or the types, of the events that are the last.
    pub(super) terminals: &'static [&'static str],
    /// Whether an event is called by its type.
    pub(super) named: bool,
    /// The first event that does not fit those before.
    pub(super) unfit: fn(&[Value]) -> Option<&Value>,
    /// How a provider tells an error.
    pub(crate) failures: &'static [&'static str],
}

// === impl Shape ===

impl Shape {
    pub(crate) const CHAT: Self = Self {
        text: &[("", "/choices/0/delta/content")],
        content: &[("", "/choices/0/delta")],
        wordless: &["role"],
        beside: &[("", "/choices/0/logprobs")],
        again: &[],
        id: &[("", "/id")],
        item: &[],
        role: &[("", "/choices/0/delta/role")],
        finish: &[("", "/choices/0/finish_reason")],
        usage: &[("", "/usage")],
        error: &[("", "/error")],
        terminals: &["[DONE]"],
        named: false,
        unfit: |_| None,
        failures: &["data: {\"error\": {\"message\": \"The server had an error\", \
             \"type\": \"server_error\"}}\n\n"],
    };

    pub(crate) const COMPLETIONS: Self = Self {
        text: &[("", "/choices/0/text")],
        content: &[("", "/choices/0/text")],
        ..Self::CHAT
    };

    pub(crate) const MESSAGES: Self = Self {
        text: &[
            ("content_block_start", "/content_block/text"),
            ("content_block_delta", "/delta/text"),
        ],
        content: &[("content_block_start", "/content_block"), ("content_block_delta", "/delta")],
        wordless: &["type"],
        beside: &[],
        again: &[],
        id: &[("message_start", "/message/id")],
        item: &[],
        role: &[("message_start", "/message/role")],
        finish: &[("message_delta", "/delta/stop_reason")],
        usage: &[("message_start", "/message/usage"), ("message_delta", "/usage")],
        error: &[("error", "/error")],
        terminals: &["message_stop"],
        named: true,
        unfit: message::unfit,
        failures: &["event: error\ndata: {\"type\": \"error\", \"error\": \
             {\"type\": \"api_error\", \"message\": \"Internal server error\"}}\n\n"],
    };

    pub(crate) const RESPONSES: Self = Self {
        text: &[("response.output_text.delta", "/delta")],
        content: &[
            ("response.output_item.added", "/item"),
            ("response.content_part.added", "/part"),
            ("response.reasoning_summary_part.added", "/part"),
            ("response.output_text.delta", "/delta"),
            ("response.refusal.delta", "/delta"),
            ("response.reasoning_summary_text.delta", "/delta"),
            ("response.function_call_arguments.delta", "/delta"),
        ],
        wordless: &["id", "role", "status", "type"],
        beside: &[("response.output_text.delta", "/logprobs")],
        again: &[
            ("", "/text"),
            ("", "/refusal"),
            ("", "/arguments"),
            ("", "/part"),
            ("", "/item"),
            ("", "/response/output"),
        ],
        id: &[("", "/response/id")],
        item: &[("", "/item_id"), ("", "/item/id"), ("", "/response/output/*/id")],
        role: &[
            ("response.created", "/type"),
            ("response.in_progress", "/type"),
            ("response.output_item.added", "/item/role"),
        ],
        finish: &[
            ("response.completed", "/response/status"),
            ("response.incomplete", "/response/status"),
        ],
        usage: &[("", "/response/usage")],
        error: &[("response.failed", "/response/error"), ("error", "")],
        terminals: &["response.completed", "response.incomplete"],
        named: true,
        unfit: response::unfit,
        failures: &[
            "event: error\ndata: {\"type\": \"error\", \"code\": \"server_error\", \
             \"message\": \"The server had an error\", \"param\": null}\n\n",
            "event: response.failed\ndata: {\"type\": \"response.failed\", \"response\": \
             {\"id\": \"resp_failed\", \"status\": \"failed\", \"error\": \
             {\"code\": \"server_error\", \"message\": \"The server had an error\"}}}\n\n",
        ],
    };

    /// What a provider says; nobody asks in this API.
    pub(crate) const GEMINI: Self = Self {
        text: &[("", "/candidates/0/content/parts/*/text")],
        content: &[("", "/candidates/0/content/parts")],
        wordless: &["thoughtSignature"],
        beside: &[("", "/candidates/0/content/parts/*/thought")],
        id: &[("", "/responseId")],
        role: &[],
        finish: &[("", "/candidates/0/finishReason")],
        usage: &[("", "/usageMetadata")],
        terminals: &[],
        failures: &[
            "data: {\"error\": {\"code\": 503, \"message\": \"The model is overloaded.\", \
             \"status\": \"UNAVAILABLE\"}}\n\n",
        ],
        ..Self::CHAT
    };

    /// A chat that another API's answer was made: of a call, what that API tells of it.
    pub(crate) const TRANSLATED: Self = Self {
        wordless: &["role", "id", "type", "extra_content"],
        usage: &[
            ("", "/usage/prompt_tokens"),
            ("", "/usage/completion_tokens"),
            ("", "/usage/total_tokens"),
        ],
        ..Self::CHAT
    };

    /// What `event` has in these places; what is null, or an empty list, is not there.
    pub(super) fn find<'e>(spots: &[Spot], event: &'e Value) -> Vec<&'e Value> {
        let kind = event["type"].as_str();
        let here = spots.iter().filter(|(of, _)| of.is_empty() || kind == Some(of));
        let mut found: Vec<_> = here.flat_map(|(_, pointer)| each(event, pointer)).collect();
        found
            .retain(|value| !value.is_null() && value.as_array().is_none_or(|all| !all.is_empty()));
        found
    }

    /// All words of an event.
    pub(super) fn words(&self, event: &Value) -> String {
        let mut words = String::new();
        for content in Self::find(self.content, event) {
            self.collect(content, &mut words);
        }
        words
    }

    /// All words in `content`.
    fn collect(&self, content: &Value, words: &mut String) {
        match content {
            Value::String(text) => words.push_str(text),
            Value::Object(fields) => fields
                .iter()
                .filter(|(name, _)| !self.wordless.contains(&name.as_str()))
                .for_each(|(name, field)| match name.as_str() {
                    // Gemini's arguments of a call, which are a text elsewhere.
                    "args" => words.push_str(&field.to_string()),
                    _ => self.collect(field, words),
                }),
            Value::Array(items) => items.iter().for_each(|item| self.collect(item, words)),
            _ => {}
        }
    }

    /// The stream with another first word.
    pub(crate) fn reworded(&self, stream: &str) -> String {
        let mut first = None;
        let line = |line: &str| {
            let data = line.strip_prefix("data: ");
            let event = data.and_then(|data| serde_json::from_str::<Value>(data.trim_end()).ok());
            let Some(mut event) = event else { return line.to_owned() };
            let mut reworded = false;
            for (spots, again) in [(self.content, false), (self.again, true)] {
                if again != first.is_some() {
                    continue;
                }
                let kind = event["type"].clone();
                for (_, pointer) in spots.iter().filter(|(of, _)| of.is_empty() || kind == *of) {
                    let place = event.pointer_mut(pointer);
                    reworded |= place.is_some_and(|place| self.reword(place, &mut first));
                }
            }
            if reworded { format!("data: {event}\n") } else { line.to_owned() }
        };
        stream.split_inclusive('\n').map(line).collect()
    }

    /// Changes the first word within `content`, or every repetition of what begins with `first`; whether there is one.
    fn reword(&self, content: &mut Value, first: &mut Option<String>) -> bool {
        match content {
            Value::String(text) if !text.is_empty() => {
                let first = first.get_or_insert_with(|| text.clone());
                let begins = text.starts_with(&**first);
                if begins {
                    text.insert(0, '~');
                }
                begins
            }
            Value::Object(fields) => fields
                .iter_mut()
                .filter(|(name, _)| !self.wordless.contains(&name.as_str()))
                .any(|(_, field)| self.reword(field, first)),
            Value::Array(items) => items.iter_mut().any(|item| self.reword(item, first)),
            _ => false,
        }
    }
}

/// What there is at a pointer whose `*` is each item of a list.
fn each<'e>(event: &'e Value, pointer: &str) -> Vec<&'e Value> {
    let Some((list, rest)) = pointer.split_once("/*") else {
        return event.pointer(pointer).into_iter().collect();
    };
    let items = event.pointer(list).and_then(Value::as_array);
    items.into_iter().flatten().flat_map(|item| each(item, rest)).collect()
}
