use super::*;
use crate::stream::ChatCompletions;

const ROLE: &str = "data: {\"choices\":[{\"index\":0,\"delta\":{\"role\":\"assistant\"}}]}\n\n";
const HI: &str = "data: {\"choices\":[{\"index\":0,\"delta\":{\"content\":\"Hi\"}}]}\n\n";
const STOP: &str =
    "data: {\"choices\":[{\"index\":0,\"delta\":{},\"finish_reason\":\"stop\"}]}\n\n";
const DONE: &str = "data: [DONE]\n\n";

fn pieces(passed: &mut Passed) -> Vec<String> {
    std::iter::from_fn(|| passed.take())
        .map(|piece| String::from_utf8(piece.to_vec()).unwrap())
        .collect()
}

fn events() -> Events {
    Events::new(&ChatCompletions)
}

#[test]
fn pieces_pass_as_they_came_where_their_events_are_complete() {
    let (mut events, mut passed) = (events(), Passed::default());
    let first = [ROLE, HI].concat();
    events.data(Bytes::from(first.clone()), &mut passed).unwrap();
    assert_eq!(pieces(&mut passed), [first]);
    let (head, tail) = STOP.split_at(20);
    events.data(Bytes::from([HI, head].concat()), &mut passed).unwrap();
    assert_eq!(pieces(&mut passed), [HI], "what is not complete waits");
    events.data(Bytes::from([tail, DONE].concat()), &mut passed).unwrap();
    assert_eq!(pieces(&mut passed).concat(), [STOP, DONE].concat());
    assert_eq!(events.end(&mut passed), Ok(()));
    assert_eq!(pieces(&mut passed).concat(), "", "nothing is added to what is whole");
}

#[test]
fn however_it_is_cut_up_the_caller_gets_the_same_bytes() {
    let whole = [ROLE, ": ping\n\n", HI, HI, STOP, DONE].concat();
    for size in 1..whole.len() {
        let (mut events, mut passed) = (events(), Passed::default());
        for chunk in whole.as_bytes().chunks(size) {
            events.data(Bytes::copy_from_slice(chunk), &mut passed).unwrap();
        }
        events.end(&mut passed).unwrap();
        assert_eq!(pieces(&mut passed).concat(), whole, "in pieces of {size}");
    }
}

#[test]
fn a_terminator_that_was_cut_off_is_supplied() {
    for part in ["d", "data: [DO", "data: {\"choices\":[],\"usa"] {
        let (mut one, mut passed) = (events(), Passed::default());
        one.data(Bytes::from([ROLE, HI, STOP, part].concat()), &mut passed).unwrap();
        assert_eq!(one.end(&mut passed), Ok(()), "{part}");
        let given = pieces(&mut passed).concat();
        assert_eq!(given.matches("[DONE]").count(), 1, "{given}");
        assert!(given.starts_with(&[ROLE, HI, STOP].concat()) && given.ends_with(DONE), "{given}");
        assert!(!given.contains("[DO\n") && !given.contains("usa"), "{given}");
    }
}

#[test]
fn a_missing_terminator_is_supplied_and_a_missing_end_is_not() {
    let (mut one, mut passed) = (events(), Passed::default());
    one.data(Bytes::from([ROLE, HI, STOP].concat()), &mut passed).unwrap();
    one.end(&mut passed).unwrap();
    assert_eq!(pieces(&mut passed).concat(), [ROLE, HI, STOP, DONE].concat());
    for cut in [ROLE.to_owned(), [ROLE, HI].concat(), [HI, &STOP[..30]].concat(), String::new()] {
        let (mut one, mut passed) = (events(), Passed::default());
        one.data(Bytes::from(cut.clone()), &mut passed).unwrap();
        assert_eq!(one.end(&mut passed).unwrap_err().class, Class::Connection, "{cut}");
        assert!(!pieces(&mut passed).concat().contains("DONE"));
    }
}

#[test]
fn a_last_event_without_its_blank_line_counts_where_it_is_all_there() {
    let (mut one, mut passed) = (events(), Passed::default());
    one.data(Bytes::from([HI, STOP, "data: [DONE]"].concat()), &mut passed).unwrap();
    one.end(&mut passed).unwrap();
    assert_eq!(pieces(&mut passed).concat(), [HI, STOP, DONE].concat());
}

#[test]
fn what_is_malformed_never_reaches_the_caller() {
    for lenient in [false, true] {
        let mut one = if lenient { events().lenient() } else { events() };
        let mut passed = Passed::default();
        let seen = one.data(Bytes::from([HI, "data: {\"cho\n\n", HI].concat()), &mut passed);
        assert_eq!(seen.unwrap_err().class, Class::InternalServer, "it may have been content");
        assert_eq!(pieces(&mut passed), [HI]);
    }
}

#[test]
fn after_the_terminator_there_is_nothing() {
    let (mut one, mut passed) = (events(), Passed::default());
    let whole = [HI, STOP, DONE].concat();
    one.data(Bytes::from([&whole, HI].concat()), &mut passed).unwrap();
    one.end(&mut passed).unwrap();
    assert_eq!(pieces(&mut passed).concat(), whole);
}
