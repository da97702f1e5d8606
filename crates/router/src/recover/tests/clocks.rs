//! The clocks of answers, each with its name in what is told.

use secondwind_policy::Reserve;

use super::{policy, secs};
use crate::testing::{Asking, Script, Stage};

#[tokio::test(start_paused = true)]
async fn a_stall_is_told_by_the_name_of_the_idle_clock() {
    let stage = Stage::new(policy().max_recoveries(0), &["a"], &[]);
    stage.at("a").will(Script::words(&["One"]).stall());
    let reply = stage.ask().await;
    let heard = reply.heard();
    assert!(heard.is_told("One") && heard.class() == "interrupted", "{heard:?}");
    assert!(heard.message().contains("idle"), "{}", heard.message());
    assert_eq!(reply.over, 60.0);
}

#[tokio::test(start_paused = true)]
async fn a_stall_is_carried_on_once_the_idle_clock_runs_out() {
    let stage = Stage::new(policy().idle_timeout(secs(20)), &["a", "b"], &[]);
    stage.at("a").will(Script::words(&["One"]).wait(secs(15)).word(" two").stall());
    stage.at("b").will(Script::chat(&["One", " two", " three"]));
    let reply = stage.ask().await;
    assert!(reply.heard().is_whole("One two three"), "{:?}", reply.heard());
    assert_eq!(reply.over, 35.0);
    let left: Vec<_> = stage.at("a").left().iter().map(|at| *at - stage.began).collect();
    assert_eq!(left, [secs(35)], "the one that stalls is let go of");
}

#[tokio::test(start_paused = true)]
async fn pings_do_not_pass_for_the_first_content() {
    let stage = Stage::new(policy().first_content_timeout(secs(30)), &["a", "b"], &[]);
    stage.at("a").will(Script::stream().pings(secs(10), 99).stall());
    stage.at("b").will(Script::chat(&["One"]));
    let reply = stage.ask().await;
    assert!(reply.heard().is_whole("One"), "{:?}", reply.heard());
    assert_eq!(reply.over, 30.0);
    assert!(reply.trail().starts_with("g/a=timeout@0ms+30000ms;"), "{}", reply.trail());
}

#[tokio::test(start_paused = true)]
async fn pings_do_not_pass_for_content() {
    let stage = Stage::new(policy().max_recoveries(0), &["a"], &[]);
    stage.at("a").will(Script::words(&["One"]).pings(secs(10), 99).stall());
    let reply = stage.ask().await;
    let heard = reply.heard();
    assert!(heard.is_told("One"), "{heard:?}");
    assert!(heard.message().contains("content_idle"), "{}", heard.message());
    assert_eq!(reply.over, 300.0);
}

#[tokio::test(start_paused = true)]
async fn stream_total_ends_a_stream_that_never_ends() {
    let policy = policy().stream_total_timeout(secs(25)).max_recoveries(0);
    let stage = Stage::new(policy, &["a"], &[]);
    let endless = (0..99).fold(Script::words(&[]).wait(secs(5)).word("0"), |script, _| {
        script.wait(secs(10)).word("0")
    });
    stage.at("a").will(endless);
    let reply = stage.ask().await;
    let heard = reply.heard();
    assert!(heard.is_told("000"), "{heard:?}");
    assert!(heard.message().contains("stream_total"), "{}", heard.message());
    // From the first content.
    assert_eq!(reply.over, 30.0);
}

#[tokio::test(start_paused = true)]
async fn a_recovery_has_a_first_content_clock_of_its_own() {
    let stage = Stage::new(policy().first_content_timeout(secs(30)), &["a", "b", "c"], &[]);
    stage.at("a").will(Script::words(&["One"]).wait(secs(40)).cut());
    stage.at("b").will(Script::default().stall());
    stage.at("c").will(Script::chat(&["One", " two"]));
    let reply = stage.ask().await;
    assert!(reply.heard().is_whole("One two"), "{:?}", reply.heard());
    assert_eq!(reply.over, 70.0);
}

#[tokio::test(start_paused = true)]
async fn a_recovery_is_not_bound_by_a_deadline_that_ended_with_the_first_word() {
    let stage = Stage::new(policy().total_timeout(secs(50)), &["a", "b"], &[]);
    stage.at("a").will(Script::words(&["One"]).pings(secs(30), 4).cut());
    stage.at("b").will(Script::default().wait(secs(5)).then(Script::chat(&["One", " two"])));
    let reply = stage.ask().await;
    assert!(reply.heard().is_whole("One two"), "{:?}", reply.heard());
    assert_eq!(reply.over, 125.0);
}

#[tokio::test(start_paused = true)]
async fn a_recovery_has_a_deadline_of_its_own() {
    let policy = policy().total_timeout(secs(50)).reserve(Reserve::Off);
    let stage = Stage::new(policy, &["a", "b"], &[]);
    stage.at("a").will(Script::words(&["One"]).wait(secs(55)).cut());
    stage.at("b").will(Script::default().stall());
    let reply = stage.ask().await;
    assert!(reply.heard().is_told("One"), "{:?}", reply.heard());
    assert_eq!(reply.over, 105.0);
}

const WHOLE: Asking = Asking {
    dialect: &secondwind_llm::dialect::OpenAiChat,
    endpoint: secondwind_llm::dialect::Endpoint::ChatCompletions,
    body: r#"{"model": "g", "messages": [{"role": "user", "content": "?"}]}"#,
    num_retries: None,
};

fn message(words: &str) -> String {
    let message = serde_json::json!({"role": "assistant", "content": words});
    let choice = serde_json::json!({"index": 0, "message": message, "finish_reason": "stop"});
    serde_json::json!({"id": "d", "choices": [choice]}).to_string()
}

#[tokio::test(start_paused = true)]
async fn a_whole_answer_that_stalls_is_idle() {
    let stage = Stage::new(policy(), &["a", "b"], &[]);
    stage.at("a").will(Script::json_of(200, 99).write("{").wait(secs(40)).write(" ").stall());
    stage.at("b").will(Script::json(200, &message("One")));
    let reply = stage.ask_for(&WHOLE).await;
    assert_eq!(reply.bytes(), message("One").as_bytes());
    assert_eq!(reply.over, 100.0);
    assert!(reply.trail().starts_with("g/a=timeout@0ms+100000ms;"), "{}", reply.trail());
}

#[tokio::test(start_paused = true)]
async fn a_whole_answer_that_trickles_is_awaited_as_long_as_first_content() {
    let stage = Stage::new(policy().first_content_timeout(secs(30)), &["a", "b"], &[]);
    let trickle = (0..99).fold(Script::json_of(200, 99), |all, _| all.wait(secs(7)).write(" "));
    stage.at("a").will(trickle);
    stage.at("b").will(Script::json(200, &message("One")));
    let reply = stage.ask_for(&WHOLE).await;
    assert_eq!(reply.bytes(), message("One").as_bytes());
    assert_eq!(reply.over, 30.0);
}
