//! Over a client of hyper-util.

use std::convert::Infallible;
use std::time::Duration;

use bytes::Bytes;
use http::uri::Authority;
use http::{Request, Response};
use http_body_util::{BodyExt, Channel, Full};
use hyper::body::{Body, Incoming};
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::client::legacy::{self, Client};
use hyper_util::rt::TokioExecutor;
use secondwind::body::{ReplayBody, Settled};
use secondwind::classify::{HttpClassify, Opinion, Verdict, classify_fn};
use secondwind::fallback::retarget_fn;
use secondwind::{
    Class, Error, FallbackLayer, Policy, ReplayLayer, RetryLayer, SettleLayer, TimeoutLayer, Trail,
};
use secondwind_testkit::upstream::{Reply, Upstream};
use tower::util::BoxCloneSyncService;
use tower::{Service, ServiceBuilder, ServiceExt};

use crate::{QUESTION, classes, quick};

fn client<B>() -> Client<HttpConnector, B>
where
    B: Body<Data: Send> + Send,
{
    Client::builder(TokioExecutor::new()).retry_canceled_requests(false).build_http()
}

/// All the layers there are for HTTP. That this compiles says that it can be cloned and sent.
fn stack<B>(
    policy: Policy,
) -> impl Service<
    Request<B>,
    Response = Response<Settled<Incoming>>,
    Error = Error<Error<legacy::Error>>,
    Future: Send,
> + Clone
+ Send
+ Sync
+ 'static
where
    B: Body<Data: Send, Error: std::error::Error + Send + Sync> + Send + Unpin + 'static,
{
    ServiceBuilder::new()
        .layer(ReplayLayer::new(policy.clone()))
        .layer(TimeoutLayer::total(policy.clone()).http())
        .layer(RetryLayer::http(policy.clone()))
        .layer(TimeoutLayer::attempt(policy).http())
        .layer(SettleLayer::new())
        .service(client())
}

fn ask<B>(upstream: &Upstream, body: B) -> Request<B> {
    let uri = format!("{}/chat/completions", upstream.base_url());
    Request::post(uri).body(body).unwrap()
}

fn trail<B>(answer: &Response<B>) -> &Trail {
    answer.extensions().get().unwrap()
}

