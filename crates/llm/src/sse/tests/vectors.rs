//! The streams of the web platform tests, the standard and some providers, in every way they can be
//! split in two.

use bytes::Bytes;
use serde_json::{Value, json};

use super::{Told, run};
use crate::sse::Framer;

const ROWS: usize = 78;

/// Each whole, byte by byte, and split at each of its offsets, both ends included.
const CASES: usize = 9477;

#[test]
fn every_stream_means_what_it_should_however_it_is_split() {
    let vectors = include_str!("../../../../../tests/vectors/sse_wpt.json");
    let vectors: Value = serde_json::from_str(vectors).unwrap();
    let rows = vectors["rows"].as_array().unwrap();
    let mut cases = 0;
    for row in rows {
        let wire = Bytes::from(base64(row["wire_b64"].as_str().unwrap()));
        let expect = json!([row["events"], row["retry"], row["last_event_id"]]);
        let mut check = |chunks: Vec<Bytes>, how: &str| {
            let (events, result) = run(Framer::new(), chunks);
            assert_eq!(result, Ok(()));
            assert_eq!(said(&events), expect, "{} {how}", row["id"]);
            cases += 1;
        };
        check(vec![wire.clone()], "whole");
        check((0..wire.len()).map(|at| wire.slice(at..=at)).collect(), "byte by byte");
        for at in 0..=wire.len() {
            check(vec![wire.slice(..at), wire.slice(at..)], &format!("split at {at}"));
        }
    }
    println!("{} rows, {cases} cases, all as expected", rows.len());
    assert_eq!(vectors["count"], json!(rows.len()));
    assert_eq!((rows.len(), cases), (ROWS, CASES));
}

/// What a client makes of it: what it dispatches, when it connects again and what it says then.
fn said(events: &[Told]) -> Value {
    let (mut id, mut retry, mut dispatched) = (String::new(), None, Vec::new());
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    for event in events {
        id = event.id.as_deref().map_or(id, text);
        retry = event.retry.or(retry);
        if let Some(data) = &event.data {
            let name = event.name.as_deref().unwrap_or("message");
            dispatched.push(json!({ "type": name, "data": text(data), "id": id }));
        }
    }
    json!([dispatched, retry, id])
}

fn base64(text: &str) -> Vec<u8> {
    let digits = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let (mut bytes, mut bits, mut held) = (Vec::new(), 0_u32, 0);
    for sign in text.trim_end_matches('=').bytes() {
        let digit = digits.iter().position(|digit| *digit == sign).unwrap();
        bits = bits << 6 | digit as u32;
        held += 6;
        if held >= 8 {
            held -= 8;
            bytes.push((bits >> held) as u8);
        }
    }
    bytes
}
