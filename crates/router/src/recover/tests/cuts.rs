//! Every cut point: recorded streams, broken in every way at every event and at many a byte between.
//!
//! What a caller may get is one of two things: the whole answer, each word once; or its beginning and an error that
//! says so. A further dialect is one more test of one line.

use std::path::Path;

use fastrand::Rng;
use secondwind_llm::dialect::{Dialect, Endpoint, OpenAiChat};

use super::policy;
use crate::testing::{Asking, Heard, Reply, Script, Shape, Stage};

/// Where streams are broken beside their events' ends.
const RANDOM: usize = 100;

#[derive(Clone, Copy, Debug, PartialEq)]
enum How {
    /// The connection ends.
    Cut,
    /// The body ends in good order, as far as HTTP is concerned.
    End,
    Stall,
    Reset,
    /// An error is told within the stream.
    Error,
}

const HOWS: [How; 5] = [How::Cut, How::End, How::Stall, How::Reset, How::Error];
const ERROR: &str = r#"{"error": {"message": "The server had an error", "type": "server_error"}}"#;

/// A recorded stream, and what a second deployment says to the same request.
struct Recorded {
    name: String,
    bytes: Vec<u8>,
    /// The same under another id.
    same: Vec<u8>,
    /// Another text.
    other: Vec<u8>,
}

#[tokio::test(start_paused = true)]
async fn a_chat_is_whole_or_told_of_wherever_it_breaks() {
    let body = r#"{"model": "g", "stream": true, "messages": [{"role": "user", "content": "?"}]}"#;
    every_cut("chat_completions", &OpenAiChat, Endpoint::ChatCompletions, body, Shape::CHAT).await;
}

#[tokio::test(start_paused = true)]
async fn a_completion_is_whole_or_told_of_wherever_it_breaks() {
    let body = r#"{"model": "g", "stream": true, "prompt": "?"}"#;
    every_cut("completions", &OpenAiChat, Endpoint::Completions, body, Shape::COMPLETIONS).await;
}

async fn every_cut(
    folder: &str,
    dialect: &'static dyn Dialect,
    endpoint: Endpoint,
    body: &'static str,
    shape: Shape,
) {
    let asking = Asking { dialect, endpoint, body, num_retries: None };
    let (mut cases, mut whole, mut wrong) = (0, 0, Vec::new());
    for recorded in recorded(folder, &shape) {
        // Nobody rests, and there is no end of means: each case is as if it were the first.
        let stage = Stage::new(policy().no_breaker().no_budget(), &["a", "b"], &[]);
        for at in recorded.offsets() {
            for how in HOWS {
                for (second, same) in [(&recorded.same, true), (&recorded.other, false)] {
                    let before = stage.elapsed();
                    stage.at("a").will(broken(&recorded.bytes[..at], how));
                    stage.at("b").will(Script::stream().piece(second).end());
                    let reply = stage.ask_for(&asking).await;
                    stage.at("b").unscript();
                    cases += 1;
                    let heard = Heard::of(&reply.bytes(), &shape);
                    whole += usize::from(heard.terminals == 1);
                    let case = Case { recorded: &recorded, at, same, shape: &shape };
                    let slow = reply.over - before > 400.0;
                    if let Some(why) = case.wrong(&reply, &heard).or(slow.then_some("slow")) {
                        let name = &recorded.name;
                        wrong.push(format!("{name} {how:?}@{at} same: {same}: {why}: {heard:?}"));
                    }
                }
            }
        }
    }
    println!("{folder}: {cases} cases, {whole} of them whole, {} wrong", wrong.len());
    let few: Vec<_> = wrong.iter().take(12).map(String::as_str).collect();
    assert!(wrong.is_empty(), "{} of {cases} wrong\n{}", wrong.len(), few.join("\n"));
}

fn broken(sent: &[u8], how: How) -> Script {
    let script = Script::stream().piece(sent);
    match how {
        How::Cut => script.cut(),
        How::End => script.end(),
        How::Stall => script.stall(),
        How::Reset => script.reset(),
        How::Error => script.data(ERROR).end(),
    }
}

