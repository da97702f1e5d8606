//! Streams of each dialect, cut wherever they can be cut: none is taken for finished that is not, and
//! with another answer behind it the caller has every word once.

#![allow(clippy::unwrap_used, reason = "a test")]

mod ends;
mod oracle;
mod vectors;

use std::collections::BTreeMap;

use bytes::Bytes;
use secondwind_llm::sse::{Event, Framer};
use secondwind_llm::stream::{AtEnd, Follow, Seen, Spliced, StreamDialect, Transcript, Way};

use self::oracle::{Corpus, DIALECTS, Shown};

const SEEDED_CUTS: usize = 100;

/// How many cases were run, by dialect.
pub(crate) type Cases = BTreeMap<&'static str, usize>;

/// The whole events of `bytes`; an event that was cut off is in none.
pub(crate) fn events(bytes: &[u8]) -> Vec<Event> {
    let mut framer = Framer::new();
    framer.push(Bytes::copy_from_slice(bytes));
    std::iter::from_fn(|| framer.next_event().unwrap()).collect()
}

pub(crate) fn follow(dialect: &dyn StreamDialect, events: &[Event]) -> Box<dyn Follow> {
    let mut follow = dialect.follow();
    for event in events {
        let seen = follow.see(event);
        assert!(!matches!(seen, Seen::Error(_) | Seen::Malformed { .. }), "{seen:?}: {event:?}");
    }
    follow
}

/// What the caller gets, with the events of `second` put behind those it has; `None`: it differs.
fn spliced(
    dialect: &dyn StreamDialect,
    first: &[Event],
    second: &[Event],
    way: Way,
) -> (Vec<u8>, Option<Transcript>) {
    let said = follow(dialect, first).into_transcript();
    let mut splice = dialect.splice(&said, way);
    let mut follow = dialect.follow();
    let mut given = Vec::new();
    for event in second {
        let seen = follow.see(event);
        match splice.event(event, &seen) {
            Spliced::Nothing => {}
            Spliced::Give(bytes) => given.extend_from_slice(&bytes),
            Spliced::Differs => return (given, None),
        }
    }
    (given, Some(splice.transcript().clone()))
}

pub(crate) fn raw(events: &[Event]) -> Vec<u8> {
    events.iter().flat_map(|event| event.raw().to_vec()).collect()
}

/// Where a stream of `len` bytes is cut: behind every event, and at seeded places.
pub(crate) fn cuts(whole: &[Event], len: usize, seed: usize) -> Vec<usize> {
    let mut ends = vec![0];
    for event in whole {
        ends.push(ends.last().unwrap() + event.raw().len());
    }
    // A linear congruential generator is random enough to choose places.
    let mut state = seed as u64 + 1;
    ends.extend((0..SEEDED_CUTS).map(|_| {
        state =
            state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 33) as usize % (len + 1)
    }));
    ends
}

#[test]
fn no_cut_stream_is_taken_for_finished() {
    let (mut broken, mut missing, mut complete) = (0, 0, 0);
    let mut cases = Cases::new();
    for corpus in DIALECTS {
        for (seed, (name, stream)) in corpus.streams().into_iter().enumerate() {
            let whole = events(&stream);
            assert_eq!(raw(&whole), stream, "{name}: events are all there is");
            let shown = corpus.shown(&stream);
            let all = follow(corpus.dialect, &whole);
            assert_eq!(all.at_end(), AtEnd::Complete, "{name}");
            assert_eq!(all.transcript().text, shown.text, "{name}");
            for cut in cuts(&whole, stream.len(), seed) {
                let head = events(&stream[..cut]);
                let told = corpus.shown(&raw(&head));
                let follow = follow(corpus.dialect, &head);
                match follow.at_end() {
                    AtEnd::Broken => {
                        assert_eq!(told.finishes, 0, "{name} cut at {cut}: finished, but for us");
                        broken += 1;
                    }
                    AtEnd::Missing(end) => {
                        assert_eq!((told.finishes, told.terminals), (1, 0), "{name} cut at {cut}");
                        let mended = [raw(&head), end.to_vec()].concat();
                        assert_eq!(corpus.shown(&mended).terminals, 1, "{name} cut at {cut}");
                        missing += 1;
                    }
                    AtEnd::Complete => {
                        assert_eq!(told.terminals, 1, "{name} cut at {cut}: a fabricated finish");
                        complete += 1;
                    }
                }
                assert_eq!(follow.transcript().text, told.text, "{name} cut at {cut}");
                assert!(shown.text.starts_with(&told.text), "{name} cut at {cut}");
                assert_eq!(follow.transcript().finished, told.finishes > 0, "{name} cut at {cut}");
                *cases.entry(corpus.name).or_default() += 1;
            }
        }
    }
    println!(
        "cut streams: {cases:?}: {broken} broken, {missing} finished without a terminator, {complete} \
         whole; 0 fabricated finishes"
    );
    assert!(broken > 0 && missing > 0 && complete > 0);
}

