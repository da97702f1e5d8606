//! Tells a deployment's health what its attempts came to.
//!
//! It sits outside the clock of the attempt, so that it sees when that runs out, and inside the retries, so that
//! the same request's next attempt already knows. What an answer means was said by whoever judged it; here it is
//! only passed on. An answer that is still on its way is told at its end.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context as TaskContext, Poll, ready};
use std::time::SystemTime;

use http::{HeaderMap, Response};
use pin_project_lite::pin_project;
use secondwind_layers::classify::{Opinion, Verdict};
use secondwind_layers::timeout::Bound;
use secondwind_layers::{Context, Error};
use secondwind_llm::rate_limit::rate_limit_reset;
use secondwind_llm::tokens::total_tokens;
use secondwind_policy::{Class, Harm};
use tokio::time::Instant;
use tower_service::Service;

use crate::body::Body;
use crate::error::RouteError;
use crate::health::Health;
use crate::load::Usage;
use crate::passed::Passed;
use crate::request::Request;
use crate::target::Deployment;

/// Watches the attempts that go to one deployment.
#[derive(Clone)]
pub(crate) struct Watch<S> {
    deployment: Arc<Deployment>,
    wall_clock: fn() -> SystemTime,
    inner: S,
}

pin_project! {
    /// The future of [`Watch`].
    pub(crate) struct WatchFuture<F> {
        #[pin]
        inner: F,
        wall_clock: fn() -> SystemTime,
        watched: Option<Watched>,
    }
}

/// An attempt that is under way.
pub(crate) struct Watched {
    deployment: Arc<Deployment>,
    context: Context,
    began: Instant,
    /// What is passed through, where it is that.
    passed: Option<Arc<Passed>>,
    /// How many tokens the request was taken for.
    estimate: u64,
    /// Whether its answer has begun.
    answered: bool,
    /// How many the answer says there were.
    tokens: Option<u64>,
}

// === impl Watch ===

impl<S> Watch<S> {
    pub(crate) const fn new(
        deployment: Arc<Deployment>,
        wall_clock: fn() -> SystemTime,
        inner: S,
    ) -> Self {
        Self { deployment, wall_clock, inner }
    }
}

impl<S> Service<Request> for Watch<S>
where
    S: Service<Request, Response = Response<Body>, Error = Error<RouteError>>,
{
    type Response = Response<Body>;
    type Error = Error<RouteError>;
    type Future = WatchFuture<S::Future>;

    fn poll_ready(&mut self, cx: &mut TaskContext<'_>) -> Poll<Result<(), Self::Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, request: Request) -> Self::Future {
        if request.call().place().is_some() {
            // How files fare says nothing of the models.
            let (inner, wall_clock) = (self.inner.call(request), self.wall_clock);
            return WatchFuture { inner, wall_clock, watched: None };
        }
        let watched = Watched {
            deployment: Arc::clone(&self.deployment),
            context: request.context().clone(),
            began: Instant::now(),
            passed: request.call().passed.clone(),
            estimate: request.known_tokens(),
            answered: false,
            tokens: None,
        };
        let (inner, wall_clock) = (self.inner.call(request), self.wall_clock);
        WatchFuture { inner, wall_clock, watched: Some(watched) }
    }
}

impl<F> Future for WatchFuture<F>
where
    F: Future<Output = Result<Response<Body>, Error<RouteError>>>,
{
    type Output = F::Output;

    fn poll(self: Pin<&mut Self>, cx: &mut TaskContext<'_>) -> Poll<F::Output> {
        let this = self.project();
        let mut outcome = ready!(this.inner.poll(cx));
        let Some(mut watched) = this.watched.take() else { return Poll::Ready(outcome) };
        if let Err(Some(elapsed)) = outcome.as_ref().map_err(Error::elapsed) {
            // A short deadline of the caller's says nothing of the deployment.
            let by_caller = watched.passed.as_ref().is_some_and(|passed| passed.awaits_caller());
            if elapsed.bound() == Bound::Configured && !by_caller {
                watched.failed(Verdict::new(Class::Timeout));
            } else {
                // But that it is not faster.
                let now = Instant::now();
                let took = now.saturating_duration_since(watched.began);
                watched.deployment.health.load().took_at_least(took, now);
            }
            return Poll::Ready(outcome);
        }
        match (watched.context.opinion(), &mut outcome) {
            (Opinion::Failure(verdict), _) => watched.failed(verdict),
            (Opinion::Success, Ok(answer)) => match answer.body().as_whole() {
                None => {
                    watched.answered();
                    watched.heeds(answer.headers(), *this.wall_clock);
                    answer.body_mut().watch(watched);
                }
                Some(whole) => {
                    watched.saw(whole);
                    watched.ended(Ok(()));
                    watched.heeds(answer.headers(), *this.wall_clock);
                }
            },
            (Opinion::Success, Err(_)) => {}
            (Opinion::None, _) => {}
        }
        Poll::Ready(outcome)
    }
}

