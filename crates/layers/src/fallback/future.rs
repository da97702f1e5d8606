//! One call: the group it is in, the groups to come, and what came of the first.

use std::collections::VecDeque;
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

use super::retarget::Retarget;
use super::service::Known;
use crate::classify::{Classify, Opinion, Verdict};
use crate::context::Context;
use crate::deadline::Deadline;
use crate::kind::{Entered, Kind};
use crate::live::Live;
use crate::telemetry;
use crate::timer::{self, Timer};
use crate::trail::Name;

pin_project! {
    /// The future of [`Fallback`](super::Fallback).
    #[project = Projection]
    #[must_use = "futures do nothing unless polled"]
    pub struct ResponseFuture<S, Req, T, K, C>
    where
        S: Service<Req>,
        K: Kind<Req, S::Response>,
    {
        #[pin]
        state: State<S::Future>,
        // Set once there is an outcome to fall back on: the deadline, at which that outcome is returned. In a
        // box, since it is needed only after a failure.
        cut: Timer,
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
    /// Takes the groups after the first.
    service: Option<S>,
    live: Arc<Live<Known<T, K, C>, S>>,
    kept: Option<K::Kept>,
    /// The request for the next group, while the service is being readied.
    unsent: Option<Req>,
    /// The outcome of the group that was asked for, and what it was judged to be.
    first: Option<First<S::Response, S::Error>>,
    session: Session,
}

type First<Res, E> = Box<(Result<Res, E>, Verdict)>;

/// What is known of the call, whatever the types.
pub(super) struct Session {
    /// The policy that the request brought along in place of the layer's.
    other: Option<Arc<Policy>>,
    entered: Entered,
    span: Option<Box<Span>>,
    hops: Option<Box<Hops>>,
}

/// Where the request has been, and where it may go: made when the first group fails.
struct Hops {
    /// The group that was asked for, then all that were considered.
    tried: Vec<Name>,
    /// The group that the request is in.
    at: Name,
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
        Self { state: State::Sending { attempt }, cut: None, call: None }
    }

    pub(super) const fn begin(
        attempt: S::Future,
        live: Arc<Live<Known<T, K, C>, S>>,
        kept: Option<K::Kept>,
        session: Session,
    ) -> Self {
        let call = Call { service: None, live, kept, unsent: None, first: None, session };
        Self { state: State::Sending { attempt }, cut: None, call: Some(call) }
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
                        let _entered = call.session.span.as_ref().map(|span| span.enter());
                        attempt.poll(cx)
                    };
                    let Poll::Ready(outcome) = polled else {
                        ready!(timer::poll(this.cut, cx));
                        return call.first_outcome();
                    };
                    if let Some(outcome) = call.judge(outcome) {
                        return Poll::Ready(outcome);
                    }
                    *this.cut = call.cut_at().and_then(timer::at);
                    this.state.set(State::Readying);
                }
                StateProjection::Readying => {
                    if call.service.is_none() {
                        call.service = call.live.another();
                    }
                    let Some(service) = &mut call.service else { return call.first_outcome() };
                    match service.poll_ready(cx) {
                        Poll::Ready(Ok(())) => {}
                        Poll::Ready(Err(error)) => {
                            return Poll::Ready(call.first().unwrap_or(Err(error)));
                        }
                        Poll::Pending => {
                            ready!(timer::poll(this.cut, cx));
                            return call.first_outcome();
                        }
                    }
                    let Some(request) = call.unsent.take() else {
                        return call.first_outcome();
                    };
                    let attempt = call.session.in_span(|| service.call(request));
                    this.state.set(State::Sending { attempt });
                }
            }
        }
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
            Some(Opinion::None) | None => self.live.classify.classify(outcome.as_ref()),
        };
        let Some(verdict) = opinion.verdict() else {
            self.leave(&mut outcome);
            return Some(outcome);
        };
        if let Some(request) = self.next(&verdict) {
            self.first.get_or_insert_with(|| Box::new((outcome, verdict)));
            self.unsent = Some(request);
            return None;
        }
        if self.first.is_none() {
            self.leave(&mut outcome);
            return Some(outcome);
        }
        self.first()
    }

    /// The request for the next group, if there is one to go to.
    fn next(&mut self, verdict: &Verdict) -> Option<Req> {
        let Self { live, kept, session, .. } = self;
        let kept = kept.as_ref()?;
        let now = Instant::now();
        if session.deadline().is_some_and(|deadline| deadline.passed(now)) {
            return None;
        }
        if session.hops.is_none() {
            let request = live.kind.again(kept)?;
            session.hops = Some(Box::new(Hops::from(Name::from(live.retarget.group(&request)))));
        }
        let Session { other, entered, hops, .. } = session;
        let hops = hops.as_mut()?;
        let policies = live.policies();
        let policy_of =
            |group: &str| other.as_ref().unwrap_or_else(|| policies.group(group)).fallback();
        let asked = policy_of(hops.tried.first()?);
        // What a group names for itself follows what those before it named.
        let named = policy_of(&hops.at).list_for(verdict.class);
        if !asked.allows(verdict.class) && named.is_empty() {
            return None;
        }
        hops.add(named);
        if hops.made >= asked.max() {
            return None;
        }
        while let Some(group) = hops.to_come.pop_front() {
            hops.tried.push(Name::clone(&group));
            let mut request = live.kind.again(kept)?;
            if !live.retarget.retarget(&mut request, &group) {
                continue;
            }
            telemetry::falling_back(&hops.at, &group, verdict);
            hops.made += 1;
            hops.at = Name::clone(&group);
            if let Some(context) = entered.context() {
                // Another group may yet follow this one: from the lists at hand, or its own.
                let after_timeout = policy_of(&group).list_for(Class::Timeout);
                let more =
                    !hops.to_come.is_empty() || after_timeout.iter().any(|to| !hops.knows(to));
                let own = policies.own(&group).cloned();
                context.enter_group(group, own, None);
                context.set_fallback_left(more && hops.made < asked.max());
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
        self.first().map_or(Poll::Pending, Poll::Ready)
    }

    fn first(&mut self) -> Option<Result<S::Response, S::Error>> {
        let (mut outcome, verdict) = *self.first.take()?;
        if let Some(context) = self.session.context() {
            context.judge(verdict);
        }
        self.leave(&mut outcome);
        Some(outcome)
    }

    fn leave(&self, outcome: &mut Result<S::Response, S::Error>) {
        if let (Ok(response), Some(context)) = (outcome, self.session.entered.made()) {
            self.live.kind.leave(response, context);
        }
    }
}

// === impl Session ===

impl Session {
    pub(super) fn begin(other: Option<Arc<Policy>>, entered: Entered) -> Self {
        let span = telemetry::request_span(entered.made());
        Self { other, entered, span, hops: None }
    }

    pub(super) fn in_span<T>(&self, act: impl FnOnce() -> T) -> T {
        match &self.span {
            Some(span) => span.in_scope(act),
            None => act(),
        }
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
    fn from(asked: Name) -> Self {
        Self { tried: vec![asked.clone()], at: asked, to_come: VecDeque::new(), made: 0 }
    }

    fn add(&mut self, groups: &[String]) {
        for group in groups {
            if !self.knows(group) {
                self.to_come.push_back(Name::from(group.as_str()));
            }
        }
    }

    fn knows(&self, group: &str) -> bool {
        self.tried.iter().chain(&self.to_come).any(|known| **known == *group)
    }
}

impl<S, Req, T, K, C> fmt::Debug for ResponseFuture<S, Req, T, K, C>
where
    S: Service<Req>,
    K: Kind<Req, S::Response>,
{
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("fallback::ResponseFuture").finish_non_exhaustive()
    }
}
