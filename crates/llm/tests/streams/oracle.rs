//! What a stream shows, read in another way than the library reads it: with blank lines and trees.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use secondwind_llm::stream::{
    AnthropicMessages, ChatCompletions, Completions, Gemini, Responses, StreamDialect,
};
use serde_json::{Value, json};

/// The streams of one dialect.
pub(crate) struct Corpus {
    pub(crate) name: &'static str,
    pub(crate) dialect: &'static dyn StreamDialect,
    read: fn(&mut Shown, &Value),
    /// An error, as the provider tells it within a stream.
    error: &'static str,
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
        error: "data: {\"error\":{\"message\":\"The server had an error\",\"type\":\"server_error\",\
            \"param\":null,\"code\":null}}\n\n",
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
        error: "data: {\"error\":{\"message\":\"The server had an error\",\"type\":\"server_error\",\
            \"param\":null,\"code\":null}}\n\n",
        whole: |text| {
            json!({
                "id": "cmpl-second", "object": "text_completion", "created": 1, "model": "second",
                "choices": [{"text": text, "index": 0, "logprobs": null, "finish_reason": "stop"}],
            })
        },
        not_only_text: &["logprobs"],
    },
    Corpus {
        name: "anthropic",
        dialect: &AnthropicMessages,
        read: anthropic,
        error: "event: error\ndata: {\"type\":\"error\",\"error\":{\"type\":\"overloaded_error\",\
            \"message\":\"Overloaded\"}}\n\n",
        whole: |text| {
            json!({
                "id": "msg_second", "type": "message", "role": "assistant", "model": "second",
                "content": [{"type": "text", "text": text}],
                "stop_reason": "end_turn", "stop_sequence": null,
                "usage": {"input_tokens": 1, "output_tokens": 2},
            })
        },
        not_only_text: &["tool_call", "thinking"],
    },
    Corpus {
        name: "gemini",
        dialect: &Gemini,
        read: gemini,
        error: "data: {\"error\":{\"code\":503,\"message\":\"The model is overloaded.\",\
            \"status\":\"UNAVAILABLE\"}}\n\n",
        whole: |text| {
            json!({
                "candidates": [{
                    "content": {"parts": [{"text": text}], "role": "model"},
                    "finishReason": "STOP", "index": 0,
                }],
                "usageMetadata": {"promptTokenCount": 1, "candidatesTokenCount": 2, "totalTokenCount": 3},
                "modelVersion": "second", "responseId": "second",
            })
        },
        not_only_text: &["function_call", "thoughts"],
    },
    Corpus {
        name: "responses",
        dialect: &Responses,
        read: responses,
        error: "event: error\ndata: {\"type\":\"error\",\"code\":\"server_error\",\
            \"message\":\"The server had an error\",\"param\":null,\"sequence_number\":9}\n\n",
        whole: |text| {
            json!({
                "id": "resp_second", "object": "response", "created_at": 1, "status": "completed",
                "model": "second",
                "output": [{
                    "id": "msg_second", "type": "message", "status": "completed", "role": "assistant",
                    "content": [{"type": "output_text", "text": text, "annotations": []}],
                }],
                "usage": {"input_tokens": 1, "output_tokens": 2, "total_tokens": 3},
            })
        },
        not_only_text: &["function_call", "reasoning", "refusal"],
    },
];

/// Where the tokens of an answer are told.
const COUNTS: [&str; 5] = [
    "/usage/completion_tokens",
    "/usage/output_tokens",
    "/message/usage/output_tokens",
    "/usageMetadata/candidatesTokenCount",
    "/response/usage/output_tokens",
];

