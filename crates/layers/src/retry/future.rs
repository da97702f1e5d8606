//! One call: the attempt in flight, the wait, the readiness, and what came of the attempts before.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context as TaskContext, Poll, ready};

use pin_project_lite::pin_project;
use secondwind_policy::{Class, Policy};
use tokio::time::Instant;
use tower_service::Service;
use tracing::Span;

use super::decide::Next;
use super::service::Known;
use super::session::{Progress, Session};
use crate::classify::{Classify, Opinion, Verdict};
use crate::clock;
use crate::context::Context;
use crate::deadline::Deadline;
use crate::kind::Kind;
use crate::live::Live;
use crate::telemetry;
use crate::timer::{self, Timer};
use crate::trail::{Ended, Stop};

pin_project! {
    /// The future of [`Retry`](super::Retry).
    #[must_use = "futures do nothing unless polled"]
    pub struct ResponseFuture<S, Req, K, C>
    where
        S: Service<Req>,
        K: Kind<Req, S::Response>,
    {
        #[pin]
        state: State<S::Future>,
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
    live: Arc<Live<Known<K, C>, S>>,
    /// The policy that the request or its context brought along in place of the layer's.
    other: Option<Arc<Policy>>,
    kept: Option<K::Kept>,
    session: Session,
    // In a box, since most calls have none: it would make every future larger, and there are layers over
    // layers of them.
    trouble: Option<Box<Trouble<S, Req>>>,
}

/// What a call needs once something failed, or has to be waited for.
struct Trouble<S: Service<Req>, Req> {
    /// Takes the attempts after the first.
    service: Option<S>,
    /// The request, where it was not sent yet because this place has to be waited for.
    unsent: Option<Req>,
    /// The failure before.
    last: Option<(Outcome<S, Req>, Verdict)>,
    /// One timer for all that is waited for: see [`State`] for what it means when.
    timer: Timer,
    progress: Progress,
}

/// What an attempt comes to.
type Outcome<S, Req> = Result<<S as Service<Req>>::Response, <S as Service<Req>>::Error>;

/// What the future does next.
enum Step<R> {
    Return(R),
    Wait(Instant),
    Ready,
}

// === impl ResponseFuture ===

impl<S, Req, K, C> ResponseFuture<S, Req, K, C>
where
    S: Service<Req> + Clone,
    K: Kind<Req, S::Response>,
    C: Classify<S::Response, S::Error>,
{
    /// One attempt and no more.
    pub(super) const fn once(attempt: S::Future) -> Self {
        Self { state: State::Sending { attempt }, call: None }
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
        session.begin_attempt(None, policy.retry(), kept.is_some(), now);
        let call = Call { live, other, kept, session, trouble: None };
        // In place: futures within futures are large, and each move of one is a copy.
        Self {
            state: State::Sending {
                attempt: telemetry::within(call.session.span(), || ready.call(request)),
            },
            call: Some(call),
        }
    }

    /// The first attempt once this place may be tried.
    pub(super) fn wait(
        live: Arc<Live<Known<K, C>, S>>,
        other: Option<Arc<Policy>>,
        session: Session,
        request: Req,
        kept: Option<K::Kept>,
        until: Instant,
        now: Instant,
    ) -> Self {
        let trouble = Trouble {
            unsent: Some(request),
            timer: timer::at(until),
            progress: Progress::waiting(until.saturating_duration_since(now)),
            ..Trouble::default()
        };
        let call = Call { live, other, kept, session, trouble: Some(Box::new(trouble)) };
        Self { state: State::Waiting, call: Some(call) }
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
                        let _entered = call.session.span().map(Span::enter);
                        attempt.poll(cx)
                    };
                    let Poll::Ready(mut outcome) = polled else {
                        ready!(call.poll_timer(cx));
                        // The deadline came: the failure before says more than the clock.
                        return call.give_up(None).map_or(Poll::Pending, Poll::Ready);
                    };
                    let verdict = match call.opinion_of(&outcome) {
                        Opinion::Failure(verdict) => verdict,
                        Opinion::Success | Opinion::None => {
                            call.passed(&mut outcome);
                            return Poll::Ready(outcome);
                        }
                    };
                    match call.failed(outcome, verdict) {
                        Step::Return(outcome) => return Poll::Ready(outcome),
                        Step::Wait(until) => {
                            call.set_timer(Some(until));
                            this.state.set(State::Waiting);
                        }
                        Step::Ready => {
                            call.set_timer(call.cut_at());
                            this.state.set(State::Readying);
                        }
                    }
                }
                StateProjection::Waiting => {
                    ready!(call.poll_timer(cx));
                    call.set_timer(call.cut_at());
                    this.state.set(State::Readying);
                }
                StateProjection::Readying => {
                    let attempt = match call.poll_ready(cx) {
                        Poll::Ready(Ok(())) => call.send().ok_or(Stop::NotReplayable),
                        Poll::Ready(Err(error)) => {
                            let before = call.give_up(Some(Stop::NotReady));
                            return Poll::Ready(before.unwrap_or(Err(error)));
                        }
                        Poll::Pending => {
                            ready!(call.poll_timer(cx));
                            Err(Stop::NotReady)
                        }
                    };
                    match attempt {
                        Ok(attempt) => {
                            call.set_timer(call.cut_at());
                            this.state.set(State::Sending { attempt });
                        }
                        Err(why) => {
                            return call.give_up(Some(why)).map_or(Poll::Pending, Poll::Ready);
                        }
                    }
                }
            }
        }
    }
}

