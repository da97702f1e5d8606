//! A group at work: which of its deployments gets a request, and which the next attempt.
//!
//! Retries run per deployment, each in its own stack. What happens between them is here: a layer that gives way
//! (`MoveOn`) comes back for the next deployment, an untried healthy one at once, else the one that may be
//! tried again the earliest, which then does the waiting on entry.

mod choose;
mod queue;
mod sieve;

pub(crate) use self::queue::Queue;

use std::collections::HashMap;
use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context as TaskContext, Poll, ready};

use http::Response;
use pin_project_lite::pin_project;
use secondwind_layers::classify::Verdict;
use secondwind_layers::retry::Budget;
use secondwind_layers::{Alternatives, Error, Name};
use secondwind_policy::Policy;
use tokio::time::Instant;
use tower_service::Service;

use self::choose::{Choice, Found};
use self::queue::Place;
use self::sieve::Sieve;
use crate::body::Body;
use crate::error::RouteError;
use crate::health::Ticket;
use crate::request::Request;
use crate::setup::Checks;
use crate::state::DeploymentState;
use crate::strategy::{Field, Strategy};
use crate::target::{Deployment, Target};
use crate::wild::has_star;

/// A group at work, with `S` for the layers of each deployment.
pub(crate) struct Group<S> {
    name: Name,
    policy: Arc<Policy>,
    members: Vec<Member<S>>,
    /// The members by id.
    places: HashMap<Name, usize>,
    field: Field,
    strategy: Arc<dyn Strategy>,
    checks: Checks,
    sieve: Sieve,
    queue: Arc<Queue>,
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
        // All deployments that could have the request have as many as they take.
        Queued { place: Place },
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

// === impl Group ===

impl<S> Group<S> {
    pub(crate) fn new(
        name: Name,
        policy: Arc<Policy>,
        members: Vec<Member<S>>,
        (strategy, checks): (Arc<dyn Strategy>, Checks),
        now: Instant,
    ) -> Self {
        let budget = Budget::of_policy(policy.retry().budget(), now);
        let targets = || members.iter().map(|member| &member.deployment.target);
        let shares: Vec<_> = targets().map(|target| (target.order, target.weight)).collect();
        let places =
            (0..).zip(targets()).map(|(place, target)| (target.id.clone(), place)).collect();
        let sieve = Sieve::new(checks, targets());
        let queue = Arc::new(Queue::new(policy.queue().max()));
        let field = Field::new(&shares);
        Self { name, policy, members, places, field, strategy, checks, sieve, queue, budget }
    }

    /// Its name.
    pub(crate) const fn name(&self) -> &Name {
        &self.name
    }

    /// Its policy.
    pub(crate) const fn policy(&self) -> &Arc<Policy> {
        &self.policy
    }

    /// What its deployments are and how they do at `now`.
    pub(crate) fn states(&self, now: Instant) -> impl Iterator<Item = DeploymentState> {
        self.members.iter().map(move |member| {
            let Deployment { target, health, .. } = &*member.deployment;
            DeploymentState::of(&self.name, target, health, now)
        })
    }

    /// The first deployment that can have what belongs to an account.
    pub(crate) fn account(&self) -> Option<&Name> {
        let has_one = |target: &&Target| {
            // An address that depends on a model's name is no one account's.
            !has_star(&target.api_base)
                && target.dialect.account_base(target.api_base.path()).is_some()
        };
        let mut targets = self.members.iter().map(|member| &member.deployment.target);
        targets.find(has_one).map(|target| &target.id)
    }

    /// The host of the deployment called `id`.
    pub(crate) fn host_of(&self, id: &str) -> Option<&str> {
        let member = self.members.get(*self.places.get(id)?)?;
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
        let (state, ticket) = match self.admit(&request, now) {
            Ok(()) => self.enter(&request, now),
            Err(error) => (Self::refused(&request, error), None),
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

    /// Accounts for the request: its first attempt in the group pays into the budget. That of an answer which is
    /// carried on is a further one where the group was asked before.
    fn admit(&self, request: &Request, now: Instant) -> Result<(), RouteError> {
        let context = request.context();
        if request.resume().is_none() || !context.trail().went_to(&self.name) {
            self.budget.deposit(now);
            return Ok(());
        }
        let retries = context.num_retries().unwrap_or(self.policy.retry().num_retries());
        if retries > 0 && self.budget.withdraw(now) {
            return Ok(());
        }
        Err(RouteError::spent(&self.name))
    }

    fn refused<F>(request: &Request, error: RouteError) -> State<S, F> {
        request.context().judge(error.verdict());
        State::Refused { error: Some(Error::from(error)) }
    }

    /// What a request does that comes to the group, or looks again whether there is room.
    fn enter<F>(&self, request: &Request, now: Instant) -> (State<S, F>, Option<Ticket>)
    where
        S: Clone,
    {
        let error = match self.first(request, now) {
            Found::Choice(choice) => {
                let state = self.go(&choice, request, &[], now);
                return (state, Some(choice.ticket));
            }
            Found::Full => match self.queue.join() {
                Some(place) => return (State::Queued { place }, None),
                None => RouteError::queue_full(&self.name),
            },
            Found::Refused(error) => error,
        };
        (Self::refused(request, error), None)
    }

    fn go<F>(
        &self,
        choice: &Choice,
        request: &Request,
        tried: &[Tried],
        now: Instant,
    ) -> State<S, F>
    where
        S: Clone,
    {
        let Choice { member, not_before, .. } = *choice;
        let context = request.context();
        let alternatives = Alternatives {
            untried: self.any_untried(member, tried, request, now),
            siblings: self.members.len() > 1 && request.call().place().is_none(),
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

impl<S: Service<Request>> GroupFuture<S> {
    /// `error`, without anybody being asked.
    pub(crate) fn unasked(request: Request, error: RouteError) -> Self {
        let state = Group::<S>::refused(&request, error);
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
                StateProjection::Queued { place } => {
                    ready!(place.poll_look(cx));
                    let Some(group) = this.group else { return Poll::Pending };
                    let now = Instant::now();
                    match group.first(this.request, now) {
                        Found::Full => {}
                        Found::Choice(choice) => {
                            let state = group.go(&choice, this.request, &[], now);
                            *this.ticket = Some(choice.ticket);
                            this.state.set(state);
                        }
                        Found::Refused(error) => {
                            this.state.set(Group::<S>::refused(this.request, error));
                        }
                    }
                }
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
                    let Some(choice) = group.next(this.tried, this.request, now) else {
                        return Poll::Ready(outcome);
                    };
                    *this.before = Some((outcome, context.verdict()));
                    let state = group.go(&choice, this.request, this.tried, now);
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
