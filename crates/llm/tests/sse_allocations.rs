//! Counts heap allocations for a stream as it usually comes. One test in this file: the counter is of
//! the whole process.

#![allow(clippy::unwrap_used, reason = "a test")]

use bytes::{Bytes, BytesMut};
use secondwind_llm::sse::Framer;

#[global_allocator]
static ALLOCATOR: dhat::Alloc = dhat::Alloc;

/// A piece like those of an HTTP client: cut off from a buffer that is shared already.
fn piece(text: &str) -> Bytes {
    let mut buffer = BytesMut::from(text);
    buffer.split().freeze()
}

#[test]
fn events_that_lie_in_one_piece_cost_no_allocation() {
    let _profiler = dhat::Profiler::builder().testing().build();
    let event = "event: delta\ndata: {\"choices\":[{\"delta\":{\"content\":\"Hello\"}}]}\n\n";
    let mut framer = Framer::new();
    let mut allocations = |pieces: &[Bytes]| {
        let before = dhat::HeapStats::get().total_blocks;
        let mut events = 0;
        for piece in pieces {
            framer.push(piece.clone());
            while let Some(event) = framer.next_event().unwrap() {
                assert!(event.name().is_some() && event.data().is_some());
                events += 1;
            }
        }
        (events, dhat::HeapStats::get().total_blocks - before)
    };
    assert_eq!(allocations(&[piece(event), piece(&event.repeat(2))]), (3, 0));
    // The counter does count: the event that is put together.
    let (events, blocks) = allocations(&[piece(&event[..20]), piece(&event[20..])]);
    println!("an event in two pieces: {blocks} allocations");
    assert_eq!(events, 1);
    assert!(blocks > 0);
}
