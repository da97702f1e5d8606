//! The layers in any order and any subset, for every kind of request.

#![cfg(feature = "http")]
#![allow(clippy::unwrap_used, reason = "tests")]

use std::convert::Infallible;
use std::future::{Future, pending};
use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering::Relaxed};
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use http::{Request, Response};
use secondwind_layers::body::SettleLayer;
use secondwind_layers::classify::HttpClassify;
use secondwind_layers::fallback::Retarget;
use secondwind_layers::recover::RecoverLayer;
use secondwind_layers::timeout::{Attempt, Total};
use secondwind_layers::{
    Cloned, EnterLayer, Error, FallbackLayer, Http, InScope, LeaveLayer, PolicyHandle, ReplayWith,
    RetryLayer, Scoped, TimeoutLayer, Trail,
};
use secondwind_policy::Policy;
use tokio::time::Instant;
use tower::{Layer, Service, ServiceBuilder, ServiceExt};

/// Fails as often as it is told, then answers; or never answers.
#[derive(Clone)]
struct Upstream {
    failures: Arc<AtomicU32>,
    hangs: bool,
}

/// There are two groups, and anything can be pointed to either.
#[derive(Clone, Copy)]
struct Anything;

impl<R> Retarget<R> for Anything {
    fn group<'a>(&'a self, _: &'a R) -> &'a str {
        "asked"
    }

    fn retarget(&self, _: &mut R, _: &str) -> bool {
        true
    }
}

impl Upstream {
    fn failing(times: u32) -> Self {
        Self { failures: Arc::new(AtomicU32::new(times)), hangs: false }
    }

    fn hanging() -> Self {
        Self { failures: Arc::default(), hangs: true }
    }

    async fn answer<Res>(self, answer: Res) -> io::Result<Res> {
        if self.hangs {
            pending::<()>().await;
        }
        match self.failures.fetch_update(Relaxed, Relaxed, |left| left.checked_sub(1)) {
            Ok(_) => Err(io::Error::other("down")),
            Err(_) => Ok(answer),
        }
    }
}

macro_rules! answers {
    ($request:ty, $response:ty, $answer:expr) => {
        impl Service<$request> for Upstream {
            type Response = $response;
            type Error = io::Error;
            type Future = Pin<Box<dyn Future<Output = io::Result<$response>> + Send>>;

            fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<io::Result<()>> {
                Poll::Ready(Ok(()))
            }

            fn call(&mut self, _: $request) -> Self::Future {
                Box::pin(self.clone().answer($answer))
            }
        }
    };
}

answers!(String, u32, 1);
answers!(Scoped<String>, u32, 1);
answers!(Request<Bytes>, Response<Bytes>, Response::new(Bytes::new()));

fn policy() -> PolicyHandle {
    let policy = Policy::builder()
        .num_retries(1)
        .backoff(Duration::ZERO, 1.0, Duration::ZERO)
        .attempt_timeout(Duration::from_secs(10))
        .total_timeout(Duration::from_secs(60))
        .fallbacks(["other"]);
    PolicyHandle::from(policy.build().unwrap())
}

fn total<K>(kind: K) -> TimeoutLayer<Total, K> {
    TimeoutLayer::total(policy()).kind(kind)
}

fn attempt<K>(kind: K) -> TimeoutLayer<Attempt, K> {
    TimeoutLayer::attempt(policy()).kind(kind)
}

fn retry<K>(kind: K) -> RetryLayer<K> {
    RetryLayer::new(policy()).kind(kind)
}

fn fallback<K>(kind: K) -> FallbackLayer<Anything, K> {
    FallbackLayer::new(policy(), Anything).kind(kind)
}

/// A stack of these layers, outermost first.
macro_rules! stack {
    ($inner:expr, $kind:expr,) => { $inner };
    ($inner:expr, $kind:expr, $first:ident $($rest:ident)*) => {
        $first($kind).layer(stack!($inner, $kind, $($rest)*))
    };
}

