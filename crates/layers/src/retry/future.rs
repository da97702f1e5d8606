//! One call: the attempt in flight, the wait, the readiness, and what came of the attempts before.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context as TaskContext, Poll, ready};
use std::time::Duration;

use pin_project_lite::pin_project;
use secondwind_policy::{Class, Policy};
use tokio::time::{Instant, Sleep, sleep_until};
use tower_service::Service;
use tracing::{Span, debug};

use super::budget::Budget;
use super::counts::Counts;
use super::decide::{Next, Situation, allowed, decide, most_moves};
use super::service::Retry;
use crate::classify::{Classify, Opinion, Verdict};
use crate::context::{Alternatives, Context, MoveOn};
use crate::deadline::Deadline;
use crate::kind::{Entered, Kind};
use crate::telemetry;
use crate::trail::{Ended, Made, Stop};

pin_project! {
    /// The future of [`Retry`].
    #[project = Projection]
    #[must_use = "futures do nothing unless polled"]
    pub struct ResponseFuture<S, Req, K, C>
    where
        S: Service<Req>,
        K: Kind<Req, S::Response>,
    {
        #[pin]
        state: State<S::Future>,
        // One timer for all that is waited for: see `State` for what it means when.
        #[pin]
        timer: Option<Sleep>,
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
    retry: Retry<S, K, C>,
    /// The request, where it was not sent yet because this place has to be waited for.
    unsent: Option<Req>,
    kept: Option<K::Kept>,
    last: Option<Result<S::Response, S::Error>>,
    session: Session,
}

/// What is known of the call, whatever the types.
pub(super) struct Session {
    entered: Entered,
    policy: Arc<Policy>,
    own: Arc<Policy>,
    budget: Option<Budget>,
    deadline: Option<Deadline>,
    requested: Option<u32>,
    idempotent: bool,
    counts: Counts,
    repeated: bool,
    waited: Duration,
    made: Option<Made>,
    random: Option<fastrand::Rng>,
    token: Token,
    span: Span,
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
        Self {
            state: State::Sending { attempt },
            timer: None,
            call: None,
        }
    }

    /// The first attempt, by the ready service; unless this place has to be waited for.
    pub(super) fn begin(
        mut ready: Retry<S, K, C>,
        request: Req,
        mut session: Session,
        now: Instant,
    ) -> Self {
        let most = session.policy.retry().most(session.requested);
        let (request, kept) = if most > 0 {
            ready
                .shared()
                .kind
                .keep(request, session.policy.retry().max_replay_bytes())
        } else {
            (request, None)
        };
        let entry = session
            .context()
            .and_then(Context::take_not_before)
            .filter(|at| *at > now);
        if let Some(at) = entry {
            // Not held ready across the wait: what was reserved is given back, a clone waits.
            let retry = ready.clone();
            drop(ready);
            session.waited = at.saturating_duration_since(now);
            let call = Call {
                retry,
                unsent: Some(request),
                kept,
                last: None,
                session,
            };
            return Self {
                state: State::Waiting,
                timer: Some(sleep_until(at)),
                call: Some(call),
            };
        }
        session.begin_attempt(kept.is_some(), now);
        let attempt = session.span.in_scope(|| ready.get_mut().call(request));
        let call = Call {
            retry: ready,
            unsent: None,
            kept,
            last: None,
            session,
        };
        Self {
            state: State::Sending { attempt },
            timer: None,
            call: Some(call),
        }
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
                        let _entered = call.session.span.enter();
                        attempt.poll(cx)
                    };
                    let Poll::Ready(outcome) = polled else {
                        ready!(poll_timer(this.timer.as_mut(), cx));
                        // The deadline came: the last real failure says more than the clock.
                        return call.give_up(None);
                    };
                    match call.judge(outcome) {
                        Step::Return(outcome) => return Poll::Ready(outcome),
                        Step::Wait(until) => {
                            this.timer.set(Some(sleep_until(until)));
                            this.state.set(State::Waiting);
                        }
                        Step::Ready => call.start_readying(&mut this.timer, &mut this.state),
                    }
                }
                StateProjection::Waiting => {
                    ready!(poll_timer(this.timer.as_mut(), cx));
                    call.start_readying(&mut this.timer, &mut this.state);
                }
                StateProjection::Readying => {
                    match call.retry.get_mut().poll_ready(cx) {
                        Poll::Ready(Ok(())) => {}
                        Poll::Ready(Err(error)) => {
                            return Poll::Ready(call.last.take().unwrap_or(Err(error)));
                        }
                        Poll::Pending => {
                            ready!(poll_timer(this.timer.as_mut(), cx));
                            return call.give_up(Some(Stop::NotReady));
                        }
                    }
                    let Some(attempt) = call.send() else {
                        return call.give_up(Some(Stop::NotReplayable));
                    };
                    this.timer.set(call.cut_at().map(sleep_until));
                    this.state.set(State::Sending { attempt });
                }
            }
        }
    }
}

