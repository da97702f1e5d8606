//! One call: the group it is in, the groups to come, and what came of the first.

use std::collections::VecDeque;
use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context as TaskContext, Poll, ready};

use pin_project_lite::pin_project;
use secondwind_policy::Policy;
use tokio::time::{Instant, Sleep, sleep_until};
use tower_service::Service;
use tracing::Span;

use super::retarget::Retarget;
use super::service::Fallback;
use crate::classify::{Classify, Opinion, Verdict};
use crate::context::Context;
use crate::deadline::Deadline;
use crate::kind::{Entered, Kind};
use crate::telemetry;
use crate::trail::Name;

pin_project! {
    /// The future of [`Fallback`].
    #[project = Projection]
    #[must_use = "futures do nothing unless polled"]
    pub struct ResponseFuture<S, Req, T, K, C>
    where
        S: Service<Req>,
        K: Kind<Req, S::Response>,
    {
        #[pin]
        state: State<S::Future>,
        // Set once there is an outcome to fall back on: the deadline, at which that outcome is returned.
        #[pin]
        cut: Option<Sleep>,
        // `None` where the policy has no group to fall back to, and nobody to tell about it.
        call: Option<Call<S, Req, T, K, C>>,
    }
}

pin_project! {
    #[project = StateProjection]
    enum State<F> {
        // A group is trying.
        Sending { #[pin] attempt: F },
        // The service is asked whether it can take the request for the next group.
        Readying,
    }
}

struct Call<S, Req, T, K, C>
where
    S: Service<Req>,
    K: Kind<Req, S::Response>,
{
    fallback: Fallback<S, T, K, C>,
    kept: Option<K::Kept>,
    /// The request for the next group, while the service is being readied.
    unsent: Option<Req>,
    /// The outcome of the group that was asked for.
    first: Option<Result<S::Response, S::Error>>,
    session: Session,
}

/// What is known of the call, whatever the types.
pub(super) struct Session {
    policy: Arc<Policy>,
    entered: Entered,
    span: Span,
    hops: Option<Hops>,
}

/// Where the request has been, and where it may go: made when the first group fails.
struct Hops {
    tried: Vec<Name>,
    to_come: VecDeque<Name>,
    made: u32,
}

// === impl ResponseFuture ===

impl<S, Req, T, K, C> ResponseFuture<S, Req, T, K, C>
where
    S: Service<Req>,
    K: Kind<Req, S::Response>,
{
    pub(super) const fn once(attempt: S::Future) -> Self {
        Self {
            state: State::Sending { attempt },
            cut: None,
            call: None,
        }
    }

    pub(super) const fn begin(
        attempt: S::Future,
        fallback: Fallback<S, T, K, C>,
        kept: Option<K::Kept>,
        session: Session,
    ) -> Self {
        let call = Call {
            fallback,
            kept,
            unsent: None,
            first: None,
            session,
        };
        Self {
            state: State::Sending { attempt },
            cut: None,
            call: Some(call),
        }
    }
}

impl<S, Req, T, K, C> Future for ResponseFuture<S, Req, T, K, C>
where
    S: Service<Req> + Clone,
    T: Retarget<Req>,
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
                StateProjection::Readying => Poll::Pending,
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
                        ready!(poll_cut(this.cut.as_mut(), cx));
                        return call.first_outcome();
                    };
                    if let Some(outcome) = call.judge(outcome) {
                        return Poll::Ready(outcome);
                    }
                    this.cut.set(call.cut_at().map(sleep_until));
                    this.state.set(State::Readying);
                }
                StateProjection::Readying => {
                    match call.fallback.get_mut().poll_ready(cx) {
                        Poll::Ready(Ok(())) => {}
                        Poll::Ready(Err(error)) => {
                            return Poll::Ready(call.first.take().unwrap_or(Err(error)));
                        }
                        Poll::Pending => {
                            ready!(poll_cut(this.cut.as_mut(), cx));
                            return call.first_outcome();
                        }
                    }
                    let Some(request) = call.unsent.take() else {
                        return call.first_outcome();
                    };
                    let Call {
                        fallback, session, ..
                    } = &mut *call;
                    let attempt = session.in_span(|| fallback.get_mut().call(request));
                    this.state.set(State::Sending { attempt });
                }
            }
        }
    }
}

/// Ready when the timer is set and has run out.
fn poll_cut(timer: Pin<&mut Option<Sleep>>, cx: &mut TaskContext<'_>) -> Poll<()> {
    match timer.as_pin_mut() {
        Some(timer) => timer.poll(cx),
        None => Poll::Pending,
    }
}

// === impl Call ===

