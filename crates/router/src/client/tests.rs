//! Failures that only HTTP/2 has: those that `tests/vectors/provider_errors.json` has as `transport` are made here,
//! and what is made of them is compared with what the row expects. The other rows without a reply are made in
//! `tests/e2e/transport.rs`, over sockets.

use std::io;
use std::sync::{Arc, Mutex};

use secondwind_policy::Policy;
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream};

use crate::testing::{Asking, Script, Stage};

/// The rows that are made here, and what the provider does.
const HERE: [(&str, Act); 2] =
    [("transport_h2_refused_stream", Act::Refuse), ("transport_h2_goaway", Act::GoAway)];

const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
// Types of frames, flags, and codes: RFC 9113, sections 6 and 7.
const DATA: u8 = 0;
const HEADERS: u8 = 1;
const RST_STREAM: u8 = 3;
const SETTINGS: u8 = 4;
const GOAWAY: u8 = 7;
const ACK: u8 = 1;
const END_STREAM: u8 = 1;
const END_HEADERS: u8 = 4;
const NO_ERROR: [u8; 4] = [0; 4];
const REFUSED_STREAM: [u8; 4] = [0, 0, 0, 7];

/// What a provider that speaks HTTP/2 does with a request.
#[derive(Clone, Copy, Debug)]
enum Act {
    Refuse,
    /// The connection goes away, with no stream processed.
    GoAway,
    Answer,
}

/// A provider that speaks HTTP/2: it does this with so many requests, and answers those that follow.
#[derive(Clone, Debug)]
struct Provider {
    act: Act,
    times: usize,
    /// The streams of the requests that it got, each with the number of its connection.
    got: Arc<Mutex<Vec<(usize, u32)>>>,
    connections: Arc<Mutex<usize>>,
}

// === impl Provider ===

impl Provider {
    /// Takes the place of `a` on the stage.
    fn on(stage: &Stage, act: Act, times: usize) -> Self {
        let provider = Self { act, times, got: Arc::default(), connections: Arc::default() };
        let serving = provider.clone();
        stage.network.host_of_http2("a", move |far| {
            let number = {
                let mut connections = serving.connections.lock().unwrap();
                *connections += 1;
                *connections
            };
            let serving = serving.clone();
            tokio::spawn(async move { serving.serve(far.pipe, number).await });
        });
        provider
    }

    fn got(&self) -> Vec<(usize, u32)> {
        self.got.lock().unwrap().clone()
    }

    /// The act that the next request is due, which came as `stream`.
    fn next(&self, connection: usize, stream: u32) -> Act {
        let mut got = self.got.lock().unwrap();
        got.push((connection, stream));
        if got.len() > self.times { Act::Answer } else { self.act }
    }

    async fn serve(self, mut pipe: DuplexStream, connection: usize) -> io::Result<()> {
        let mut preface = [0; PREFACE.len()];
        pipe.read_exact(&mut preface).await?;
        assert_eq!(preface, PREFACE);
        write(&mut pipe, SETTINGS, 0, 0, &[]).await?;
        loop {
            let (kind, flags, stream) = read(&mut pipe).await?;
            match kind {
                SETTINGS if flags & ACK == 0 => write(&mut pipe, SETTINGS, ACK, 0, &[]).await?,
                // The whole request is there.
                DATA | HEADERS if flags & END_STREAM != 0 => match self.next(connection, stream) {
                    Act::Refuse => write(&mut pipe, RST_STREAM, 0, stream, &REFUSED_STREAM).await?,
                    Act::GoAway => {
                        let last_stream = [0; 4];
                        let goes = [last_stream, NO_ERROR].concat();
                        return write(&mut pipe, GOAWAY, 0, 0, &goes).await;
                    }
                    Act::Answer => {
                        // ":status: 200", by its number in the static table (RFC 7541, appendix A).
                        write(&mut pipe, HEADERS, END_HEADERS, stream, &[0x88]).await?;
                        let answer = answer().to_string();
                        write(&mut pipe, DATA, END_STREAM, stream, answer.as_bytes()).await?;
                    }
                },
                _ => {}
            }
        }
    }
}