impl<S> fmt::Debug for Watch<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Watch")
            .field("deployment", &self.deployment.target.id)
            .finish_non_exhaustive()
    }
}

// === impl Watched ===

impl Watched {
    /// The attempt failed.
    fn failed(&self, verdict: Verdict) {
        let fallback = self.context.alternatives().fallback;
        if self.note(&verdict) && fallback && verdict.class.facts().harm == Harm::Counts {
            // Nobody waits for the dead while another group can answer.
            self.context.judge(verdict.with_should_retry(false));
        }
    }

    /// Notes a failure; gives whether the deployment rests from now on since it failed too often.
    fn note(&self, verdict: &Verdict) -> bool {
        let Deployment { target, health, peers, .. } = &*self.deployment;
        let fallback = self.context.alternatives().fallback;
        let now = Instant::now();
        if Health::blames(verdict) {
            health.load().failed(now);
        }
        let times = (self.began, now);
        self.telling_of_rests(verdict.class, now, || {
            peers.failed(health, verdict, target.policy.breaker(), fallback, times)
        })
    }

    /// Does what may have the deployment rest, and tells those who observe if it does from now on.
    fn telling_of_rests<T>(&self, class: Class, now: Instant, act: impl FnOnce() -> T) -> T {
        let health = &self.deployment.health;
        let rested = health.resting(now).is_some();
        let done = act();
        if !rested && health.resting(now).is_some() {
            self.context.rested(class);
        }
        done
    }

    /// A limit that this answer used up is waited for before anybody is refused.
    fn heeds(&self, headers: &HeaderMap, wall_clock: fn() -> SystemTime) {
        let Deployment { target, health, peers, .. } = &*self.deployment;
        let reset = rate_limit_reset(headers, wall_clock()).filter(|wait| !wait.is_zero());
        if let (Some(wait), true) = (reset, target.policy.breaker().enabled()) {
            let fallback = self.context.alternatives().fallback;
            let now = Instant::now();
            self.telling_of_rests(Class::RateLimit, now, || {
                peers.spent(health, fallback, now, wait);
            });
        }
    }

    /// The answer has begun.
    fn answered(&mut self) {
        let now = Instant::now();
        self.deployment.health.answered(self.began, now);
        self.answered = true;
        self.took(now);
    }

    /// A part of the answer came by: it may say how many tokens it took.
    pub(crate) fn saw(&mut self, part: &[u8]) {
        self.tokens = total_tokens(part).or(self.tokens);
    }

    /// The answer says how many tokens it took.
    pub(crate) const fn counted(&mut self, tokens: u64) {
        self.tokens = Some(tokens);
    }

    fn took(&self, now: Instant) {
        let took = now.saturating_duration_since(self.began);
        self.deployment.health.load().answered(took, now);
    }

    /// The estimate was counted when the deployment was picked.
    fn used(&self, tokens: u64, now: Instant) {
        let tokens = tokens.saturating_sub(self.estimate);
        self.deployment.health.load().used(Usage { requests: 0, tokens }, now);
    }

    /// The answer is over, whole or broken.
    pub(crate) fn ended(&self, ended: Result<(), Verdict>) {
        match ended {
            Ok(()) => {
                let now = Instant::now();
                self.deployment.health.succeeded(self.began, now);
                if !self.answered {
                    self.took(now);
                }
                if let Some(tokens) = self.tokens {
                    self.used(tokens, now);
                }
            }
            Err(verdict) => _ = self.note(&verdict),
        }
    }
}
