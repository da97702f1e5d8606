//! However a stream ends, in whatever pieces it came: what the caller has of it is told as what it is.

use bytes::Bytes;
use secondwind_layers::body::{Inspect, Passed};
use secondwind_llm::dialect::ErrorReply;
use secondwind_llm::stream::{AtEnd, Events, Seen};
use secondwind_policy::Class;

use super::oracle::{Corpus, DIALECTS};
use super::{Cases, cuts, events, raw};

const INTERRUPTED: ErrorReply<'_> = ErrorReply {
    message: "the answer was cut off",
    kind: "api_error",
    code: None,
    param: None,
    class: Class::Interrupted,
    trail: None,
};

/// What came through of `bytes`, in pieces of `size`.
fn through(corpus: &Corpus, bytes: &[u8], size: usize) -> (Events, Passed, Vec<u8>) {
    let (mut stream, mut passed) = (Events::new(corpus.dialect), Passed::default());
    for piece in bytes.chunks(size) {
        stream.data(Bytes::copy_from_slice(piece), &mut passed).unwrap();
    }
    let given = taken(&mut passed);
    (stream, passed, given)
}

fn taken(passed: &mut Passed) -> Vec<u8> {
    std::iter::from_fn(|| passed.take()).flatten().collect()
}

/// Runs `check` for each place at which each stream is cut.
fn for_each_cut(mut check: impl FnMut(&Corpus, &[u8], &[u8], &str)) -> Cases {
    let mut cases = Cases::new();
    for corpus in DIALECTS {
        for (seed, (name, stream)) in corpus.streams().into_iter().enumerate() {
            for cut in cuts(&events(&stream), stream.len(), seed) {
                let place = format!("{}/{name} cut at {cut}", corpus.name);
                check(corpus, &stream, &stream[..cut], &place);
                *cases.entry(corpus.name).or_default() += 1;
            }
        }
    }
    cases
}

#[test]
fn a_reset_leaves_whole_events_and_our_error_behind_them_is_no_finish() {
    let cases = for_each_cut(|corpus, _, cut, place| {
        let (stream, _, given) = through(corpus, cut, 61);
        assert_eq!(given, raw(&events(cut)), "{place}: whole events, as they came");
        let told = corpus.shown(&given);
        if stream.at_end() != AtEnd::Broken {
            assert_eq!(told.finishes, 1, "{place}");
            return;
        }
        let error = corpus.dialect.error_event(&INTERRUPTED, stream.transcript());
        let all = corpus.shown(&[given.clone(), error.to_vec()].concat());
        assert_eq!((all.errors, all.finishes, all.terminals), (1, 0, 0), "{place}");
        assert_eq!(all.text, told.text, "{place}");
        let mut follow = corpus.dialect.follow();
        let seen: Vec<_> =
            events(&[&given, &*error].concat()).iter().map(|event| follow.see(event)).collect();
        assert!(matches!(seen.last(), Some(Seen::Error(_))), "{place}: {seen:?}");
    });
    println!("reset: {cases:?}");
}

#[test]
fn an_end_without_a_finish_is_a_broken_connection() {
    let (mut whole, mut broken) = (0, 0);
    let cases = for_each_cut(|corpus, stream, cut, place| {
        let (mut followed, mut passed, mut given) = through(corpus, cut, 7);
        let told = corpus.shown(&given);
        let end = followed.end(&mut passed);
        given.extend(taken(&mut passed));
        let all = corpus.shown(&given);
        assert!(corpus.shown(stream).text.starts_with(&all.text), "{place}");
        match end {
            Ok(()) => {
                assert_eq!((all.finishes, all.terminals), (1, 1), "{place}");
                assert_eq!(all.text, corpus.shown(stream).text, "{place}");
                whole += 1;
            }
            Err(verdict) => {
                assert_eq!(verdict.class, Class::Connection, "{place}");
                assert_eq!((told.finishes, all.finishes, all.terminals), (0, 0, 0), "{place}");
                broken += 1;
            }
        }
    });
    println!("end: {cases:?}: {broken} broken, {whole} whole");
    assert!(broken > 0 && whole > 0);
}

#[test]
fn an_error_within_a_stream_is_not_passed_on() {
    let cases = for_each_cut(|corpus, _, cut, place| {
        let head = raw(&events(cut));
        let (mut stream, mut passed, given) = through(corpus, &head, head.len().max(1));
        if corpus.shown(&head).terminals > 0 {
            // There is nothing left that could fail.
            assert_eq!(stream.data(Bytes::from_static(corpus.error()), &mut passed), Ok(()));
        } else {
            let error = stream.data(Bytes::from_static(corpus.error()), &mut passed);
            let class = error.unwrap_err().class;
            let expected = [Class::InternalServer, Class::ServiceUnavailable];
            assert!(expected.contains(&class), "{place}: {class:?}");
        }
        assert_eq!(taken(&mut passed), b"", "{place}");
        assert_eq!(given, head, "{place}");
    });
    println!("error within: {cases:?}");
}
