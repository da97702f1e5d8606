//! Counts heap allocations for looking at the events of streams. One test in this file: the counter
//! is of the whole process.

#![allow(clippy::unwrap_used, reason = "a test")]

use std::fs;
use std::path::Path;

use bytes::Bytes;
use secondwind_llm::sse::Framer;
use secondwind_llm::stream::{
    AnthropicMessages, ChatCompletions, Completions, Gemini, Responses, Seen, StreamDialect,
};

#[global_allocator]
static ALLOCATOR: dhat::Alloc = dhat::Alloc;

#[test]
fn looking_at_a_delta_costs_no_allocation_but_for_its_text() {
    let _profiler = dhat::Profiler::builder().testing().build();
    let dialects: [(&str, &dyn StreamDialect); 5] = [
        ("anthropic/plain", &AnthropicMessages),
        ("chat_completions/plain", &ChatCompletions),
        ("completions/plain", &Completions),
        ("gemini/plain_crlf", &Gemini),
        ("responses/plain", &Responses),
    ];
    for (name, dialect) in dialects {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("testdata/streams").join(name);
        let mut framer = Framer::new();
        framer.push(Bytes::from(fs::read(path.with_extension("sse")).unwrap()));
        let mut follow = dialect.follow();
        let mut counted = Vec::new();
        while let Some(event) = framer.next_event().unwrap() {
            if follow.see(&event) != Seen::Content {
                continue;
            }
            // Again and again: the identity is kept by now, and the text grows by doubling.
            let before = dhat::HeapStats::get().total_blocks;
            for _ in 0..1000 {
                assert_eq!(follow.see(&event), Seen::Content);
            }
            counted.push(dhat::HeapStats::get().total_blocks - before);
        }
        println!("{name}: {counted:?} allocations for a thousand each");
        assert!(counted.len() > 1 && counted.iter().all(|blocks| *blocks < 20), "{name}");
        assert!(counted.iter().sum::<u64>() > 0, "the counter counts");
    }
}
