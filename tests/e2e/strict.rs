//! A caller who takes a stream at its word, as the SDKs do, and notes every liberty that is taken with it.

use std::collections::BTreeSet;
use std::net::SocketAddr;
use std::time::Duration;

use bytes::Bytes;
use http::{HeaderMap, StatusCode};
use http_body_util::{BodyExt, Full};
use hyper::client::conn::http1::handshake;
use hyper_util::rt::TokioIo;
use serde_json::{Value, json};
use tokio::net::TcpStream;
use tokio::time::{Instant, timeout_at};

use crate::gateway::{CHAT, post, streamed};

/// What a caller keeps of an event that does not end.
const MOST_UNREAD: usize = 8 << 20;

/// All that was heard of one answer.
#[derive(Debug)]
pub(crate) struct Heard {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) text: String,
    pub(crate) finishes: Vec<String>,
    pub(crate) dones: usize,
    pub(crate) roles: usize,
    pub(crate) ids: BTreeSet<String>,
    pub(crate) models: BTreeSet<String>,
    pub(crate) usages: Vec<Value>,
    /// Error objects, in-band or as the whole answer.
    pub(crate) errors: Vec<Value>,
    pub(crate) comments: usize,
    /// What no client should have to put up with.
    pub(crate) liberties: Vec<String>,
    pub(crate) asked: Instant,
    /// When the first and the last piece of text came.
    pub(crate) first: Option<Instant>,
    pub(crate) last: Option<Instant>,
    pub(crate) end: End,
    pub(crate) took: Duration,
    streamed: bool,
    unread: Vec<u8>,
}

/// How an answer ended on the wire.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum End {
    InOrder,
    /// The connection broke.
    Broken,
    /// It did not, for as long as the caller was patient.
    Never,
}

/// What the answer comes to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// All of the text, once, and properly ended.
    Whole,
    /// An error that says so; what came before it is the beginning of the text.
    Told,
    /// The connection broke, and nothing else was said.
    Broke,
    /// Something that passes for an answer and is none.
    Lied(String),
    Hung,
}

/// A question for `model` that is answered in a stream, with its usage.
pub(crate) fn with_usage(model: &str) -> Value {
    let mut question = streamed(model);
    question["stream_options"] = json!({"include_usage": true});
    question
}

/// Asks at `address`, and listens to the end or as long as `patience` lasts.
pub(crate) async fn hear(address: SocketAddr, question: &Value, patience: Duration) -> Heard {
    let mut heard = Heard::new(question["stream"] == true);
    let until = heard.asked + patience;
    heard.end = match timeout_at(until, heard.listen(address, question)).await {
        Ok(Ok(())) => End::InOrder,
        Ok(Err(_)) => End::Broken,
        Err(_) => End::Never,
    };
    heard.took = heard.asked.elapsed();
    heard.close();
    heard
}

// === impl Heard ===

impl Heard {
    fn new(streamed: bool) -> Self {
        Self {
            status: StatusCode::CONTINUE,
            headers: HeaderMap::new(),
            text: String::new(),
            finishes: Vec::new(),
            dones: 0,
            roles: 0,
            ids: BTreeSet::new(),
            models: BTreeSet::new(),
            usages: Vec::new(),
            errors: Vec::new(),
            comments: 0,
            liberties: Vec::new(),
            asked: Instant::now(),
            first: None,
            last: None,
            end: End::Never,
            took: Duration::ZERO,
            streamed,
            unread: Vec::new(),
        }
    }

    async fn listen(&mut self, address: SocketAddr, question: &Value) -> Result<(), BoxError> {
        let socket = TcpStream::connect(address).await?;
        let (mut sender, connection) = handshake::<_, Full<Bytes>>(TokioIo::new(socket)).await?;
        let connection = Aborted(tokio::spawn(async {
            let _ = connection.await;
        }));
        let response = sender.send_request(post(CHAT, question.to_string())).await?;
        self.status = response.status();
        self.headers = response.headers().clone();
        let kind = self.headers.get("content-type").and_then(|kind| kind.to_str().ok());
        let events = kind.is_some_and(|kind| kind.starts_with("text/event-stream"));
        if self.streamed && !events && self.status.is_success() {
            self.liberties.push(format!("a stream was asked for, {kind:?} came"));
        }
        let mut body = response.into_body();
        while let Some(frame) = body.frame().await {
            let Ok(data) = frame?.into_data() else { continue };
            let seen = self.unread.len();
            self.unread.extend_from_slice(&data);
            if events {
                self.read_events(seen);
            }
            if self.unread.len() > MOST_UNREAD {
                self.liberties.push(format!("more than {MOST_UNREAD} bytes without an end"));
                return Err("too much".into());
            }
        }
        drop(connection);
        Ok(())
    }

    /// Reads what is complete; the first `seen` bytes were looked at before.
    fn read_events(&mut self, seen: usize) {
        // An end may have come in two parts.
        let mut from = seen.saturating_sub(1);
        while let Some(at) = self.unread[from..].windows(2).position(|end| end == b"\n\n") {
            let event: Vec<u8> = self.unread.drain(..from + at + 2).collect();
            from = 0;
            match std::str::from_utf8(&event) {
                Ok(event) => self.event(event.trim_end()),
                Err(_) => self.liberties.push("an event that is no text".into()),
            }
        }
    }