async fn write(
    pipe: &mut DuplexStream,
    kind: u8,
    flags: u8,
    stream: u32,
    payload: &[u8],
) -> io::Result<()> {
    let length = u32::try_from(payload.len()).unwrap().to_be_bytes();
    let head = [&length[1..], &[kind, flags], &stream.to_be_bytes()].concat();
    pipe.write_all(&[&head, payload].concat()).await
}

/// The next frame: its type, its flags, its stream.
async fn read(pipe: &mut DuplexStream) -> io::Result<(u8, u8, u32)> {
    let mut head = [0; 9];
    pipe.read_exact(&mut head).await?;
    let [a, b, c, kind, flags, stream @ ..] = head;
    let mut payload = vec![0; u32::from_be_bytes([0, a, b, c]) as usize];
    pipe.read_exact(&mut payload).await?;
    Ok((kind, flags, u32::from_be_bytes(stream)))
}

fn answer() -> Value {
    let message = json!({"role": "assistant", "content": "One"});
    json!({"id": "d", "choices": [{"index": 0, "message": message, "finish_reason": "stop"}]})
}

#[tokio::test(start_paused = true)]
async fn what_only_http_2_has_is_taken_for_what_it_is() {
    let vectors = include_str!("../../../../tests/vectors/provider_errors.json");
    let vectors: Value = serde_json::from_str(vectors).unwrap();
    for (id, act) in HERE {
        let row = vectors["rows"].as_array().unwrap().iter().find(|row| row["id"] == id);
        let row = row.unwrap_or_else(|| panic!("there is no {id}"));
        assert_eq!(row["dialect"], "transport");

        // With nobody else to turn to.
        let stage = Stage::new(Policy::builder().num_retries(1), &["a"], &[]);
        let alone = Provider::on(&stage, act, usize::MAX);
        let (context, outcome) = stage.head(&Asking::default()).await;
        let verdict = outcome.unwrap_err().flatten().into_inner().unwrap().verdict();
        let told = verdict.class;
        let trail = context.trail();
        assert!(trail.attempts().iter().all(|attempt| attempt.class == Some(told)), "{trail}");

        // With another group, and where one failure is one too many.
        let policy = Policy::builder().num_retries(0).allowed_fails(0);
        let stage = Stage::new(policy, &["a"], &["b"]);
        Provider::on(&stage, act, usize::MAX);
        stage.at("b").will(Script::chat(&["One"]));
        let falls_back = stage.ask().await.heard().is_whole("One");

        // What is a matter of judgement is as the row has it, too.
        let found = json!({
            "class": told.facts().name,
            "retryable_same": alone.got().len() > 1,
            "fallback_ok": falls_back,
            "hurts_health": stage.rests("a"),
            "hint_ms": verdict.hint.map(|hint| hint.as_millis() as u64),
        });
        assert_eq!(found, row["expect"], "{id}");
    }
}

#[tokio::test(start_paused = true)]
async fn what_was_surely_not_processed_is_repeated_at_once_and_does_not_count() {
    for (act, again) in [(Act::Refuse, (1, 3)), (Act::GoAway, (2, 1))] {
        let stage = Stage::new(Policy::builder().num_retries(1), &["a"], &[]);
        let provider = Provider::on(&stage, act, 1);
        let reply = stage.ask().await;
        assert!(reply.heard().is_whole("One"), "{act:?}: {:?}", reply.heard());
        assert_eq!(reply.trail(), "g/a=connection@0ms+0ms;g/a=ok@0ms+0ms", "{act:?}");
        assert_eq!(reply.context.counts().total(), 0, "{act:?}");
        // A stream that is refused says nothing of its connection, and one that goes away takes no other.
        assert_eq!(provider.got(), [(1, 1), again], "{act:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_connection_that_breaks_hurts_where_a_stream_that_is_refused_does_not() {
    let policy = Policy::builder().num_retries(0).allowed_fails(0);
    let stage = Stage::new(policy, &["a"], &["b"]);
    stage.at("a").will(Script::default().reset());
    stage.at("b").will(Script::chat(&["One"]));
    assert!(stage.ask().await.heard().is_whole("One"));
    assert!(stage.rests("a"));
}
