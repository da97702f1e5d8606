//! Tokens are told once, and those that were of no use apart.

use secondwind_layers::Wasted;
use secondwind_llm::tokens::estimate;

use super::{policy, secs};
use crate::testing::{Asking, Reply, Script, Stage};

/// What the attempts of a request took in vain.
fn wasted(reply: &Reply) -> Vec<Option<Wasted>> {
    reply.context.trail().attempts().iter().map(|attempt| attempt.wasted).collect()
}

/// The question's tokens and so many more, as far as anybody knows.
fn about(more: u64) -> Option<Wasted> {
    Some(Wasted::estimated(estimate(Asking::default().body.as_bytes()) + more))
}

#[tokio::test(start_paused = true)]
async fn an_answer_that_was_said_again_was_in_vain() {
    let stage = Stage::new(policy(), &["a", "b"], &[]);
    stage.at("a").will(Script::words(&["One", " two"]).cut());
    stage.at("b").will(Script::chat(&["One", " two", " three"]));
    let reply = stage.ask().await;
    assert!(reply.heard().is_whole("One two three"));
    assert_eq!(reply.heard().usages.len(), 1);
    assert_eq!(wasted(&reply), [about(2), None]);
}

#[tokio::test(start_paused = true)]
async fn an_answer_that_another_went_on_from_was_not() {
    let stage = Stage::new(policy(), &["a", "b+"], &[]);
    stage.at("a").will(Script::words(&["One", " two"]).cut());
    stage.at("b").will(Script::chat(&[" three"]));
    let reply = stage.ask().await;
    assert!(reply.heard().is_whole("One two three"));
    // But the question was paid for twice.
    assert_eq!(wasted(&reply), [about(0), None]);
}

#[tokio::test(start_paused = true)]
async fn what_was_compared_and_dropped_was_in_vain_and_so_was_what_it_was_compared_with() {
    for second in [Script::words(&["Two", " one"]).wait(secs(5)).finish(), Script::chat(&["One"])] {
        let stage = Stage::new(policy(), &["a", "b"], &[]);
        stage.at("a").will(Script::words(&["One", " two,"]).cut());
        stage.at("b").will(second);
        let reply = stage.ask().await;
        assert!(reply.heard().is_told("One two,"));
        let [first, Some(second)] = wasted(&reply)[..] else { panic!("{:?}", wasted(&reply)) };
        assert_eq!(first, about(2));
        assert!(second.tokens > 0);
    }
}

#[tokio::test(start_paused = true)]
async fn what_nobody_can_carry_on_was_in_vain() {
    let stage = Stage::new(policy().max_recoveries(0), &["a"], &[]);
    let usage = r#"{"id":"c","choices":[],"usage":{"prompt_tokens":70,"completion_tokens":2}}"#;
    stage.at("a").will(Script::words(&["One", " two"]).data(usage).cut());
    let reply = stage.ask().await;
    assert!(reply.heard().is_told("One two"));
    // Here the provider said what it was.
    assert_eq!(wasted(&reply), [Some(Wasted::reported(72))]);
}

#[tokio::test(start_paused = true)]
async fn what_was_held_when_it_broke_was_in_vain() {
    let stage =
        Stage::new(policy().recovery(secondwind_policy::Recovery::Buffer), &["a", "b"], &[]);
    stage.at("a").will(Script::words(&["One", " two"]).cut());
    stage.at("b").will(Script::chat(&["Three"]));
    let reply = stage.ask().await;
    assert!(reply.heard().is_whole("Three"));
    assert_eq!(wasted(&reply), [about(2), None]);
}