// === impl Call ===

impl<S, Req, K, C> Call<S, Req, K, C>
where
    S: Service<Req> + Clone,
    K: Kind<Req, S::Response>,
    C: Classify<S::Response, S::Error>,
{
    /// What the outcome means.
    #[inline]
    fn opinion_of(&self, outcome: &Outcome<S, Req>) -> Opinion {
        match self.session.context().map(Context::opinion) {
            // The one closest to the server has said what it is.
            Some(opinion @ (Opinion::Success | Opinion::Failure(_))) => opinion,
            Some(Opinion::None) | None => self.live.classify.classify(outcome.as_ref()),
        }
    }

    /// The outcome is no failure, and stands.
    #[inline]
    fn passed(&self, outcome: &mut Outcome<S, Req>) {
        if let Some(context) = self.session.context() {
            let ended = match outcome {
                Ok(_) => Ended::Answered,
                Err(_) => Ended::Stopped(Stop::NotRetried),
            };
            context.end_attempt(Instant::now(), None, ended);
        }
        self.leave(outcome);
    }

    /// What follows a failure.
    #[cold]
    fn failed(&mut self, mut outcome: Outcome<S, Req>, verdict: Verdict) -> Step<Outcome<S, Req>> {
        let now = Instant::now();
        let by_clock = verdict.class == Class::Timeout && verdict.status.is_none();
        if by_clock && self.cut_at().is_some_and(|at| at <= now) {
            // The deadline cut it off: the failure before says more than the clock.
            if let Some(before) = self.give_up(None) {
                return Step::Return(before);
            }
        }
        let Self { live, other, kept, session, trouble } = self;
        let policy = other.as_ref().unwrap_or_else(|| live.policy());
        let own = (live.derived(), live.seed);
        let trouble = trouble.get_or_insert_default();
        let is_kept = kept.as_ref().is_some_and(|kept| live.kind.is_kept(kept));
        let next = trouble.progress.decide(session, &verdict, policy, is_kept, own, now);
        match next {
            Next::Stop(_) | Next::MoveOn { .. } => {
                self.leave(&mut outcome);
                Step::Return(outcome)
            }
            Next::Repeat => {
                trouble.last = Some((outcome, verdict));
                Step::Ready
            }
            Next::Again { wait } => {
                trouble.last = Some((outcome, verdict));
                match now.checked_add(wait) {
                    Some(until) if !wait.is_zero() => Step::Wait(until),
                    _ => Step::Ready,
                }
            }
        }
    }

    /// Asks a service of its own whether it can take the next attempt.
    fn poll_ready(&mut self, cx: &mut TaskContext<'_>) -> Poll<Result<(), S::Error>> {
        let trouble = self.trouble.get_or_insert_default();
        if trouble.service.is_none() {
            trouble.service = self.live.another();
        }
        trouble.service.as_mut().map_or(Poll::Pending, |service| service.poll_ready(cx))
    }

    /// Sends the next attempt by the ready service.
    fn send(&mut self) -> Option<S::Future> {
        let Self { live, other, kept, session, trouble } = self;
        let Trouble { service, unsent, progress, .. } = &mut **trouble.as_mut()?;
        let request = match unsent.take() {
            Some(request) => request,
            None => live.kind.again(kept.as_ref()?)?,
        };
        let policy = other.as_ref().unwrap_or_else(|| live.policy()).retry();
        let now = Instant::now();
        session.begin_attempt(Some(progress), policy, kept.is_some(), now);
        let _entered = session.span().map(Span::enter);
        let service = service.as_mut()?;
        Some(clock::call_at(Some(now), || service.call(request)))
    }

    /// When to give up in favour of the failure before; `None` where there is none.
    fn cut_at(&self) -> Option<Instant> {
        self.trouble.as_ref()?.last.as_ref()?;
        let policy = self.other.as_ref().unwrap_or_else(|| self.live.policy());
        self.session.deadline(policy).map(Deadline::instant)
    }

    /// The failure before, if there is one: what was begun after it leads nowhere. Without a reason, because
    /// the deadline came while it was under way.
    fn give_up(&mut self, why: Option<Stop>) -> Option<Outcome<S, Req>> {
        let (mut outcome, verdict) = self.trouble.as_mut()?.last.take()?;
        if let Some(context) = self.session.context() {
            match why {
                Some(why) => context.stop_attempt(why),
                None => {
                    let cut = Verdict::new(Class::Timeout);
                    context.end_attempt(Instant::now(), Some(&cut), Ended::Abandoned);
                }
            }
            context.judge(verdict);
        }
        telemetry::stands(self.session.span(), why.unwrap_or(Stop::Deadline));
        self.leave(&mut outcome);
        Some(outcome)
    }

    fn leave(&self, outcome: &mut Outcome<S, Req>) {
        if let (Ok(response), Some(context)) = (outcome, self.session.made()) {
            self.live.kind.leave(response, context);
        }
    }

    fn set_timer(&mut self, at: Option<Instant>) {
        if let Some(trouble) = &mut self.trouble {
            trouble.timer = at.and_then(timer::at);
        }
    }

    fn poll_timer(&mut self, cx: &mut TaskContext<'_>) -> Poll<()> {
        match &mut self.trouble {
            Some(trouble) => timer::poll(&mut trouble.timer, cx),
            None => Poll::Pending,
        }
    }
}

impl<S: Service<Req>, Req> Default for Trouble<S, Req> {
    fn default() -> Self {
        Self { service: None, unsent: None, last: None, timer: None, progress: Progress::default() }
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
