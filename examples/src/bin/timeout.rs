//! An upstream that says nothing, and the clocks that end the silence.
//!
//! You see two requests. The first meets a server that hangs once: the *attempt* clock cuts it off, the retry is
//! answered. The second meets one that always hangs: its last attempt gets what is left until the *total*
//! deadline, and the error names the clock.
//!
//! ```text
//! cargo run -p secondwind-examples --bin timeout
//!
//! hangs once:   200 OK
//!   -=timeout@0ms+301ms;-=ok@303ms+0ms
//! hangs always: the attempt clock ran out after 95.8ms, at the request's deadline
//!   -=timeout@0ms+301ms;-=timeout@302ms+301ms;-=timeout@604ms+97ms
//! ```

use std::error::Error;
use std::time::Duration;

use http::Request;
use hyper_util::client::legacy::Client;
use hyper_util::rt::TokioExecutor;
use secondwind::{Class, Policy, RetryLayer, TimeoutLayer, Trail};
use secondwind_testkit::upstream::{Reply, Upstream};
use tokio::time::Instant;
use tower::{ServiceBuilder, ServiceExt};

const ATTEMPT: Duration = Duration::from_millis(300);
const TOTAL: Duration = Duration::from_millis(700);

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error>> {
    let upstream = Upstream::start().await;
    let policy = Policy::builder()
        .attempt_timeout(ATTEMPT)
        .total_timeout(TOTAL)
        .num_retries(9)
        .non_idempotent(true)
        .backoff(Duration::from_millis(1), 1.0, Duration::from_millis(1))
        .build()?;
    let service = ServiceBuilder::new()
        // Outside of the retries: one deadline for all of them.
        .layer(TimeoutLayer::total(policy.clone()).http())
        .layer(RetryLayer::http(policy.clone()))
        // Inside: a clock for each.
        .layer(TimeoutLayer::attempt(policy).http())
        .service(Client::builder(TokioExecutor::new()).retry_canceled_requests(false).build_http());
    let request = Request::post(format!("{}/chat/completions", upstream.base_url()))
        .body(r#"{"model": "gpt-4o-mini", "messages": []}"#.to_owned())?;

    upstream.then(Reply::hang());
    let answer = service.clone().oneshot(request.clone()).await?;
    let trail = answer.extensions().get::<Trail>().ok_or("answered at once")?;
    println!("hangs once:   {}\n  {trail}", answer.status());
    assert_eq!(answer.status(), 200);
    assert_eq!(trail.attempts()[0].class, Some(Class::Timeout));

    upstream.always(Reply::hang());
    let began = Instant::now();
    let Err(error) = service.oneshot(request).await else {
        return Err("an upstream that hangs has answered".into());
    };
    println!("hangs always: {error}\n  {}", error.trail());
    assert_eq!(error.class(), Some(Class::Timeout));
    assert!(error.flatten().elapsed().is_some());
    // No attempt outlives the deadline.
    assert!(began.elapsed() < TOTAL + ATTEMPT);
    Ok(())
}
