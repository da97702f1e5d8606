//! What the layers cost where nothing fails, beside tower's own.
//!
//! `cargo bench -p secondwind-layers --bench stack` prints nanoseconds per call, each the median of
//! rounds in which the stacks take turns, so that a slow moment of the machine hits all of them.

use std::future::{Ready, poll_fn, ready};
use std::hint::black_box;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;
use std::{future::Future, io};

use secondwind_layers::fallback::retarget_fn;
use secondwind_layers::{FallbackLayer, PolicyHandle, RetryLayer, TimeoutLayer};
use secondwind_policy::Policy;
use tokio::time::Instant;
use tower::retry::budget::{Budget, TpsBudget};
use tower::{BoxError, Service, ServiceBuilder};

const CALLS: u64 = 20_000;
const ROUNDS: usize = 101;

/// A request whose clone costs next to nothing.
#[derive(Clone, Copy)]
struct Ask(u64);

/// Answers at once.
#[derive(Clone, Copy)]
struct Trivial;

/// Answers when it is asked the second time.
#[derive(Clone, Copy)]
struct PendingOnce;

struct Second {
    asked: bool,
    answer: u64,
}

/// Two retries on a budget, as tower's documentation has it.
#[derive(Clone)]
struct Twice {
    budget: Arc<TpsBudget>,
    left: u32,
}

fn main() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build();
    let runtime = runtime.expect("a runtime");
    println!("{:<44} {:>9} {:>13}", "ns per call, median of rounds", "trivial", "pending once");
    let (trivial, pending) = runtime.block_on(tokio::task::unconstrained(async {
        (measure(Trivial).await, measure(PendingOnce).await)
    }));
    for ((name, trivial), (_, pending)) in trivial.into_iter().zip(pending) {
        println!("{name:<44} {trivial:>9.1} {pending:>13.1}");
    }
}

async fn measure<S>(inner: S) -> Vec<(&'static str, f64)>
where
    S: Service<Ask, Response = u64, Error = io::Error> + Copy,
{
    let seconds = Duration::from_secs;
    let policy = Policy::builder()
        .num_retries(2)
        .attempt_timeout(seconds(30))
        .total_timeout(seconds(60))
        .fallbacks(["other"]);
    let policy = PolicyHandle::from(policy.build().expect("a policy"));

    let mut bare = inner;
    let mut tower = ServiceBuilder::new()
        .timeout(seconds(60))
        .retry(Twice { budget: Arc::default(), left: 2 })
        .timeout(seconds(30))
        .service(inner);
    let mut three = ServiceBuilder::new()
        .layer(TimeoutLayer::total(policy.clone()))
        .layer(RetryLayer::new(policy.clone()))
        .layer(TimeoutLayer::attempt(policy.clone()))
        .service(inner);
    let mut four = ServiceBuilder::new()
        .layer(TimeoutLayer::total(policy.clone()))
        .layer(FallbackLayer::new(policy.clone(), retarget_fn(|_: &Ask| "asked", |_, _| ())))
        .layer(RetryLayer::new(policy.clone()))
        .layer(TimeoutLayer::attempt(policy.clone()))
        .service(inner);

    let names = [
        "bare service",
        "tower: Timeout, Retry (TpsBudget), Timeout",
        "ours:  Total, Retry, Attempt",
        "ours:  Total, Fallback, Retry, Attempt",
    ];
    let mut rounds = [const { Vec::new() }; 4];
    for _ in 0..ROUNDS {
        rounds[0].push(round(&mut bare).await);
        rounds[1].push(round(&mut tower).await);
        rounds[2].push(round(&mut three).await);
        rounds[3].push(round(&mut four).await);
    }
    names.into_iter().zip(rounds.map(median)).collect()
}

/// Nanoseconds per call.
async fn round<S>(service: &mut S) -> f64
where
    S: Service<Ask, Response = u64>,
{
    let began = Instant::now();
    for n in 0..CALLS {
        let ready = poll_fn(|cx| service.poll_ready(cx)).await;
        black_box(ready.is_ok());
        let mut call = pin!(service.call(black_box(Ask(n))));
        // Asked again at once: what the runtime does between two polls is not ours.
        poll_fn(|cx| {
            while call.as_mut().poll(cx).map(|answer| black_box(answer.is_ok())).is_pending() {}
            Poll::Ready(())
        })
        .await;
    }
    began.elapsed().as_nanos() as f64 / CALLS as f64
}

fn median(mut figures: Vec<f64>) -> f64 {
    figures.sort_by(f64::total_cmp);
    figures[figures.len() / 2]
}

impl Service<Ask> for Trivial {
    type Response = u64;
    type Error = io::Error;
    type Future = Ready<io::Result<u64>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, Ask(n): Ask) -> Self::Future {
        ready(Ok(n))
    }
}

impl Service<Ask> for PendingOnce {
    type Response = u64;
    type Error = io::Error;
    type Future = Second;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, Ask(answer): Ask) -> Second {
        Second { asked: false, answer }
    }
}

impl Future for Second {
    type Output = io::Result<u64>;

    fn poll(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<u64>> {
        if std::mem::replace(&mut self.asked, true) {
            return Poll::Ready(Ok(self.answer));
        }
        Poll::Pending
    }
}

impl tower::retry::Policy<Ask, u64, BoxError> for Twice {
    type Future = Ready<()>;

    fn retry(&mut self, _: &mut Ask, outcome: &mut Result<u64, BoxError>) -> Option<Ready<()>> {
        if outcome.is_ok() {
            self.budget.deposit();
            return None;
        }
        if self.left == 0 || !self.budget.withdraw() {
            return None;
        }
        self.left -= 1;
        Some(ready(()))
    }

    fn clone_request(&mut self, ask: &Ask) -> Option<Ask> {
        Some(*ask)
    }
}
