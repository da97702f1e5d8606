//! Answers that come as streams, and streams that break and are carried on in another API.

use secondwind_testkit::upstream::{Reply, Upstream};
use serde_json::{Value, json};

use super::whole::messages;
use super::with;
use super::words::{TEXT, claude_streams, event, gemini_says, heard_chat, heard_messages};
use crate::gateway::{CHAT, Gateway, Setup, streamed};

const ALL: usize = usize::MAX;

/// Asks for a stream of Messages.
fn asked_of_claude(model: &str) -> Value {
    let words = json!([{"role": "user", "content": "Why?"}]);
    json!({"model": model, "max_tokens": 99, "stream": true, "messages": words})
}

#[tokio::test]
async fn a_stream_of_claudes_is_heard_in_the_callers_words() {
    let claude = Upstream::start().await;
    claude.always(claude_streams(TEXT, ALL));
    let gateway = with(Setup::new(), "claude", "c", "anthropic", &claude).start().await;
    let mut asked = streamed("claude");
    asked["stream_options"] = json!({"include_usage": true});
    let answer = gateway.post(CHAT, asked.to_string()).await;
    assert!(answer.header("content-type").starts_with("text/event-stream"));
    assert_eq!(heard_chat(&answer.body), (TEXT.to_owned(), vec!["stop".to_owned()]));
    let text = String::from_utf8(answer.body.to_vec()).unwrap();
    assert!(text.ends_with("data: [DONE]\n\n"), "{text}");
    assert_eq!(text.matches("\"total_tokens\":18").count(), 1);
    assert_eq!(claude.requests()[0].json()["stream"], true);
}

#[tokio::test]
async fn a_stream_of_geminis_is_heard_in_the_callers_words() {
    let gemini = Upstream::start().await;
    let half = json!({"candidates": [{"content": {"role": "model", "parts": [{"text": "The tide "}]}, "index": 0}]});
    let rest = gemini_says(TEXT.strip_prefix("The tide ").unwrap());
    let data = |data: &Value| format!("data: {data}\r\n\r\n");
    gemini.always(Reply::chunks([data(&half), data(&rest)]));
    let gateway = with(Setup::new(), "gemini", "g", "gemini", &gemini).start().await;
    let answer = gateway.post(CHAT, streamed("gemini").to_string()).await;
    assert_eq!(heard_chat(&answer.body), (TEXT.to_owned(), vec!["stop".to_owned()]));
    assert_eq!(gemini.requests()[0].path, "/v1/models/model-of-g:streamGenerateContent?alt=sse");
    let answer = gateway.send(messages(&asked_of_claude("gemini"))).await;
    assert_eq!(heard_messages(&answer.body).0, TEXT);
}

#[tokio::test]
async fn a_stream_of_chat_completions_is_heard_by_a_caller_of_messages() {
    let gpt = Upstream::start().await;
    gpt.says(TEXT);
    let gateway = Setup::new().with("gpt-4", "east", &gpt).start().await;
    let answer = gateway.send(messages(&asked_of_claude("gpt-4"))).await;
    let (text, names) = heard_messages(&answer.body);
    assert_eq!(text, TEXT);
    assert_eq!(names.first().unwrap(), "message_start");
    assert_eq!(names[names.len() - 2..], ["message_delta", "message_stop"]);
}

/// One of Chat Completions that says `gpt`, and one of Claude's; each is the other's fallback.
async fn two(gpt: Reply, claude: Reply) -> (Gateway, [Upstream; 2]) {
    let ups = [Upstream::start().await, Upstream::start().await];
    ups[0].always(gpt);
    ups[1].always(claude);
    let setup =
        with(Setup::new().with("gpt-4", "east", &ups[0]), "claude", "c", "anthropic", &ups[1]);
    let setup =
        setup.router("num_retries: 0").router("fallbacks: [{gpt-4: [claude]}, {claude: [gpt-4]}]");
    (setup.start().await, ups)
}

#[tokio::test]
async fn a_broken_stream_is_carried_on_by_the_other_family() {
    let cut = || Reply::cut_after(5).content(TEXT);
    let (gateway, _ups) = two(cut(), claude_streams(TEXT, ALL)).await;
    let answer = gateway.post(CHAT, streamed("gpt-4").to_string()).await;
    assert_eq!(heard_chat(&answer.body), (TEXT.to_owned(), vec!["stop".to_owned()]));

    let (gateway, _ups) = two(Reply::ok().content(TEXT), claude_streams(TEXT, 5)).await;
    // Of either API, whichever broke.
    let answer = gateway.post(CHAT, streamed("claude").to_string()).await;
    assert_eq!(heard_chat(&answer.body), (TEXT.to_owned(), vec!["stop".to_owned()]));
    let answer = gateway.send(messages(&asked_of_claude("claude"))).await;
    let (text, names) = heard_messages(&answer.body);
    assert_eq!(text, TEXT);
    assert_eq!(names.last().unwrap(), "message_stop");
    assert_eq!(names.iter().filter(|name| *name == "message_start").count(), 1);
}

#[tokio::test]
async fn what_the_other_family_says_otherwise_is_not_spliced() {
    let other = "The sea comes in when it likes, and so do I, said the cat.";
    let (gateway, _ups) = two(Reply::cut_after(5).content(TEXT), claude_streams(other, ALL)).await;
    let answer = gateway.post(CHAT, streamed("gpt-4").to_string()).await;
    let text = String::from_utf8(answer.body.to_vec()).unwrap();
    assert!(text.contains(r#""class":"interrupted""#), "{text}");
    assert!(!text.contains("[DONE]") && !text.contains("cat"), "{text}");

    let (gateway, _ups) = two(Reply::ok().content(other), claude_streams(TEXT, 5)).await;
    let answer = gateway.send(messages(&asked_of_claude("claude"))).await;
    let (text, names) = heard_messages(&answer.body);
    assert_eq!(names.last().unwrap(), "error");
    assert!(TEXT.starts_with(&text), "{text}");
    assert!(!names.contains(&"message_stop".to_owned()));
}

#[tokio::test]
async fn an_error_in_a_foreign_stream_is_classified_and_retried_before_the_first_word() {
    let error =
        json!({"type": "error", "error": {"type": "overloaded_error", "message": "Overloaded"}});
    let overloaded = Reply::chunks([event("error", &error)]);
    let (gateway, _ups) = two(Reply::ok().content(TEXT), overloaded).await;
    let answer = gateway.post(CHAT, streamed("claude").to_string()).await;
    assert_eq!(answer.trail(), ["claude/c=service_unavailable", "gpt-4/east=ok"]);
    assert_eq!(heard_chat(&answer.body).0, TEXT);
}

#[tokio::test]
async fn a_whole_foreign_answer_to_a_stream_is_made_one() {
    let (gateway, _ups) = two(Reply::ok(), super::words::claude_says(TEXT)).await;
    let answer = gateway.post(CHAT, streamed("claude").to_string()).await;
    assert_eq!(answer.header("content-type"), "text/event-stream");
    assert_eq!(heard_chat(&answer.body), (TEXT.to_owned(), vec!["stop".to_owned()]));
}
