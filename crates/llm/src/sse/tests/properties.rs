//! What holds of any stream, in any pieces.

use bytes::Bytes;
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::select;

use super::{Told, drain, mended, run};
use crate::sse::{Framer, MAX_EVENT};

/// What streams are made of, and what nearly is.
const PIECES: [&[u8]; 26] = [
    b"\n",
    b"\n",
    b"\n\n",
    b"\r",
    b"\r",
    b"\r\n",
    b"\r\n\r\n",
    b":",
    b": ",
    b" ",
    b"data",
    b"data:",
    b"data: ",
    b"data: x\n",
    b"event: ",
    b"event",
    b"id:",
    b"retry:",
    b"7",
    b"\0",
    b"x",
    b"\xEF\xBB\xBF",
    b"\xEF",
    b"\xBB\xBF",
    b"\xFF",
    "é…".as_bytes(),
];

const STARTS: [&[u8]; 4] = [b"", b"", b"\xEF\xBB\xBF", b"\xEF\xBB"];

fn wire() -> impl Strategy<Value = Vec<u8>> {
    (select(&STARTS[..]), vec(select(&PIECES[..]), 0..60))
        .prop_map(|(start, rest)| [start, &rest.concat()].concat())
}

/// Cuts `wire` into pieces of these sizes, over and over.
fn pieces(wire: &[u8], sizes: &[usize]) -> Vec<Bytes> {
    let mut rest = Bytes::copy_from_slice(wire);
    let mut pieces = Vec::new();
    for size in sizes.iter().cycle() {
        if rest.is_empty() {
            break;
        }
        pieces.push(rest.split_to(rest.len().min(*size)));
    }
    pieces
}

fn sizes() -> impl Strategy<Value = Vec<usize>> {
    // Not all of them 0.
    (vec(0..12_usize, 0..6), 1..12_usize).prop_map(|(mut sizes, last)| {
        sizes.push(last);
        sizes
    })
}

/// An event as a client gets to see it: its type, its data, and the last id.
type Dispatched = (String, String, String);

fn dispatched(events: &[Told]) -> Vec<Dispatched> {
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    let mut id = String::new();
    let mut seen = Vec::new();
    for event in events {
        id = event.id.as_deref().map_or(id, text);
        let name = event.name.as_deref().unwrap_or("message").to_owned();
        seen.extend(event.data.as_deref().map(|data| (name, text(data), id.clone())));
    }
    seen
}

/// The standard's own steps, over a whole stream in memory.
fn by_the_standard(wire: &[u8]) -> Vec<Dispatched> {
    let decoded = String::from_utf8_lossy(wire).replace("\r\n", "\n").replace('\r', "\n");
    let stream = decoded.strip_prefix('\u{feff}').unwrap_or(&decoded);
    // What comes after the last line ending is no line.
    let (lines, _) = stream.rsplit_once('\n').map_or((None, stream), |(all, end)| (Some(all), end));
    let mut seen = Vec::new();
    let (mut data, mut kind, mut id) = (String::new(), String::new(), String::new());
    for line in lines.into_iter().flat_map(|lines| lines.split('\n')) {
        if line.is_empty() {
            let (said, kind) = (std::mem::take(&mut data), std::mem::take(&mut kind));
            if let Some(said) = said.strip_suffix('\n') {
                let kind = if kind.is_empty() { "message".to_owned() } else { kind };
                seen.push((kind, said.to_owned(), id.clone()));
            }
            continue;
        }
        let (field, value) = line.split_once(':').unwrap_or((line, ""));
        let value = value.strip_prefix(' ').unwrap_or(value);
        match field {
            "event" => kind = value.to_owned(),
            "data" => data = data + value + "\n",
            "id" if !value.contains('\0') => id = value.to_owned(),
            _ => {}
        }
    }
    seen
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    #[test]
    fn says_what_the_standard_says(wire in wire(), sizes in sizes()) {
        let (events, result) = run(Framer::new(), pieces(&wire, &sizes));
        prop_assert_eq!(result, Ok(()));
        prop_assert_eq!(dispatched(&events), by_the_standard(&wire));
    }

    #[test]
    fn says_the_same_in_any_pieces(
        wire in wire(),
        sizes in sizes(),
        limit in select(&[MAX_EVENT, 40, 20, 8][..]),
    ) {
        let (whole, result) = run(Framer::with_max_event(limit), [wire.clone()]);
        let (split, result_of_split) = run(Framer::with_max_event(limit), pieces(&wire, &sizes));
        prop_assert_eq!(mended(split), mended(whole));
        prop_assert_eq!(result_of_split, result);
    }

    #[test]
    fn says_the_same_whenever_it_is_asked(wire in wire(), sizes in sizes()) {
        let pieces = pieces(&wire, &sizes);
        let (asked_often, _) = run(Framer::new(), pieces.clone());
        let mut framer = Framer::new();
        pieces.into_iter().for_each(|piece| framer.push(piece));
        let mut asked_once = Vec::new();
        prop_assert!(drain(&mut framer, &mut asked_once).is_ok());
        prop_assert_eq!(asked_once, asked_often);
    }
}
