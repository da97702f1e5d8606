//! A request that fails twice and is answered the third time.
//!
//! You see a plain HTTP client under three layers. Its upstream is overloaded at first, then cuts the
//! connection, then answers; the caller waits a little longer and notices nothing else.
//!
//! ```text
//! cargo run -p secondwind-examples --bin retry
//!
//! 200 OK after 2 retries
//!   service_unavailable, 4.2ms
//!   connection, 1.1ms
//!   answered, 0.9ms
//! ```

use std::error::Error;
use std::time::Duration;

use bytes::Bytes;
use http::Request;
use http_body_util::Full;
use hyper_util::client::legacy::Client;
use hyper_util::rt::TokioExecutor;
use secondwind::{Class, Policy, ReplayLayer, RetryLayer, TimeoutLayer, Trail};
use secondwind_testkit::upstream::{Reply, Upstream};
use tower::{ServiceBuilder, ServiceExt};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error>> {
    let upstream = Upstream::start().await;
    upstream.then(Reply::overloaded()).then(Reply::close());

    let policy = Policy::builder()
        .num_retries(3)
        // The upstream takes POST only. That a question may be asked twice is for us to say.
        .non_idempotent(true)
        // Seconds would be right for a real server.
        .backoff(Duration::from_millis(1), 2.0, Duration::from_millis(10))
        .build()?;
    let service = ServiceBuilder::new()
        // Keeps the body while it is sent.
        .layer(ReplayLayer::new(policy.clone()))
        // The deadline over all attempts and waits.
        .layer(TimeoutLayer::total(policy.clone()).http())
        // Another attempt, by status, `retry-after` and error.
        .layer(RetryLayer::http(policy))
        // No attempts of its own below ours.
        .service(Client::builder(TokioExecutor::new()).retry_canceled_requests(false).build_http());

    let question = r#"{"model": "gpt-4o-mini", "messages": []}"#;
    let request = Request::post(format!("{}/chat/completions", upstream.base_url()))
        .body(Full::<Bytes>::from(question))?;
    let answer = service.oneshot(request).await?;

    // Among the extensions only where there is something to tell.
    let trail = answer.extensions().get::<Trail>().ok_or("answered at once")?;
    println!("{} after {} retries", answer.status(), trail.retries());
    for attempt in trail.attempts() {
        let outcome = attempt.class.map_or("answered", Class::name);
        println!("  {outcome}, {:.1?}", attempt.duration.unwrap_or_default());
    }

    assert_eq!(answer.status(), 200);
    assert_eq!(trail.retries(), 2);
    assert_eq!(trail.attempts()[0].class, Some(Class::ServiceUnavailable));
    assert_eq!(trail.attempts()[1].class, Some(Class::Connection));
    assert!(upstream.requests().iter().all(|received| received.body == question));
    Ok(())
}
