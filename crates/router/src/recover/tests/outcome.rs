//! What a stream came to is known at its end.

use secondwind_policy::Class;

use super::{policy, secs};
use crate::testing::{Asking, Script, Stage};

#[tokio::test(start_paused = true)]
async fn an_answer_lasts_until_its_end() {
    let stage = Stage::new(policy(), &["a"], &[]);
    stage.at("a").will(Script::words(&["One"]).wait(secs(7)).finish());
    let reply = stage.ask().await;
    assert_eq!(reply.trail(), "g/a=ok@0ms+7000ms");
}

#[tokio::test(start_paused = true)]
async fn a_cut_is_in_the_trail_and_so_is_who_carried_on() {
    let stage = Stage::new(policy(), &["a", "b"], &[]);
    stage.at("a").will(Script::words(&["One"]).wait(secs(3)).cut());
    stage.at("b").will(Script::words(&["One"]).wait(secs(4)).finish());
    let reply = stage.ask().await;
    assert_eq!(reply.trail(), "g/a=interrupted@0ms+3000ms;g/b=ok@3000ms+4000ms");
    assert_eq!(reply.context.trail().retries(), 1);
}

#[tokio::test(start_paused = true)]
async fn what_is_told_has_the_trail_in_it() {
    let stage = Stage::new(policy().max_recoveries(1), &["a", "b"], &[]);
    stage.at("a").will(Script::words(&["One"]).wait(secs(3)).cut());
    stage.at("b").will(Script::words(&["One"]).wait(secs(4)).cut());
    let heard = stage.ask().await.heard();
    let trail = "g/a=interrupted@0ms+3000ms;g/b=interrupted@3000ms+4000ms";
    assert_eq!(heard.errors[0]["trail"], trail, "{heard:?}");
}

#[tokio::test(start_paused = true)]
async fn an_answer_that_differs_is_over_at_the_word_that_differs() {
    let stage = Stage::new(policy(), &["a", "b"], &[]);
    stage.at("a").will(Script::words(&["One"]).wait(secs(3)).cut());
    stage.at("b").will(Script::words(&["Two"]).wait(secs(4)).finish());
    let reply = stage.ask().await;
    let trail = reply.context.trail();
    assert_eq!(trail.attempts()[1].duration, Some(secs(0)));
    assert!(reply.heard().is_told("One"));
}

#[tokio::test(start_paused = true)]
async fn a_rate_limit_within_a_stream_rests_the_place_for_the_next_request() {
    let stage = Stage::new(policy(), &["a", "b"], &[]);
    let error = r#"{"error": {"message": "slow down", "code": "rate_limit_exceeded"}}"#;
    stage.at("a").will(Script::words(&["One"]).data(error).end());
    stage.at("b").will(Script::chat(&["One", " two"])).will(Script::chat(&["Three"]));
    let reply = stage.ask().await;
    assert!(reply.heard().is_whole("One two"), "{:?}", reply.heard());
    assert_eq!(reply.context.trail().attempts()[0].class, Some(Class::Interrupted));
    assert!(stage.ask().await.heard().is_whole("Three"));
    assert_eq!(stage.asked(), "a1 b2");
}

#[tokio::test(start_paused = true)]
async fn a_missing_terminator_is_supplied_and_made_up_for_by_nobody() {
    let stage = Stage::new(policy(), &["a", "b"], &[]);
    let finish = r#"{"id":"c","choices":[{"index":0,"delta":{},"finish_reason":"stop"}]}"#;
    stage.at("a").will(Script::words(&["One"]).data(finish).cut());
    let reply = stage.ask_for(&Asking::default()).await;
    assert!(reply.heard().is_whole("One"), "{:?}", reply.heard());
    assert_eq!(stage.asked(), "a1");
}
