//! Every cut point: recorded streams, broken in every way at every event and at many a byte between.
//!
//! What a caller may get is one of two things: the whole answer, each word once; or its beginning and an error that
//! says so. A further dialect is one more test of a few lines.

mod case;
mod recorded;

use secondwind_llm::dialect::{Anthropic, Dialect, Endpoint, Gemini, OpenAi, OpenAiChat};
use serde_json::json;

use self::case::Case;
use self::recorded::recorded;
use super::policy;
use crate::testing::{Asking, Heard, Script, Shape, Stage};

/// The streams of a dialect, and who hears them.
struct Cuts {
    folder: &'static str,
    asking: Asking,
    /// What the providers speak.
    dialect: &'static dyn Dialect,
    spoken: Shape,
    /// What the caller hears.
    heard: Shape,
    /// What was said as the caller should hear it.
    told: fn(Heard) -> Heard,
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum How {
    /// The connection ends.
    Cut,
    /// The body ends in good order, as far as HTTP is concerned.
    End,
    Stall,
    Reset,
    /// An error is told within the stream.
    Error(&'static str),
}

const CHAT: &str =
    r#"{"model": "g", "stream": true, "messages": [{"role": "user", "content": "?"}]}"#;

#[tokio::test(start_paused = true)]
async fn a_chat_is_whole_or_told_of_wherever_it_breaks() {
    Cuts::new("chat_completions", &OpenAiChat, Endpoint::ChatCompletions, CHAT, Shape::CHAT)
        .all()
        .await;
}

#[tokio::test(start_paused = true)]
async fn a_completion_is_whole_or_told_of_wherever_it_breaks() {
    let body = r#"{"model": "g", "stream": true, "prompt": "?"}"#;
    Cuts::new("completions", &OpenAiChat, Endpoint::Completions, body, Shape::COMPLETIONS)
        .all()
        .await;
}

#[tokio::test(start_paused = true)]
async fn a_message_is_whole_or_told_of_wherever_it_breaks() {
    let body = r#"{"model": "g", "stream": true, "max_tokens": 99,
        "messages": [{"role": "user", "content": "?"}]}"#;
    Cuts::new("anthropic", &Anthropic, Endpoint::Messages, body, Shape::MESSAGES).all().await;
}

#[tokio::test(start_paused = true)]
async fn a_response_is_whole_or_told_of_wherever_it_breaks() {
    let body = r#"{"model": "g", "stream": true, "input": "?"}"#;
    Cuts::new("responses", &OpenAi, Endpoint::Responses, body, Shape::RESPONSES).all().await;
}

#[tokio::test(start_paused = true)]
async fn a_translated_answer_of_geminis_is_whole_or_told_of_wherever_it_breaks() {
    let body = r#"{"model": "g", "stream": true, "stream_options": {"include_usage": true},
        "messages": [{"role": "user", "content": "?"}]}"#;
    let cuts = Cuts::new("gemini", &OpenAiChat, Endpoint::ChatCompletions, body, Shape::TRANSLATED);
    Cuts { dialect: &Gemini, spoken: Shape::GEMINI, told: as_chat, ..cuts }.all().await;
}

/// What Gemini said, as a chat.
fn as_chat(said: Heard) -> Heard {
    let finishes: Vec<_> = said
        .finishes
        .iter()
        .map(|reason| match reason.as_str() {
            "MAX_TOKENS" => "length",
            // Of what is recorded only the arguments of a call begin so.
            "STOP" if said.text.starts_with('{') => "tool_calls",
            "STOP" => "stop",
            reason => panic!("{reason}"),
        })
        .map(str::to_owned)
        .collect();
    // It is told with every word there how much it is so far, and here once, at the end.
    let usages = said.usages.last().filter(|_| !finishes.is_empty()).map(|usage| {
        ["promptTokenCount", "candidatesTokenCount", "totalTokenCount"]
            .map(|count| json!(usage[count].as_u64().unwrap_or_default()))
    });
    let usages = usages.into_iter().flatten().collect();
    Heard { roles: 1, usages, terminals: finishes.len(), finishes, ..said }
}

/// The reader hears what a caller's library would stumble over.
#[test]
fn what_lacks_an_event_or_has_one_twice_is_not_whole() {
    for (folder, shape) in [("anthropic", Shape::MESSAGES), ("responses", Shape::RESPONSES)] {
        for recorded in recorded(folder, &shape, |said| said) {
            let text = String::from_utf8(recorded.bytes).unwrap().replace("\r\n", "\n");
            let events: Vec<_> = text.split_inclusive("\n\n").collect();
            // Some say nothing.
            let nothing = [": ping", "event: ping", "vertex_event", r#""partial_json":"""#];
            let says = |event: &&str| !nothing.iter().any(|nothing| event.contains(nothing));
            for at in (0..events.len()).filter(|at| says(&events[*at])) {
                for times in [0, 2] {
                    let again = vec![events[at]; times];
                    let parts = [&events[..at], &again, &events[at + 1..]].concat();
                    let heard = Heard::of(parts.concat().as_bytes(), &shape);
                    let name = &recorded.name;
                    assert!(
                        !heard.is_whole(&recorded.first.text),
                        "{name} {at} {times}: {heard:?}"
                    );
                }
            }
        }
    }
}

// === impl Cuts ===

impl Cuts {
    /// Of providers and a caller that speak the same.
    fn new(
        folder: &'static str,
        dialect: &'static dyn Dialect,
        endpoint: Endpoint,
        body: &'static str,
        shape: Shape,
    ) -> Self {
        let asking = Asking { dialect, endpoint, body, num_retries: None };
        let (spoken, heard) = (shape, shape);
        Self { folder, asking, dialect, spoken, heard, told: |said| said }
    }

    async fn all(&self) {
        let hows = [How::Cut, How::End, How::Stall, How::Reset].into_iter();
        let hows: Vec<_> =
            hows.chain(self.spoken.failures.iter().map(|error| How::Error(error))).collect();
        let (mut cases, mut whole, mut wrong) = (0, 0, Vec::new());
        for recorded in recorded(self.folder, &self.spoken, self.told) {
            // Nobody rests, and there is no end of means: each case is as if it were the first.
            let policy = policy().no_breaker().no_budget();
            let stage = Stage::speaking(self.dialect, policy, &["a", "b"], &[]);
            for at in recorded.offsets() {
                let case = Case::new(&recorded, at, self);
                for how in &hows {
                    for same in [true, false] {
                        cases += 1;
                        let (heard, why) = case.play(&stage, *how, same).await;
                        whole += usize::from(heard.terminals == 1);
                        let name = &recorded.name;
                        wrong.extend(why.map(|why| {
                            format!("{name} {how:?}@{at} same: {same}: {why}: {heard:?}")
                        }));
                    }
                }
            }
        }
        println!("{}: {cases} cases, {whole} of them whole, {} wrong", self.folder, wrong.len());
        let few: Vec<_> = wrong.iter().take(12).map(String::as_str).collect();
        assert!(wrong.is_empty(), "{} of {cases} wrong\n{}", wrong.len(), few.join("\n"));
    }
}

// === impl How ===

impl How {
    /// Says this much, and breaks.
    fn after(self, sent: &[u8]) -> Script {
        let script = Script::stream().piece(sent);
        match self {
            Self::Cut => script.cut(),
            Self::End => script.end(),
            Self::Stall => script.stall(),
            Self::Reset => script.reset(),
            Self::Error(error) => script.piece(error.as_bytes()).end(),
        }
    }
}