/// Runs `check` for each place at which a stream of text can break: the events that the caller has,
/// and the whole stream.
fn for_each_break(mut check: impl FnMut(&Corpus, &str, &[Event], &[u8])) {
    for corpus in DIALECTS {
        let mut breaks = 0;
        for (seed, (name, stream)) in corpus.streams().into_iter().enumerate() {
            let whole = events(&stream);
            if !follow(corpus.dialect, &whole).transcript().resumable {
                assert!(corpus.not_only_text(&name), "{name} is only text");
                continue;
            }
            assert!(!corpus.not_only_text(&name), "{name} is not only text");
            let mut heads: Vec<usize> = cuts(&whole, stream.len(), seed)
                .into_iter()
                .map(|cut| events(&stream[..cut]).len())
                .collect();
            heads.sort_unstable();
            heads.dedup();
            for head in heads {
                let head = &whole[..head];
                if follow(corpus.dialect, head).at_end() == AtEnd::Broken {
                    check(corpus, &name, head, &stream);
                    breaks += 1;
                }
            }
        }
        assert!(breaks > 20, "{}: {breaks}", corpus.name);
    }
}

/// The caller, who had `head` and was `given` the rest, has one answer, whole, that says `wanted`.
fn one_answer(corpus: &Corpus, name: &str, head: &[Event], given: &[u8], wanted: &str) {
    let head = raw(head);
    let begun = corpus.shown(&head).starts.max(corpus.starts());
    let all = &[&*head, given].concat();
    let Shown { text, starts, finishes, terminals, ids, complaints, .. } = corpus.shown(all);
    let told = || format!("{}/{name}:\n{}", corpus.name, String::from_utf8_lossy(all));
    assert_eq!(text, wanted, "{}", told());
    assert_eq!(starts, begun, "one beginning: {}", told());
    assert_eq!((finishes, terminals), (1, 1), "one end: {}", told());
    assert_eq!(ids.len(), 1, "one id, not {ids:?}: {}", told());
    assert!(complaints.is_empty(), "{complaints:?}: {}", told());
    let follow = follow(corpus.dialect, &events(all));
    assert_eq!(follow.at_end(), AtEnd::Complete);
    assert_eq!(follow.transcript().text, wanted);
}

#[test]
fn the_same_answer_afresh_gives_every_word_once() {
    let (mut cases, mut apart) = (Cases::new(), 0);
    for_each_break(|corpus, name, head, stream| {
        let wanted = corpus.shown(stream).text;
        for second in [corpus.of_another(stream), corpus.answer(&wanted)] {
            let (given, told) = spliced(corpus.dialect, head, &events(&second), Way::Afresh);
            let Some(told) = told else {
                // The same words in one part, and the caller has begun a second: it stays broken.
                assert_eq!((corpus.name, name), ("responses", "two_parts"), "{head:?}");
                assert_eq!(corpus.shown(&given).terminals, 0);
                apart += 1;
                continue;
            };
            one_answer(corpus, name, head, &given, &wanted);
            assert_eq!(told.text, wanted);
            assert!(told.finished && told.resumable);
            // The second answer is the whole one, and so is what it cost.
            let all = corpus.shown(&[raw(head), given].concat());
            assert_eq!(all.output, corpus.shown(&second).output, "{name}");
            let counted = told.usage.unwrap_or_default().output;
            assert_eq!(counted, all.output.unwrap_or_default(), "{name}");
            *cases.entry(corpus.name).or_default() += 1;
        }
    });
    println!("gone on with by the same answer: {cases:?}; {apart} by no other parts");
    assert!(apart < 10);
}

