//! Who carries on with an answer that broke, how, and how often.

use secondwind_policy::Recovery;
use serde_json::json;
use tokio::time::sleep;

use super::{policy, secs};
use crate::testing::{Asking, Script, Stage};

#[tokio::test(start_paused = true)]
async fn who_can_go_on_is_asked_to_go_on_from_the_last_word() {
    let stage = Stage::new(policy(), &["a", "b+"], &[]);
    stage.at("a").will(Script::words(&["One", " two"]).cut());
    stage.at("b").will(Script::chat(&[" three"]));
    let reply = stage.ask().await;
    let heard = reply.heard();
    assert!(heard.is_whole("One two three"), "{heard:?}");
    assert_eq!((heard.roles, heard.usages.len()), (1, 1));
    let asked = &stage.at("b").asked()[0]["messages"];
    assert_eq!(asked[1], json!({"role": "assistant", "content": "One two"}));
    assert_eq!(stage.asked(), "a1 b1");
}

#[tokio::test(start_paused = true)]
async fn who_begins_anew_is_put_behind_what_was_said() {
    let stage = Stage::new(policy(), &["a", "b"], &[]);
    stage.at("a").will(Script::words(&["One", " two"]).reset());
    stage.at("b").will(Script::chat(&["O", "ne t", "wo th", "ree"]));
    let reply = stage.ask().await;
    let heard = reply.heard();
    assert!(heard.is_whole("One two three"), "{heard:?}");
    assert_eq!((heard.roles, heard.usages.len()), (1, 1));
    assert_eq!(stage.at("a").asked()[0], stage.at("b").asked()[0]);
}

#[tokio::test(start_paused = true)]
async fn a_whole_answer_is_put_behind_as_well() {
    let stage = Stage::new(policy(), &["a", "b"], &[]);
    stage.at("a").will(Script::words(&["One", " two"]).cut());
    let message = json!({"role": "assistant", "content": "One two three"});
    let choice = json!({"index": 0, "message": message, "finish_reason": "stop"});
    let answer = json!({"id": "d", "object": "chat.completion", "choices": [choice]});
    stage.at("b").will(Script::json(200, &answer.to_string()));
    let heard = stage.ask().await.heard();
    assert!(heard.is_whole("One two three"), "{heard:?}");
}

#[tokio::test(start_paused = true)]
async fn of_another_answer_not_a_word_is_mixed_in() {
    for other in [&["Two", " one"][..], &["One", " too many"], &["One two", "!"]] {
        let stage = Stage::new(policy(), &["a", "b", "c"], &[]);
        stage.at("a").will(Script::words(&["One", " two,"]).cut());
        stage.at("b").will(Script::words(other).wait(secs(5)).finish());
        let reply = stage.ask().await;
        assert!(reply.heard().is_told("One two,"), "{:?}", reply.heard());
        // Nor is the rest of it waited for.
        sleep(secs(1)).await;
        assert_eq!((reply.over, stage.at("b").left().len()), (0.0, 1));
        assert_eq!(stage.asked(), "a1 b1");
    }
}

#[tokio::test(start_paused = true)]
async fn an_answer_that_ends_too_early_is_another() {
    let stage = Stage::new(policy(), &["a", "b"], &[]);
    stage.at("a").will(Script::words(&["One", " two"]).cut());
    stage.at("b").will(Script::chat(&["One"]));
    let heard = stage.ask().await.heard();
    assert!(heard.is_told("One two"), "{heard:?}");
}

#[tokio::test(start_paused = true)]
async fn who_refuses_to_go_on_is_asked_afresh() {
    for status in [400, 422] {
        let stage = Stage::new(policy(), &["a", "b+"], &[]);
        stage.at("a").will(Script::words(&["One", " two"]).cut());
        let refusal = r#"{"error": {"message": "the last message must be the user's"}}"#;
        stage.at("b").will(Script::json(status, refusal));
        stage.at("b").will(Script::chat(&["One", " two", " three"]));
        let reply = stage.ask().await;
        assert!(reply.heard().is_whole("One two three"), "{:?}", reply.heard());
        let asked = stage.at("b").asked();
        let messages = |at: usize| asked[at]["messages"].as_array().unwrap().len();
        assert_eq!((asked.len(), messages(0), messages(1)), (2, 2, 1));
    }
}

#[tokio::test(start_paused = true)]
async fn what_is_refused_twice_is_told_as_broken_and_not_as_the_callers_mistake() {
    let stage = Stage::new(policy(), &["a", "b+"], &[]);
    stage.at("a").will(Script::words(&["One"]).cut());
    let refusal = r#"{"error": {"message": "no"}}"#;
    stage.at("b").will(Script::json(400, refusal)).will(Script::json(400, refusal));
    let heard = stage.ask().await.heard();
    assert!(heard.is_told("One") && heard.class() == "interrupted", "{heard:?}");
}

