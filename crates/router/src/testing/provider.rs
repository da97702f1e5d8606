//! A provider that does what its script says.

use std::collections::VecDeque;
use std::fmt::Write as _;
use std::io;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use bytes::Bytes;
use serde_json::Value;
use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream};
use tokio::time::{Instant, sleep};

use crate::client::memory::{Far, Network};

/// What a provider does with one request.
#[derive(Clone, Debug, Default)]
pub(crate) struct Script(Vec<Step>);

#[derive(Clone, Debug)]
enum Step {
    Write(Bytes),
    Wait(Duration),
    /// Never again anything.
    Stall,
    /// The connection ends, whatever was promised.
    Cut,
    /// The connection breaks.
    Reset,
}

/// A provider in a [`Network`]. Clones are the same.
#[derive(Clone, Debug, Default)]
pub(crate) struct Provider(Arc<Mutex<State>>);

#[derive(Debug, Default)]
struct State {
    scripts: VecDeque<Script>,
    asked: Vec<Value>,
    left: Vec<Instant>,
}

/// How a script ended.
enum Ended {
    /// The connection can have another request.
    Open,
    Closed,
    Reset,
    /// The other side went away before the end.
    Left,
}

// === impl Script ===

impl Script {
    /// The head of a stream.
    pub(crate) fn stream() -> Self {
        Self::default().write(
            "HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\n\
             transfer-encoding: chunked\r\n\r\n",
        )
    }

    /// A whole answer.
    pub(crate) fn json(status: u16, body: &str) -> Self {
        Self::json_of(status, body.len()).write(body.to_owned())
    }

    /// The head of an answer of so many bytes.
    pub(crate) fn json_of(status: u16, length: usize) -> Self {
        let mut head = format!("HTTP/1.1 {status} Said\r\ncontent-type: application/json\r\n");
        write!(head, "content-length: {length}\r\n\r\n").unwrap();
        Self::default().write(head)
    }

    /// These bytes as they are.
    pub(crate) fn write(mut self, bytes: impl Into<Bytes>) -> Self {
        self.0.push(Step::Write(bytes.into()));
        self
    }

    /// Bytes of a stream.
    pub(crate) fn piece(self, bytes: &[u8]) -> Self {
        if bytes.is_empty() {
            return self;
        }
        let size = format!("{:x}\r\n", bytes.len());
        self.write([size.as_bytes(), bytes, b"\r\n"].concat())
    }

    /// An event of a stream.
    pub(crate) fn data(self, data: &str) -> Self {
        self.piece(format!("data: {data}\n\n").as_bytes())
    }

    /// A word of a chat.
    pub(crate) fn word(self, word: &str) -> Self {
        self.delta(&serde_json::json!({ "content": word }), None)
    }

    /// The rest of a chat: its finish reason, its usage, its terminator.
    pub(crate) fn finish(self) -> Self {
        let usage = r#"{"id":"c","choices":[],"usage":{"prompt_tokens":7,"completion_tokens":3}}"#;
        self.delta(&Value::Object(serde_json::Map::new()), Some("stop")).data(usage).done()
    }

    /// A whole chat.
    pub(crate) fn chat(words: &[&str]) -> Self {
        Self::words(words).finish()
    }

    /// A chat so far.
    pub(crate) fn words(words: &[&str]) -> Self {
        let role = serde_json::json!({ "role": "assistant", "content": "" });
        words.iter().fold(Self::stream().delta(&role, None), |script, word| script.word(word))
    }

    fn delta(self, delta: &Value, finish: Option<&str>) -> Self {
        let choice = serde_json::json!({ "index": 0, "delta": delta, "finish_reason": finish });
        let chunk = serde_json::json!({ "id": "c", "model": "m", "choices": [choice] });
        self.data(&chunk.to_string())
    }

    /// A comment, which proves nothing but that somebody is there, each `every` for so many `times`.
    pub(crate) fn pings(self, every: Duration, times: usize) -> Self {
        (0..times).fold(self, |script, _| script.wait(every).piece(b": ping\n\n"))
    }

