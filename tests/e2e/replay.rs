//! The same question once more: whole, or not at all.

use secondwind_testkit::upstream::{Reply, Upstream};
use serde_json::json;

use crate::gateway::{CHAT, Setup};

fn prompt(bytes: usize) -> String {
    let content = "a word and another ".repeat(bytes / 19);
    json!({"model": "gpt-4", "messages": [{"role": "user", "content": content}]}).to_string()
}

#[tokio::test]
async fn a_prompt_of_ten_megabytes_is_repeated_word_for_word() {
    let upstream = Upstream::start().await;
    upstream.then(Reply::status(500)).always(Reply::ok());
    let gateway = Setup::new().with("gpt-4", "only", &upstream).start().await;
    let sent = prompt(10 * 1024 * 1024);
    let answer = gateway.post(CHAT, sent.clone()).await;
    assert_eq!(answer.trail(), ["gpt-4/only=internal_server", "gpt-4/only=ok"]);
    let expected = sent.replacen("\"gpt-4\"", "\"model-of-only\"", 1);
    for received in upstream.requests() {
        assert!(received.body == expected.as_bytes(), "{} bytes", received.body.len());
    }
}

#[tokio::test]
async fn a_prompt_that_is_too_long_to_keep_is_sent_once_and_the_trail_says_so() {
    let upstream = Upstream::start().await;
    upstream.always(Reply::status(500));
    let gateway = Setup::new()
        .with("gpt-4", "only", &upstream)
        .policy("retry: {max_replay_bytes: 1000}")
        .start()
        .await;
    let answer = gateway.post(CHAT, prompt(5000)).await;
    assert_eq!(answer.status, 500);
    assert_eq!(upstream.attempts(), 1);
    assert!(answer.header("x-secondwind-trail").ends_with("!not_replayable"));

    gateway.post(CHAT, prompt(100)).await;
    assert_eq!(upstream.attempts(), 1 + 3);
}