/// What a stream shows.
#[derive(Debug, Default)]
pub(crate) struct Shown {
    pub(crate) text: String,
    pub(crate) starts: usize,
    pub(crate) finishes: usize,
    pub(crate) terminals: usize,
    pub(crate) ids: BTreeSet<String>,
    pub(crate) errors: usize,
    /// The tokens of the answer, as last told.
    pub(crate) output: Option<u64>,
    /// The block, item or part that is open.
    open: Option<u64>,
    next: u64,
    items: Vec<String>,
    part: Option<((u64, u64), String)>,
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
        let shown = self.shown(stream);
        for id in shown.ids.into_iter().chain(shown.items) {
            other = other.replace(&id, &format!("other-{id}"));
        }
        other.into_bytes()
    }

    /// The event of an error, as the provider tells it.
    pub(crate) fn error(&self) -> &'static [u8] {
        self.error.as_bytes()
    }

    pub(crate) fn shown(&self, stream: &[u8]) -> Shown {
        let text = std::str::from_utf8(stream).unwrap().replace("\r\n", "\n").replace('\r', "\n");
        let mut shown = Shown::default();
        for block in text.split("\n\n") {
            let lines = block.lines().filter_map(|line| line.strip_prefix("data:"));
            let data = lines.map(str::trim_start).collect::<Vec<_>>().join("\n");
            match data.as_str() {
                "" => {}
                "[DONE]" => shown.terminals += 1,
                json => {
                    let event: Value = serde_json::from_str(json).unwrap();
                    let ours = event.pointer("/response/error").unwrap_or(&event["error"]);
                    if ours.is_object() || event["type"] == "error" {
                        shown.errors += 1;
                        continue;
                    }
                    let output = COUNTS.iter().find_map(|count| event.pointer(count));
                    shown.output = output.and_then(Value::as_u64).or(shown.output);
                    (self.read)(&mut shown, &event);
                }
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

fn anthropic(shown: &mut Shown, event: &Value) {
    let index = event["index"].as_u64();
    let mut expect = |holds: bool| {
        if !holds {
            shown.complaints.push(event.to_string());
        }
    };
    match event["type"].as_str().unwrap() {
        "message_start" => {
            expect(shown.starts == 0);
            shown.starts += 1;
            shown.ids.insert(event["message"]["id"].as_str().unwrap().to_owned());
        }
        "content_block_start" => {
            expect(shown.starts == 1 && shown.open.is_none() && index == Some(shown.next));
            shown.open = index;
            shown.next += 1;
        }
        "content_block_delta" => {
            expect(shown.open == index);
            shown.text += event["delta"]["text"].as_str().unwrap_or_default();
        }
        "content_block_stop" => {
            expect(shown.open == index && index.is_some());
            shown.open = None;
        }
        "message_delta" => {
            expect(shown.open.is_none() && shown.finishes == 0);
            shown.finishes += 1;
        }
        "message_stop" => {
            expect(shown.finishes == 1);
            shown.terminals += 1;
        }
        _ => {}
    }
}

fn gemini(shown: &mut Shown, chunk: &Value) {
    shown.ids.insert(chunk["responseId"].as_str().unwrap().to_owned());
    for part in chunk["candidates"][0]["content"]["parts"].as_array().unwrap() {
        if part["thought"] != true {
            shown.text += part["text"].as_str().unwrap_or_default();
        }
    }
    // The finish is the end.
    let finishes = usize::from(chunk["candidates"][0]["finishReason"].is_string());
    shown.finishes += finishes;
    shown.terminals += finishes;
}

fn responses(shown: &mut Shown, event: &Value) {
    let kind = event["type"].as_str().unwrap();
    let mut expect = |holds: bool| {
        if !holds {
            shown.complaints.push(event.to_string());
        }
    };
    // Every event has the next number, and is about the one item that was begun.
    expect(event["sequence_number"].as_u64() == Some(shown.next));
    shown.next += 1;
    let item = event["item"]["id"].as_str().or(event["item_id"].as_str());
    if let Some(item) = item {
        if kind == "response.output_item.added" {
            shown.items.push(item.to_owned());
        }
        expect(
            shown
                .items
                .get(event["output_index"].as_u64().unwrap() as usize)
                .is_some_and(|id| id == item),
        );
    }
    if let Some(id) = event["response"]["id"].as_str() {
        shown.ids.insert(id.to_owned());
    }
    let part =
        || (event["output_index"].as_u64().unwrap(), event["content_index"].as_u64().unwrap());
    match kind {
        "response.created" => shown.starts += 1,
        "response.content_part.added" => {
            expect(shown.part.is_none());
            shown.part = Some((part(), String::new()));
        }
        "response.output_text.delta" => {
            let delta = event["delta"].as_str().unwrap();
            shown.text += delta;
            match &mut shown.part {
                Some((at, text)) if *at == part() => text.push_str(delta),
                _ => expect(false),
            }
        }
        "response.output_text.done" => {
            let told = shown.part.as_ref().map(|(_, text)| text.as_str());
            expect(told == event["text"].as_str());
        }
        "response.content_part.done" => {
            let told = shown.part.take().map(|(_, text)| text);
            expect(
                event["part"]["type"] == "refusal"
                    || told.as_deref() == event["part"]["text"].as_str(),
            );
        }
        "response.completed" | "response.incomplete" => {
            let output = event["response"]["output"].as_array().unwrap();
            let ids: Vec<_> = output.iter().filter_map(|item| item["id"].as_str()).collect();
            expect(shown.part.is_none() && ids == shown.items);
            shown.finishes += 1;
            shown.terminals += 1;
        }
        _ => {}
    }
}
