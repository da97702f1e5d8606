use std::future::pending;
use std::io;

use bytes::Bytes;
use http::Request;
use http_body_util::Full;
use tower::{ServiceBuilder, ServiceExt, service_fn};

use super::*;
use crate::classify::{Opinion, classify_fn};
use crate::fallback::retarget_fn;
use crate::{FallbackLayer, Policy, RecoverLayer, RetryLayer, TimeoutLayer, Trail};

const SECRET: &str = "http://10.0.0.1/?key=sk-secret refused";

fn refused() -> io::Error {
    io::Error::other(SECRET)
}

#[test]
fn every_class_gets_the_status_of_its_row() {
    for class in Class::ALL {
        let response = verdict_response::<String>(&Verdict::new(*class));
        let expected = class.facts().http_status(None).unwrap_or(502);
        assert_eq!(response.status(), expected, "{class}");
        assert_eq!(*response.body(), format!("{class}\n"));
        assert_eq!(response.headers()["content-type"], "text/plain; charset=utf-8");
        assert!(!response.headers().contains_key("retry-after"));
    }
}

#[test]
fn passes_on_the_status_that_came_where_the_class_says_so() {
    let verdict = Verdict::new(Class::InternalServer);
    assert_eq!(verdict_response::<String>(&verdict.with_status(507)).status(), 507);
    assert_eq!(verdict_response::<String>(&verdict.with_status(200)).status(), 502);
}

#[test]
fn asks_nobody_back_too_early() {
    let header = |hint| {
        let verdict = Verdict::new(Class::ServiceUnavailable).with_hint(hint);
        verdict_response::<String>(&verdict).headers()["retry-after"].clone()
    };
    assert_eq!(header(Duration::ZERO), "0");
    assert_eq!(header(Duration::from_millis(1)), "1");
    assert_eq!(header(Duration::from_secs(7)), "7");
    assert_eq!(header(Duration::MAX), u64::MAX.to_string());
}

#[tokio::test(start_paused = true)]
async fn names_the_clock_however_deep_it_is() {
    let policy =
        Policy::builder().attempt_timeout(Duration::from_secs(2)).num_retries(0).build().unwrap();
    let service = ServiceBuilder::new()
        .layer(RecoverLayer::new(error_response))
        .layer(TimeoutLayer::total(policy.clone()))
        .layer(TimeoutLayer::total(policy.clone()))
        .layer(RetryLayer::new(policy.clone()))
        .layer(TimeoutLayer::attempt(policy))
        .service(service_fn(|(): ()| pending::<Result<Response<String>, io::Error>>()));
    let response = service.oneshot(()).await.unwrap();
    assert_eq!(response.status(), 504);
    assert_eq!(response.body(), "timeout: the attempt clock ran out after 2s\n");
}

#[tokio::test(start_paused = true)]
async fn never_tells_what_the_error_says() {
    let service = ServiceBuilder::new()
        .layer(RecoverLayer::new(error_response))
        .layer(TimeoutLayer::total(Policy::default()).http())
        .layer(RetryLayer::http(Policy::default()))
        .layer(TimeoutLayer::attempt(Policy::default()).http())
        .service(service_fn(|_: Request<()>| async { Err::<Response<String>, _>(refused()) }));
    let response = service.oneshot(Request::new(())).await.unwrap();
    assert_eq!(response.status(), 502);
    assert_eq!(response.body(), "connection\n");
    assert!(!format!("{response:?}").contains("secret"));
    let trail = response.extensions().get::<Trail>().unwrap();
    assert_eq!(trail.attempts().len(), 3);
}

#[tokio::test(start_paused = true)]
async fn answers_for_the_group_that_was_asked_for() {
    let policy = Policy::builder().num_retries(0).fallbacks(["spare"]).build().unwrap();
    let judge = classify_fn(|outcome: Result<&Response<String>, &Busy>| match outcome {
        Ok(_) => Opinion::Success,
        Err(Busy(class)) => Verdict::new(*class).into(),
    });
    let group = retarget_fn(
        |request: &Request<()>| request.uri().path(),
        |request: &mut Request<()>, group| {
            *request.uri_mut() = format!("/{group}").parse().unwrap();
        },
    );
    let service = ServiceBuilder::new()
        .layer(RecoverLayer::new(error_response))
        .layer(TimeoutLayer::total(policy.clone()).http())
        .layer(FallbackLayer::http(policy.clone(), group).classify(judge.clone()))
        .layer(RetryLayer::http(policy).classify(judge))
        .service(service_fn(|request: Request<()>| async move {
            let spare = request.uri().path() == "/spare";
            let class = if spare { Class::NotFound } else { Class::RateLimit };
            Err::<Response<String>, _>(Busy(class))
        }));
    let response = service.oneshot(Request::new(())).await.unwrap();
    let trail = response.extensions().get::<Trail>().unwrap();
    assert_eq!(trail.attempts().len(), 2);
    assert_eq!(response.body(), "rate_limit\n");
    assert_eq!(response.status(), 429);
}

#[derive(Debug)]
struct Busy(Class);

impl std::fmt::Display for Busy {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(SECRET)
    }
}

impl std::error::Error for Busy {}

#[tokio::test]
async fn fits_any_body_that_is_made_from_text() {
    let service = ServiceBuilder::new()
        .layer(RecoverLayer::new(error_response))
        .layer(TimeoutLayer::total(Policy::off()))
        .service(service_fn(|(): ()| async { Err::<Response<Full<Bytes>>, _>(refused()) }));
    assert_eq!(service.oneshot(()).await.unwrap().status(), 502);
}
