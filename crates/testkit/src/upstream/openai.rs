//! The words of OpenAI's API: answers, streams and error objects.

use bytes::Bytes;
use http::StatusCode;
use serde_json::{Value, json};

use super::Outcome;

/// A fixed moment: nothing here reads the wall clock.
const CREATED: u64 = 1_741_569_952;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Endpoint {
    Chat,
    Completions,
    Embeddings,
    Models,
    Unknown,
}

/// What a request asks for.
#[derive(Debug)]
pub(super) struct Asked {
    pub(super) endpoint: Endpoint,
    pub(super) stream: bool,
    model: String,
    usage: bool,
    inputs: usize,
}

impl Endpoint {
    pub(super) fn of(path: &str) -> Self {
        let path = path.split('?').next().unwrap_or_default();
        let ends = |end| path.ends_with(end);
        match () {
            () if ends("/chat/completions") => Self::Chat,
            () if ends("/completions") => Self::Completions,
            () if ends("/embeddings") => Self::Embeddings,
            () if ends("/models") => Self::Models,
            () => Self::Unknown,
        }
    }
}

impl Asked {
    pub(super) fn new(path: &str, body: &Value) -> Self {
        let endpoint = Endpoint::of(path);
        let streams = matches!(endpoint, Endpoint::Chat | Endpoint::Completions);
        let text = |value: &Value| value.as_str().map(str::to_owned);
        Self {
            endpoint,
            stream: streams && body["stream"] == true,
            model: text(&body["model"]).unwrap_or_else(|| "gpt-4o-mini".into()),
            usage: body["stream_options"]["include_usage"] == true,
            inputs: body["input"].as_array().map_or(1, Vec::len),
        }
    }

    /// The endpoint's answer as one JSON value; none where the endpoint is unknown.
    pub(super) fn answer(&self, content: &str, number: u64) -> Option<Bytes> {
        let model = &self.model;
        let value = match self.endpoint {
            Endpoint::Chat => json!({
                "id": format!("chatcmpl-{number}"),
                "object": "chat.completion",
                "created": CREATED,
                "model": model,
                "choices": [{
                    "index": 0,
                    "message": {"role": "assistant", "content": content, "refusal": null},
                    "logprobs": null,
                    "finish_reason": "stop",
                }],
                "usage": usage(content),
            }),
            Endpoint::Completions => json!({
                "id": format!("cmpl-{number}"),
                "object": "text_completion",
                "created": CREATED,
                "model": model,
                "choices": [
                    {"index": 0, "text": content, "logprobs": null, "finish_reason": "stop"},
                ],
                "usage": usage(content),
            }),
            Endpoint::Embeddings => json!({
                "object": "list",
                "data": (0..self.inputs).map(|index| json!({
                    "object": "embedding", "index": index, "embedding": [0.25, -0.5, 0.125],
                })).collect::<Vec<_>>(),
                "model": model,
                "usage": {"prompt_tokens": self.inputs, "total_tokens": self.inputs},
            }),
            Endpoint::Models => models(),
            Endpoint::Unknown => return None,
        };
        Some(value.to_string().into())
    }

    /// The endpoint's answer as the chunks of a stream: for chat the role, then a chunk a word, the
    /// finish reason, the usage if it was asked for, and `[DONE]`.
    pub(super) fn stream(&self, content: &str, number: u64) -> Vec<Bytes> {
        let chat = self.endpoint == Endpoint::Chat;
        let chunk = |choices: Value| {
            let (id, object) = if chat {
                (format!("chatcmpl-{number}"), "chat.completion.chunk")
            } else {
                (format!("cmpl-{number}"), "text_completion")
            };
            json!({
                "id": id, "object": object, "created": CREATED, "model": self.model,
                "choices": choices,
            })
        };
        let delta = |delta: Value, finish_reason: Value| {
            chunk(json!([{
                "index": 0, "delta": delta, "logprobs": null, "finish_reason": finish_reason,
            }]))
        };
        let text = |text: &str, finish_reason: Value| {
            chunk(json!([{
                "index": 0, "text": text, "logprobs": null, "finish_reason": finish_reason,
            }]))
        };

        let mut chunks = Vec::new();
        if chat {
            chunks.push(delta(json!({"role": "assistant", "content": ""}), Value::Null));
        }
        for word in content.split_inclusive(' ') {
            chunks.push(if chat {
                delta(json!({"content": word}), Value::Null)
            } else {
                text(word, Value::Null)
            });
        }
        let stop = Value::from("stop");
        chunks.push(if chat { delta(json!({}), stop) } else { text("", stop) });
        if self.usage {
            let mut last = chunk(json!([]));
            last["usage"] = usage(content);
            chunks.push(last);
        }
        let events = chunks.iter().map(|chunk| format!("data: {chunk}\n\n").into());
        events.chain([Bytes::from_static(b"data: [DONE]\n\n")]).collect()
    }
}

fn usage(content: &str) -> Value {
    let words = content.split_inclusive(' ').count();
    json!({"prompt_tokens": 9, "completion_tokens": words, "total_tokens": 9 + words})
}

fn models() -> Value {
    json!({
        "object": "list",
        "data": [
            {"id": "gpt-4o-mini", "object": "model", "created": CREATED, "owned_by": "testkit"},
        ],
    })
}

/// The error object that goes with an outcome, else with a status.
pub(super) fn error(outcome: Outcome, status: StatusCode) -> Bytes {
    const INVALID: &str = "invalid_request_error";
    let (message, kind, param, code) = match (outcome, status.as_u16()) {
        (Outcome::QuotaExhausted, _) => (
            "You exceeded your current quota, please check your plan and billing details.",
            "insufficient_quota",
            None,
            Some("insufficient_quota"),
        ),
        (Outcome::ContextWindow, _) => (
            "This model's maximum context length is 8192 tokens. However, your messages resulted \
             in 10011 tokens. Please reduce the length of the messages.",
            INVALID,
            Some("messages"),
            Some("context_length_exceeded"),
        ),
        (Outcome::ContentPolicy, _) => (
            "Your request was rejected as a result of our safety system.",
            INVALID,
            None,
            Some("content_policy_violation"),
        ),
        (_, 401) => ("Incorrect API key provided.", INVALID, None, Some("invalid_api_key")),
        (_, 403) => (
            "You are not allowed to sample from this model.",
            "request_forbidden",
            None,
            Some("permission_denied"),
        ),
        (_, 404) => ("The model does not exist.", INVALID, Some("model"), Some("model_not_found")),
        (_, 408) => ("Request timeout.", "request_timeout", None, Some("request_timeout")),
        (_, 409) => {
            ("The resource is locked by another request.", "conflict_error", None, Some("conflict"))
        }
        (_, 413) => ("The request is too large.", INVALID, None, Some("request_too_large")),
        (_, 429) => (
            "Rate limit reached on requests per min (RPM): Limit 500, Used 500, Requested 1.",
            "requests",
            None,
            Some("rate_limit_exceeded"),
        ),
        (_, 503 | 529) => (
            "The engine is currently overloaded, please try again later",
            "server_error",
            None,
            None,
        ),
        (_, 500..) => (
            "The server had an error while processing your request. Sorry about that!",
            "server_error",
            None,
            None,
        ),
        _ => ("We could not parse the JSON body of your request.", INVALID, None, None),
    };
    let error = json!({"message": message, "type": kind, "param": param, "code": code});
    json!({ "error": error }).to_string().into()
}
