//! Inside axum: as layers of an application, as a service at a route, and behind a handler.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::extract::State;
use axum::routing::{any, post, post_service};
use http::{HeaderValue, Request, Response, StatusCode};
use http_body_util::BodyExt;
use hyper_util::client::legacy::Client;
use hyper_util::rt::TokioExecutor;
use secondwind::body::ReplayBody;
use secondwind::respond::error_response;
use secondwind::{Policy, RecoverLayer, ReplayLayer, RetryLayer, SettleLayer, TimeoutLayer, Trail};
use secondwind_testkit::upstream::{Reply, Upstream};
use tokio::net::TcpListener;
use tower::{Service, ServiceBuilder, ServiceExt};

use crate::{QUESTION, quick};

async fn serve(app: Router) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async { axum::serve(listener, app).await });
    address
}

async fn ask(address: SocketAddr) -> Response<String> {
    let client = Client::builder(TokioExecutor::new()).build_http();
    let request = Request::post(format!("http://{address}/v1/chat/completions"));
    let answer = client.request(request.body(QUESTION.to_owned()).unwrap()).await.unwrap();
    let (head, body) = answer.into_parts();
    let body = body.collect().await.unwrap().to_bytes();
    Response::from_parts(head, String::from_utf8(body.to_vec()).unwrap())
}

/// Says in a header what the extensions know.
fn tell<B>(mut answer: Response<B>) -> Response<B> {
    let trail = answer.extensions().get::<Trail>().map(ToString::to_string);
    if let Some(trail) = trail.and_then(|trail| HeaderValue::try_from(trail).ok()) {
        answer.headers_mut().insert("x-trail", trail);
    }
    answer
}

/// The outcomes in an `x-trail`.
fn told<B>(answer: &Response<B>) -> Vec<String> {
    let trail = answer.headers()["x-trail"].to_str().unwrap();
    let outcome = |attempt: &str| {
        let outcome = attempt.split_once('=').unwrap().1;
        outcome.split_once('@').unwrap().0.to_owned()
    };
    trail.split(';').map(outcome).collect()
}

#[tokio::test]
async fn around_a_handler_that_fails_first() {
    let called = Arc::new(AtomicU32::new(0));
    let echo = async |State(called): State<Arc<AtomicU32>>, body: String| match called
        .fetch_add(1, Ordering::Relaxed)
    {
        0 => Err(StatusCode::SERVICE_UNAVAILABLE),
        _ => Ok(body),
    };
    let policy = quick().build().unwrap();
    let layers = ServiceBuilder::new()
        .map_response(tell)
        .layer(RecoverLayer::new(error_response))
        .layer(ReplayLayer::new(policy.clone()))
        .layer(TimeoutLayer::total(policy.clone()).http())
        .layer(RetryLayer::http(policy.clone()))
        .layer(TimeoutLayer::attempt(policy).http())
        .map_request(|request: Request<_>| request.map(Body::new));
    let app =
        Router::new().route("/v1/chat/completions", post(echo)).layer(layers).with_state(called);

    let answer = ask(serve(app).await).await;
    assert_eq!(answer.status(), 200);
    assert_eq!(answer.body(), QUESTION);
    assert_eq!(told(&answer), ["service_unavailable", "ok"]);
}

/// Takes requests to another server; cannot fail.
fn forward(
    policy: Policy,
    to: &Upstream,
) -> impl Service<
    Request<Body>,
    Response = Response<Body>,
    Error = std::convert::Infallible,
    Future: Send,
> + Clone
+ Send
+ Sync
+ 'static {
    let authority = to.addr();
    ServiceBuilder::new()
        .map_response(tell)
        .layer(RecoverLayer::new(error_response))
        .map_response(|response: Response<_>| response.map(Body::new))
        .layer(ReplayLayer::new(policy.clone()))
        .layer(TimeoutLayer::total(policy.clone()).http())
        .layer(RetryLayer::http(policy.clone()))
        .layer(TimeoutLayer::attempt(policy).http())
        .layer(SettleLayer::new())
        .map_request(move |mut request: Request<ReplayBody<Body>>| {
            let uri = format!("http://{authority}{}", request.uri().path());
            *request.uri_mut() = uri.parse().unwrap();
            request
        })
        .service(Client::builder(TokioExecutor::new()).retry_canceled_requests(false).build_http())
}

#[tokio::test]
async fn as_the_service_of_a_route() {
    let upstream = Upstream::start().await;
    upstream.then(Reply::overloaded()).then(Reply::close());
    let service = forward(quick().build().unwrap(), &upstream);
    let app = Router::new().route("/v1/chat/completions", post_service(service));

    let answer = ask(serve(app).await).await;
    assert_eq!(answer.status(), 200);
    assert_eq!(told(&answer), ["service_unavailable", "connection", "ok"]);
    assert!(upstream.requests().iter().all(|request| request.body == QUESTION));
}

#[tokio::test]
async fn behind_a_handler() {
    let upstream = Upstream::start().await;
    upstream.then(Reply::close());
    let service = forward(quick().build().unwrap(), &upstream);
    let handler = async move |request: Request<Body>| service.clone().oneshot(request).await;
    let app = Router::new().fallback(any(handler));

    let answer = ask(serve(app).await).await;
    assert_eq!(answer.status(), 200);
    assert_eq!(told(&answer), ["connection", "ok"]);
}

#[tokio::test]
async fn what_cannot_be_answered_gets_its_status() {
    let upstream = Upstream::start().await;
    upstream.refuse().await;
    let service = forward(quick().build().unwrap(), &upstream);
    let app = Router::new().fallback_service(service);
    let answer = ask(serve(app).await).await;
    assert_eq!(
        (answer.status(), answer.body().as_str()),
        (StatusCode::BAD_GATEWAY, "connection\n")
    );
    assert_eq!(told(&answer), ["connection"; 3]);

    let upstream = Upstream::start().await;
    upstream.always(Reply::hang());
    let policy = quick().total_timeout(Duration::from_millis(50)).build().unwrap();
    let app = Router::new().fallback_service(forward(policy, &upstream));
    let answer = ask(serve(app).await).await;
    assert_eq!(answer.status(), StatusCode::GATEWAY_TIMEOUT);
    assert!(answer.body().starts_with("timeout: the "), "{}", answer.body());
}
