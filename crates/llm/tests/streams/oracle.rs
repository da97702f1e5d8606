//! What a stream shows, read in another way than the library reads it: with blank lines and trees.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use secondwind_llm::stream::{ChatCompletions, Completions, StreamDialect};
use serde_json::{Value, json};

/// The streams of one dialect.
pub(crate) struct Corpus {
    pub(crate) name: &'static str,
    pub(crate) dialect: &'static dyn StreamDialect,
    read: fn(&mut Shown, &Value),
    /// A complete JSON answer that says this.
    whole: fn(&str) -> Value,
    /// Streams with more in them than text.
    not_only_text: &'static [&'static str],
}

pub(crate) const DIALECTS: &[Corpus] = &[
    Corpus {
        name: "chat_completions",
        dialect: &ChatCompletions,
        read: chat,
        whole: |text| {
            json!({
                "id": "chatcmpl-second", "object": "chat.completion", "created": 1, "model": "second",
                "choices": [{
                    "index": 0,
                    "message": {"role": "assistant", "content": text, "refusal": null},
                    "logprobs": null, "finish_reason": "stop",
                }],
                "usage": {"prompt_tokens": 1, "completion_tokens": 2, "total_tokens": 3},
            })
        },
        not_only_text: &["tool_call", "refusal", "reasoning"],
    },
    Corpus {
        name: "completions",
        dialect: &Completions,
        read: chat,
        whole: |text| {
            json!({
                "id": "cmpl-second", "object": "text_completion", "created": 1, "model": "second",
                "choices": [{"text": text, "index": 0, "logprobs": null, "finish_reason": "stop"}],
            })
        },
        not_only_text: &["logprobs"],
    },
];

/// What a stream shows.
#[derive(Debug, Default)]
pub(crate) struct Shown {
    pub(crate) text: String,
    pub(crate) starts: usize,
    pub(crate) finishes: usize,
    pub(crate) terminals: usize,
    pub(crate) ids: BTreeSet<String>,
    /// What is out of order.
    pub(crate) complaints: Vec<String>,
}

impl Corpus {
    pub(crate) fn streams(&self) -> Vec<(String, Vec<u8>)> {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("testdata/streams").join(self.name);
        let mut streams: Vec<_> = fs::read_dir(folder)
            .unwrap()
            .map(|entry| entry.unwrap().path())
            .map(|path| {
                let name = path.file_stem().unwrap().to_str().unwrap().to_owned();
                (name, fs::read(path).unwrap())
            })
            .collect();
        streams.sort();
        assert!(streams.len() >= 8, "{}", self.name);
        streams
    }

    pub(crate) fn not_only_text(&self, name: &str) -> bool {
        self.not_only_text.contains(&name)
    }

    /// How often an answer begins, at least: some servers tell the role with each chunk.
    pub(crate) fn starts(&self) -> usize {
        usize::from(!matches!(self.name, "completions" | "gemini"))
    }

    pub(crate) fn afresh_only(&self) -> bool {
        self.name == "responses"
    }

    /// The stream of another server that says `text`.
    pub(crate) fn answer(&self, text: &str) -> Vec<u8> {
        self.dialect.as_stream((self.whole)(text).to_string().as_bytes()).unwrap().to_vec()
    }

    /// `stream` as another server says it: with ids of its own.
    pub(crate) fn of_another(&self, stream: &[u8]) -> Vec<u8> {
        let mut other = String::from_utf8(stream.to_vec()).unwrap();
        for id in self.shown(stream).ids {
            other = other.replace(&id, &format!("other-{id}"));
        }
        other.into_bytes()
    }

    pub(crate) fn shown(&self, stream: &[u8]) -> Shown {
        let text = std::str::from_utf8(stream).unwrap().replace("\r\n", "\n");
        let mut shown = Shown::default();
        for block in text.split("\n\n") {
            let lines = block.lines().filter_map(|line| line.strip_prefix("data:"));
            let data = lines.map(str::trim_start).collect::<Vec<_>>().join("\n");
            match data.as_str() {
                "" => {}
                "[DONE]" => shown.terminals += 1,
                json => (self.read)(&mut shown, &serde_json::from_str(json).unwrap()),
            }
        }
        shown
    }
}

fn chat(shown: &mut Shown, chunk: &Value) {
    shown.ids.insert(chunk["id"].as_str().unwrap().to_owned());
    for choice in chunk["choices"].as_array().unwrap() {
        let delta = &choice["delta"];
        shown.text += delta["content"].as_str().or(choice["text"].as_str()).unwrap_or_default();
        shown.starts += usize::from(delta["role"] == "assistant");
        shown.finishes += usize::from(choice["finish_reason"].is_string());
    }
}
