//! A request that goes to the mirror once its own server is spent.
//!
//! You see two servers that stand in for each other. A *group* is whatever your requests name: here it is the
//! authority of their URI. The first server fails, is tried again, and fails again; the mirror answers.
//!
//! ```text
//! cargo run -p secondwind-examples --bin fallback
//!
//! 200 OK, 1 retry, 1 fallback
//!   127.0.0.1:35221 internal_server
//!   127.0.0.1:35221 internal_server
//!   127.0.0.1:42693 answered
//! ```

use std::error::Error;
use std::time::Duration;

use http::Request;
use http::uri::{Authority, PathAndQuery, Scheme, Uri};
use hyper_util::client::legacy::Client;
use hyper_util::rt::TokioExecutor;
use secondwind::fallback::retarget_fn;
use secondwind::{Class, FallbackLayer, Policy, RetryLayer, TimeoutLayer, Trail};
use secondwind_testkit::upstream::{Reply, Upstream};
use tower::{ServiceBuilder, ServiceExt};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error>> {
    let (server, mirror) = (Upstream::start().await, Upstream::start().await);
    server.always(Reply::status(500));

    let policy = Policy::builder()
        .num_retries(1)
        .backoff(Duration::from_millis(1), 2.0, Duration::from_millis(10))
        .fallbacks([mirror.addr().to_string()])
        .build()?;
    let authority = retarget_fn(
        |request: &Request<String>| request.uri().authority().map_or("", Authority::as_str),
        |request: &mut Request<String>, group| {
            if let Some(uri) = elsewhere(request.uri(), group) {
                *request.uri_mut() = uri;
            }
        },
    );
    let service = ServiceBuilder::new()
        .layer(TimeoutLayer::total(policy.clone()).http())
        // Outside of the retries: they come first.
        .layer(FallbackLayer::http(policy.clone(), authority))
        .layer(RetryLayer::http(policy))
        .service(Client::builder(TokioExecutor::new()).retry_canceled_requests(false).build_http());

    let request = Request::post(format!("{}/chat/completions", server.base_url()))
        // What carries one may be sent twice.
        .header("idempotency-key", "e7a8")
        .body(r#"{"model": "gpt-4o-mini", "messages": []}"#.to_owned())?;
    let answer = service.oneshot(request).await?;

    let trail = answer.extensions().get::<Trail>().ok_or("answered at once")?;
    let (retries, fallbacks) = (trail.retries(), trail.fallbacks());
    println!("{}, {retries} retry, {fallbacks} fallback", answer.status());
    for attempt in trail.attempts() {
        let outcome = attempt.class.map_or("answered", Class::name);
        println!("  {} {outcome}", attempt.group.as_deref().unwrap_or_default());
    }

    assert_eq!(answer.status(), 200);
    assert_eq!((retries, fallbacks), (1, 1));
    assert_eq!((server.attempts(), mirror.attempts()), (2, 1));
    Ok(())
}

/// The same place on another server.
fn elsewhere(uri: &Uri, authority: &str) -> Option<Uri> {
    let path = uri.path_and_query().map_or("/", PathAndQuery::as_str);
    let scheme = uri.scheme().unwrap_or(&Scheme::HTTP).clone();
    Uri::builder().scheme(scheme).authority(authority).path_and_query(path).build().ok()
}
