//! Your own code, told of every attempt and every request.
//!
//! You see an observer that writes down what it is told, beside one that is broken: the requests notice neither. The
//! first attempt meets a deployment that is overloaded, the second is answered.
//!
//! ```text
//! cargo run -p secondwind-examples --bin observer
//!
//! q-1: attempt 1 at large/a=service_unavailable@0ms+1ms failed
//! q-1: attempt 2 succeeded
//! q-1: answered, 1 retry needed
//! the broken one panicked 1 time; nobody noticed
//! ```

use std::error::Error;
use std::sync::{Arc, mpsc};
use std::time::Duration;

use bytes::Bytes;
use http::HeaderMap;
use secondwind::llm::dialect::{Endpoint, OpenAiChat};
use secondwind::llm::peek::peek;
use secondwind::observe::{AttemptEnded, Observer, Observers, RequestEnded};
use secondwind::router::strategy::SimpleShuffle;
use secondwind::router::{Call, Checks, GroupSetup, Request, Router, Setup, Target};
use secondwind::{Context, Policy};
use secondwind_testkit::upstream::{Reply, Upstream};
use tokio::time::Instant;
use tower::ServiceExt;

/// Writes down what it is told, and says when a request is over.
struct RetryLogger(mpsc::SyncSender<()>);

impl Observer for RetryLogger {
    fn attempt_succeeded(&self, event: &AttemptEnded) {
        println!("{}: attempt {} succeeded", event.id.as_deref().unwrap_or("-"), event.number);
    }

    fn attempt_failed(&self, event: &AttemptEnded) {
        let AttemptEnded { id, number, attempt, .. } = event;
        println!("{}: attempt {number} at {attempt} failed", id.as_deref().unwrap_or("-"));
    }

    fn request_succeeded(&self, event: &RequestEnded) {
        let id = event.id.as_deref().unwrap_or("-");
        println!("{id}: answered, {} retry needed", event.trail.retries());
        let _ = self.0.send(());
    }
}

/// Has a mistake in it.
struct Broken;

impl Observer for Broken {
    fn request_succeeded(&self, _: &RequestEnded) {
        panic!("this is not the request's problem");
    }
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error>> {
    std::panic::set_hook(Box::new(|_| ()));
    let a = Upstream::start().await;
    a.then(Reply::overloaded().header("retry-after-ms", "1"));
    let policy = Policy::builder().backoff(Duration::ZERO, 1.0, Duration::ZERO).build()?;
    let target = Target::new("a", &OpenAiChat, "model-of-a", a.base_url().parse()?);
    let targets = vec![Target { policy: policy.into(), ..target }];
    let groups = vec![GroupSetup {
        name: "large".to_owned(),
        policy: Arc::default(),
        targets,
        listed: true,
    }];
    let (aliases, strategy) = (Vec::new(), Arc::new(SimpleShuffle));
    let setup = Setup { groups, aliases, strategy, checks: Checks::default() };

    let (over, is_over) = mpsc::sync_channel(1);
    let observers = Observers::new([Arc::new(RetryLogger(over)) as _, Arc::new(Broken) as _])?;
    let router = Router::new(setup)?.observed_by(Arc::new(observers.clone()));

    let body = Bytes::from(r#"{"model": "large", "messages": []}"#);
    let peeked = peek(&body)?;
    let call = Call::new(&OpenAiChat, Endpoint::ChatCompletions, HeaderMap::new(), body, peeked);
    let context = Context::new(Instant::now());
    context.set_id("q-1".into());
    let answer = router.oneshot(Request::new(call, "large".into(), context)).await?;
    assert_eq!(answer.status(), 200);
    is_over.recv()?;
    while observers.panicked() == 0 {
        std::thread::yield_now();
    }
    println!("the broken one panicked {} time; nobody noticed", observers.panicked());
    Ok(())
}
