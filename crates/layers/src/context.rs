//! What travels with a request: its deadline, its counts, its trail, and what the layers tell each other.
//!
//! A context is shared by everybody who holds a clone of it. The first layer that finds none makes one,
//! where its [`Kind`](crate::Kind) can carry one; layers that carry none work each on its own.
//!
//! Layers above an attempt tell those below where it goes, whether there is anywhere else to go
//! ([`Alternatives`]) and whose policy and budget hold; the attempt tells those above what it found
//! ([`judge`](Context::judge)) and whether it gives way to a sibling ([`MoveOn`]).

mod observed;

use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use secondwind_policy::{Class, FallbackPolicy, Policy};
use tokio::time::Instant;

use self::observed::Observed;
use crate::classify::{Opinion, Verdict};
use crate::deadline::Deadline;
use crate::retry::{Budget, Counts};
use crate::trail::{Attempt, Ended, Made, Name, Stop, Trail};

/// What travels with a request. Cheap to clone: all clones are the same context.
#[derive(Clone)]
pub struct Context(Arc<Inner>);

struct Inner {
    started: Instant,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    deadline: Option<Deadline>,
    policy: Option<Arc<Policy>>,
    num_retries: Option<u32>,
    fallback: Option<Arc<FallbackPolicy>>,
    seed: Option<u64>,
    budget: Option<Budget>,
    group: Option<Name>,
    deployment: Option<Name>,
    alternatives: Alternatives,
    counts: Counts,
    not_before: Option<Instant>,
    opinion: Opinion,
    move_on: Option<MoveOn>,
    made: Option<Made>,
    /// Whether no retry is left, should the attempt at hand time out.
    last_if_timeout: bool,
    trail: Trail,
    id: Option<Name>,
    /// Whether the attempt at hand was answered, and its outcome is told at the end of the answer's body.
    flowing: bool,
    observed: Option<Box<Observed>>,
}

/// What the clock of an attempt wants to know.
#[derive(Default)]
pub(crate) struct Bounds {
    pub(crate) policy: Option<Arc<Policy>>,
    pub(crate) deadline: Option<Deadline>,
    /// Whether anything could follow, should the attempt time out.
    pub(crate) more_to_come: bool,
}

/// How many retries there are after timeouts.
pub(crate) struct Timeouts {
    pub(crate) allowed: u32,
    /// Whether that count was set in so many words.
    pub(crate) explicit: bool,
}

/// Where else a request could go if the attempt at hand fails.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct Alternatives {
    /// A deployment of the same group that is healthy and was not tried for this request.
    pub untried: bool,
    /// Any other deployment of the same group.
    pub siblings: bool,
    /// Another group, should this one time out.
    pub fallback: bool,
    /// Another attempt in the same place, should this one time out.
    pub again: bool,
}

/// A retry layer gives way: the failure is worth another attempt, but rather in another place.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct MoveOn {
    /// When this place may be tried again for this request; `None`: not for this request.
    pub not_before: Option<Instant>,
}

// === impl Context ===

impl Context {
    /// The context of a request that arrived at `now`.
    #[must_use]
    pub fn new(now: Instant) -> Self {
        Self(Arc::new(Inner { started: now, state: Mutex::default() }))
    }

    /// When the request arrived.
    #[must_use]
    pub fn started(&self) -> Instant {
        self.0.started
    }

    /// The moment by which the request must have its answer.
    #[must_use]
    pub fn deadline(&self) -> Option<Deadline> {
        self.state().deadline
    }

    /// Brings the deadline forward to `deadline`; a later one changes nothing. Gives the one that holds.
    pub fn shorten_deadline(&self, deadline: Deadline) -> Deadline {
        let mut state = self.state();
        let holds = state.deadline.map_or(deadline, |earlier| earlier.min(deadline));
        state.deadline = Some(holds);
        holds
    }

    /// The policy that holds for the request at the moment, where it is not the layers' own.
    #[must_use]
    pub fn policy(&self) -> Option<Arc<Policy>> {
        self.state().policy.clone()
    }

    /// Lays down the policy for the attempts that follow; `None` gives it back to the layers.
    pub fn set_policy(&self, policy: Option<Arc<Policy>>) {
        self.state().policy = policy;
    }

    /// The number of retries that the request itself asked for.
    #[must_use]
    pub fn num_retries(&self) -> Option<u32> {
        self.state().num_retries
    }

