use std::error::Error as _;
use std::io::ErrorKind;
use std::time::Duration;

use http::Method;
use http_body_util::BodyExt;
use hyper::body::Incoming;
use serde_json::{Value, json};
use tokio::net::TcpStream;
use tokio::time::Instant;

use self::client::{Client, ask, request};
use super::*;

mod client;

const CHAT: &str = "/v1/chat/completions";

#[tokio::test]
async fn answers_with_json_or_a_stream_as_the_request_asks() {
    let upstream = Upstream::start().await;
    upstream.says("One two three");

    let answer = ask(&upstream, CHAT, chat()).await;
    assert_eq!(answer.status, 200);
    assert_eq!(answer.header("content-type"), "application/json");
    assert_eq!(answer.json()["model"], "gpt-4");
    assert_eq!(answer.json()["choices"][0]["message"]["content"], "One two three");

    let answer = ask(&upstream, CHAT, streamed()).await;
    assert_eq!(answer.header("content-type"), "text/event-stream; charset=utf-8");
    let events = answer.events();
    assert_eq!(events.len(), 6, "role, three words, finish, [DONE]");
    assert_eq!(content(&events), "One two three");
    assert_eq!(delta(&events[0])["role"], "assistant");
    assert!(events[4].contains(r#""finish_reason":"stop""#));
    assert_eq!(events[5], "[DONE]");
}

#[tokio::test]
async fn counts_usage_in_a_stream_that_asks_for_it() {
    let upstream = Upstream::start().await;
    let mut body = streamed();
    body["stream_options"] = json!({"include_usage": true});
    let events = ask(&upstream, CHAT, body).await.events();
    let usage = &events[events.len() - 2];
    assert!(usage.contains(r#""completion_tokens":5"#), "{usage}");
}

#[tokio::test]
async fn knows_the_other_endpoints() {
    let upstream = Upstream::start().await;
    upstream.says("Well then");

    let completion = json!({"model": "m", "prompt": "p"});
    let answer = ask(&upstream, "/v1/completions", completion).await;
    assert_eq!(answer.json()["choices"][0]["text"], "Well then");

    let completion = json!({"model": "m", "prompt": "p", "stream": true});
    let events = ask(&upstream, "/v1/completions", completion).await.events();
    assert!(events[0].contains(r#""text":"Well ""#));
    assert_eq!(events.last().unwrap(), "[DONE]");

    let inputs = json!({"model": "m", "input": ["a", "b"]});
    let answer = ask(&upstream, "/openai/embeddings?api-version=1", inputs).await;
    assert_eq!(answer.json()["data"].as_array().unwrap().len(), 2);

    assert_eq!(ask(&upstream, "/v1/other", json!({})).await.status, 404);
    assert_eq!(ask(&upstream, "/v1/other", json!({})).await.status, 404);
}

#[tokio::test]
async fn lists_models_without_touching_the_script() {
    let upstream = Upstream::start().await;
    upstream.then(Reply::overloaded());
    let mut client = Client::connect(&upstream).await;

    let answer = client.get("/v1/models").await;
    assert_eq!(answer.json()["data"][0]["object"], "model");
    assert_eq!(upstream.attempts(), 0);
    // Whatever else is asked takes its reply of it, by any method.
    assert_eq!(client.get("/v1/files").await.status, 503);
    assert_eq!((upstream.attempts(), upstream.requests().len()), (1, 2));
    assert_eq!(client.get("/v1/nothing").await.status, 404);
}

#[tokio::test]
async fn plays_the_queue_first_and_the_default_after_it() {
    let upstream = Upstream::start().await;
    upstream.then(Reply::status(500)).then(Reply::ok()).always(Reply::status(404));
    let mut statuses = Vec::new();
    for _ in 0..4 {
        statuses.push(ask(&upstream, CHAT, chat()).await.status.as_u16());
    }
    assert_eq!(statuses, [500, 200, 404, 404]);
    assert_eq!(upstream.count(Outcome::Failed), 3);
    assert_eq!(upstream.count(Outcome::Ok), 1);
}

#[tokio::test]
async fn fails_as_openai_does() {
    let cases = [
        (Reply::rate_limited(7), 429, "rate_limit_exceeded"),
        (Reply::quota_exhausted(), 429, "insufficient_quota"),
        (Reply::context_window(), 400, "context_length_exceeded"),
        (Reply::content_policy(), 400, "content_policy_violation"),
        (Reply::status(401), 401, "invalid_api_key"),
        (Reply::status(404), 404, "model_not_found"),
        (Reply::overloaded(), 503, ""),
        (Reply::status(500), 500, ""),
        (Reply::status(529), 529, ""),
        (Reply::status(400), 400, ""),
    ];
    let upstream = Upstream::start().await;
    for (reply, status, code) in cases {
        upstream.then(reply);
        let answer = ask(&upstream, CHAT, streamed()).await;
        assert_eq!(answer.status, status);
        let error = &answer.json()["error"];
        assert_eq!(error["code"].as_str().unwrap_or_default(), code, "{status}");
        assert!(error["message"].is_string() && error["type"].is_string());
        let wait = answer.headers.get("retry-after").map(|wait| wait.to_str().unwrap());
        assert_eq!(wait, (code == "rate_limit_exceeded").then_some("7"));
    }
}

#[tokio::test]
async fn takes_bodies_headers_and_content_of_the_script() {
    let upstream = Upstream::start().await;
    let reply = Reply::status(502).body("<html>").header("content-type", "text/html");
    upstream.then(reply).then(Reply::ok().content("Mine").header("x-ratelimit-limit", "3"));
    upstream.then(Reply::json(200, r#"{"type":"message"}"#));
    upstream.then(Reply::chunks(["event: ping\n\n", "data: {}\n\n"]));

    let answer = ask(&upstream, CHAT, chat()).await;
    assert_eq!((answer.header("content-type"), answer.text()), ("text/html", "<html>"));
    let answer = ask(&upstream, CHAT, chat()).await;
    assert_eq!(answer.json()["choices"][0]["message"]["content"], "Mine");
    assert_eq!(answer.header("x-ratelimit-limit"), "3");
    assert_eq!(ask(&upstream, "/v1/messages", chat()).await.json()["type"], "message");
    let answer = ask(&upstream, "/v1/messages", chat()).await;
    assert_eq!(answer.text(), "event: ping\n\ndata: {}\n\n");
}

#[tokio::test]
async fn waits_before_it_answers_and_between_chunks() {
    let upstream = Upstream::start().await;
    upstream.then(Reply::slow(Duration::from_millis(30)));
    upstream.then(Reply::ok().content("a b").pause(Duration::from_millis(10)));

    let began = Instant::now();
    assert_eq!(ask(&upstream, CHAT, chat()).await.status, 200);
    assert!(began.elapsed() >= Duration::from_millis(30));
    assert_eq!(upstream.count(Outcome::Slow), 1);

    let began = Instant::now();
    let events = ask(&upstream, CHAT, streamed()).await.events();
    assert_eq!(events.len(), 5);
    assert!(began.elapsed() >= Duration::from_millis(40));
}

#[tokio::test]
async fn tears_the_connection_down_before_any_reply() {
    let upstream = Upstream::start().await;
    upstream.then(Reply::reset()).then(Reply::close());

    let error = Client::connect(&upstream).await.post(CHAT, chat()).await.unwrap_err();
    assert_eq!(io_kind(&error), Some(ErrorKind::ConnectionReset), "{error:?}");
    let error = Client::connect(&upstream).await.post(CHAT, chat()).await.unwrap_err();
    assert!(error.is_incomplete_message(), "{error:?}");
    assert_eq!((upstream.count(Outcome::Reset), upstream.count(Outcome::Closed)), (1, 1));
    assert_eq!((upstream.dropped(), upstream.tally().in_flight), (0, 0));
}

#[tokio::test]
async fn cuts_and_resets_a_stream_after_so_many_chunks() {
    let upstream = Upstream::start().await;
    upstream.says("One two three");
    for chunks in [0, 1, 3, 6] {
        for reply in [Reply::cut_after(chunks), Reply::reset_after(chunks)] {
            let outcome = reply.outcome;
            upstream.then(reply);
            let mut client = Client::connect(&upstream).await;
            let response = client.post(CHAT, streamed()).await.unwrap();
            assert_eq!(response.status(), 200);
            let (text, error) = read(response.into_body()).await;
            assert_eq!(events(&text).len(), chunks);
            let error = error.expect("an end is not a cut");
            let reset = io_kind(&error) == Some(ErrorKind::ConnectionReset);
            assert_eq!(reset, outcome == Outcome::Reset, "{error:?}");
        }
    }
    assert_eq!((upstream.count(Outcome::Cut), upstream.count(Outcome::Reset)), (4, 4));
    assert_eq!(upstream.dropped(), 0);
}

#[tokio::test]
async fn cuts_json_short_of_its_length() {
    let upstream = Upstream::start().await;
    upstream.always(Reply::cut_after(1));
    let mut client = Client::connect(&upstream).await;
    let response = client.post(CHAT, chat()).await.unwrap();
    let length: usize = response.headers()["content-length"].to_str().unwrap().parse().unwrap();
    let (text, error) = read(response.into_body()).await;
    assert_eq!(text.len(), length / 2);
    assert!(error.is_some());
}

#[tokio::test]
async fn ends_streams_in_good_order_but_too_early() {
    let upstream = Upstream::start().await;
    upstream.then(Reply::unfinished_after(2));
    let answer = ask(&upstream, CHAT, streamed()).await;
    assert_eq!(content(&answer.events()), "Hello ");
    assert!(!answer.text().contains("finish_reason\":\"stop") && !answer.text().contains("[DONE]"));
}

#[tokio::test]
async fn says_what_is_no_answer_with_a_200() {
    let upstream = Upstream::start().await;
    upstream.then(Reply::garbage()).then(Reply::truncated()).then(Reply::truncated());

    let answer = ask(&upstream, CHAT, chat()).await;
    assert_eq!((answer.status.as_u16(), answer.header("content-type")), (200, "text/html"));
    let answer = ask(&upstream, CHAT, chat()).await;
    assert_eq!(answer.status, 200);
    assert!(answer.text().starts_with('{') && answer.json().is_null());
    let answer = ask(&upstream, CHAT, streamed()).await;
    assert!(!answer.text().ends_with("\n\n") && answer.events().len() > 1);
}

#[tokio::test]
async fn counts_the_clients_that_go_away_before_the_reply_ends() {
    let upstream = Upstream::start().await;
    let replies =
        [Reply::hang(), Reply::stall_after(2), Reply::ok().after(Duration::from_secs(600))];
    for (gone, reply) in (1..).zip(replies) {
        upstream.then(reply.clone());
        let mut client = Client::connect(&upstream).await;
        if reply.outcome == Outcome::Stalled {
            let mut body = client.post(CHAT, streamed()).await.unwrap().into_body();
            let mut text = String::new();
            while events(&text).len() < 2 {
                let frame = body.frame().await.unwrap().unwrap();
                text += std::str::from_utf8(frame.data_ref().unwrap()).unwrap();
            }
        } else {
            let waiting = client.sender.send_request(request(CHAT, &chat()));
            tokio::select! {
                reply = waiting => panic!("replied: {reply:?}"),
                _ = upstream.until(|tally| tally.attempts == gone) => {}
            }
        }
        assert_eq!((upstream.tally().in_flight, upstream.dropped()), (1, gone - 1));
        client.leave();
        assert_eq!(upstream.until(|tally| tally.dropped == gone).await.in_flight, 0);
    }
}

#[tokio::test]
async fn counts_nobody_as_gone_who_stayed_to_the_end() {
    let upstream = Upstream::start().await;
    let mut client = Client::connect(&upstream).await;
    for body in [chat(), streamed(), chat()] {
        client.ask(CHAT, body).await;
    }
    client.leave();
    let tally = upstream.until(|tally| tally.in_flight == 0).await;
    assert_eq!((tally.attempts, tally.dropped), (3, 0));
}

#[tokio::test]
async fn refuses_connections_and_comes_back_on_the_same_port() {
    let upstream = Upstream::start().await;
    upstream.then(Reply::hang());
    let mut client = Client::connect(&upstream).await;
    let waiting = client.sender.send_request(request(CHAT, &chat()));
    tokio::select! {
        reply = waiting => panic!("replied: {reply:?}"),
        _ = upstream.until(|tally| tally.in_flight == 1) => {}
    }

    for _ in 0..3 {
        upstream.refuse().await;
        let refused = TcpStream::connect(upstream.addr()).await.unwrap_err();
        assert_eq!(refused.kind(), ErrorKind::ConnectionRefused);
        assert_eq!((upstream.tally().in_flight, upstream.dropped()), (0, 0));

        upstream.reopen().await;
        assert_eq!(ask(&upstream, CHAT, chat()).await.status, 200);
    }
}

#[tokio::test]
async fn is_gone_when_it_is_dropped() {
    let upstream = Upstream::start().await;
    let address = upstream.addr();
    let mut client = Client::connect(&upstream).await;
    client.ask(CHAT, chat()).await;
    drop(upstream);
    // The connection ends when its task is gone, and the listener with it.
    client.connection.await.unwrap();
    while TcpStream::connect(address).await.is_ok() {
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
async fn records_what_it_was_sent() {
    let upstream = Upstream::start().await;
    assert_eq!(upstream.base_url(), format!("http://{}/v1", upstream.addr()));
    let mut client = Client::connect(&upstream).await;
    client.ask(CHAT, chat()).await;
    client.ask("/v1/completions?x=1", json!({"model": "other"})).await;
    ask(&upstream, CHAT, chat()).await;

    let requests = upstream.requests();
    assert_eq!(requests[0].method, Method::POST);
    assert_eq!(requests[0].path, CHAT);
    assert_eq!(requests[0].header("authorization"), Some("Bearer sk-test"));
    assert_eq!(requests[0].json(), chat());
    assert_eq!(requests[1].path, "/v1/completions?x=1");
    assert_eq!(requests[1].model(), "other");
    assert!(requests[0].at <= requests[1].at);
    let connections: Vec<_> = requests.iter().map(|request| request.connection).collect();
    assert_eq!(connections, [1, 1, 2]);
    assert_eq!(upstream.tally().connections, 2);
}

#[test]
fn a_mix_draws_by_weight_and_the_same_for_the_same_seed() {
    let draw = |seed| {
        let mix = Mix::seeded(seed);
        let mut mix =
            mix.with(8, Reply::ok()).with(0, Reply::hang()).with(2, Reply::rate_limited(1));
        (0..1000).map(|_| mix.draw().outcome).collect::<Vec<_>>()
    };
    let drawn = draw(7);
    assert_eq!(drawn, draw(7));
    assert_ne!(drawn, draw(8));
    let limited = drawn.iter().filter(|outcome| **outcome == Outcome::RateLimited).count();
    assert!((150..250).contains(&limited), "{limited}");
    assert!(!drawn.contains(&Outcome::Hung));
    assert_eq!(Mix::seeded(1).draw().outcome, Outcome::Ok);
}

fn chat() -> Value {
    json!({"model": "gpt-4", "messages": [{"role": "user", "content": "Hi"}]})
}

fn streamed() -> Value {
    let mut body = chat();
    body["stream"] = true.into();
    body
}

/// What came, and the error that ended it.
async fn read(mut body: Incoming) -> (String, Option<hyper::Error>) {
    let mut text = Vec::new();
    loop {
        match body.frame().await {
            Some(Ok(frame)) => text.extend_from_slice(frame.data_ref().unwrap()),
            Some(Err(error)) => return (String::from_utf8(text).unwrap(), Some(error)),
            None => return (String::from_utf8(text).unwrap(), None),
        }
    }
}

fn events(text: &str) -> Vec<String> {
    text.split_terminator("\n\n").filter_map(|e| e.strip_prefix("data: ")).map(Into::into).collect()
}

fn delta(event: &str) -> Value {
    let chunk: Value = serde_json::from_str(event).unwrap_or_default();
    chunk["choices"][0]["delta"].clone()
}

fn content(events: &[String]) -> String {
    events.iter().filter_map(|e| delta(e)["content"].as_str().map(str::to_owned)).collect()
}

fn io_kind(error: &hyper::Error) -> Option<ErrorKind> {
    Some(error.source()?.downcast_ref::<std::io::Error>()?.kind())
}
