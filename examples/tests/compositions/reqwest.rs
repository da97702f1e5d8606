//! Over reqwest's client, whose requests are neither `Clone` nor of the crate `http`.

use std::convert::Infallible;

use bytes::Bytes;
use http_body_util::Channel;
use reqwest::{Body, Client, Request, Response};
use secondwind::classify::{HttpClassify, Opinion, Verdict, classify_fn};
use secondwind::{Class, EnterLayer, LeaveLayer, ReplayWith, RetryLayer, Scoped, TimeoutLayer};
use secondwind_testkit::upstream::{Reply, Upstream};
use tokio::time::Instant;
use tower::{ServiceBuilder, ServiceExt};

use crate::{QUESTION, classes, quick};

fn client() -> Client {
    // All attempts are ours to make.
    Client::builder().retry(reqwest::retry::never()).build().unwrap()
}

fn ask(upstream: &Upstream, body: impl Into<Body>) -> Request {
    let uri = format!("{}/chat/completions", upstream.base_url());
    client().post(uri).body(body).build().unwrap()
}

/// How a request is sent again.
fn copied() -> ReplayWith<fn(&Request) -> Option<Request>> {
    ReplayWith::new(Request::try_clone)
}

/// By status and hint, as those of the crate `http` are judged.
fn by_status(outcome: Result<&Response, &reqwest::Error>) -> Opinion {
    match outcome {
        Ok(answer) => HttpClassify::new()
            .verdict(answer.status(), answer.headers())
            .map_or(Opinion::Success, Opinion::from),
        Err(_) => Verdict::new(Class::Connection).into(),
    }
}

#[tokio::test]
async fn a_request_that_fails_twice_is_answered() {
    let upstream = Upstream::start().await;
    upstream.then(Reply::overloaded()).then(Reply::close());
    let policy = quick().build().unwrap();
    let service = ServiceBuilder::new()
        .layer(TimeoutLayer::total(policy.clone()).kind(copied()))
        .layer(RetryLayer::new(policy.clone()).kind(copied()).classify(classify_fn(by_status)))
        .layer(TimeoutLayer::attempt(policy).kind(copied()))
        .service(client());

    let answer = tokio::spawn(service.oneshot(ask(&upstream, QUESTION))).await.unwrap().unwrap();
    assert_eq!(answer.status(), 200);
    assert_eq!(upstream.attempts(), 3);
    assert!(upstream.requests().iter().all(|request| request.body == QUESTION));
}

#[tokio::test]
async fn in_a_scope_there_is_a_trail() {
    let upstream = Upstream::start().await;
    upstream.then(Reply::rate_limited(0)).then(Reply::reset());
    let policy = quick().build().unwrap();
    let service = ServiceBuilder::new()
        .layer(TimeoutLayer::total(policy.clone()).kind(copied()).in_scope())
        .layer(
            RetryLayer::new(policy.clone())
                .kind(copied())
                .in_scope()
                .classify(classify_fn(by_status)),
        )
        .layer(TimeoutLayer::attempt(policy).kind(copied()).in_scope())
        .layer(LeaveLayer::new())
        .service(client());

    let request = Scoped::new(ask(&upstream, QUESTION), Instant::now());
    let context = request.context.clone();
    let answer = service.oneshot(request).await.unwrap();
    assert_eq!(answer.status(), 200);
    assert_eq!(classes(&context.trail()), [Some(Class::RateLimit), Some(Class::Connection), None]);
}

#[tokio::test]
async fn the_scope_can_be_made_on_the_way() {
    let upstream = Upstream::start().await;
    upstream.always(Reply::close());
    let policy = quick().build().unwrap();
    let service = ServiceBuilder::new()
        .layer(EnterLayer::new())
        .layer(TimeoutLayer::total(policy.clone()).kind(copied()).in_scope())
        .layer(RetryLayer::new(policy).kind(copied()).in_scope())
        .layer(LeaveLayer::new())
        .service(client());

    let error = service.oneshot(ask(&upstream, QUESTION)).await.unwrap_err();
    assert_eq!(error.class(), Some(Class::Connection));
    assert_eq!(error.trail().retries(), 2);
}

#[tokio::test]
async fn a_body_that_cannot_be_cloned_is_sent_once() {
    let upstream = Upstream::start().await;
    upstream.then(Reply::overloaded());
    let (mut to, body) = Channel::<Bytes, Infallible>::new(1);
    to.send_data(Bytes::from(QUESTION)).await.unwrap();
    drop(to);
    let policy = quick().build().unwrap();
    let service = ServiceBuilder::new()
        .layer(RetryLayer::new(policy).kind(copied()).classify(classify_fn(by_status)))
        .service(client());

    let answer = service.oneshot(ask(&upstream, Body::wrap(body))).await.unwrap();
    assert_eq!(answer.status(), 503);
    assert_eq!(upstream.requests()[0].body, QUESTION);
}