/// The recorded streams of a dialect.
fn recorded(folder: &str, shape: &Shape) -> Vec<Recorded> {
    let streams = Path::new(env!("CARGO_MANIFEST_DIR")).join("../llm/testdata/streams");
    let files = std::fs::read_dir(streams.join(folder)).unwrap();
    let mut all: Vec<_> = files
        .map(|file| {
            let path = file.unwrap().path();
            let text = std::fs::read_to_string(&path).unwrap();
            let id = Heard::of(text.as_bytes(), shape).ids.pop_first().unwrap();
            Recorded {
                name: path.file_name().unwrap().to_string_lossy().into_owned(),
                same: text.replace(&id, "another-id").into_bytes(),
                other: shape.reworded(&text).into_bytes(),
                bytes: text.into_bytes(),
            }
        })
        .collect();
    all.sort_by(|one, other| one.name.cmp(&other.name));
    assert!(!all.is_empty(), "{folder} has no streams");
    all
}

// === impl Recorded ===

impl Recorded {
    /// Where it is broken: at its beginning, behind each event, and anywhere.
    fn offsets(&self) -> Vec<usize> {
        let bytes = &self.bytes;
        let ends = |at: &usize| {
            let before = &bytes[..*at];
            before.ends_with(b"\n\n") || before.ends_with(b"\r\n\r\n") || before.is_empty()
        };
        let mut offsets: Vec<_> = (0..=bytes.len()).filter(ends).collect();
        assert!(offsets.len() > 2, "{} has few events", self.name);
        let mut random = Rng::with_seed(bytes.len() as u64);
        offsets.extend((0..RANDOM).map(|_| random.usize(1..bytes.len())));
        offsets
    }
}

/// One way to break one stream at one place.
struct Case<'a> {
    recorded: &'a Recorded,
    at: usize,
    same: bool,
    shape: &'a Shape,
}

// === impl Case ===

impl Case<'_> {
    /// What is wrong with what the caller heard.
    fn wrong(&self, reply: &Reply, heard: &Heard) -> Option<&'static str> {
        let sent = &self.recorded.bytes[..self.at];
        // An event that lacks but its blank line may count or not.
        let views = [sent.to_vec(), [sent, b"\n\n"].concat()];
        let views = views.map(|sent| Heard::of(&sent, self.shape));
        if reply.broken {
            return Some("no error event");
        }
        let wrong = views.map(|said| self.wrong_after(&said, heard));
        wrong.into_iter().reduce(Option::and)?
    }

    /// The same, where the caller had been told `said` when it broke.
    fn wrong_after(&self, said: &Heard, heard: &Heard) -> Option<&'static str> {
        let first = Heard::of(&self.recorded.bytes, self.shape);
        let finished = !said.finishes.is_empty();
        if said.text.is_empty() && !finished {
            // Nothing was said: whoever comes next is heard alone.
            let second = if self.same { &self.recorded.same } else { &self.recorded.other };
            let second = Heard::of(second, self.shape);
            let alone = heard.is_whole(&second.text)
                && heard.ids == second.ids
                && heard.usages == second.usages
                && heard.roles == second.roles;
            return (!alone).then_some("not the second answer");
        }
        if heard.ids.iter().any(|id| !first.ids.contains(id)) {
            return Some("another id");
        }
        if heard.roles > first.roles {
            return Some("a second beginning");
        }
        let carried_on = said.plain && self.same;
        if finished || carried_on {
            if !heard.is_whole(&first.text) || heard.finishes != first.finishes {
                return Some("not whole");
            }
            // What was not counted before the end is not made up.
            let told = if finished { &said.usages } else { &first.usages };
            return (heard.usages != *told).then_some("usage");
        }
        if heard.class() != "interrupted" {
            return Some("not told so");
        }
        (!heard.is_told(&said.text)).then_some("not told")
    }
}