#[test]
fn a_prefill_goes_on_where_the_caller_is() {
    let mut cases = Cases::new();
    for_each_break(|corpus, name, head, stream| {
        let wanted = corpus.shown(stream).text;
        let had = corpus.shown(&raw(head));
        let second = corpus.answer(wanted.strip_prefix(&had.text).unwrap());
        let (given, told) = spliced(corpus.dialect, head, &events(&second), Way::Prefill);
        if corpus.afresh_only() {
            assert!(told.is_none());
            return;
        }
        let told = told.unwrap_or_else(|| panic!("{name}: {head:?}"));
        one_answer(corpus, name, head, &given, &wanted);
        assert_eq!(told.text, wanted);
        // Each of the two said a part, and cost as much: the sum is told.
        let sum =
            corpus.shown(&second).output.map(|output| output + had.output.unwrap_or_default());
        assert_eq!(corpus.shown(&[raw(head), given].concat()).output, sum, "{name}");
        assert_eq!(told.usage.map(|usage| usage.output), sum, "{name}");
        *cases.entry(corpus.name).or_default() += 1;
    });
    println!("gone on with from a prefill: {cases:?}");
}

#[test]
fn a_second_break_is_gone_on_with_as_the_first_was() {
    let mut cases = Cases::new();
    for_each_break(|corpus, name, head, stream| {
        let wanted = corpus.shown(stream).text;
        let second = events(&corpus.of_another(stream));
        for cut in 0..second.len() {
            let (given, _) = spliced(corpus.dialect, head, &second[..cut], Way::Afresh);
            let had = events(&[raw(head), given].concat());
            if follow(corpus.dialect, &had).at_end() != AtEnd::Broken {
                continue;
            }
            let (given, told) = spliced(corpus.dialect, &had, &second, Way::Afresh);
            assert!(told.is_some(), "{name}");
            one_answer(corpus, name, &had, &given, &wanted);
            *cases.entry(corpus.name).or_default() += 1;
        }
    });
    println!("broken twice: {cases:?}");
}

#[test]
fn another_answer_is_dropped_at_the_first_byte_that_differs() {
    let mut cases = Cases::new();
    for_each_break(|corpus, name, head, stream| {
        let wanted = corpus.shown(stream).text;
        let said = corpus.shown(&raw(head)).text;
        if said.is_empty() {
            return;
        }
        let differing = said.char_indices().map(|(at, sign)| {
            let other = if sign == 'x' { 'y' } else { 'x' };
            format!("{}{other}{}", &said[..at], &wanted[at + sign.len_utf8()..])
        });
        let shorter = said.char_indices().map(|(at, _)| said[..at].to_owned());
        let spaced = [format!(" {wanted}"), format!("\n{wanted}")];
        // White space before white space may be the same white space.
        let others = differing.chain(shorter).chain(spaced).filter(|text| !text.starts_with(&said));
        for text in others {
            let (given, told) =
                spliced(corpus.dialect, head, &events(&corpus.answer(&text)), Way::Afresh);
            assert!(told.is_none(), "{name}: {text:?} for {said:?}");
            let given = corpus.shown(&given);
            assert_eq!((given.text.as_str(), given.finishes, given.terminals), ("", 0, 0));
            *cases.entry(corpus.name).or_default() += 1;
        }
    });
    println!("other answers dropped: {cases:?}");
}

#[test]
fn what_is_given_may_come_in_any_pieces() {
    for_each_break(|corpus, name, head, stream| {
        // Cutting a second answer anywhere never gives a word twice, nor an end; nor does an error in it.
        let wanted = corpus.shown(stream).text;
        let second = events(&corpus.of_another(stream));
        for cut in 0..second.len() {
            let (given, _) = spliced(corpus.dialect, head, &second[..cut], Way::Afresh);
            let all = corpus.shown(&[raw(head), given].concat());
            assert!(wanted.starts_with(&all.text), "{name}: {}", all.text);
            assert_eq!(all.terminals, 0, "{name}");

            let failing = [&second[..cut], &events(corpus.error())].concat();
            let (given, told) = spliced(corpus.dialect, head, &failing, Way::Afresh);
            assert!(told.is_none(), "{name}");
            assert_eq!(corpus.shown(&[raw(head), given].concat()).text, all.text, "{name}");
        }
    });
}
