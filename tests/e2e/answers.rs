//! What is an answer and what is not; large ones, and streams.

use std::time::Duration;

use bytes::Bytes;
use http_body_util::BodyExt;
use secondwind_testkit::upstream::{Reply, Upstream};
use tokio::time::{Instant, timeout};

use crate::gateway::{CHAT, Setup, post, question, streamed};

#[tokio::test]
async fn a_200_that_is_no_answer_is_a_failure_and_tried_again() {
    let error = r#"{"error": {"message": "The server had an error", "type": "server_error"}}"#;
    let limited = r#"{"error": {"message": "Slow down", "code": 429}}"#;
    for (class, reply) in [
        ("internal_server", Reply::json(200, error)),
        ("rate_limit", Reply::json(200, limited)),
        ("internal_server", Reply::json(200, "{}")),
        ("internal_server", Reply::json(200, "")),
        ("internal_server", Reply::json(200, "null")),
        ("internal_server", Reply::json(200, "[1]")),
        ("internal_server", Reply::json(200, r#"{"choices": []}"#)),
        ("internal_server", Reply::garbage()),
        ("connection", Reply::truncated()),
        ("connection", Reply::cut_after(0)),
        ("connection", Reply::reset_after(0)),
    ] {
        let east = Upstream::start().await;
        east.then(reply.clone());
        let answer = Setup::new().with("gpt-4", "east", &east).start().await.ask("gpt-4").await;
        assert_eq!(answer.status, 200, "{reply:?}");
        assert_eq!(
            answer.trail(),
            [format!("gpt-4/east={class}"), "gpt-4/east=ok".into()],
            "{reply:?}"
        );
    }
}

#[tokio::test]
async fn a_200_that_is_no_answer_is_never_told_as_one() {
    let error = r#"{"error": {"message": "Broken.", "type": "server_error"}}"#;
    for (status, reply) in [
        (502, Reply::json(200, error)),
        (502, Reply::garbage()),
        (502, Reply::truncated()),
        (502, Reply::cut_after(0)),
        (
            400,
            Reply::json(200, r#"{"error": {"message": "No.", "type": "invalid_request_error"}}"#),
        ),
    ] {
        let east = Upstream::start().await;
        east.always(reply.clone());
        let setup = Setup::new().with("gpt-4", "east", &east).router("num_retries: 0");
        let answer = setup.start().await.ask("gpt-4").await;
        assert_eq!(answer.status, status, "{reply:?}");
        assert!(answer.error()["message"].is_string(), "{answer:?}");
    }
}

#[tokio::test]
async fn where_a_stream_was_asked_for_a_200_that_is_none_is_a_failure_too() {
    let error = r#"{"error": {"message": "The server had an error", "type": "server_error"}}"#;
    for (class, reply) in [
        ("internal_server", Reply::json(200, error)),
        ("internal_server", Reply::json(200, "{}")),
        ("internal_server", Reply::json(200, "")),
        ("internal_server", Reply::garbage()),
        ("internal_server", Reply::status(204)),
        ("connection", Reply::json(200, r#"{"choices": [{"mess"#)),
    ] {
        let east = Upstream::start().await;
        east.then(reply.clone());
        let gateway = Setup::new().with("gpt-4", "east", &east).start().await;
        let answer = gateway.post(CHAT, streamed("gpt-4").to_string()).await;
        assert_eq!(answer.status, 200, "{reply:?}");
        assert_eq!(
            answer.trail(),
            [format!("gpt-4/east={class}"), "gpt-4/east=ok".into()],
            "{reply:?}"
        );
        assert!(answer.body.ends_with(b"data: [DONE]\n\n"), "{reply:?}");
    }
}

#[tokio::test]
async fn a_whole_answer_in_place_of_a_stream_is_an_answer() {
    let east = Upstream::start().await;
    let whole = r#"{"choices": [{"message": {"content": "All at once."}}]}"#;
    east.then(Reply::json(200, whole));
    let gateway = Setup::new().with("gpt-4", "east", &east).start().await;
    let answer = gateway.post(CHAT, streamed("gpt-4").to_string()).await;
    assert_eq!(answer.body, whole);
    assert_eq!(answer.header("content-type"), "application/json");
}

/// An answer of 20 MB.
fn large() -> String {
    let content = "0123456789abcdef".repeat(20 * 1024 * 1024 / 16);
    format!(r#"{{"choices": [{{"message": {{"content": "{content}"}}}}]}}"#)
}

#[tokio::test]
async fn a_large_answer_passes_whole() {
    let east = Upstream::start().await;
    let text = large();
    let gateway = Setup::new().with("gpt-4", "east", &east).start().await;
    east.always(Reply::json(200, text.clone()));
    for body in [question("gpt-4"), streamed("gpt-4")] {
        let answer = gateway.post(CHAT, body.to_string()).await;
        assert_eq!(answer.status, 200);
        assert_eq!(answer.body.len(), text.len());
        assert!(answer.body == text);
    }
}

#[tokio::test]
async fn a_large_question_passes_whole_and_is_sent_again_whole() {
    let east = Upstream::start().await;
    east.then(Reply::status(500)).then(Reply::reset());
    let gateway = Setup::new().with("gpt-4", "east", &east).start().await;
    let prompt = "naïve \\u00ef ".repeat(10 * 1024 * 1024 / 13);
    let body = format!(r#"{{"messages": [{{"content": "{prompt}"}}], "model": "gpt-4", "n": 1}}"#);
    let answer = gateway.post(CHAT, body.clone()).await;
    let trail = ["gpt-4/east=internal_server", "gpt-4/east=connection", "gpt-4/east=ok"];
    assert_eq!(answer.trail(), trail);
    let expected = body.replace("\"gpt-4\"", "\"model-of-east\"");
    assert_eq!(east.requests().len(), 3);
    assert!(east.requests().iter().all(|request| request.body == expected));
}

#[tokio::test]
async fn a_stream_flows_word_by_word() {
    let east = Upstream::start().await;
    east.always(Reply::ok().content("one two three").pause(Duration::from_millis(150)));
    let gateway = Setup::new().with("gpt-4", "east", &east).start().await;
    let mut caller = gateway.caller().await;
    let asked = caller.sender.send_request(post(CHAT, streamed("gpt-4").to_string()));
    let response = asked.await.unwrap();
    assert_eq!(response.status(), 200);
    assert_eq!(response.headers()["x-litellm-model-id"], "east");
    let mut body = response.into_body();
    let first = body.frame().await.unwrap().unwrap().into_data().unwrap();
    assert!(first.starts_with(b"data: "), "{first:?}");
    assert_eq!(east.tally().in_flight, 1, "the rest is still to come");

    let mut arrivals = vec![Instant::now()];
    let mut all = first.to_vec();
    while let Some(frame) = body.frame().await {
        arrivals.push(Instant::now());
        all.extend_from_slice(&frame.unwrap().into_data().unwrap_or_default());
    }
    assert!(all.ends_with(b"data: [DONE]\n\n"));
    assert!(arrivals.len() >= 5, "{}", arrivals.len());
    let took = arrivals[arrivals.len() - 1] - arrivals[0];
    assert!(took >= Duration::from_millis(500), "{took:?}");
}

#[tokio::test]
async fn what_fails_before_a_stream_begins_is_tried_again() {
    let (east, west) = (Upstream::start().await, Upstream::start().await);
    east.always(Reply::overloaded());
    let setup = Setup::new().and("gpt-4", "east", &east, ", order: 1").with("gpt-4", "west", &west);
    let answer = setup.start().await.post(CHAT, streamed("gpt-4").to_string()).await;
    assert_eq!(answer.trail(), ["gpt-4/east=service_unavailable", "gpt-4/west=ok"]);
    assert_eq!(answer.header("content-type"), "text/event-stream; charset=utf-8");
    assert!(answer.body.ends_with(b"data: [DONE]\n\n"));
}

#[tokio::test]
async fn a_stream_that_breaks_off_does_not_look_finished() {
    for reply in [Reply::cut_after(3), Reply::reset_after(3)] {
        let east = Upstream::start().await;
        east.always(reply.clone());
        let gateway = Setup::new().with("gpt-4", "east", &east).start().await;
        let answer = gateway.post(CHAT, streamed("gpt-4").to_string()).await;
        let body = String::from_utf8(answer.body.to_vec()).unwrap();
        assert!(body.contains(r#""class":"interrupted""#), "{reply:?}: {body}");
        assert!(!body.contains("[DONE]") && !body.contains(r#""finish_reason":"stop""#), "{body}");
        assert_eq!(body.matches("Hello").count(), 1, "every word once: {body}");
        assert_eq!(east.attempts(), 3, "there is nobody else, so it is asked twice more");
    }
}

#[tokio::test]
async fn a_large_answer_that_breaks_off_does_not_look_whole() {
    let east = Upstream::start().await;
    let text = large();
    let length = (text.len() + 1).to_string();
    east.always(
        Reply::chunks([text])
            .header("content-type", "application/json")
            .header("content-length", &length),
    );
    let gateway = Setup::new().with("gpt-4", "east", &east).start().await;
    let mut caller = gateway.caller().await;
    let asked = caller.sender.send_request(post(CHAT, question("gpt-4").to_string()));
    let body =
        timeout(Duration::from_secs(5), async { asked.await.unwrap().into_body().collect().await });
    assert!(body.await.unwrap().is_err());
}

#[tokio::test]
async fn connections_to_providers_are_used_again() {
    let east = Upstream::start().await;
    east.always(Reply::ok());
    let gateway = Setup::new().with("gpt-4", "east", &east).start().await;
    for turn in 0..20 {
        if turn % 4 == 0 {
            east.then(Reply::status(500));
        }
        gateway.ask("gpt-4").await;
    }
    assert_eq!(east.tally().connections, 1);
}

#[tokio::test]
async fn a_connection_that_the_provider_closed_meanwhile_costs_no_wait() {
    let east = Upstream::start().await;
    let setup = Setup::new().backoff("{base: 20s, max: 20s}").with("gpt-4", "east", &east);
    let gateway = setup.start().await;
    assert_eq!(gateway.ask("gpt-4").await.status, 200);
    east.refuse().await;
    east.reopen().await;
    let answer = gateway.ask("gpt-4").await;
    assert_eq!(answer.status, 200);
    assert!(answer.took < Duration::from_millis(800), "{:?}", answer.took);

    // Closed at the very moment at which it was used.
    east.then(Reply::close());
    let answer = gateway.ask("gpt-4").await;
    assert_eq!(answer.trail(), ["gpt-4/east=connection", "gpt-4/east=ok"]);
    assert!(answer.took < Duration::from_millis(800), "{:?}", answer.took);
}

#[tokio::test]
async fn a_stream_without_an_answer_in_it_is_a_failure_like_any_other() {
    let east = Upstream::start().await;
    east.then(Reply::chunks([
        Bytes::from_static(b": ping\n\n"),
        Bytes::from_static(b"data: [DONE]\n\n"),
    ]));
    let gateway = Setup::new().with("gpt-4", "east", &east).start().await;
    let answer = gateway.post(CHAT, streamed("gpt-4").to_string()).await;
    assert!(answer.body.ends_with(b"data: [DONE]\n\n"));
    assert_eq!(answer.trail(), ["gpt-4/east=internal_server", "gpt-4/east=ok"]);
}

#[tokio::test]
async fn a_caller_who_waits_for_a_stream_gets_signs_of_life_if_that_was_asked_for() {
    let (east, west) = (Upstream::start().await, Upstream::start().await);
    east.always(Reply::ok().after(Duration::from_millis(500)));
    west.always(Reply::status(400).after(Duration::from_millis(300)));
    let setup = Setup::new().with("gpt-4", "east", &east).with("bad", "west", &west);
    let gateway = setup.policy("stream: {keepalive: 100ms}").start().await;
    let answer = gateway.post(CHAT, streamed("gpt-4").to_string()).await;
    let body = String::from_utf8(answer.body.to_vec()).unwrap();
    assert_eq!(answer.header("content-type"), "text/event-stream");
    assert!(body.starts_with(": keep-alive\n\n: keep-alive\n\n"), "{body}");
    assert!(body.ends_with("data: [DONE]\n\n"), "{body}");

    // The price: a failure is told within the stream.
    let answer = gateway.post(CHAT, streamed("bad").to_string()).await;
    let body = String::from_utf8(answer.body.to_vec()).unwrap();
    assert_eq!(answer.status, 200);
    assert!(body.contains(r#""class":"bad_request""#) && !body.contains("[DONE]"), "{body}");
}
