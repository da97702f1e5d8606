//! One call: the group it is in, the groups to come, and what came of the first.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context as TaskContext, Poll, ready};

use pin_project_lite::pin_project;
use tokio::time::Instant;
use tower_service::Service;
use tracing::Span;

use super::retarget::Retarget;
use super::service::Known;
use super::session::{Hops, Session};
use crate::classify::{Classify, Opinion, Verdict};
use crate::context::Context;
use crate::deadline::Deadline;
use crate::kind::Kind;
use crate::live::Live;
use crate::telemetry;
use crate::timer::{self, Timer};
use crate::trail::Name;

pin_project! {
    /// The future of [`Fallback`](super::Fallback).
    #[must_use = "futures do nothing unless polled"]
    pub struct ResponseFuture<S, Req, T, K, C>
    where
        S: Service<Req>,
        K: Kind<Req, S::Response>,
    {
        #[pin]
        state: State<S::Future>,
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
    live: Arc<Live<Known<T, K, C>, S>>,
    kept: Option<K::Kept>,
    session: Session,
    // In a box, since most calls have none.
    moved: Option<Box<Moved<S, Req>>>,
}

/// What a call needs once the group that was asked for has failed.
struct Moved<S: Service<Req>, Req> {
    hops: Hops,
    /// Takes the groups after the first.
    service: Option<S>,
    /// The request for the next group, while the service is being readied.
    unsent: Option<Req>,
    /// The outcome of the group that was asked for, and what it was judged to be.
    first: Option<(Outcome<S, Req>, Verdict)>,
    /// The deadline, at which the first outcome is returned.
    cut: Timer,
}

/// What a group comes to.
type Outcome<S, Req> = Result<<S as Service<Req>>::Response, <S as Service<Req>>::Error>;

// === impl ResponseFuture ===

impl<S, Req, T, K, C> ResponseFuture<S, Req, T, K, C>
where
    S: Service<Req>,
    K: Kind<Req, S::Response>,
{
    pub(super) const fn once(attempt: S::Future) -> Self {
        Self { state: State::Sending { attempt }, call: None }
    }

    #[inline]
    pub(super) fn begin(
        ready: &mut S,
        request: Req,
        live: Arc<Live<Known<T, K, C>, S>>,
        kept: Option<K::Kept>,
        session: Session,
    ) -> Self {
        let call = Call { live, kept, session, moved: None };
        // In place: futures within futures are large, and each move of one is a copy.
        Self {
            state: State::Sending {
                attempt: telemetry::within(call.session.span(), || ready.call(request)),
            },
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
                        let _entered = call.session.span().map(Span::enter);
                        attempt.poll(cx)
                    };
                    let Poll::Ready(mut outcome) = polled else {
                        ready!(call.poll_cut(cx));
                        return call.first().map_or(Poll::Pending, Poll::Ready);
                    };
                    let Some(verdict) = call.verdict_on(&outcome) else {
                        call.leave(&mut outcome);
                        return Poll::Ready(outcome);
                    };
                    match call.failed(outcome, verdict) {
                        Some(outcome) => return Poll::Ready(outcome),
                        None => this.state.set(State::Readying),
                    }
                }
                StateProjection::Readying => match call.poll_ready(cx) {
                    Poll::Ready(Ok(())) => match call.send() {
                        Some(attempt) => this.state.set(State::Sending { attempt }),
                        None => return call.first().map_or(Poll::Pending, Poll::Ready),
                    },
                    Poll::Ready(Err(error)) => {
                        return Poll::Ready(call.first().unwrap_or(Err(error)));
                    }
                    Poll::Pending => {
                        ready!(call.poll_cut(cx));
                        return call.first().map_or(Poll::Pending, Poll::Ready);
                    }
                },
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
    /// What is wrong with the outcome, if anything is.
    #[inline]
    fn verdict_on(&self, outcome: &Outcome<S, Req>) -> Option<Verdict> {
        match self.session.context().map(Context::opinion) {
            // The one closest to the server has said what it is.
            Some(opinion @ (Opinion::Success | Opinion::Failure(_))) => opinion.verdict(),
            Some(Opinion::None) | None => self.live.classify.classify(outcome.as_ref()).verdict(),
        }
    }

    /// The outcome to return; `None` where the request goes to another group.
    #[cold]
    fn failed(
        &mut self,
        mut outcome: Outcome<S, Req>,
        verdict: Verdict,
    ) -> Option<Outcome<S, Req>> {
        let next = self.next(&verdict);
        match (next, &mut self.moved) {
            (Some(request), Some(moved)) => {
                moved.unsent = Some(request);
                moved.first.get_or_insert((outcome, verdict));
                None
            }
            _ => self.first().or_else(|| {
                self.leave(&mut outcome);
                Some(outcome)
            }),
        }
    }

    /// The request for the next group, if there is one to go to.
    fn next(&mut self, verdict: &Verdict) -> Option<Req> {
        let Self { live, kept, session, moved } = self;
        let kept = kept.as_ref()?;
        let deadline = session.deadline();
        if deadline.is_some_and(|deadline| deadline.passed(Instant::now())) {
            return None;
        }
        let moved = match moved {
            Some(moved) => moved,
            None => {
                let request = live.kind.again(kept)?;
                let hops = Hops::from(Name::from(live.retarget.group(&request)), session);
                let cut = deadline.map(Deadline::instant).and_then(timer::at);
                let (service, unsent, first) = (None, None, None);
                moved.insert(Box::new(Moved { hops, service, unsent, first, cut }))
            }
        };
        let mut next = None;
        moved.hops.next(session, live.policies(), verdict, |group| {
            next = live.kind.again(kept);
            next.as_mut().is_some_and(|request| live.retarget.retarget(request, group))
        })?;
        next
    }

    /// Asks a service of its own whether it can take the request for the next group.
    fn poll_ready(&mut self, cx: &mut TaskContext<'_>) -> Poll<Result<(), S::Error>> {
        let Some(moved) = &mut self.moved else { return Poll::Pending };
        if moved.service.is_none() {
            moved.service = self.live.another();
        }
        moved.service.as_mut().map_or(Poll::Pending, |service| service.poll_ready(cx))
    }

    /// Sends the request for the next group by the ready service.
    fn send(&mut self) -> Option<S::Future> {
        let moved = self.moved.as_mut()?;
        let request = moved.unsent.take()?;
        let _entered = self.session.span().map(Span::enter);
        Some(moved.service.as_mut()?.call(request))
    }

    /// The outcome of the group that was asked for, once the request left it.
    fn first(&mut self) -> Option<Outcome<S, Req>> {
        let (mut outcome, verdict) = self.moved.as_mut()?.first.take()?;
        if let Some(context) = self.session.context() {
            context.judge(verdict);
        }
        self.leave(&mut outcome);
        Some(outcome)
    }

    fn leave(&self, outcome: &mut Outcome<S, Req>) {
        if let (Ok(response), Some(context)) = (outcome, self.session.made()) {
            self.live.kind.leave(response, context);
        }
    }

    fn poll_cut(&mut self, cx: &mut TaskContext<'_>) -> Poll<()> {
        match &mut self.moved {
            Some(moved) => timer::poll(&mut moved.cut, cx),
            None => Poll::Pending,
        }
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