    /// Sets the number of retries that the request itself asks for: 0 means one attempt in each group.
    pub fn set_num_retries(&self, num_retries: Option<u32>) {
        self.state().num_retries = num_retries;
    }

    /// Where the request itself wants to go once a group is spent, whatever the policies of the groups say.
    #[must_use]
    pub fn fallback(&self) -> Option<Arc<FallbackPolicy>> {
        self.state().fallback.clone()
    }

    /// Sets where the request itself wants to go once a group is spent, in the place of what the policies of
    /// all groups say; `None` gives it back to them. To be set before the request is sent.
    pub fn set_fallback(&self, fallback: Option<Arc<FallbackPolicy>>) {
        self.state().fallback = fallback;
    }

    /// Whether the request is in `group`, and [its own fallbacks](Self::fallback).
    pub(crate) fn asks_for(&self, group: &str) -> (bool, Option<Arc<FallbackPolicy>>) {
        let state = self.state();
        let within = state.group.as_ref().is_some_and(|entered| **entered == *group);
        (within, state.fallback.clone())
    }

    /// Seeds the random numbers of this request's waits, so that they can be repeated.
    pub fn set_seed(&self, seed: u64) {
        self.state().seed = Some(seed);
    }

    pub(crate) fn seed(&self) -> Option<u64> {
        self.state().seed
    }

    /// The group that the request is in.
    #[must_use]
    pub fn group(&self) -> Option<Name> {
        self.state().group.clone()
    }

    /// The deployment that the attempt at hand goes to.
    #[must_use]
    pub fn deployment(&self) -> Option<Name> {
        self.state().deployment.clone()
    }

    /// Brings the request into `group`, with counts of its own. `budget` is what the further attempts
    /// in this group draw on; with `None` each retry layer uses its own.
    pub fn enter_group(&self, group: Name, policy: Option<Arc<Policy>>, budget: Option<Budget>) {
        let mut state = self.state();
        if state.group.as_ref().is_some_and(|before| *before != group) {
            state.made = state.made.filter(|made| *made == Made::Recovery).or(Some(Made::Fallback));
        }
        state.group = Some(group);
        state.deployment = None;
        state.policy = policy;
        state.budget = budget;
        state.counts = Counts::default();
        state.not_before = None;
        state.opinion = Opinion::None;
        state.move_on = None;
        state.alternatives =
            Alternatives { fallback: state.alternatives.fallback, ..Alternatives::default() };
    }

    /// Sends the next attempt to `deployment`, not before `not_before`.
    pub fn enter_deployment(
        &self,
        deployment: Name,
        siblings: Alternatives,
        not_before: Option<Instant>,
    ) {
        let mut state = self.state();
        state.deployment = Some(deployment);
        state.alternatives.untried = siblings.untried;
        state.alternatives.siblings = siblings.siblings;
        state.not_before = not_before;
        state.opinion = Opinion::None;
        state.move_on = None;
    }

    /// The answer broke off after the caller had got the first of it, and another is asked for: with a deadline of
    /// its own, since that of the request ended with the first content.
    pub fn recover(&self) {
        let mut state = self.state();
        state.deadline = None;
        state.made = Some(Made::Recovery);
    }

    /// Where else the request could go.
    #[must_use]
    pub fn alternatives(&self) -> Alternatives {
        self.state().alternatives
    }

    /// Says whether another group is left to fall back to after a timeout.
    pub fn set_fallback_left(&self, left: bool) {
        self.state().alternatives.fallback = left;
    }

    /// The budget that the further attempts draw on, where one was laid down for the group.
    #[must_use]
    pub fn budget(&self) -> Option<Budget> {
        self.state().budget.clone()
    }

    /// What was used up of the counts in this group.
    #[must_use]
    pub fn counts(&self) -> Counts {
        self.state().counts
    }

    pub(crate) fn set_counts(&self, counts: Counts) {
        self.state().counts = counts;
    }

    pub(crate) fn take_not_before(&self) -> Option<Instant> {
        self.state().not_before.take()
    }

    pub(crate) fn bounds(&self) -> Bounds {
        let state = self.state();
        let Alternatives { untried, fallback, again, .. } = state.alternatives;
        Bounds {
            policy: state.policy.clone(),
            deadline: state.deadline,
            more_to_come: fallback || again || (untried && !state.last_if_timeout),
        }
    }