/// Whether there is an answer after one failure, after three, and how long an answer is waited for that never
/// comes, in seconds.
async fn behaves<S, R>(stack: impl Fn(Upstream) -> S, request: impl Fn() -> R) -> (bool, bool, u64)
where
    S: Service<R>,
{
    let once = stack(Upstream::failing(1)).oneshot(request()).await.is_ok();
    let thrice = stack(Upstream::failing(3)).oneshot(request()).await.is_ok();
    let began = Instant::now();
    let hangs = stack(Upstream::hanging()).oneshot(request());
    let _ = tokio::time::timeout(Duration::from_secs(1000), hangs).await;
    (once, thrice, began.elapsed().as_secs())
}

/// Asserts of each stack that retries and fallbacks help where they are, and that a clock ends it.
macro_rules! assert_all {
    ($kind:expr, $request:expr; $($($layer:ident)* ;)*) => {$(
        let layers = [$(stringify!($layer)),*];
        let behaved = behaves(|upstream| stack!(upstream, $kind, $($layer)*), $request).await;
        let has = |layer| layers.contains(&layer);
        let (once, thrice, waited) = behaved;
        assert_eq!(once, has("retry") || has("fallback"), "{layers:?}, one failure");
        // Two attempts in each of two groups.
        assert_eq!(thrice, has("retry") && has("fallback"), "{layers:?}, three failures");
        let bounded = has("total") || has("attempt");
        assert!((waited == 1000) != bounded, "{layers:?} waited for {waited} s");
        if has("total") && layers[0] == "total" {
            assert!(waited <= 60, "{layers:?} waited for {waited} s");
        }
    )*};
}

macro_rules! assert_all_orders {
    ($kind:expr, $request:expr) => {
        assert_all!($kind, $request;
            total fallback retry attempt; total fallback attempt retry; total retry fallback attempt;
            total retry attempt fallback; total attempt fallback retry; total attempt retry fallback;
            fallback total retry attempt; fallback total attempt retry; fallback retry total attempt;
            fallback retry attempt total; fallback attempt total retry; fallback attempt retry total;
            retry total fallback attempt; retry total attempt fallback; retry fallback total attempt;
            retry fallback attempt total; retry attempt total fallback; retry attempt fallback total;
            attempt total fallback retry; attempt total retry fallback; attempt fallback total retry;
            attempt fallback retry total; attempt retry total fallback; attempt retry fallback total;
        );
    };
}

macro_rules! assert_all_subsets {
    ($kind:expr, $request:expr) => {
        assert_all!($kind, $request;
            total; fallback; retry; attempt;
            total fallback; total retry; total attempt; fallback retry; fallback attempt; retry attempt;
            total fallback retry; total fallback attempt; total retry attempt; fallback retry attempt;
        );
    };
}

fn text() -> String {
    "ask".to_owned()
}

fn scoped() -> Scoped<String> {
    Scoped::new(text(), Instant::now())
}

fn get() -> Request<Bytes> {
    Request::new(Bytes::new())
}

#[tokio::test(start_paused = true)]
async fn cloned_requests_in_any_order_and_subset() {
    assert_all_orders!(Cloned, text);
    assert_all_subsets!(Cloned, text);
}

#[tokio::test(start_paused = true)]
async fn http_requests_in_any_order_and_subset() {
    assert_all_orders!(Http, get);
    assert_all_subsets!(Http, get);
}

#[tokio::test(start_paused = true)]
async fn scoped_requests_in_any_order_and_subset() {
    assert_all_orders!(InScope(Cloned), scoped);
    assert_all_subsets!(InScope(Cloned), scoped);
}

#[tokio::test(start_paused = true)]
async fn requests_that_a_closure_copies_in_any_subset() {
    let kind = || ReplayWith::new(|request: &String| Some(request.clone()));
    assert_all_subsets!(kind(), text);
    assert_all!(kind(), text; total fallback retry attempt; retry attempt fallback total;);
}

#[tokio::test(start_paused = true)]
async fn a_scope_is_entered_and_left_again() {
    let service = ServiceBuilder::new()
        .layer(EnterLayer::new())
        .layer(total(Cloned).in_scope())
        .layer(fallback(Cloned).in_scope())
        .layer(retry(Cloned).in_scope())
        .layer(attempt(Cloned).in_scope())
        .layer(LeaveLayer::new())
        .service(Upstream::failing(4));
    let error = service.oneshot(text()).await.unwrap_err();
    assert_eq!((error.trail().retries(), error.trail().fallbacks()), (2, 1));
    let error = error.flatten();
    assert_eq!(error.inner().unwrap().to_string(), "down");
    assert_eq!(error.trail().attempts().len(), 4);
}