    fn event(&mut self, event: &str) {
        if self.dones > 0 {
            self.liberties.push(format!("something after [DONE]: {event}"));
        }
        let mut data = Vec::new();
        for line in event.lines() {
            match line.split_once(':') {
                Some(("", _)) => self.comments += 1,
                Some(("data", value)) => data.push(value.strip_prefix(' ').unwrap_or(value)),
                Some(("event" | "id" | "retry", _)) => {}
                _ => self.liberties.push(format!("a line that is no field: {line}")),
            }
        }
        match &*data.concat() {
            "" => {}
            "[DONE]" => self.dones += 1,
            data => match serde_json::from_str(data) {
                Ok(json) => self.chunk(&json),
                Err(why) => self.liberties.push(format!("an event that is no JSON: {why}: {data}")),
            },
        }
    }

    fn chunk(&mut self, chunk: &Value) {
        if !self.errors.is_empty() {
            self.liberties.push(format!("something after the error: {chunk}"));
        }
        if !chunk["error"].is_null() {
            self.errors.push(chunk["error"].clone());
            return;
        }
        self.named(chunk);
        let choice = &chunk["choices"][0];
        let delta = &choice["delta"];
        if !delta["role"].is_null() {
            self.roles += 1;
        }
        let content = delta["content"].as_str().unwrap_or_default();
        if !content.is_empty() {
            if !self.finishes.is_empty() {
                self.liberties.push(format!("words after the finish: {content}"));
            }
            self.say(content);
        }
        if let Some(reason) = choice["finish_reason"].as_str() {
            self.finishes.push(reason.to_owned());
        }
    }

    fn named(&mut self, json: &Value) {
        self.ids.extend(json["id"].as_str().map(str::to_owned));
        self.models.extend(json["model"].as_str().map(str::to_owned));
        self.usages.extend(Some(json["usage"].clone()).filter(|usage| !usage.is_null()));
    }

    fn say(&mut self, words: &str) {
        self.text += words;
        self.first.get_or_insert_with(Instant::now);
        self.last = Some(Instant::now());
    }

    /// What is left when all has come: JSON, or nothing.
    fn close(&mut self) {
        let rest = std::mem::take(&mut self.unread);
        if rest.is_empty() {
            return;
        }
        let json: Value = match serde_json::from_slice(&rest) {
            Ok(json) if self.roles == 0 && self.dones == 0 => json,
            _ if self.end == End::InOrder => {
                let rest = String::from_utf8_lossy(&rest[..rest.len().min(200)]).into_owned();
                return self.liberties.push(format!("neither event nor answer: {rest}"));
            }
            _ => return,
        };
        if !json["error"].is_null() {
            self.errors.push(json["error"].clone());
            return;
        }
        self.named(&json);
        let choice = &json["choices"][0];
        self.say(choice["message"]["content"].as_str().unwrap_or_default());
        self.finishes.extend(choice["finish_reason"].as_str().map(str::to_owned));
    }

    /// What it comes to, where `text` is what should have been said.
    pub(crate) fn verdict(&self, text: &str) -> Verdict {
        let lied = |why: String| Verdict::Lied(why);
        if self.end == End::Never {
            return Verdict::Hung;
        }
        if let Some(liberty) = self.liberties.first() {
            return lied(liberty.clone());
        }
        if !text.starts_with(&self.text) {
            return lied(format!("not what was said: {}", self.text));
        }
        if let [_] = &self.errors[..] {
            return match (&self.finishes[..], self.dones) {
                ([], 0) => Verdict::Told,
                _ => lied("an error and a finish".into()),
            };
        }
        if self.end == End::Broken {
            return Verdict::Broke;
        }
        let Self { finishes, dones, roles, ids, errors, .. } = self;
        let marks = (errors.len(), finishes.len(), ids.len(), *dones, *roles);
        let proper = if self.streamed { (0, 1, 1, 1, 1) } else { (0, 1, 1, 0, 0) };
        if marks != proper || finishes[0] != "stop" {
            let names = "errors, finishes, ids, [DONE]s, roles";
            return lied(format!("{names}: {marks:?} with {} bytes", self.text.len()));
        }
        if self.text != text {
            return lied(format!("half an answer called whole: {} bytes", self.text.len()));
        }
        Verdict::Whole
    }

    /// The class of the error that was told, empty if there was none.
    pub(crate) fn class(&self) -> &str {
        self.errors.first().and_then(|error| error["class"].as_str()).unwrap_or_default()
    }

    /// From the question to the first word.
    pub(crate) fn to_first_word(&self) -> Option<Duration> {
        Some(self.first? - self.asked)
    }

    /// From the first word to the last.
    pub(crate) fn spread(&self) -> Duration {
        self.first.zip(self.last).map_or(Duration::ZERO, |(first, last)| last - first)
    }
}

type BoxError = Box<dyn std::error::Error + Send + Sync>;

/// A task that goes with its owner.
struct Aborted(tokio::task::JoinHandle<()>);

impl Drop for Aborted {
    fn drop(&mut self) {
        self.0.abort();
    }
}