    /// Spends one of the request's retries in this group on something that is not an attempt, such as
    /// waiting for a place to come back; `false` where none is left.
    pub fn spend_retry(&self, num_retries: u32) -> bool {
        let mut state = self.state();
        let most = state.num_retries.unwrap_or(num_retries);
        if state.counts.total() >= most {
            return false;
        }
        state.counts.spend_any(most);
        true
    }

    /// Says what the attempt at hand came to. The one who knows most says it: a layer's own
    /// classifier is asked only where nobody did.
    pub fn judge(&self, opinion: impl Into<Opinion>) {
        self.state().opinion = opinion.into();
    }

    /// What was said of the last attempt, if anything was.
    #[must_use]
    pub fn opinion(&self) -> Opinion {
        self.state().opinion
    }

    /// The verdict on the last attempt, if it failed.
    #[must_use]
    pub fn verdict(&self) -> Option<Verdict> {
        self.opinion().verdict()
    }

    pub(crate) fn give_way(&self, move_on: MoveOn) {
        let mut state = self.state();
        state.move_on = Some(move_on);
        state.made = Some(Made::Move);
    }

    /// Takes the note of a retry layer that gave way, if one did since the last deployment was entered.
    pub fn take_move_on(&self) -> Option<MoveOn> {
        self.state().move_on.take()
    }

    /// Notes that an attempt begins, for those who make attempts without a retry layer.
    pub fn begin_attempt(
        &self,
        now: Instant,
        made: Option<Made>,
        waited: Duration,
        replayable: bool,
    ) {
        self.note_attempt(&mut self.state(), now, made, waited, replayable);
    }

    pub(crate) fn begin_retried_attempt(
        &self,
        now: Instant,
        made: Option<Made>,
        waited: Duration,
        replayable: bool,
        timeouts: &Timeouts,
    ) {
        let mut state = self.state();
        let left = replayable && state.counts.is_left(Class::Timeout, timeouts.allowed);
        state.last_if_timeout = !left;
        state.alternatives.again = left && timeouts.explicit;
        self.note_attempt(&mut state, now, made, waited, replayable);
    }

    fn note_attempt(
        &self,
        state: &mut State,
        now: Instant,
        made: Option<Made>,
        waited: Duration,
        replayable: bool,
    ) {
        let first = if state.trail.attempts().is_empty() { Made::First } else { Made::Retry };
        let made = made.or(state.made.take()).unwrap_or(first);
        state.made = None;
        state.opinion = Opinion::None;
        state.flowing = false;
        let attempt = Attempt {
            group: state.group.clone(),
            deployment: state.deployment.clone(),
            made,
            waited,
            replayable,
            start: now.saturating_duration_since(self.0.started),
            duration: None,
            class: None,
            status: None,
            ended: None,
            wasted: None,
        };
        state.trail.push(attempt);
    }

    /// Notes that the attempt at hand is over.
    pub fn end_attempt(&self, now: Instant, verdict: Option<&Verdict>, ended: Ended) {
        let mut state = self.state();
        let since = now.saturating_duration_since(self.0.started);
        if let Some(attempt) = state.trail.last_mut() {
            attempt.duration = Some(since.saturating_sub(attempt.start));
            attempt.class = verdict.map(|verdict| verdict.class);
            attempt.status = verdict.and_then(|verdict| verdict.status);
            attempt.ended = Some(ended);
            if !(state.flowing && ended == Ended::Answered) {
                state.tell_attempt();
            }
        }
    }

    /// Notes that nothing follows the last attempt after all.
    pub(crate) fn stop_attempt(&self, why: Stop) {
        if let Some(attempt) = self.state().trail.last_mut() {
            attempt.ended = Some(Ended::Stopped(why));
        }
    }

    /// The attempts made so far.
    #[must_use]
    pub fn trail(&self) -> Trail {
        self.state().trail.clone()
    }

    /// Whether there is nothing to tell: see [`Trail::is_plain`].
    #[cfg(feature = "http")]
    pub(crate) fn is_plain(&self) -> bool {
        self.state().trail.is_plain()
    }

    fn state(&self) -> MutexGuard<'_, State> {
        // Nothing in here panics while it holds the lock; and a context that lived through a panic is
        // still the best account of the request.
        self.0.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for Context {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let state = self.state();
        f.debug_struct("Context")
            .field("deadline", &state.deadline)
            .field("group", &state.group)
            .field("deployment", &state.deployment)
            .field("trail", &state.trail)
            .finish_non_exhaustive()
    }
}
