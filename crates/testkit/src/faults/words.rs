//! The text that is played, and the JSON that it is played in.

use serde_json::{Value, json};

use super::Prefill;

/// Sixty words. Among them are some that take more than a byte a letter, quotes and a line's end, so that neither
/// splitting nor escaping goes unnoticed.
pub const TEXT: &str = "A gateway earns trust only when the provider behind it misbehaves: on a calm day every naïve \
proxy looks reliable. The honest question is \"what then?\" when a stream breaks off between two words, \
when nothing comes for half a minute, or when the answer ends politely but too early.\n\
Résumé: carry on seamlessly, or say plainly that it broke.";

/// How many words [`TEXT`] has.
pub const WORDS: usize = 60;

/// A fixed moment: nothing here reads the wall clock.
const CREATED: usize = 1_741_569_952;

/// One answer in the making.
#[derive(Debug)]
pub(super) struct Answer {
    id: String,
    created: usize,
    model: String,
    usage: bool,
    prompt_words: usize,
    /// What is to be said, word by word; with the number of the first, counted in the whole text.
    pub(super) words: Vec<String>,
    pub(super) first: usize,
}

/// The words of a text, each with the white space behind it.
pub(super) fn words(text: &str) -> impl Iterator<Item = &str> {
    text.split_inclusive(char::is_whitespace)
}

/// The text to go on from, where the last message is the assistant's.
pub(super) fn prefill_of(body: &Value) -> Option<String> {
    let last = body["messages"].as_array()?.last()?;
    (last["role"] == "assistant").then(|| match &last["content"] {
        Value::String(text) => text.clone(),
        parts => parts
            .as_array()
            .into_iter()
            .flatten()
            .filter_map(|part| part["text"].as_str())
            .collect(),
    })
}

/// The body of an error.
pub(super) fn error(message: &str, kind: &str, code: Option<&str>) -> String {
    json!({"error": {"message": message, "type": kind, "param": null, "code": code}}).to_string()
}

// === impl Answer ===

impl Answer {
    /// An answer that says `text`, from behind `prefill` on, and other words from number `differs` on.
    pub(super) fn new(
        id: String,
        number: usize,
        body: &Value,
        text: &str,
        prefill: Option<&str>,
        differs: Option<usize>,
    ) -> Self {
        let different = |(number, word): (usize, &str)| match differs {
            Some(from) if number >= from => format!("other{number} "),
            _ => word.to_owned(),
        };
        let text: String = words(text).enumerate().map(different).collect();
        let said = prefill.filter(|said| text.starts_with(*said)).unwrap_or_default();
        Self {
            id,
            created: CREATED + number,
            model: body["model"].as_str().unwrap_or_default().to_owned(),
            usage: body["stream_options"]["include_usage"] == true,
            prompt_words: 9 + words(prefill.unwrap_or_default()).count(),
            words: words(&text[said.len()..]).map(str::to_owned).collect(),
            first: words(said).count(),
        }
    }

    fn usage(&self) -> Value {
        let (prompt, said) = (self.prompt_words, self.words.len());
        json!({"prompt_tokens": prompt, "completion_tokens": said, "total_tokens": prompt + said})
    }

    fn event(&self, choices: &Value, usage: Value) -> String {
        let mut chunk = json!({
            "id": self.id, "object": "chat.completion.chunk", "created": self.created,
            "model": self.model, "choices": choices,
        });
        if self.usage {
            chunk["usage"] = usage;
        }
        format!("data: {chunk}\n\n")
    }

    fn delta(&self, delta: &Value, finish_reason: Option<&str>) -> String {
        let choices = json!([{
            "index": 0, "delta": delta, "logprobs": null, "finish_reason": finish_reason,
        }]);
        self.event(&choices, Value::Null)
    }

    /// The event that says nothing but who speaks.
    pub(super) fn role(&self) -> String {
        self.delta(&json!({"role": "assistant", "content": ""}), None)
    }

    pub(super) fn word(&self, word: &str) -> String {
        self.delta(&json!({"content": word}), None)
    }

    /// The events behind the last word; `[DONE]` is not among them.
    pub(super) fn finish(&self) -> String {
        let mut finish = self.delta(&json!({}), Some("stop"));
        if self.usage {
            finish += &self.event(&json!([]), self.usage());
        }
        finish
    }

    /// The whole answer as JSON.
    pub(super) fn json(&self) -> String {
        let content = self.words.concat();
        let answer = json!({
            "id": self.id, "object": "chat.completion", "created": self.created,
            "model": self.model,
            "choices": [{
                "index": 0,
                "message": {"role": "assistant", "content": content, "refusal": null},
                "logprobs": null,
                "finish_reason": "stop",
            }],
            "usage": self.usage(),
        });
        answer.to_string()
    }
}

// === impl Prefill ===

impl Prefill {
    /// What is said where it is refused.
    pub(super) fn refusal(self) -> Option<String> {
        let message = "This model does not support assistant message prefill. The conversation must end with a \
                       user message.";
        (self == Self::Refused).then(|| error(message, "invalid_request_error", None))
    }
}
