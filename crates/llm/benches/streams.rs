//! How long it takes to see what an event of a stream proves.
//!
//! `cargo bench -p secondwind-llm --bench streams` prints nanoseconds an event, each the best of 20
//! rounds.

use std::hint::black_box;
use std::time::Duration;

use bytes::Bytes;
use secondwind_llm::sse::{Event, Framer};
use secondwind_llm::stream::{
    AnthropicMessages, ChatCompletions, Gemini, Responses, Seen, StreamDialect,
};

const EVENTS: u32 = 20_000;

fn main() {
    let chat = "data: {\"id\":\"chatcmpl-00000000000000000000000\",\"object\":\"chat.completion.chunk\",\
        \"created\":1700000000,\"model\":\"gpt-4o-mini-2024-07-18\",\"system_fingerprint\":\
        \"fp_0123456789\",\"choices\":[{\"index\":0,\"delta\":{\"content\":\" word\"},\
        \"logprobs\":null,\"finish_reason\":null}]}\n\n";
    let anthropic = "event: content_block_delta\ndata: {\"type\":\"content_block_delta\",\"index\":0,\
        \"delta\":{\"type\":\"text_delta\",\"text\":\" word\"}}\n\n";
    let responses = "event: response.output_text.delta\ndata: {\"type\":\"response.output_text.delta\",\
        \"sequence_number\":7,\"item_id\":\"msg_67c9fdcf37fc8190ba82116e33fb28c507b8b0ad4e5eb654\",\
        \"output_index\":0,\"content_index\":0,\"delta\":\" word\",\"logprobs\":[]}\n\n";
    let gemini = "data: {\"candidates\":[{\"content\":{\"parts\":[{\"text\":\" word\"}],\
        \"role\":\"model\"},\"index\":0}],\"usageMetadata\":{\"promptTokenCount\":8,\
        \"totalTokenCount\":9,\"candidatesTokenCount\":1},\"modelVersion\":\"gemini-2.5-flash\",\
        \"responseId\":\"kq4YaLqXO5-h1PIP3ZyMuQU\"}\n\n";
    let dialects: [(&str, &dyn StreamDialect, &'static str); 4] = [
        ("chat completions", &ChatCompletions, chat),
        ("anthropic", &AnthropicMessages, anthropic),
        ("responses", &Responses, responses),
        ("gemini", &Gemini, gemini),
    ];
    for (name, dialect, text) in dialects {
        let mut framer = Framer::new();
        framer.push(Bytes::from_static(text.as_bytes()));
        let Ok(Some(event)) = framer.next_event() else { return };
        let best = (0..20).map(|_| round(dialect, &event)).min().unwrap_or_default();
        let nanos = best.as_nanos() as f64 / f64::from(EVENTS);
        println!("{name:<18} {:>4} bytes {nanos:>8.1} ns", text.len());
    }
}

// The clock of the standard library: nothing is to be stopped here.
#[allow(clippy::disallowed_types)]
fn round(dialect: &dyn StreamDialect, event: &Event) -> Duration {
    let mut follow = dialect.follow();
    let began = std::time::Instant::now();
    for _ in 0..EVENTS {
        assert_eq!(black_box(follow.see(black_box(event))), Seen::Content);
    }
    began.elapsed()
}
