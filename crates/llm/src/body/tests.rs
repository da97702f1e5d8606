use std::future::Future;
use std::pin::pin;
use std::task::{Context, Poll, Waker};

use bytes::Bytes;
use http_body::Body;
use http_body_util::BodyExt;
use proptest::prelude::*;

use super::{Spliced, json_string};
use crate::peek::peek;

const BODY: &[u8] = br#"{"messages":[{"content":"hi"}],"model":"fast","n":1}"#;

/// A [`Spliced`] never waits.
fn now<F: Future>(future: F) -> F::Output {
    match pin!(future).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(output) => output,
        Poll::Pending => panic!("it waits"),
    }
}

fn frames(mut body: Spliced) -> Vec<Bytes> {
    let mut frames = Vec::new();
    while let Some(frame) = now(body.frame()) {
        frames.push(frame.unwrap().into_data().unwrap());
    }
    assert!(body.is_end_stream());
    frames
}

#[test]
fn sends_another_name_and_the_rest_as_it_was() {
    let body = Bytes::from_static(BODY);
    let range = peek(&body).unwrap().model_range;
    let spliced = Spliced::new(&body, range, json_string("a \"b\"\n/é"));
    let sent = now(spliced.collect()).unwrap().to_bytes();
    assert_eq!(
        sent,
        &br#"{"messages":[{"content":"hi"}],"model":"a \"b\"\n/"#[..]
            .iter()
            .chain("é\",\"n\":1}".as_bytes())
            .copied()
            .collect::<Vec<u8>>()[..]
    );
    assert_eq!(peek(&sent).unwrap().model, "a \"b\"\n/é");
}

#[test]
fn copies_nothing_of_the_prompt() {
    let body = Bytes::from_static(BODY);
    let range = peek(&body).unwrap().model_range;
    let frames = frames(Spliced::new(&body, range.clone(), json_string("other")).clone());
    assert_eq!(frames.len(), 3);
    assert_eq!(frames[0].as_ptr(), body.as_ptr());
    assert_eq!(frames[2].as_ptr(), body[range.end..].as_ptr());
}

#[test]
fn knows_how_much_is_left_at_every_step() {
    let body = Bytes::from_static(BODY);
    let range = peek(&body).unwrap().model_range;
    let mut spliced = Spliced::new(&body, range, json_string("longer-name"));
    let mut left = BODY.len() as u64 - 6 + 13;
    while let Some(frame) = {
        assert_eq!(spliced.size_hint().exact(), Some(left));
        assert_eq!(spliced.is_end_stream(), left == 0);
        now(spliced.frame())
    } {
        left -= frame.unwrap().data_ref().unwrap().len() as u64;
    }
    assert_eq!(left, 0);
}

#[test]
fn sends_a_body_that_needs_no_change_in_one_piece() {
    let body = Bytes::from_static(BODY);
    let range = peek(&body).unwrap().model_range;
    assert_eq!(
        frames(Spliced::new(&body, range, json_string("fast"))),
        std::slice::from_ref(&body)
    );
    assert_eq!(frames(Spliced::whole(body.clone())), [body]);
    assert!(frames(Spliced::empty()).is_empty());
    assert_eq!(Spliced::empty().size_hint().exact(), Some(0));
}

#[test]
fn shows_no_word_of_the_prompt_in_logs() {
    let shown = format!("{:?}", Spliced::whole(Bytes::from_static(BODY)));
    assert_eq!(shown, "Spliced { remaining: 52, .. }");
}

proptest! {
    #[test]
    fn takes_any_range_and_any_name(body: Vec<u8>, start: usize, end: usize, name: String) {
        let body = Bytes::from(body);
        for range in [start..end, start % 64..end % 64] {
            drop(frames(Spliced::new(&body, range, json_string(&name))));
        }
        let read: String = serde_json::from_slice(&json_string(&name)).unwrap();
        prop_assert_eq!(read, name);
    }
}