impl<S, Req, T, K, C> Call<S, Req, T, K, C>
where
    S: Service<Req> + Clone,
    T: Retarget<Req>,
    K: Kind<Req, S::Response>,
    C: Classify<S::Response, S::Error>,
{
    /// The outcome to return; `None` where the request goes to another group.
    fn judge(
        &mut self,
        mut outcome: Result<S::Response, S::Error>,
    ) -> Option<Result<S::Response, S::Error>> {
        let opinion = match self.session.context().map(Context::opinion) {
            // The one closest to the server has said what it is.
            Some(opinion @ (Opinion::Success | Opinion::Failure(_))) => opinion,
            Some(Opinion::None) | None => {
                self.fallback.shared().classify.classify(outcome.as_ref())
            }
        };
        let Some(verdict) = opinion.verdict() else {
            self.leave(&mut outcome);
            return Some(outcome);
        };
        if let Some(request) = self.next(&verdict) {
            self.first.get_or_insert(outcome);
            self.unsent = Some(request);
            return None;
        }
        let mut outcome = self.first.take().unwrap_or(outcome);
        self.leave(&mut outcome);
        Some(outcome)
    }

    /// The request for the next group, if there is one to go to.
    fn next(&mut self, verdict: &Verdict) -> Option<Req> {
        let Self {
            fallback,
            kept,
            session,
            ..
        } = self;
        let shared = fallback.shared();
        let kept = kept.as_ref()?;
        let now = Instant::now();
        if session
            .deadline()
            .is_some_and(|deadline| deadline.passed(now))
        {
            return None;
        }
        let hops = session.hops.get_or_insert_with(|| {
            let request = shared.kind.again(kept);
            let asked = request.map(|request| Name::from(shared.retarget.group(&request)));
            Hops {
                tried: Vec::from_iter(asked),
                to_come: VecDeque::new(),
                made: 0,
            }
        });
        let from = hops.tried.last()?.clone();
        // The lists of a group that was fallen back to follow those of the groups before it.
        let policy = match hops.made {
            0 => Arc::clone(&session.policy),
            _ => shared.policy.load_group(&from),
        };
        if !policy.fallback().allows(verdict.class) {
            return None;
        }
        hops.add(policy.fallback().list_for(verdict.class));
        if hops.made >= session.policy.fallback().max() {
            return None;
        }
        while let Some(group) = hops.to_come.pop_front() {
            hops.tried.push(Name::clone(&group));
            let mut request = shared.kind.again(kept)?;
            if !shared.retarget.retarget(&mut request, &group) {
                continue;
            }
            hops.made += 1;
            telemetry::falling_back(&from, &group, verdict);
            if let Some(context) = session.entered.context() {
                let policy = shared.policy.own(&group);
                // Another group may yet follow this one: from the list at hand, or its own.
                let more = hops.made < session.policy.fallback().max()
                    && (!hops.to_come.is_empty()
                        || policy.as_ref().is_some_and(|policy| hops.leads_on(policy)));
                context.enter_group(group, policy, None);
                context.set_fallback_left(more);
                context.judge(Opinion::None);
            }
            return Some(request);
        }
        None
    }

    /// When to give up in favour of the first outcome.
    fn cut_at(&self) -> Option<Instant> {
        self.first.as_ref()?;
        self.session.deadline().map(Deadline::instant)
    }

    /// Returns the first outcome. There is one, since only a failure leads here.
    fn first_outcome(&mut self) -> Poll<Result<S::Response, S::Error>> {
        match self.first.take() {
            Some(mut outcome) => {
                self.leave(&mut outcome);
                Poll::Ready(outcome)
            }
            None => Poll::Pending,
        }
    }

    fn leave(&self, outcome: &mut Result<S::Response, S::Error>) {
        if let (Ok(response), Some(context)) = (outcome, self.session.entered.made()) {
            self.fallback.shared().kind.leave(response, context);
        }
    }
}

// === impl Session ===

impl Session {
    pub(super) fn begin(policy: Arc<Policy>, entered: Entered) -> Self {
        let span = telemetry::request_span(entered.made());
        Self {
            policy,
            entered,
            span,
            hops: None,
        }
    }

    pub(super) fn in_span<T>(&self, act: impl FnOnce() -> T) -> T {
        self.span.in_scope(act)
    }

    fn context(&self) -> Option<&Context> {
        self.entered.context()
    }

    fn deadline(&self) -> Option<Deadline> {
        self.context().and_then(Context::deadline)
    }
}

// === impl Hops ===

impl Hops {
    fn add(&mut self, groups: &[String]) {
        for group in groups {
            if !self.knows(group) {
                self.to_come.push_back(Name::from(group.as_str()));
            }
        }
    }

    /// Whether `policy` names a group that is not known yet.
    fn leads_on(&self, policy: &Policy) -> bool {
        policy
            .fallback()
            .to()
            .iter()
            .any(|group| !self.knows(group))
    }

    fn knows(&self, group: &str) -> bool {
        self.tried
            .iter()
            .chain(&self.to_come)
            .any(|known| **known == *group)
    }
}

impl<S, Req, T, K, C> fmt::Debug for ResponseFuture<S, Req, T, K, C>
where
    S: Service<Req>,
    K: Kind<Req, S::Response>,
{
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("fallback::ResponseFuture")
            .finish_non_exhaustive()
    }
}
