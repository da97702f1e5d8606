//! Counts heap allocations where nothing fails. One test in this file: the counter is of the whole process.

#![cfg(feature = "http")]
#![allow(clippy::unwrap_used, reason = "a test")]

use std::convert::Infallible;
use std::future::{Ready, ready};
use std::io;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use http::{HeaderMap, HeaderValue, Request, Response};
use secondwind_layers::fallback::retarget_fn;
use secondwind_layers::{FallbackLayer, PolicyHandle, RetryLayer, TimeoutLayer};
use secondwind_policy::Policy;
use tower::{Service, ServiceBuilder, ServiceExt};

#[global_allocator]
static ALLOCATOR: dhat::Alloc = dhat::Alloc;

/// A request that costs a reference count to clone.
#[derive(Clone)]
struct Ask {
    group: Arc<str>,
}

/// Answers at once.
#[derive(Clone, Copy)]
struct Trivial;

impl Service<Ask> for Trivial {
    type Response = u64;
    type Error = io::Error;
    type Future = Ready<io::Result<u64>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, ask: Ask) -> Self::Future {
        ready(Ok(ask.group.len() as u64))
    }
}

impl Service<Request<Bytes>> for Trivial {
    type Response = Response<Bytes>;
    type Error = Infallible;
    type Future = Ready<Result<Response<Bytes>, Infallible>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<Bytes>) -> Self::Future {
        ready(Ok(Response::new(request.into_body())))
    }
}

fn policy() -> PolicyHandle {
    let policy = Policy::builder()
        .num_retries(2)
        .total_timeout(Duration::from_secs(60))
        .attempt_timeout(Duration::from_secs(30))
        .fallbacks(["other"]);
    PolicyHandle::from(policy.build().unwrap())
}

/// How many allocations a call makes, once the service is warm.
async fn allocations<S, R>(service: &mut S, request: impl Fn() -> R) -> u64
where
    S: Service<R>,
{
    for _ in 0..3 {
        assert!(service.ready().await.is_ok_and(|_| true));
        assert!(service.call(request()).await.is_ok());
    }
    let request = request();
    let before = dhat::HeapStats::get().total_blocks;
    let answered = match service.ready().await {
        Ok(service) => service.call(request).await.is_ok(),
        Err(_) => false,
    };
    let after = dhat::HeapStats::get().total_blocks;
    assert!(answered);
    after - before
}

fn standard_headers() -> HeaderMap {
    let headers = [
        ("host", "api.example.com"),
        ("content-type", "application/json"),
        ("content-length", "128"),
        ("accept", "application/json"),
        ("accept-encoding", "gzip, deflate"),
        ("authorization", "Bearer sk-0123456789"),
        ("user-agent", "OpenAI/Python 3.54.0"),
        ("accept-language", "en"),
        ("cache-control", "no-cache"),
        ("origin", "https://app.example.com"),
        ("referer", "https://app.example.com/chat"),
        ("te", "trailers"),
    ];
    headers
        .into_iter()
        .map(|(name, value)| (name.parse().unwrap(), HeaderValue::from_static(value)))
        .collect()
}

#[tokio::test(flavor = "current_thread")]
async fn nothing_is_allocated_where_nothing_fails() {
    let _profiler = dhat::Profiler::builder().testing().build();

    let policy_of = policy();
    let to_group =
        retarget_fn(|ask: &Ask| &*ask.group, |ask: &mut Ask, group| ask.group = group.into());
    let mut plain = ServiceBuilder::new()
        .layer(TimeoutLayer::total(policy_of.clone()))
        .layer(FallbackLayer::new(policy_of.clone(), to_group))
        .layer(RetryLayer::new(policy_of.clone()))
        .layer(TimeoutLayer::attempt(policy_of))
        .service(Trivial);
    let group: Arc<str> = "asked".into();
    let bare = allocations::<Trivial, Ask>(&mut Trivial, || Ask { group: group.clone() }).await;
    let layered = allocations(&mut plain, || Ask { group: group.clone() }).await;
    println!("cloned requests: {bare} bare, {layered} with all layers");
    assert_eq!(bare, 0);
    assert_eq!(layered, 0);

    let policy_of = policy();
    let to_host = retarget_fn(
        |request: &Request<Bytes>| request.uri().host().unwrap_or("asked"),
        |request: &mut Request<Bytes>, group| {
            *request.uri_mut() = format!("http://{group}/").parse().unwrap();
        },
    );
    let mut http = ServiceBuilder::new()
        .layer(TimeoutLayer::total(policy_of.clone()).http())
        .layer(FallbackLayer::http(policy_of.clone(), to_host))
        .layer(RetryLayer::http(policy_of.clone()))
        .layer(TimeoutLayer::attempt(policy_of).http())
        .service(Trivial);
    let request = || {
        let mut request = Request::new(Bytes::from_static(b"{}"));
        *request.headers_mut() = standard_headers();
        request
    };
    let bare = allocations::<Trivial, Request<Bytes>>(&mut Trivial, request).await;
    let layered = allocations(&mut http, request).await;
    println!("HTTP requests: {bare} bare, {layered} with all layers");
    assert_eq!(bare, 0);
    assert!(layered <= 10, "{layered} allocations for an HTTP request");
}
