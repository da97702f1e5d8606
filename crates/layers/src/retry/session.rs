//! What is known of a call, whatever the types: how it began, and how it goes on after a failure.

use std::mem;
use std::time::Duration;

use secondwind_policy::{Class, Policy, RetryPolicy};
use tokio::time::Instant;
use tracing::Span;

use super::budget::Budget;
use super::counts::Counts;
use super::decide::{Next, Situation, allowed, decide, most_moves};
use crate::classify::{Reach, Verdict};
use crate::context::{Alternatives, Context, MoveOn, Timeouts};
use crate::deadline::Deadline;
use crate::kind::Entered;
use crate::telemetry;
use crate::trail::{Ended, Made};

/// How a call began. Small: it is moved with the future.
pub(super) struct Session {
    entered: Entered,
    began: Instant,
    idempotent: bool,
    span: Option<Box<Span>>,
}

/// How a call goes on after a failure.
#[derive(Default)]
pub(super) struct Progress {
    counts: Counts,
    further: u32,
    repeated: bool,
    waited: Duration,
    made: Option<Made>,
    random: Option<fastrand::Rng>,
    token: Token,
}

/// A token withdrawn for an attempt that has not begun; goes back if it never does.
#[derive(Default)]
struct Token(Option<(Budget, Instant)>);

// === impl Session ===

impl Session {
    #[inline]
    pub(super) const fn new(entered: Entered, idempotent: bool, began: Instant) -> Self {
        Self { entered, began, idempotent, span: None }
    }

    pub(super) const fn context(&self) -> Option<&Context> {
        self.entered.context()
    }

    /// The context, where this layer made it.
    pub(super) const fn made(&self) -> Option<&Context> {
        self.entered.made()
    }

    pub(super) const fn span(&self) -> Option<&Span> {
        match &self.span {
            Some(span) => Some(span),
            None => None,
        }
    }

    /// Where nobody set a deadline the policy's own total bounds the waits of this layer.
    pub(super) fn deadline(&self, policy: &Policy) -> Option<Deadline> {
        let context = self.context();
        context.and_then(Context::deadline).or_else(|| {
            let total = policy.timeout().total()?;
            Deadline::after(context.map_or(self.began, Context::started), total)
        })
    }

    /// Notes that an attempt begins; `progress` is that of the failures before it.
    #[inline(always)]
    pub(super) fn begin_attempt(
        &mut self,
        progress: Option<&mut Progress>,
        policy: &RetryPolicy,
        replayable: bool,
        now: Instant,
    ) {
        let (further, made, waited) = progress.map_or_else(Default::default, Progress::step);
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
        self.span = telemetry::attempt_span(self.entered.context(), further + 1, waited);
    }
}

// === impl Progress ===

impl Progress {
    /// That of an attempt that has to wait before it begins.
    pub(super) fn waiting(waited: Duration) -> Self {
        Self { waited, ..Self::default() }
    }

    /// The attempt that was decided on begins: how many there were before, why it is made, and how long it was
    /// waited.
    fn step(&mut self) -> (u32, Option<Made>, Duration) {
        self.token.spend();
        let made = self.made.take();
        self.further += u32::from(made.is_some());
        (self.further, made, mem::take(&mut self.waited))
    }

    /// Decides what follows a failure, and tells those who want to know: the context, and the log.
    pub(super) fn decide(
        &mut self,
        session: &Session,
        verdict: &Verdict,
        policy: &Policy,
        replayable: bool,
        (own_budget, seed): (&Budget, Option<u64>),
        now: Instant,
    ) -> Next {
        let context = session.context();
        let mut counts = context.map_or(self.counts, Context::counts);
        let random = self.random.get_or_insert_with(|| {
            let seed = seed.or_else(|| context.and_then(Context::seed));
            seed.map_or_else(fastrand::Rng::new, fastrand::Rng::with_seed)
        });
        let mut situation = Situation {
            verdict,
            policy: policy.retry(),
            requested: context.and_then(Context::num_retries),
            counts: &counts,
            repeated: self.repeated,
            alternatives: context.map_or_else(Alternatives::default, Context::alternatives),
            replayable,
            idempotent: session.idempotent,
            budget: true,
            now,
            deadline: session.deadline(policy),
            random: random.f64(),
        };
        let mut next = decide(&situation);
        let unasked = verdict.reach == Reach::Unasked;
        if matches!(next, Next::Again { .. } | Next::MoveOn { .. }) && !unasked {
            let budget = context.and_then(Context::budget);
            let budget = budget.as_ref().unwrap_or(own_budget);
            if budget.withdraw(now) {
                self.token = Token(Some((budget.clone(), now)));
            } else {
                situation.budget = false;
                next = decide(&situation);
            }
        }
        let (allowed, most_moves) = (allowed(&situation), most_moves(&situation));
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
                if unasked {
                    // It is the sibling's first attempt.
                } else if allowed > 0 {
                    counts.spend(verdict.class, allowed);
                } else {
                    counts.spend_any(most_moves);
                }
                Ended::MovedOn
            }
            Next::Stop(why) => Ended::Stopped(why),
        };
        self.counts = counts;

        if let Some(context) = context {
            context.set_counts(counts);
            context.judge(*verdict);
            context.end_attempt(now, Some(verdict), ended);
            if let Next::MoveOn { not_before } = next {
                context.give_way(MoveOn { not_before });
            }
        }
        telemetry::decided(session.span(), verdict, next);
        next
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
