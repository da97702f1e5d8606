mod properties;
mod vectors;

use bytes::Bytes;

use super::{Event, EventTooLarge, Framer, MAX_EVENT};

/// What an event says, and its bytes.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
struct Told {
    raw: Vec<u8>,
    name: Option<String>,
    data: Option<Vec<u8>>,
    id: Option<Vec<u8>>,
    retry: Option<u64>,
}

impl From<&Event> for Told {
    fn from(event: &Event) -> Self {
        Self {
            raw: event.raw().to_vec(),
            name: event.name().map(str::to_owned),
            data: event.data().map(<[u8]>::to_vec),
            id: event.id().map(<[u8]>::to_vec),
            retry: event.retry(),
        }
    }
}

/// Pushes `chunks`, asking for events after each of them, and checks that no byte is lost.
fn run<C: Into<Bytes>>(
    mut framer: Framer,
    chunks: impl IntoIterator<Item = C>,
) -> (Vec<Told>, Result<(), EventTooLarge>) {
    let (mut events, mut result, mut pushed) = (Vec::new(), Ok(()), Vec::new());
    for chunk in chunks {
        let chunk = chunk.into();
        pushed.extend_from_slice(&chunk);
        framer.push(chunk);
        result = drain(&mut framer, &mut events);
        if result.is_err() {
            break;
        }
    }
    let mut back: Vec<u8> = events.iter().flat_map(|event| event.raw.clone()).collect();
    assert_eq!(framer.held(), pushed.len() - back.len());
    back.extend_from_slice(&framer.into_held());
    assert_eq!(back, pushed);
    (events, result)
}

fn drain(framer: &mut Framer, events: &mut Vec<Told>) -> Result<(), EventTooLarge> {
    while let Some(event) = framer.next_event()? {
        events.push(Told::from(&event));
    }
    Ok(())
}

/// Puts an LF that came after its CR back where it belongs.
fn mended(events: Vec<Told>) -> Vec<Told> {
    let mut whole: Vec<Told> = Vec::new();
    for event in events {
        match whole.last_mut() {
            Some(before) if event.raw == b"\n" && before.raw.ends_with(b"\r") => {
                assert_eq!(event, Told { raw: b"\n".to_vec(), ..Told::default() });
                before.raw.push(b'\n');
            }
            _ => whole.push(event),
        }
    }
    whole
}

