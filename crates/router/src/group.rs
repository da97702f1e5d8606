//! A group at work: which of its deployments gets a request, and which the next attempt.
//!
//! Retries run per deployment, each in its own stack. What happens between them is here: a layer that gives way
//! (`MoveOn`) comes back for the next deployment, an untried healthy one at once, else the one that may be
//! tried again the earliest, which then does the waiting on entry.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context as TaskContext, Poll, ready};

use http::Response;
use pin_project_lite::pin_project;
use secondwind_layers::classify::Verdict;
use secondwind_layers::retry::Budget;
use secondwind_layers::{Alternatives, Context, Error, Name};
use secondwind_policy::{Policy, WhenAllOpen};
use tokio::time::Instant;
use tower_service::Service;

use crate::body::Body;
use crate::error::RouteError;
use crate::health::{self, Resting, Standing, Ticket};
use crate::request::Request;
use crate::strategy::{Candidate, Strategy};
use crate::target::Deployment;

/// A group at work, with `S` for the layers of each deployment.
pub(crate) struct Group<S> {
    name: Name,
    policy: Arc<Policy>,
    members: Vec<Member<S>>,
    strategy: Arc<dyn Strategy>,
    budget: Budget,
}

/// A deployment of a group.
pub(crate) struct Member<S> {
    pub(crate) deployment: Arc<Deployment>,
    pub(crate) stack: S,
}

pin_project! {
    /// The future of one request in one group.
    pub(crate) struct GroupFuture<S: Service<Request>> {
        // `None` where there is no such group.
        group: Option<Arc<Group<S>>>,
        request: Request,
        tried: Vec<Tried>,
        // What the deployment before came to, and what that was judged to be: told if the deadline cuts off the
        // one that is trying now.
        before: Option<(Outcome, Option<Verdict>)>,
        // The visit to the deployment at hand.
        ticket: Option<Ticket>,
        #[pin]
        state: State<S, S::Future>,
    }
}

