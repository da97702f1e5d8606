//! Around a tonic channel.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use axum::Router;
use axum::extract::Request;
use axum::response::IntoResponse;
use http::Response;
use secondwind::classify::{Opinion, Verdict, classify_fn};
use secondwind::{Class, Error, Policy, ReplayLayer, RetryLayer, TimeoutLayer, Trail};
use tokio::net::TcpListener;
use tonic::body::Body;
use tonic::transport::{self, Endpoint};
use tower::{Service, ServiceBuilder, ServiceExt};

use crate::{classes, quick};

/// A server that answers its calls with these gRPC statuses, one after the other, in the headers; and then
/// never again.
async fn server(statuses: &'static [&'static str]) -> Endpoint {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let endpoint = format!("http://{}", listener.local_addr().unwrap());
    let called = Arc::new(AtomicUsize::new(0));
    let answer = async move |_: Request| {
        let call = called.fetch_add(1, Ordering::Relaxed);
        let Some(status) = statuses.get(call) else { return std::future::pending().await };
        [("content-type", "application/grpc"), ("grpc-status", status)].into_response()
    };
    tokio::spawn(async { axum::serve(listener, Router::new().fallback(answer)).await });
    Endpoint::from_shared(endpoint).unwrap()
}

fn by_status(outcome: Result<&Response<Body>, &transport::Error>) -> Opinion {
    let Ok(answer) = outcome else { return Verdict::new(Class::Connection).into() };
    let class = match answer.headers().get("grpc-status").map(http::HeaderValue::as_bytes) {
        Some(b"8") => Class::RateLimit,
        Some(b"14") => Class::ServiceUnavailable,
        _ => return Opinion::Success,
    };
    Verdict::new(class).into()
}

fn stack(
    policy: Policy,
    endpoint: &Endpoint,
) -> impl Service<
    http::Request<Body>,
    Response = Response<Body>,
    Error = Error<Error<transport::Error>>,
    Future: Send,
> + Clone
+ Send
+ 'static {
    ServiceBuilder::new()
        .layer(ReplayLayer::new(policy.clone()))
        .layer(TimeoutLayer::total(policy.clone()).http())
        .layer(RetryLayer::http(policy.clone()).classify(classify_fn(by_status)))
        .layer(TimeoutLayer::attempt(policy).http())
        .map_request(|request: http::Request<_>| request.map(Body::new))
        .service(endpoint.connect_lazy())
}

fn call() -> http::Request<Body> {
    http::Request::post("/package.Service/Method")
        .header("content-type", "application/grpc")
        .body(Body::empty())
        .unwrap()
}

#[tokio::test]
async fn a_call_refused_twice_is_answered() {
    let endpoint = server(&["14", "8", "0"]).await;
    let service = stack(quick().build().unwrap(), &endpoint);
    let answer = tokio::spawn(service.oneshot(call())).await.unwrap().unwrap();
    assert_eq!(answer.headers()["grpc-status"], "0");
    assert_eq!(
        classes(answer.extensions().get::<Trail>().unwrap()),
        [Some(Class::ServiceUnavailable), Some(Class::RateLimit), None]
    );
}

#[tokio::test]
async fn a_call_that_nobody_answers_ends_at_its_deadline() {
    let endpoint = server(&[]).await;
    let policy = quick().total_timeout(Duration::from_millis(50)).build().unwrap();
    let error = stack(policy, &endpoint).oneshot(call()).await.unwrap_err();
    assert_eq!(error.class(), Some(Class::Timeout));
}

#[tokio::test]
async fn a_channel_without_a_server_is_a_connection_failure() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let endpoint = format!("http://{}", listener.local_addr().unwrap());
    drop(listener);
    let endpoint = Endpoint::from_shared(endpoint).unwrap();
    let error = stack(quick().build().unwrap(), &endpoint).oneshot(call()).await.unwrap_err();
    assert_eq!(error.class(), Some(Class::Connection));
    assert_eq!(error.trail().retries(), 2);
}