/// Ready when the timer is set and has run out.
fn poll_timer(timer: Pin<&mut Option<Sleep>>, cx: &mut TaskContext<'_>) -> Poll<()> {
    match timer.as_pin_mut() {
        Some(timer) => timer.poll(cx),
        None => Poll::Pending,
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
            Some(Opinion::None) | None => self.retry.shared().classify.classify(outcome.as_ref()),
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
        let (next, ended) = self.session.decide(
            &verdict,
            self.kept.is_some(),
            &self.retry.shared().budget,
            self.retry.shared().seed,
            now,
        );
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

    fn start_readying(
        &self,
        timer: &mut Pin<&mut Option<Sleep>>,
        state: &mut Pin<&mut State<S::Future>>,
    ) {
        timer.set(self.cut_at().map(sleep_until));
        state.set(State::Readying);
    }

    /// When to give up in favour of the outcome before; `None` where there is none.
    fn cut_at(&self) -> Option<Instant> {
        self.last.as_ref()?;
        self.session.deadline.map(Deadline::instant)
    }

    /// Sends the next attempt by the ready service.
    fn send(&mut self) -> Option<S::Future> {
        let request = match self.unsent.take() {
            Some(request) => request,
            None => self.retry.shared().kind.again(self.kept.as_ref()?)?,
        };
        self.session
            .begin_attempt(self.kept.is_some(), Instant::now());
        let Self { retry, session, .. } = self;
        Some(session.span.in_scope(|| retry.get_mut().call(request)))
    }

    /// Returns the outcome before: what was begun after it leads nowhere. There always is one, since
    /// the timer that leads here is set only then.
    fn give_up(&mut self, why: Option<Stop>) -> Poll<Result<S::Response, S::Error>> {
        match (why, self.session.context()) {
            (Some(why), _) => debug!(reason = why.name(), "the failure before stands"),
            (None, Some(context)) => {
                let cut = Verdict::new(Class::Timeout);
                context.end_attempt(Instant::now(), Some(&cut), Ended::Abandoned);
            }
            (None, None) => {}
        }
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
            self.retry.shared().kind.leave(response, context);
        }
    }
}

// === impl Session ===