/// A body that cannot be cloned and does not know its length.
fn streamed(chunks: [&'static str; 3]) -> Channel<Bytes, Infallible> {
    let (mut to, body) = Channel::new(1);
    tokio::spawn(async move {
        for chunk in chunks {
            // Where the first server has answered early, the next attempt reads on.
            to.send_data(Bytes::from(chunk)).await.unwrap();
        }
    });
    body
}

#[tokio::test]
async fn a_request_that_fails_twice_is_answered() {
    let upstream = Upstream::start().await;
    upstream.then(Reply::overloaded()).then(Reply::close());
    let service = stack(quick().build().unwrap());

    let body = streamed(["{\"model\": ", "\"gpt-4o-mini\", ", "\"messages\": []}"]);
    let answer = tokio::spawn(service.oneshot(ask(&upstream, body))).await.unwrap().unwrap();

    assert_eq!(answer.status(), 200);
    assert_eq!(
        classes(trail(&answer)),
        [Some(Class::ServiceUnavailable), Some(Class::Connection), None]
    );
    let bodies: Vec<_> = upstream.requests().into_iter().map(|request| request.body).collect();
    assert_eq!(bodies, [QUESTION; 3]);
}

#[tokio::test]
async fn what_is_answered_at_once_has_nothing_to_tell() {
    let upstream = Upstream::start().await;
    let service = stack(quick().build().unwrap());
    let answer = service.oneshot(ask(&upstream, QUESTION.to_owned())).await.unwrap();
    assert!(answer.extensions().get::<Trail>().is_none());
}

#[tokio::test]
async fn the_last_failure_comes_whole_over_one_connection() {
    let upstream = Upstream::start().await;
    upstream.always(Reply::status(500).body("what went wrong"));
    let service = stack(quick().build().unwrap());

    let answer = service.oneshot(ask(&upstream, QUESTION.to_owned())).await.unwrap();
    assert_eq!(answer.status(), 500);
    assert_eq!(trail(&answer).retries(), 2);
    assert_eq!(answer.body().read().unwrap(), "what went wrong");
    assert_eq!(answer.into_body().collect().await.unwrap().to_bytes(), "what went wrong");
    assert_eq!(upstream.tally().connections, 1);
}

#[tokio::test]
async fn nobody_there_is_a_connection_failure() {
    let upstream = Upstream::start().await;
    upstream.refuse().await;
    let service = stack(quick().build().unwrap());

    let error = service.oneshot(ask(&upstream, QUESTION.to_owned())).await.unwrap_err();
    assert_eq!(error.class(), Some(Class::Connection));
    assert_eq!(error.trail().retries(), 2);
    assert!(error.flatten().inner().unwrap().is_connect());
}

#[tokio::test]
async fn a_body_too_large_to_keep_passes_through_once() {
    let upstream = Upstream::start().await;
    upstream.then(Reply::overloaded());
    let service = stack(quick().max_replay_bytes(8).build().unwrap());

    let answer = service.oneshot(ask(&upstream, QUESTION.to_owned())).await.unwrap();
    assert_eq!(answer.status(), 503);
    assert_eq!(upstream.requests()[0].body, QUESTION);
    let [attempt] = trail(&answer).attempts() else { panic!("{}", trail(&answer)) };
    assert!(!attempt.replayable);
}

#[tokio::test]
async fn the_deadline_does_not_hide_the_last_real_failure() {
    let upstream = Upstream::start().await;
    upstream.then(Reply::overloaded()).always(Reply::hang());
    let policy = quick().total_timeout(Duration::from_millis(200)).build().unwrap();

    let answer = stack(policy).oneshot(ask(&upstream, QUESTION.to_owned())).await.unwrap();
    assert_eq!(answer.status(), 503);
    assert_eq!(classes(trail(&answer)), [Some(Class::ServiceUnavailable), Some(Class::Timeout)]);
}

#[tokio::test]
async fn a_body_follows_its_request_to_another_host() {
    let (server, mirror) = (Upstream::start().await, Upstream::start().await);
    server.always(Reply::status(500));
    mirror.then(Reply::overloaded());
    let policy = quick().num_retries(1).fallbacks([mirror.addr().to_string()]).build().unwrap();
    let authority = retarget_fn(
        |request: &Request<ReplayBody<Channel<Bytes, Infallible>>>| {
            request.uri().authority().map_or("", Authority::as_str)
        },
        |request: &mut Request<_>, group| {
            let uri = format!("http://{group}{}", request.uri().path());
            *request.uri_mut() = uri.parse().unwrap();
        },
    );
    let service = ServiceBuilder::new()
        .layer(ReplayLayer::new(policy.clone()))
        .layer(TimeoutLayer::total(policy.clone()).http())
        .layer(FallbackLayer::http(policy.clone(), authority))
        .layer(RetryLayer::http(policy.clone()))
        .layer(TimeoutLayer::attempt(policy).http())
        .service(client());

    let body = streamed(["{\"model\": ", "\"gpt-4o-mini\", ", "\"messages\": []}"]);
    let answer = service.oneshot(ask(&server, body)).await.unwrap();

    assert_eq!(answer.status(), 200);
    let groups: Vec<_> = trail(&answer).attempts().iter().map(|it| it.group.clone()).collect();
    let (asked, other) = (server.addr().to_string(), mirror.addr().to_string());
    let expected = [&asked, &asked, &other, &other].map(|group| Some(group.as_str().into()));
    assert_eq!(groups, expected);
    assert!(mirror.requests().iter().all(|request| request.body == QUESTION));
}

#[tokio::test]
async fn a_classifier_of_ones_own_goes_behind_that_of_http() {
    let upstream = Upstream::start().await;
    // This one says 418 when it is busy.
    upstream.then(Reply::status(418)).then(Reply::status(503));
    let classify = HttpClassify::new().then(classify_fn(
        |outcome: Result<&Response<Incoming>, &legacy::Error>| match outcome {
            Ok(answer) if answer.status() == 418 => Verdict::new(Class::RateLimit).into(),
            _ => Opinion::None,
        },
    ));
    let policy = quick().build().unwrap();
    let service = ServiceBuilder::new()
        .layer(RetryLayer::http(policy.clone()).classify(classify))
        .layer(TimeoutLayer::attempt(policy).http())
        .service(client());

    let answer = service.oneshot(ask(&upstream, QUESTION.to_owned())).await.unwrap();
    assert_eq!(
        classes(trail(&answer)),
        [Some(Class::RateLimit), Some(Class::ServiceUnavailable), None]
    );
}

#[tokio::test]
async fn a_stack_can_be_boxed() {
    let upstream = Upstream::start().await;
    upstream.then(Reply::overloaded());
    let mut service = BoxCloneSyncService::new(stack(quick().build().unwrap()));
    let request = ask(&upstream, Full::<Bytes>::from(QUESTION));
    let answer = service.ready().await.unwrap().call(request).await.unwrap();
    assert_eq!(answer.status(), 200);
}
