//! One call: the attempt in flight, the wait, the readiness, and what came of the attempts before.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context as TaskContext, Poll, ready};
use std::time::Duration;

use pin_project_lite::pin_project;
use secondwind_policy::{Class, Policy, RetryPolicy};
use tokio::time::Instant;
use tower_service::Service;
use tracing::Span;

use super::budget::Budget;
use super::counts::Counts;
use super::decide::{Next, Situation, allowed, decide, most_moves};
use super::service::Known;
use crate::classify::{Classify, Opinion, Verdict};
use crate::context::{Alternatives, Context, MoveOn, Timeouts};
use crate::deadline::Deadline;
use crate::kind::{Entered, Kind};
use crate::live::Live;
use crate::telemetry;
use crate::timer::{self, Timer};
use crate::trail::{Ended, Made, Stop};

pin_project! {
    /// The future of [`Retry`](super::Retry).
    #[project = Projection]
    #[must_use = "futures do nothing unless polled"]
    pub struct ResponseFuture<S, Req, K, C>
    where
        S: Service<Req>,
        K: Kind<Req, S::Response>,
    {
        #[pin]
        state: State<S::Future>,
        // One timer for all that is waited for: see `State` for what it means when. In a box, since it is
        // needed only after a failure.
        timer: Timer,
        // `None` where the policy retries nothing: then there is one attempt and no more.
        call: Option<Call<S, Req, K, C>>,
    }
}