impl Session {
    #[expect(
        clippy::too_many_arguments,
        reason = "the one place where a call's facts come together"
    )]
    pub(super) fn begin<Req, Res, K: Kind<Req, Res>>(
        kind: &K,
        request: &Req,
        entered: Entered,
        policy: Arc<Policy>,
        own: Arc<Policy>,
        budget: Option<Budget>,
        now: Instant,
    ) -> Self {
        let context = entered.context();
        let started = context.map_or(now, Context::started);
        // Where nobody set a deadline the policy's own total bounds the waits of this layer.
        let deadline = context
            .and_then(Context::deadline)
            .or_else(|| Deadline::after(started, policy.timeout().total()?));
        Self {
            requested: context.and_then(Context::num_retries),
            idempotent: kind.is_idempotent(request),
            entered,
            policy,
            own,
            budget,
            deadline,
            counts: Counts::default(),
            repeated: false,
            waited: Duration::ZERO,
            made: None,
            random: None,
            token: Token::default(),
            span: Span::none(),
            attempts: 0,
        }
    }

    fn context(&self) -> Option<&Context> {
        self.entered.context()
    }

    fn begin_attempt(&mut self, replayable: bool, now: Instant) {
        self.token.spend();
        self.attempts += 1;
        if let Some(context) = self.entered.context() {
            let timeouts = self.policy.retry().allowed(Class::Timeout, self.requested);
            let explicit = self.policy.retry().explicit(Class::Timeout).is_some();
            let again =
                replayable && explicit && context.counts().is_left(Class::Timeout, timeouts);
            context.set_again(again);
            let never = self.policy.retry().most(self.requested) == 0;
            context.begin_attempt(now, self.made.take(), self.waited, replayable || never);
        }
        self.span = telemetry::attempt_span(self.entered.context(), self.attempts, self.waited);
        self.waited = Duration::ZERO;
    }

    fn decide(
        &mut self,
        verdict: &Verdict,
        replayable: bool,
        own_budget: &super::service::OwnBudget,
        seed: Option<u64>,
        now: Instant,
    ) -> (Next, Ended) {
        let context = self.entered.context();
        let mut counts = context.map_or(self.counts, Context::counts);
        let random = self
            .random
            .get_or_insert_with(|| match seed.or_else(|| context.and_then(Context::seed)) {
                Some(seed) => fastrand::Rng::with_seed(seed),
                None => fastrand::Rng::new(),
            })
            .f64();
        let mut situation = Situation {
            verdict,
            policy: self.policy.retry(),
            requested: self.requested,
            counts: &counts,
            repeated: self.repeated,
            alternatives: context.map_or_else(Alternatives::default, Context::alternatives),
            replayable,
            idempotent: self.idempotent,
            budget: true,
            now,
            deadline: self.deadline,
            random,
        };
        let allowed = allowed(&situation);
        let mut next = decide(&situation);
        if matches!(next, Next::Again { .. } | Next::MoveOn { .. }) {
            let withdrawn = match &self.budget {
                Some(budget) => budget.withdraw(now).then(|| budget.clone()),
                None => own_budget.with(&self.own, now, |budget| {
                    budget.withdraw(now).then(|| budget.clone())
                }),
            };
            match withdrawn {
                Some(budget) => self.token = Token(Some((budget, now))),
                None => {
                    situation.budget = false;
                    next = decide(&situation);
                }
            }
        }
        self.repeated = next == Next::Repeat;
        let ended = match next {
            Next::Repeat => {
                self.made = Some(Made::Repeat);
                Ended::Again
            }
            Next::Again { wait } => {
                self.made = Some(Made::Retry);
                self.waited = wait;
                counts.spend(verdict.class, allowed);
                Ended::Again
            }
            Next::MoveOn { .. } => {
                // The sibling's attempt is made by another layer: the token is its to use.
                self.token.spend();
                if allowed > 0 {
                    counts.spend(verdict.class, allowed);
                } else {
                    counts.spend_any(most_moves(&situation));
                }
                Ended::MovedOn
            }
            Next::Stop(why) => Ended::Stopped(why),
        };
        self.counts = counts;
        (next, ended)
    }

    /// Tells those who want to know: the context, and the log.
    fn note(&self, verdict: &Verdict, next: Next, ended: Ended, now: Instant) {
        self.span.record("class", verdict.class.name());
        if let Some(context) = self.context() {
            context.set_counts(self.counts);
            context.judge(*verdict);
            context.end_attempt(now, Some(verdict), ended);
            if let Next::MoveOn { not_before } = next {
                context.give_way(MoveOn { not_before });
            }
        }
        telemetry::decided(&self.span, verdict, next);
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
        f.debug_struct("retry::ResponseFuture")
            .finish_non_exhaustive()
    }
}
