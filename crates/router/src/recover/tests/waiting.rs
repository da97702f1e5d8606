//! What a caller who waits gets meanwhile.

use secondwind_policy::Recovery;

use super::{policy, secs};
use crate::testing::{Script, Stage};

#[tokio::test(start_paused = true)]
async fn who_waits_for_the_first_word_hears_that_somebody_is_there() {
    let stage = Stage::new(policy().keepalive(secs(15)), &["a"], &[]);
    stage.at("a").will(Script::default().wait(secs(50)).then(Script::chat(&["One"])));
    let reply = stage.ask().await;
    assert_eq!(reply.comments(), [15.0, 30.0, 45.0]);
    assert!(reply.heard().is_whole("One"), "{:?}", reply.heard());
}

#[tokio::test(start_paused = true)]
async fn who_waits_for_a_recovery_hears_that_somebody_is_there() {
    let stage = Stage::new(policy().keepalive(secs(15)), &["a", "b"], &[]);
    stage.at("a").will(Script::words(&["One"]).wait(secs(10)).cut());
    stage.at("b").will(Script::default().wait(secs(40)).then(Script::chat(&["One", " two"])));
    let reply = stage.ask().await;
    // The first word was a sign of life itself.
    assert_eq!(reply.comments(), [15.0, 30.0, 45.0]);
    assert!(reply.heard().is_whole("One two"), "{:?}", reply.heard());
    assert_eq!(reply.over, 50.0);
}

#[tokio::test(start_paused = true)]
async fn who_waits_for_a_buffered_answer_hears_that_somebody_is_there() {
    let policy = policy().recovery(Recovery::Buffer).keepalive(secs(15));
    let stage = Stage::new(policy, &["a"], &[]);
    stage.at("a").will(Script::words(&["One"]).wait(secs(40)).finish());
    let reply = stage.ask().await;
    assert_eq!(reply.comments(), [15.0, 30.0]);
    assert!(reply.heard().is_whole("One"), "{:?}", reply.heard());
}

#[tokio::test(start_paused = true)]
async fn a_word_puts_off_the_next_sign_of_life() {
    let stage = Stage::new(policy().keepalive(secs(15)), &["a"], &[]);
    let words = Script::words(&["One"]).wait(secs(10)).word(" two").wait(secs(20)).finish();
    stage.at("a").will(words);
    let reply = stage.ask().await;
    assert_eq!(reply.comments(), [25.0]);
}

#[tokio::test(start_paused = true)]
async fn what_fails_after_a_sign_of_life_is_told_within_the_stream() {
    let stage = Stage::new(policy().keepalive(secs(15)), &["a"], &[]);
    let refusal = r#"{"error": {"message": "no such thing", "type": "invalid_request_error"}}"#;
    stage.at("a").will(Script::default().wait(secs(20)).then(Script::json(400, refusal)));
    let reply = stage.ask().await;
    let heard = reply.heard();
    assert!(heard.is_told("") && heard.message() == "no such thing", "{heard:?}");
    assert_eq!((reply.comments(), reply.over), (vec![15.0], 20.0));
}

#[tokio::test(start_paused = true)]
async fn what_fails_before_a_sign_of_life_keeps_its_status() {
    let stage = Stage::new(policy().keepalive(secs(15)), &["a"], &[]);
    stage.at("a").will(Script::default().wait(secs(10)).then(Script::json(400, "{}")));
    let (_, outcome) = stage.head(&crate::testing::Asking::default()).await;
    assert_eq!(outcome.unwrap().status(), 400);
}