    /// All that `script` says.
    pub(crate) fn then(mut self, script: Self) -> Self {
        self.0.extend(script.0);
        self
    }

    pub(crate) fn wait(mut self, time: Duration) -> Self {
        self.0.push(Step::Wait(time));
        self
    }

    /// The terminator, and the end of the body.
    pub(crate) fn done(self) -> Self {
        self.data("[DONE]").end()
    }

    /// The body ends in good order, as far as HTTP is concerned.
    pub(crate) fn end(self) -> Self {
        self.write("0\r\n\r\n")
    }

    pub(crate) fn stall(mut self) -> Self {
        self.0.push(Step::Stall);
        self
    }

    pub(crate) fn cut(mut self) -> Self {
        self.0.push(Step::Cut);
        self
    }

    pub(crate) fn reset(mut self) -> Self {
        self.0.push(Step::Reset);
        self
    }

    async fn play(self, pipe: &mut DuplexStream) -> Ended {
        for step in self.0 {
            match step {
                Step::Write(bytes) => {
                    if pipe.write_all(&bytes).await.is_err() {
                        return Ended::Left;
                    }
                }
                Step::Wait(time) => tokio::select! {
                    () = sleep(time) => {}
                    () = closed(pipe) => return Ended::Left,
                },
                Step::Stall => {
                    closed(pipe).await;
                    return Ended::Left;
                }
                Step::Cut => return Ended::Closed,
                Step::Reset => return Ended::Reset,
            }
        }
        Ended::Open
    }
}

/// Until the other side is gone.
async fn closed(pipe: &mut DuplexStream) {
    let mut byte = [0];
    while pipe.read(&mut byte).await.is_ok_and(|read| read > 0) {}
}

// === impl Provider ===

impl Provider {
    /// Puts up a provider at `host`.
    pub(crate) fn at(network: &Network, host: &str) -> Self {
        let provider = Self::default();
        let serving = provider.clone();
        network.host(host, move |far| {
            tokio::spawn(serving.clone().serve(far));
        });
        provider
    }

    /// What it does with the next request for which nothing is scripted yet.
    pub(crate) fn will(&self, script: Script) -> &Self {
        self.0.lock().unwrap().scripts.push_back(script);
        self
    }

    /// Takes back what it has not done yet.
    pub(crate) fn unscript(&self) {
        self.0.lock().unwrap().scripts.clear();
    }

    /// The bodies of the requests that it got so far.
    pub(crate) fn asked(&self) -> Vec<Value> {
        self.0.lock().unwrap().asked.clone()
    }

    /// When the other side went away in the midst of what was scripted.
    pub(crate) fn left(&self) -> Vec<Instant> {
        self.0.lock().unwrap().left.clone()
    }

    async fn serve(self, mut far: Far) {
        while let Ok(body) = request(&mut far.pipe).await {
            let script = {
                let mut state = self.0.lock().unwrap();
                state.asked.push(body);
                state.scripts.pop_front()
            };
            let script = script.unwrap_or_else(|| {
                Script::json(501, r#"{"error": {"message": "nothing was scripted"}}"#)
            });
            match script.play(&mut far.pipe).await {
                Ended::Open => {}
                Ended::Closed => return,
                Ended::Reset => return far.reset(),
                Ended::Left => {
                    self.0.lock().unwrap().left.push(Instant::now());
                    return;
                }
            }
        }
    }
}

/// The body of the next request.
async fn request(pipe: &mut DuplexStream) -> io::Result<Value> {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        head.push(pipe.read_u8().await?);
    }
    let head = String::from_utf8_lossy(&head).to_ascii_lowercase();
    let (_, length) = head.split_once("content-length: ").ok_or(io::ErrorKind::InvalidData)?;
    let length = length.split("\r\n").next().and_then(|length| length.parse().ok());
    let mut body = vec![0; length.ok_or(io::ErrorKind::InvalidData)?];
    pipe.read_exact(&mut body).await?;
    Ok(serde_json::from_slice(&body)?)
}