#[tokio::test(start_paused = true)]
async fn errors_keep_their_type_and_can_be_flattened() {
    let service = ServiceBuilder::new()
        .layer(total(Cloned))
        .layer(attempt(Cloned))
        .layer(attempt(Cloned))
        .service(Upstream::failing(1));
    let error: Error<Error<Error<io::Error>>> = service.oneshot(text()).await.unwrap_err();
    assert_eq!(error.to_string(), "down");
    let error: Error<io::Error> = error.flatten().flatten();
    let error: io::Error = error.into_inner().unwrap();
    assert_eq!(error.to_string(), "down");
}

#[tokio::test(start_paused = true)]
async fn failed_answers_are_settled_below_the_retries() {
    let status = Arc::new(AtomicU32::new(0));
    let upstream = tower::service_fn(move |_: Request<Bytes>| {
        let status = [500, 429, 200][status.fetch_add(1, Relaxed) as usize];
        async move {
            let body = http_body_util::Full::new(Bytes::from("said"));
            Ok::<_, io::Error>(Response::builder().status(status).body(body).unwrap())
        }
    });
    let retries = Policy::builder().num_retries(2).build().unwrap();
    let service = ServiceBuilder::new()
        .layer(TimeoutLayer::total(retries.clone()).http())
        .layer(
            FallbackLayer::new(retries.clone(), Anything).kind(Http).classify(HttpClassify::new()),
        )
        .layer(RetryLayer::http(retries.clone()))
        .layer(TimeoutLayer::attempt(retries).http())
        .layer(SettleLayer::new())
        .service(upstream);
    let answer = service.oneshot(get()).await.unwrap();
    assert_eq!(answer.status(), 200);
    let trail = answer.extensions().get::<Trail>().unwrap();
    let classes: Vec<_> = trail.attempts().iter().map(|attempt| attempt.class).collect();
    assert_eq!(classes.iter().flatten().count(), 2);
}

#[tokio::test(start_paused = true)]
async fn an_error_becomes_a_response_also_one_of_readiness() {
    #[derive(Clone)]
    struct NeverReady;
    impl Service<String> for NeverReady {
        type Response = u32;
        type Error = io::Error;
        type Future = std::future::Ready<io::Result<u32>>;
        fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<io::Result<()>> {
            Poll::Ready(Err(io::Error::other("closed")))
        }
        fn call(&mut self, _: String) -> Self::Future {
            unreachable!("it is never ready")
        }
    }
    let recover = RecoverLayer::new(|error: Error<io::Error>| error.to_string().len() as u32);
    let service = recover.layer(total(Cloned).layer(NeverReady));
    let answer: Result<u32, Infallible> = service.oneshot(text()).await;
    assert_eq!(answer.unwrap(), "closed".len() as u32);
    let service = recover.layer(total(Cloned).layer(Upstream::failing(1)));
    assert_eq!(service.oneshot(text()).await.unwrap(), "down".len() as u32);
    let service = recover.layer(total(Cloned).layer(Upstream::failing(0)));
    for _ in 0..2 {
        assert_eq!(service.clone().oneshot(text()).await.unwrap(), 1);
    }
}

/// What servers and runtimes ask of a service and its future.
#[test]
fn services_and_futures_can_go_to_other_threads() {
    fn assert<S, R>(_: &S)
    where
        S: Service<R, Future: Send + 'static> + Clone + Send + Sync + 'static,
    {
    }
    assert::<_, String>(&stack!(Upstream::failing(0), Cloned, total fallback retry attempt));
    assert::<_, Request<Bytes>>(&stack!(Upstream::failing(0), Http, total fallback retry attempt));
    assert::<_, Scoped<String>>(
        &stack!(Upstream::failing(0), InScope(Cloned), total fallback retry attempt),
    );
}