fn raws(chunks: &[&'static str]) -> Vec<String> {
    let (events, result) = run(Framer::new(), chunks.iter().copied());
    assert_eq!(result, Ok(()));
    events.into_iter().map(|event| String::from_utf8(event.raw).unwrap()).collect()
}

fn only(wire: &'static [u8]) -> Event {
    let mut framer = Framer::new();
    framer.push(Bytes::from_static(wire));
    let event = framer.next_event().unwrap().unwrap();
    assert_eq!(event.raw(), wire);
    event
}

fn lies_in(part: &[u8], whole: &[u8]) -> bool {
    whole.as_ptr_range().contains(&part.as_ptr())
}

#[test]
fn gives_an_event_with_its_last_byte() {
    assert_eq!(raws(&["data: 1\n"]), [""; 0]);
    assert_eq!(raws(&["data: 1\n\n"]), ["data: 1\n\n"]);
    assert_eq!(raws(&["data: 1\r\n\r\n"]), ["data: 1\r\n\r\n"]);
    assert_eq!(raws(&["data: 1\r\r"]), ["data: 1\r\r"]);
    assert_eq!(raws(&["data: 1\n\r"]), ["data: 1\n\r"]);
    assert_eq!(raws(&["data: 1\r", "\r"]), ["data: 1\r\r"]);
}

#[test]
fn gives_comments_and_blank_lines_which_say_nothing() {
    assert_eq!(raws(&[": ping\n\n\ndata: 1\n\n"]), [": ping\n\n", "\n", "data: 1\n\n"]);
    let event = only(b": data: 1\n\n");
    assert_eq!((event.name(), event.data(), event.id(), event.retry()), (None, None, None, None));
}

#[test]
fn does_not_wait_for_the_lf_after_a_cr_that_ends_an_event() {
    let wire = ["data: 1\r\n\r", "\ndata: 2\n\n"];
    assert_eq!(raws(&wire), ["data: 1\r\n\r", "\n", "data: 2\n\n"]);
    // Nor does the LF wait for anything.
    assert_eq!(raws(&["data: 1\r\r", "\n"]), ["data: 1\r\r", "\n"]);
    // A second one is a blank line.
    assert_eq!(raws(&["data: 1\r\r", "\n\n"]), ["data: 1\r\r", "\n", "\n"]);
    assert_eq!(raws(&["data: 1\r\r", "", "data: 2\r\r"]), ["data: 1\r\r", "data: 2\r\r"]);
}

#[test]
fn an_lf_after_a_cr_within_an_event_makes_no_blank_line() {
    assert_eq!(raws(&["data: 1\r", "\ndata: 2\r", "\n"]), [""; 0]);
    let wire = ["data: 1\r", "\ndata: 2\r", "\n\r\n"];
    assert_eq!(raws(&wire), ["data: 1\r\ndata: 2\r\n\r\n"]);
}

#[test]
fn pieces_may_be_empty_and_may_wait_for_each_other() {
    let mut framer = Framer::default();
    for piece in ["", "data: 1\r\r", "", "\n", "", "da", "ta: 2\r", "", "\n", "\r\ndata: 3\n\nda"] {
        framer.push(piece.into());
    }
    assert_eq!(framer.held(), 32);
    let mut events = Vec::new();
    drain(&mut framer, &mut events).unwrap();
    let raws: Vec<_> = events.iter().map(|event| event.raw.as_slice()).collect();
    assert_eq!(raws, [&b"data: 1\r\r"[..], b"\n", b"data: 2\r\n\r\n", b"data: 3\n\n"]);
    assert_eq!(framer.held(), 2);
    framer.push("ta".into());
    assert_eq!(framer.into_held(), "data");
}

#[test]
fn a_byte_order_mark_counts_at_the_beginning_only() {
    assert_eq!(only(b"\xEF\xBB\xBFdata: 1\n\n").data(), Some(&b"1"[..]));
    assert_eq!(only(b"\xEF\xBB\xBFid: 1\n\n").id(), Some(&b"1"[..]));
    assert_eq!(only(b"\xEF\xBB\xBF\xEF\xBB\xBFdata: 1\n\n").data(), None);
    assert_eq!(only(b"\xEF\xBBdata: 1\n\n").data(), None);
    // A line with nothing else is blank, wherever it is split.
    let bom = "\u{feff}\n".as_bytes();
    for at in 0..bom.len() {
        let (events, _) = run(Framer::new(), [&bom[..at], &bom[at..], b"\xEF\xBB\xBF\n\n"]);
        let raws: Vec<_> = events.iter().map(|event| event.raw.as_slice()).collect();
        assert_eq!(raws, [bom, b"\xEF\xBB\xBF\n\n"]);
    }
    assert_eq!(only(b"a\n\xEF\xBB\xBF\n\n").data(), None);
}

#[test]
fn joins_the_data_lines() {
    assert_eq!(only(b"data: a\ndata:b\ndata\ndata:  c\n\n").data(), Some(&b"a\nb\n\n c"[..]));
    assert_eq!(only(b"data\ndata: a\n\n").data(), Some(&b"\na"[..]));
    assert_eq!(only(b"data\n\n").data(), Some(&b""[..]));
    assert_eq!(only(b"data2: a\n\n").data(), None);
}

#[test]
fn passes_data_on_that_is_not_utf_8() {
    assert_eq!(only(b"data: \xFF\xE2\x82\n\n").data(), Some(&b"\xFF\xE2\x82"[..]));
    let event = only(b"event: a\xFFb\ndata\n\n");
    assert_eq!(event.name(), Some("a\u{fffd}b"));
}

#[test]
fn the_last_name_id_and_retry_count() {
    let event = only(b"event: a\nid: 1\nretry: 1\nevent: b\nid: 2\nretry: 20\n\n");
    assert_eq!(event.name(), Some("b"));
    assert_eq!((event.id(), event.retry()), (Some(&b"2"[..]), Some(20)));
    let event = only(b"event: a\nid: 1\nretry: 1\nevent\nid\nid: \0\nretry\nretry: +2\n\n");
    assert_eq!(event.name(), None);
    assert_eq!((event.id(), event.retry()), (Some(&b""[..]), Some(1)));
}

#[test]
fn copies_nothing_of_an_event_in_one_piece() {
    let piece = Bytes::from(b"data: 1\n\nevent: x\ndata: 2\n\ndata: 3".to_vec());
    let mut framer = Framer::new();
    framer.push(piece.clone());
    for _ in 0..2 {
        let event = framer.next_event().unwrap().unwrap();
        assert!(lies_in(event.raw(), &piece));
        assert!(lies_in(event.data().unwrap(), event.raw()));
    }
    assert!(framer.next_event().unwrap().is_none());

    // Of the piece that ends an event only its end is copied.
    let piece = Bytes::from(b"\n\ndata: 4\n\n".to_vec());
    framer.push(piece.clone());
    assert!(!lies_in(framer.next_event().unwrap().unwrap().raw(), &piece));
    assert!(lies_in(framer.next_event().unwrap().unwrap().raw(), &piece));
}

#[test]
fn an_event_may_be_as_large_as_the_limit_and_no_larger() {
    let too_large = Err(EventTooLarge { limit: 10 });
    for (wire, count, result) in [
        (&b"data: 12\n\n"[..], 1, Ok(())),
        (b"data: 12\n\ndata: 12\n\ndata: 12", 2, Ok(())),
        (b"data: 123\n\n", 0, too_large),
        (b"data: 123\n", 0, Ok(())),
        (b"data: 123\n:", 0, too_large),
        (b"data: 12\n\ndata: 12345", 1, too_large),
        (b"\r\n\r\n: 3456789012345", 2, too_large),
    ] {
        let bytewise = wire.chunks(1).map(Bytes::from_static);
        let (events, failure) = run(Framer::with_max_event(10), bytewise);
        assert_eq!((mended(events).len(), failure), (count, result), "{wire:?}");
        let (events, failure) = run(Framer::with_max_event(10), [wire]);
        assert_eq!((events.len(), failure), (count, result), "{wire:?}");
    }
    assert_eq!(
        EventTooLarge { limit: 10 }.to_string(),
        "an event of the stream is larger than 10 bytes"
    );
}

#[test]
fn stays_failed_once_an_event_was_too_large() {
    let mut framer = Framer::with_max_event(4);
    framer.push("12345".into());
    for _ in 0..3 {
        assert_eq!(framer.next_event().unwrap_err(), EventTooLarge { limit: 4 });
        framer.push("\n\n".into());
    }
    assert_eq!(framer.into_held(), "12345\n\n\n\n\n\n");
}

#[test]
fn stops_at_the_limit_whatever_the_pieces_are() {
    // In pieces: the first byte too many is refused, and no more than the limit was gathered.
    let piece = Bytes::from(vec![b'x'; 1000]);
    let mut framer = Framer::new();
    let pushed = (1..).find(|_| {
        framer.push(piece.clone());
        framer.next_event().is_err()
    });
    assert_eq!(pushed, Some(MAX_EVENT / piece.len() + 1));
    assert_eq!(framer.head.len(), MAX_EVENT);

    // A hundred megabytes in one piece, of which only so much is looked at.
    let mut framer = Framer::new();
    framer.push(vec![0; 100 * 1024 * 1024].into());
    assert!(framer.next_event().is_err());
    assert_eq!(framer.head.len(), MAX_EVENT);
    assert_eq!(framer.chunk.len(), 99 * MAX_EVENT);
}

/// Were a byte looked at again with every piece, this would be two million million steps.
#[test]
fn takes_linear_time_for_pieces_of_one_byte() {
    let size = 2 * 1024 * 1024;
    let byte = Bytes::from_static(b"x");
    for line in [usize::MAX, 2] {
        let mut framer = Framer::with_max_event(size + 2);
        for at in 1..=size {
            framer.push(if at % line == 0 { Bytes::from_static(b"\r") } else { byte.clone() });
            assert!(framer.next_event().unwrap().is_none());
        }
        framer.push("\n\n".into());
        let event = framer.next_event().unwrap().unwrap();
        // After a CR the first LF belongs to it.
        assert_eq!(event.raw().len(), size + 2);
        assert_eq!(framer.held(), 0);
    }
}

#[test]
fn takes_linear_time_for_many_lines_and_many_events() {
    let size = 1024 * 1024;
    let mut framer = Framer::with_max_event(size);
    framer.push("data\n".repeat(size / 5).into());
    framer.push("\n".into());
    let event = framer.next_event().unwrap().unwrap();
    assert_eq!(event.data().unwrap().len(), size / 5 - 1);
    framer.push("\n".repeat(size).into());
    let mut count = 0;
    while framer.next_event().unwrap().is_some() {
        count += 1;
    }
    assert_eq!(count, size);
}
