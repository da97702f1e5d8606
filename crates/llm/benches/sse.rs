//! How long an event of a stream takes from the piece it comes in to its data.
//!
//! `cargo bench -p secondwind-llm --bench sse` prints nanoseconds an event, each the best of 20 rounds.

use std::hint::black_box;
use std::time::Duration;

use bytes::Bytes;
use secondwind_llm::sse::Framer;

const PIECES: u32 = 20_000;

fn main() {
    let chunk = format!(
        "data: {{\"id\":\"chatcmpl-{}\",\"object\":\"chat.completion.chunk\",\"created\":1700000000,\
         \"model\":\"gpt-4o-mini-2024-07-18\",\"system_fingerprint\":\"fp_0123456789\",\"choices\":[{{\"index\":0,\
         \"delta\":{{\"content\":\" word\"}},\"logprobs\":null,\"finish_reason\":null}}]}}\n\n",
        "0".repeat(23)
    );
    let named = format!("event: content_block_delta\n{chunk}");
    let (start, end) = chunk.split_at(chunk.len() / 2);
    println!("an event has {} bytes", chunk.len());
    for (name, events, pieces) in [
        ("one event in a piece", 1, vec![chunk.clone()]),
        ("one event with a name", 1, vec![named]),
        ("one event, CRLF", 1, vec![chunk.replace('\n', "\r\n")]),
        ("two events in a piece", 2, vec![chunk.repeat(2)]),
        ("32 events in a piece", 32, vec![chunk.repeat(32)]),
        ("one event in two pieces", 1, vec![start.to_owned(), end.to_owned()]),
        ("one event byte by byte", 1, chunk.chars().map(String::from).collect()),
    ] {
        let pieces: Vec<_> = pieces.into_iter().map(Bytes::from).collect();
        let best = (0..20).map(|_| round(&pieces, events)).min().unwrap_or_default();
        println!("{name:<26} {:>8.1} ns", best.as_nanos() as f64 / f64::from(PIECES * events));
    }
}

// The clock of the standard library: nothing is to be stopped here.
#[allow(clippy::disallowed_types)]
fn round(pieces: &[Bytes], events: u32) -> Duration {
    let mut framer = Framer::new();
    let mut seen = 0;
    let began = std::time::Instant::now();
    for _ in 0..PIECES {
        for piece in pieces {
            framer.push(black_box(piece).clone());
            while let Ok(Some(event)) = framer.next_event() {
                seen += u32::from(black_box(event.data()).is_some());
            }
        }
    }
    let took = began.elapsed();
    assert_eq!(seen, PIECES * events);
    took
}