pin_project! {
    #[project = StateProjection]
    enum State<F> {
        // The attempt is in flight. A timer, if set, cuts it off in favour of the outcome before it.
        Sending { #[pin] attempt: F },
        // The next attempt may start when the timer has run out.
        Waiting,
        // The service is asked whether it can take the next attempt. A timer, if set, gives up.
        Readying,
    }
}

struct Call<S, Req, K, C>
where
    S: Service<Req>,
    K: Kind<Req, S::Response>,
{
    /// Takes the attempts after the first.
    service: Option<S>,
    live: Arc<Live<Known<K, C>, S>>,
    /// The policy that the request or its context brought along in place of the layer's.
    other: Option<Arc<Policy>>,
    /// The request, where it was not sent yet because this place has to be waited for.
    unsent: Option<Req>,
    kept: Option<K::Kept>,
    last: Option<Result<S::Response, S::Error>>,
    session: Session,
}

/// What is known of the call, whatever the types. Small where nothing fails: it is moved with the future.
pub(super) struct Session {
    entered: Entered,
    started: Instant,
    idempotent: bool,
    waited: Duration,
    span: Option<Box<Span>>,
    /// What there is to remember once an attempt has failed.
    failed: Option<Box<Failed>>,
}

/// What there is to remember once an attempt has failed.
struct Failed {
    budget: Option<Budget>,
    deadline: Option<Deadline>,
    requested: Option<u32>,
    counts: Counts,
    repeated: bool,
    made: Option<Made>,
    random: fastrand::Rng,
    /// What the outcome that is held in case nothing better comes was judged to be.
    verdict: Verdict,
    token: Token,
    attempts: u32,
}

/// A token withdrawn for an attempt that has not begun; goes back if it never does.
#[derive(Default)]
struct Token(Option<(Budget, Instant)>);

// === impl ResponseFuture ===

impl<S, Req, K, C> ResponseFuture<S, Req, K, C>
where
    S: Service<Req> + Clone,
    K: Kind<Req, S::Response>,
    C: Classify<S::Response, S::Error>,
{
    /// One attempt and no more.
    pub(super) const fn once(attempt: S::Future) -> Self {
        Self { state: State::Sending { attempt }, timer: None, call: None }
    }

    /// The first attempt, by the ready service.
    #[inline]
    pub(super) fn begin(
        ready: &mut S,
        live: Arc<Live<Known<K, C>, S>>,
        other: Option<Arc<Policy>>,
        mut session: Session,
        request: Req,
        kept: Option<K::Kept>,
        now: Instant,
    ) -> Self {
        let policy = other.as_ref().unwrap_or_else(|| live.policy());
        session.begin_attempt(policy.retry(), kept.is_some(), now);
        let attempt = session.in_span(|| ready.call(request));
        let call = Call { service: None, live, other, unsent: None, kept, last: None, session };
        Self { state: State::Sending { attempt }, timer: None, call: Some(call) }
    }

    /// The first attempt once this place may be tried.
    pub(super) fn wait(
        live: Arc<Live<Known<K, C>, S>>,
        other: Option<Arc<Policy>>,
        mut session: Session,
        request: Req,
        kept: Option<K::Kept>,
        until: Instant,
        now: Instant,
    ) -> Self {
        session.waited = until.saturating_duration_since(now);
        let unsent = Some(request);
        let call = Call { service: None, live, other, unsent, kept, last: None, session };
        Self { state: State::Waiting, timer: timer::at(until), call: Some(call) }
    }
}

impl<S, Req, K, C> Future for ResponseFuture<S, Req, K, C>
where
    S: Service<Req> + Clone,
    K: Kind<Req, S::Response>,
    C: Classify<S::Response, S::Error>,
{
    type Output = Result<S::Response, S::Error>;

    fn poll(self: Pin<&mut Self>, cx: &mut TaskContext<'_>) -> Poll<Self::Output> {
        let mut this = self.project();
        let Some(call) = this.call else {
            return match this.state.project() {
                StateProjection::Sending { attempt } => attempt.poll(cx),
                // Without a call to carry on there is no other state.
                StateProjection::Waiting | StateProjection::Readying => Poll::Pending,
            };
        };
        loop {
            match this.state.as_mut().project() {
                StateProjection::Sending { attempt } => {
                    let polled = {
                        let _entered = call.session.span.as_ref().map(|span| span.enter());
                        attempt.poll(cx)
                    };
                    let Poll::Ready(outcome) = polled else {
                        ready!(timer::poll(this.timer, cx));
                        // The deadline came: the last real failure says more than the clock.
                        return call.give_up(None);
                    };
                    match call.judge(outcome) {
                        Step::Return(outcome) => return Poll::Ready(outcome),
                        Step::Wait(until) => {
                            *this.timer = timer::at(until);
                            this.state.set(State::Waiting);
                        }
                        Step::Ready => call.start_readying(this.timer, &mut this.state),
                    }
                }
                StateProjection::Waiting => {
                    ready!(timer::poll(this.timer, cx));
                    call.start_readying(this.timer, &mut this.state);
                }
                StateProjection::Readying => {
                    if call.service.is_none() {
                        call.service = call.live.another();
                    }
                    let Some(service) = &mut call.service else { return call.give_up(None) };
                    match service.poll_ready(cx) {
                        Poll::Ready(Ok(())) => {}
                        Poll::Ready(Err(error)) if call.last.is_none() => {
                            return Poll::Ready(Err(error));
                        }
                        Poll::Ready(Err(_)) => return call.give_up(Some(Stop::NotReady)),
                        Poll::Pending => {
                            ready!(timer::poll(this.timer, cx));
                            return call.give_up(Some(Stop::NotReady));
                        }
                    }
                    let Some(attempt) = call.send() else {
                        return call.give_up(Some(Stop::NotReplayable));
                    };
                    *this.timer = call.cut_at().and_then(timer::at);
                    this.state.set(State::Sending { attempt });
                }
            }
        }
    }
}

/// What the future does next.
enum Step<R> {
    Return(R),
    Wait(Instant),
    Ready,
}

// === impl Call ===

impl<S, Req, K, C> Call<S, Req, K, C>
where
    S: Service<Req> + Clone,
    K: Kind<Req, S::Response>,
    C: Classify<S::Response, S::Error>,
{
    /// Asks what the outcome means and what follows it.
    fn judge(
        &mut self,
        mut outcome: Result<S::Response, S::Error>,
    ) -> Step<Result<S::Response, S::Error>> {
        let opinion = match self.session.context().map(Context::opinion) {
            // The one closest to the server has said what it is.
            Some(opinion @ (Opinion::Success | Opinion::Failure(_))) => opinion,
            Some(Opinion::None) | None => self.live.classify.classify(outcome.as_ref()),
        };
        let verdict = match opinion {
            Opinion::Failure(verdict) => verdict,
            Opinion::Success | Opinion::None => {
                if let Some(context) = self.session.context() {
                    let ended = match outcome {
                        Ok(_) => Ended::Answered,
                        Err(_) => Ended::Stopped(Stop::NotRetried),
                    };
                    context.end_attempt(Instant::now(), None, ended);
                }
                self.leave(&mut outcome);
                return Step::Return(outcome);
            }
        };
        let now = Instant::now();
        let by_clock = verdict.class == Class::Timeout && verdict.status.is_none();
        if by_clock && self.cut_at().is_some_and(|at| at <= now) {
            // The deadline cut it off: the last real failure says more than the clock.
            if let Poll::Ready(before) = self.give_up(None) {
                return Step::Return(before);
            }
        }
        let Self { live, other, kept, session, .. } = self;
        let policy = other.as_ref().unwrap_or_else(|| live.policy());
        let own = (live.derived(), live.seed);
        let (next, ended) = session.decide(&verdict, policy, kept.is_some(), own, now);
        self.session.note(&verdict, next, ended, now);
        match next {
            Next::Stop(_) | Next::MoveOn { .. } => {
                self.leave(&mut outcome);
                Step::Return(outcome)
            }
            Next::Repeat => {
                self.last = Some(outcome);
                Step::Ready
            }
            Next::Again { wait } => {
                self.last = Some(outcome);
                match now.checked_add(wait) {
                    Some(until) if !wait.is_zero() => Step::Wait(until),
                    _ => Step::Ready,
                }
            }
        }
    }

    fn start_readying(&self, timer: &mut Timer, state: &mut Pin<&mut State<S::Future>>) {
        *timer = self.cut_at().and_then(timer::at);
        state.set(State::Readying);
    }

    /// When to give up in favour of the outcome before; `None` where there is none.
    fn cut_at(&self) -> Option<Instant> {
        self.last.as_ref()?;
        self.session.failed.as_ref()?.deadline.map(Deadline::instant)
    }

    /// Sends the next attempt by the ready service.
    fn send(&mut self) -> Option<S::Future> {
        let request = match self.unsent.take() {
            Some(request) => request,
            None => self.live.kind.again(self.kept.as_ref()?)?,
        };
        let Self { service, live, other, kept, session, .. } = self;
        let policy = other.as_ref().unwrap_or_else(|| live.policy()).retry();
        session.begin_attempt(policy, kept.is_some(), Instant::now());
        let service = service.as_mut()?;
        Some(session.in_span(|| service.call(request)))
    }

    /// Returns the outcome before: what was begun after it leads nowhere. There always is one, since
    /// the timer that leads here is set only then.
    fn give_up(&mut self, why: Option<Stop>) -> Poll<Result<S::Response, S::Error>> {
        if let (Some(context), Some(failed)) = (self.session.context(), &self.session.failed) {
            match why {
                Some(why) => context.stop_attempt(why),
                None => {
                    let cut = Verdict::new(Class::Timeout);
                    context.end_attempt(Instant::now(), Some(&cut), Ended::Abandoned);
                }
            }
            context.judge(failed.verdict);
        }
        self.session.in_span(|| telemetry::stands(why.unwrap_or(Stop::Deadline)));
        match self.last.take() {
            Some(mut outcome) => {
                self.leave(&mut outcome);
                Poll::Ready(outcome)
            }
            None => Poll::Pending,
        }
    }

    fn leave(&self, outcome: &mut Result<S::Response, S::Error>) {
        if let (Ok(response), Some(context)) = (outcome, self.session.entered.made()) {
            self.live.kind.leave(response, context);
        }
    }
}

// === impl Session ===

impl Session {
    #[inline]
    pub(super) fn begin(entered: Entered, idempotent: bool, now: Instant) -> Self {
        let started = entered.context().map_or(now, Context::started);
        let waited = Duration::ZERO;
        Self { entered, started, idempotent, waited, span: None, failed: None }
    }

    fn context(&self) -> Option<&Context> {
        self.entered.context()
    }

    fn in_span<T>(&self, act: impl FnOnce() -> T) -> T {
        match &self.span {
            Some(span) => span.in_scope(act),
            None => act(),
        }
    }

    #[inline]
    fn begin_attempt(&mut self, policy: &RetryPolicy, replayable: bool, now: Instant) {
        let waited = std::mem::take(&mut self.waited);
        let mut attempts = 1;
        let mut made = None;
        if let Some(failed) = &mut self.failed {
            failed.token.spend();
            failed.attempts += 1;
            attempts = failed.attempts;
            made = failed.made.take();
        }
        if let Some(context) = self.entered.context() {
            let requested = context.num_retries();
            let timeouts = Timeouts {
                allowed: policy.allowed(Class::Timeout, requested),
                explicit: policy.explicit(Class::Timeout).is_some(),
            };
            // Where nothing is retried nobody asked whether it could be.
            let could = replayable || policy.most(requested) == 0;
            context.begin_retried_attempt(now, made, waited, could, &timeouts);
        }
        self.span = telemetry::attempt_span(self.entered.context(), attempts, waited);
    }

    fn decide(
        &mut self,
        verdict: &Verdict,
        policy: &Policy,
        replayable: bool,
        (own_budget, seed): (&Budget, Option<u64>),
        now: Instant,
    ) -> (Next, Ended) {
        let Self { entered, started, idempotent, failed, .. } = self;
        let context = entered.context();
        let failed = failed.get_or_insert_with(|| {
            Box::new(Failed::first(*verdict, context, *started, policy, seed))
        });
        failed.verdict = *verdict;
        let mut counts = context.map_or(failed.counts, Context::counts);
        let mut situation = Situation {
            verdict,
            policy: policy.retry(),
            requested: failed.requested,
            counts: &counts,
            repeated: failed.repeated,
            alternatives: context.map_or_else(Alternatives::default, Context::alternatives),
            replayable,
            idempotent: *idempotent,
            budget: true,
            now,
            deadline: failed.deadline,
            random: failed.random.f64(),
        };
        let allowed = allowed(&situation);
        let mut next = decide(&situation);
        if matches!(next, Next::Again { .. } | Next::MoveOn { .. }) {
            let budget = failed.budget.as_ref().unwrap_or(own_budget);
            if budget.withdraw(now) {
                failed.token = Token(Some((budget.clone(), now)));
            } else {
                situation.budget = false;
                next = decide(&situation);
            }
        }
        failed.repeated = next == Next::Repeat;
        let ended = match next {
            Next::Repeat => {
                failed.made = Some(Made::Repeat);
                Ended::Again
            }
            Next::Again { wait } => {
                failed.made = Some(Made::Retry);
                self.waited = wait;
                counts.spend(verdict.class, allowed);
                Ended::Again
            }
            Next::MoveOn { .. } => {
                // The sibling's attempt is made by another layer: the token is its to use.
                failed.token.spend();
                if allowed > 0 {
                    counts.spend(verdict.class, allowed);
                } else {
                    counts.spend_any(most_moves(&situation));
                }
                Ended::MovedOn
            }
            Next::Stop(why) => Ended::Stopped(why),
        };
        failed.counts = counts;
        if let Some(context) = context {
            context.set_counts(counts);
        }
        (next, ended)
    }

    /// Tells those who want to know: the context, and the log.
    fn note(&self, verdict: &Verdict, next: Next, ended: Ended, now: Instant) {
        if let Some(context) = self.context() {
            context.judge(*verdict);
            context.end_attempt(now, Some(verdict), ended);
            if let Next::MoveOn { not_before } = next {
                context.give_way(MoveOn { not_before });
            }
        }
        telemetry::decided(self.span.as_deref(), verdict, next);
    }
}

// === impl Failed ===

impl Failed {
    fn first(
        verdict: Verdict,
        context: Option<&Context>,
        started: Instant,
        policy: &Policy,
        seed: Option<u64>,
    ) -> Self {
        // Where nobody set a deadline the policy's own total bounds the waits of this layer.
        let deadline = context
            .and_then(Context::deadline)
            .or_else(|| Deadline::after(started, policy.timeout().total()?));
        let seed = seed.or_else(|| context.and_then(Context::seed));
        Self {
            budget: context.and_then(Context::budget),
            deadline,
            requested: context.and_then(Context::num_retries),
            counts: Counts::default(),
            repeated: false,
            made: None,
            random: seed.map_or_else(fastrand::Rng::new, fastrand::Rng::with_seed),
            verdict,
            token: Token::default(),
            attempts: 1,
        }
    }
}

// === impl Token ===

impl Token {
    /// The attempt that it was withdrawn for begins.
    fn spend(&mut self) {
        self.0 = None;
    }
}

impl Drop for Token {
    fn drop(&mut self) {
        if let Some((budget, withdrawn)) = self.0.take() {
            budget.give_back(withdrawn, Instant::now());
        }
    }
}

impl<S, Req, K, C> fmt::Debug for ResponseFuture<S, Req, K, C>
where
    S: Service<Req>,
    K: Kind<Req, S::Response>,
{
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("retry::ResponseFuture").finish_non_exhaustive()
    }
}
