//! What a caller may say of a stream: how long it may be silent; and what of it is carried on with.

use std::time::Duration;

use secondwind_testkit::faults::{Break, Fault, FaultServer, Prefill, TEXT};
use serde_json::{Value, json};

use crate::gateway::{CHAT, Gateway, Setup, post, streamed};
use crate::strict::{Heard, Verdict, hear};

const LONG: Duration = Duration::from_secs(60);
const PATIENCE: Duration = Duration::from_secs(20);

fn with(fields: &Value) -> Value {
    let mut question = streamed("gpt-4");
    for (name, value) in fields.as_object().unwrap() {
        question[name] = value.clone();
    }
    question
}

async fn ask(gateway: &Gateway, fields: &Value) -> Heard {
    hear(gateway.address, &with(fields), PATIENCE).await
}

/// `gpt-4` at one place, with `fault`.
async fn alone(fault: Fault, timeouts: &str) -> (FaultServer, Gateway) {
    let east = FaultServer::start().await;
    east.always(fault);
    let setup = Setup::new().at("gpt-4", "east", &east.base_url(), "").router("num_retries: 0");
    (east, setup.policy(&format!("timeout: {{{timeouts}}}")).start().await)
}

#[tokio::test]
async fn a_callers_stream_timeout_is_that_of_the_first_content() {
    for fault in [Fault::Silence(LONG), Fault::SilenceAfterHead(LONG), Fault::SlowFirstWord(LONG)] {
        let (_east, gateway) = alone(fault.clone(), "total: 30s").await;
        let heard = ask(&gateway, &json!({"stream_timeout": 0.3})).await;
        assert_eq!((heard.status.as_u16(), heard.class()), (504, "timeout"), "{fault:?}");
        let message = heard.errors[0]["message"].to_string();
        assert!(message.contains("first_content") && message.contains("wanted"), "{message}");
        assert!(heard.took < Duration::from_secs(5), "{:?}", heard.took);
    }
}

#[tokio::test]
async fn a_callers_stream_timeout_is_that_of_silence_within() {
    let (_east, gateway) = alone(Fault::at(10, Break::Stall(LONG)), "total: 30s").await;
    let heard = ask(&gateway, &json!({"stream_timeout": 0.3})).await;
    assert_eq!(heard.verdict(TEXT), Verdict::Told);
    assert_eq!(heard.class(), "interrupted");
    assert!(!heard.text.is_empty());
    assert!(heard.took < Duration::from_secs(5), "{:?}", heard.took);
}

#[tokio::test]
async fn a_stream_timeout_in_a_header_wins_over_the_body() {
    let (_east, gateway) = alone(Fault::Silence(LONG), "total: 30s").await;
    let mut request = post(CHAT, with(&json!({"stream_timeout": 60})).to_string());
    request.headers_mut().insert("x-litellm-stream-timeout", "0.3".parse().unwrap());
    let answer = gateway.send(request).await;
    assert_eq!(answer.status, 504);
    assert!(answer.took < Duration::from_secs(5), "{:?}", answer.took);
}

#[tokio::test]
async fn a_callers_stream_timeout_only_shortens() {
    let (_east, gateway) = alone(Fault::Silence(LONG), "first_content: 300ms, total: 30s").await;
    let heard = ask(&gateway, &json!({"stream_timeout": 60})).await;
    assert_eq!(heard.class(), "timeout");
    let message = heard.errors[0]["message"].to_string();
    assert!(message.contains("first_content") && !message.contains("wanted"), "{message}");
    assert!(heard.took < Duration::from_secs(5), "{:?}", heard.took);
}

#[tokio::test]
async fn a_stream_that_keeps_flowing_is_not_cut() {
    let (east, gateway) = alone(Fault::None, "total: 30s").await;
    east.pace(Duration::from_millis(20));
    let heard = ask(&gateway, &json!({"stream_timeout": 1})).await;
    assert_eq!(heard.verdict(TEXT), Verdict::Whole);
    assert!(heard.took > Duration::from_secs(1), "{:?}", heard.took);
}

#[tokio::test]
async fn a_question_that_is_not_streamed_has_no_stream_timeout() {
    let (_east, gateway) = alone(Fault::Silence(Duration::from_millis(600)), "total: 30s").await;
    let heard = ask(&gateway, &json!({"stream_timeout": 0.2, "stream": false})).await;
    assert_eq!(heard.status, 200);
}

/// `gpt-4` breaks off after some words; another place goes on from what was said.
async fn broken(prefill: Prefill) -> (FaultServer, FaultServer, Gateway) {
    let (east, west) = (FaultServer::start().await, FaultServer::start().await);
    east.always(Fault::at(10, Break::Cut));
    west.prefill(prefill);
    let setup = Setup::new().at("gpt-4", "east", &east.base_url(), ", order: 1");
    let setup = setup.at("gpt-4", "west", &west.base_url(), ", order: 2");
    let setup = setup.edited("{id: west}", "{id: west, supports_assistant_prefill: true}");
    let gateway = setup.at("small", "spare", &west.base_url(), "").start().await;
    (east, west, gateway)
}

#[tokio::test]
async fn what_is_said_to_the_gateway_does_not_reach_who_carries_on() {
    for prefill in [Prefill::Taken, Prefill::Refused] {
        let (east, west, gateway) = broken(prefill).await;
        let said = json!({"num_retries": 2, "timeout": 20, "stream_timeout": 10, "tags": ["a"],
            "metadata": {"tags": ["b"], "user": "u"}, "fallbacks": ["small"], "max_fallbacks": 1});
        let heard = ask(&gateway, &said).await;
        assert_eq!(heard.verdict(TEXT), Verdict::Whole, "{:?}", heard.errors);
        let carried = west.attempts();
        assert!(carried[0].prefill.is_some());
        for sent in east.attempts().iter().chain(&carried) {
            let mut names: Vec<_> = sent.body.as_object().unwrap().keys().collect();
            names.sort();
            assert_eq!(names, ["messages", "metadata", "model", "stream"], "{prefill:?}");
            assert_eq!(sent.body["metadata"], json!({"user": "u"}));
        }
    }
}

#[tokio::test]
async fn who_might_be_asked_something_else_is_not_made_to_go_on() {
    let (_east, west, gateway) = broken(Prefill::Taken).await;
    let other = json!([{"model": "small", "messages": [{"role": "user", "content": "Shorter?"}]}]);
    let heard = ask(&gateway, &json!({ "fallbacks": other })).await;
    assert_eq!(heard.verdict(TEXT), Verdict::Whole, "{:?}", heard.errors);
    let carried = west.attempts();
    assert_eq!(carried.len(), 1);
    assert_eq!(carried[0].prefill, None, "asked afresh, and compared");
}
