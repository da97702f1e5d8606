//! How fast the model is read out of a request body.
//!
//! `cargo bench -p secondwind-llm --bench peek` prints gigabytes a second, each the best of 20 rounds.

use std::hint::black_box;
use std::time::Duration;

use bytes::Bytes;
use secondwind_llm::peek::peek;

const BYTES: usize = 10 * 1024 * 1024;

fn main() {
    let plain = "the quick brown fox jumps over the lazy dog; ";
    let escaped = r#"twenty bytes here: \""#;
    for (name, content) in [
        ("plain text", format!("\"{}\"", plain.repeat(BYTES / plain.len()))),
        ("an escape every 20 bytes", format!("\"{}\"", escaped.repeat(BYTES / escaped.len()))),
        ("numbers", format!("[{}0]", "0.123456,".repeat(BYTES / 9))),
        ("brackets", format!("[{}[]]", "[],".repeat(BYTES / 3))),
    ] {
        let body = format!(r#"{{"messages":[{{"role":"user","content":{content}}}],"model":"m"}}"#);
        let body = Bytes::from(body);
        let best = (0..20).map(|_| round(&body)).min().unwrap_or_default();
        let speed = body.len() as f64 / best.as_secs_f64() / 1e9;
        println!("{name:<26} {speed:>6.2} GB/s");
    }
}

// The clock of the standard library: nothing is to be stopped here.
#[allow(clippy::disallowed_types)]
fn round(body: &Bytes) -> Duration {
    let began = std::time::Instant::now();
    let peeked = peek(black_box(body));
    let took = began.elapsed();
    assert!(black_box(peeked).is_ok_and(|peeked| peeked.model == "m"));
    took
}