pin_project! {
    #[project = StateProjection]
    enum State<S, F> {
        // No deployment is to be had.
        Refused { error: Option<Error<RouteError>> },
        // A deployment is asked whether it can take the request.
        Readying { member: usize, stack: S },
        // A deployment has the request.
        Calling { member: usize, #[pin] attempt: F },
    }
}

type Outcome = Result<Response<Body>, Error<RouteError>>;

/// A deployment that was tried for this request, and when it may be again.
#[derive(Clone, Copy, Debug)]
struct Tried {
    member: usize,
    not_before: Option<Instant>,
}

/// A deployment to go to.
struct Choice {
    member: usize,
    not_before: Option<Instant>,
    ticket: Ticket,
}

// === impl Group ===

impl<S> Group<S> {
    pub(crate) fn new(
        name: Name,
        policy: Arc<Policy>,
        members: Vec<Member<S>>,
        strategy: Arc<dyn Strategy>,
        now: Instant,
    ) -> Self {
        let budget = Budget::of_policy(policy.retry().budget(), now);
        Self { name, policy, members, strategy, budget }
    }

    /// Its name.
    pub(crate) const fn name(&self) -> &Name {
        &self.name
    }

    /// Its policy.
    pub(crate) const fn policy(&self) -> &Arc<Policy> {
        &self.policy
    }

    /// The host of the deployment called `id`.
    pub(crate) fn host_of(&self, id: &str) -> Option<&str> {
        let member = self.members.iter().find(|member| *member.deployment.target.id == *id)?;
        member.deployment.target.api_base.host()
    }

    pub(crate) fn call(self: &Arc<Self>, request: Request) -> GroupFuture<S>
    where
        S: Service<Request> + Clone,
    {
        let context = request.context();
        let now = Instant::now();
        // The policy is in each deployment's layers, with what is its own.
        context.enter_group(self.name.clone(), None, Some(self.budget.clone()));
        self.budget.deposit(now);
        let (state, ticket) = match self.first(context, now) {
            Ok(choice) => {
                let state = self.go(&choice, context, &[], now);
                (state, Some(choice.ticket))
            }
            Err(error) => {
                context.judge(error.verdict());
                (State::Refused { error: Some(Error::from(error)) }, None)
            }
        };
        GroupFuture {
            group: Some(Arc::clone(self)),
            request,
            tried: Vec::new(),
            before: None,
            ticket,
            state,
        }
    }

    /// The first deployment: by strategy among those that do not rest.
    fn first(&self, context: &Context, now: Instant) -> Result<Choice, RouteError> {
        if let Some(choice) = self.untried(&[], now) {
            return Ok(choice);
        }
        let fallback = context.alternatives().fallback;
        let mut earliest: Option<(usize, Resting)> = None;
        let mut for_rate_limit = true;
        for (member, at) in self.members.iter().enumerate() {
            let resting = match at.deployment.health.standing(now) {
                Standing::Resting(resting) => resting,
                // The probe will tell, soon enough for those who can go elsewhere.
                Standing::OnTrial if fallback => {
                    let soon = at.deployment.target.policy.breaker().cooldown_time();
                    Resting { until: now + soon, for_rate_limit: false }
                }
                // It is tried; but if not there, where else?
                Standing::Up | Standing::Trial | Standing::OnTrial => {
                    return self.anyway(member, None, now);
                }
            };
            for_rate_limit &= resting.for_rate_limit;
            if earliest.is_none_or(|(_, known)| resting.until < known.until) {
                earliest = Some((member, resting));
            }
        }
        let Some((member, Resting { until, .. })) = earliest else {
            return Err(RouteError::unknown_group(&self.name));
        };
        let wait = until.saturating_duration_since(now);
        let retry = self.policy.retry();
        if !fallback {
            if self.policy.breaker().when_all_open() == WhenAllOpen::LeastBad {
                return self.anyway(member, None, now);
            }
            let fits = wait <= retry.max_retry_after()
                && context.deadline().is_none_or(|deadline| wait < deadline.remaining(now));
            if fits && context.spend_retry(retry.num_retries()) {
                let not_before = Some(scattered(until, context, now));
                return self.anyway(member, not_before, now);
            }
        }
        Err(RouteError::all_resting(&self.name, wait, for_rate_limit))
    }

    /// The next deployment after one gave way.
    fn next(&self, tried: &[Tried], context: &Context, now: Instant) -> Option<Choice> {
        if let Some(choice) = self.untried(tried, now) {
            return Some(choice);
        }
        let fallback = context.alternatives().fallback;
        // A rest is waited for as long as a hint would be; a backoff as long as it says.
        let patience = now.checked_add(self.policy.retry().max_retry_after());
        let rested = |member: usize, at: Option<Instant>| {
            let rest = self.members.get(member)?.deployment.health.resting(now);
            // Nobody waits for the dead while another group can answer.
            if fallback && rest.is_some_and(|rest| !rest.for_rate_limit) {
                return None;
            }
            let rest = rest.map(|rest| rest.until);
            if rest.is_some_and(|until| patience.is_some_and(|patience| until > patience)) {
                return None;
            }
            Some((member, at.max(rest.map(|until| scattered(until, context, now)))?))
        };
        let again = tried.iter().filter_map(|tried| rested(tried.member, Some(tried.not_before?)));
        let untried = (0..self.members.len())
            .filter(|member| !tried.iter().any(|tried| tried.member == *member))
            .filter_map(|member| rested(member, None));
        let (member, at) = again.chain(untried).min_by_key(|(_, at)| *at)?;
        let wait = at.saturating_duration_since(now);
        let fits = context.deadline().is_none_or(|deadline| wait < deadline.remaining(now));
        if !fits {
            return None;
        }
        self.anyway(member, Some(at), now).ok()
    }

    /// A deployment to go to, whatever its health.
    fn anyway(
        &self,
        member: usize,
        not_before: Option<Instant>,
        now: Instant,
    ) -> Result<Choice, RouteError> {
        let Some(at) = self.members.get(member) else {
            return Err(RouteError::unknown_group(&self.name));
        };
        let ticket = health::enter_anyway(&at.deployment.health, now);
        Ok(Choice { member, not_before, ticket })
    }

    /// One that was not tried and does not rest, by strategy.
    fn untried(&self, tried: &[Tried], now: Instant) -> Option<Choice> {
        loop {
            let mut candidates = self.members.iter().enumerate().filter_map(|(index, member)| {
                let Deployment { target, health, .. } = &*member.deployment;
                let open = !tried.iter().any(|tried| tried.member == index) && health.is_open(now);
                open.then_some(Candidate { index, order: target.order, weight: target.weight })
            });
            let member = self.strategy.pick(&mut candidates, fastrand::f64())?;
            let health = &self.members.get(member)?.deployment.health;
            // Somebody else may have begun to probe it meanwhile: then it is none of the candidates any more.
            if let Some(ticket) = health::enter(health, now) {
                return Some(Choice { member, not_before: None, ticket });
            }
        }
    }

    fn go<F>(
        &self,
        choice: &Choice,
        context: &Context,
        tried: &[Tried],
        now: Instant,
    ) -> State<S, F>
    where
        S: Clone,
    {
        let Choice { member, not_before, .. } = *choice;
        let is_other = |index: usize| index != member;
        let open = |index: usize| {
            is_other(index)
                && !tried.iter().any(|tried| tried.member == index)
                && self.members[index].deployment.health.is_open(now)
        };
        let alternatives = Alternatives {
            untried: (0..self.members.len()).any(open),
            siblings: self.members.len() > 1,
            ..Alternatives::default()
        };
        let Some(to) = self.members.get(member) else {
            let error = RouteError::unknown_group(&self.name);
            return State::Refused { error: Some(Error::from(error)) };
        };
        context.enter_deployment(to.deployment.target.id.clone(), alternatives, not_before);
        State::Readying { member, stack: to.stack.clone() }
    }
}

/// A moment a little after `until`, by up to a tenth of the wait, but within the deadline: those who wait for
/// the same place do not all come back at once.
fn scattered(until: Instant, context: &Context, now: Instant) -> Instant {
    let later = until.saturating_duration_since(now).mul_f64(0.1 * fastrand::f64());
    let late = until.checked_add(later);
    let in_time = |at: &Instant| context.deadline().is_none_or(|deadline| !deadline.passed(*at));
    late.filter(in_time).unwrap_or(until)
}

impl<S: Service<Request>> GroupFuture<S> {
    /// The answer for a group that there is not.
    pub(crate) fn unknown(request: Request) -> Self {
        let error = RouteError::unknown_group(request.group());
        request.context().judge(error.verdict());
        let state = State::Refused { error: Some(Error::from(error)) };
        let (tried, before) = (Vec::new(), None);
        Self { group: None, request, tried, before, ticket: None, state }
    }
}

impl<S> Future for GroupFuture<S>
where
    S: Service<Request, Response = Response<Body>, Error = Error<RouteError>> + Clone,
{
    type Output = Result<Response<Body>, Error<RouteError>>;

    fn poll(self: Pin<&mut Self>, cx: &mut TaskContext<'_>) -> Poll<Self::Output> {
        let mut this = self.project();
        loop {
            match this.state.as_mut().project() {
                StateProjection::Refused { error } => match error.take() {
                    Some(error) => return Poll::Ready(Err(error)),
                    None => return Poll::Pending,
                },
                StateProjection::Readying { member, stack } => {
                    ready!(stack.poll_ready(cx))?;
                    let attempt = stack.call(this.request.clone());
                    let member = *member;
                    this.state.set(State::Calling { member, attempt });
                }
                StateProjection::Calling { member, attempt } => {
                    let mut outcome = ready!(attempt.poll(cx));
                    let ticket = this.ticket.take();
                    let context = this.request.context();
                    let now = Instant::now();
                    let Some(gave_way) = context.take_move_on() else {
                        let cut = context.deadline().is_some_and(|deadline| deadline.passed(now))
                            && matches!(&outcome, Err(error) if error.elapsed().is_some());
                        if let (true, Some((before, verdict))) = (cut, this.before.take()) {
                            if let Some(verdict) = verdict {
                                context.judge(verdict);
                            }
                            return Poll::Ready(before);
                        }
                        if let (Ok(answer), Some(ticket)) = (&mut outcome, ticket)
                            && answer.body().as_whole().is_none()
                        {
                            // The visit is over when the answer is.
                            answer.body_mut().hold(ticket);
                        }
                        return Poll::Ready(outcome);
                    };
                    drop(ticket);
                    let Some(group) = this.group else { return Poll::Ready(outcome) };
                    // A place that asked for more time than is waited is not come back to.
                    let longest = group.policy.retry().max_retry_after();
                    let hint = context.verdict().and_then(|verdict| verdict.hint);
                    let not_before =
                        gave_way.not_before.filter(|_| hint.is_none_or(|hint| hint <= longest));
                    let tried = Tried { member: *member, not_before };
                    this.tried.retain(|before| before.member != tried.member);
                    this.tried.push(tried);
                    let Some(choice) = group.next(this.tried, context, now) else {
                        return Poll::Ready(outcome);
                    };
                    *this.before = Some((outcome, context.verdict()));
                    let state = group.go(&choice, context, this.tried, now);
                    *this.ticket = Some(choice.ticket);
                    this.state.set(state);
                }
            }
        }
    }
}

impl<S> fmt::Debug for Group<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Group").field("name", &self.name).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests;