#[tokio::test(start_paused = true)]
async fn an_answer_may_break_twice_and_each_word_comes_once() {
    let stage = Stage::new(policy(), &["a", "b", "c+"], &[]);
    stage.at("a").will(Script::words(&["One"]).cut());
    stage.at("b").will(Script::words(&["One", " two"]).cut());
    stage.at("c").will(Script::chat(&[" three"]));
    let reply = stage.ask().await;
    assert!(reply.heard().is_whole("One two three"), "{:?}", reply.heard());
    assert_eq!(stage.at("c").asked()[0]["messages"][1]["content"], "One two");
}

#[tokio::test(start_paused = true)]
async fn what_breaks_more_often_than_max_recoveries_is_told() {
    for (most, asked, said) in [(0, "a1", "One"), (1, "a1 b1", "One two")] {
        let stage = Stage::new(policy().max_recoveries(most), &["a", "b", "c"], &[]);
        stage.at("a").will(Script::words(&["One"]).cut());
        stage.at("b").will(Script::words(&["One", " two"]).cut());
        stage.at("c").will(Script::chat(&["One", " two", " three"]));
        let heard = stage.ask().await.heard();
        assert!(heard.is_told(said) && heard.class() == "interrupted", "{heard:?}");
        assert_eq!(stage.asked(), asked);
    }
}

#[tokio::test(start_paused = true)]
async fn a_request_without_retries_is_carried_on_by_a_fallback_or_nobody() {
    let asking = Asking { num_retries: Some(0), ..Asking::default() };
    let stage = Stage::new(policy(), &["a", "b"], &[]);
    stage.at("a").will(Script::words(&["One"]).cut());
    let heard = stage.ask_for(&asking).await.heard();
    assert!(heard.is_told("One"), "{heard:?}");
    assert_eq!(stage.asked(), "a1");

    let stage = Stage::new(policy(), &["a", "b"], &["s"]);
    stage.at("a").will(Script::words(&["One"]).cut());
    stage.at("s").will(Script::chat(&["One", " two"]));
    let heard = stage.ask_for(&asking).await.heard();
    assert!(heard.is_whole("One two"), "{heard:?}");
    assert_eq!(stage.asked(), "a1 s1");
}

#[tokio::test(start_paused = true)]
async fn an_empty_budget_carries_on_nobody() {
    let stage = Stage::new(policy().budget(0.0, 0, secs(10)), &["a", "b"], &[]);
    stage.at("a").will(Script::words(&["One"]).cut());
    let heard = stage.ask().await.heard();
    assert!(heard.is_told("One"), "{heard:?}");
    assert_eq!(stage.asked(), "a1");
}

#[tokio::test(start_paused = true)]
async fn the_same_place_is_asked_again_only_where_there_is_no_other() {
    let stage = Stage::new(policy(), &["a"], &[]);
    stage.at("a").will(Script::words(&["One"]).cut());
    stage.at("a").will(Script::chat(&["One", " two"]));
    let heard = stage.ask().await.heard();
    assert!(heard.is_whole("One two"), "{heard:?}");

    let stage = Stage::new(policy(), &["a"], &["s"]);
    stage.at("a").will(Script::words(&["One"]).cut());
    stage.at("s").will(Script::chat(&["One", " two"]));
    let heard = stage.ask().await.heard();
    assert!(heard.is_whole("One two"), "{heard:?}");
    assert_eq!(stage.asked(), "a1 s1");
}

#[tokio::test(start_paused = true)]
async fn where_recovery_is_off_a_break_is_told_at_once() {
    let stage = Stage::new(policy().recovery(Recovery::Off), &["a", "b"], &[]);
    stage.at("a").will(Script::words(&["One"]).wait(secs(3)).cut());
    let reply = stage.ask().await;
    assert!(reply.heard().is_told("One"), "{:?}", reply.heard());
    assert_eq!((reply.over, stage.asked().as_str()), (3.0, "a1"));
}

#[tokio::test(start_paused = true)]
async fn a_buffered_answer_is_heard_whole_or_not_at_all() {
    let stage = Stage::new(policy().recovery(Recovery::Buffer), &["a", "b"], &[]);
    stage.at("a").will(Script::words(&["Other", " words"]).wait(secs(3)).cut());
    stage.at("b").will(Script::words(&["One"]).wait(secs(4)).word(" two").wait(secs(5)).finish());
    let reply = stage.ask().await;
    assert!(reply.heard().is_whole("One two"), "{:?}", reply.heard());
    assert_eq!(reply.pieces[0].0, 12.0);
}
