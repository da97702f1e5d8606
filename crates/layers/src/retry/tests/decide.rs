//! What follows a failure: the whole table.

mod counts;
mod places;
mod properties;
mod waits;

use std::time::Duration;

use secondwind_policy::{Class, Policy, PolicyBuilder};
use tokio::time::Instant;

use crate::classify::{Reach, Verdict};
use crate::context::Alternatives;
use crate::deadline::Deadline;
use crate::retry::{Counts, Next, Situation, decide};
use crate::trail::Stop;

/// What follows, with times in milliseconds from now.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Then {
    Repeat,
    Again(u64),
    MoveOn(u64),
    MoveOnForGood,
    Stop(Stop),
}

/// A failure, and all that is known when it comes.
struct Row {
    policy: PolicyBuilder,
    verdict: Verdict,
    requested: Option<u32>,
    used: Vec<(Class, u32)>,
    repeated: bool,
    alternatives: Alternatives,
    replayable: bool,
    idempotent: bool,
    budget: bool,
    remaining: Option<Duration>,
}

/// The first attempt failed, alone in the world, with half a second of chance.
fn after(class: Class) -> Row {
    Row {
        policy: Policy::builder(),
        verdict: Verdict::new(class),
        requested: None,
        used: Vec::new(),
        repeated: false,
        alternatives: Alternatives::default(),
        replayable: true,
        idempotent: true,
        budget: true,
        remaining: None,
    }
}

impl Row {
    fn by(mut self, policy: impl FnOnce(PolicyBuilder) -> PolicyBuilder) -> Self {
        self.policy = policy(self.policy);
        self
    }

    fn requested(mut self, retries: u32) -> Self {
        self.requested = Some(retries);
        self
    }

    fn used(mut self, class: Class, times: u32) -> Self {
        self.used.push((class, times));
        self
    }

    fn hint(mut self, hint: Duration) -> Self {
        self.verdict = self.verdict.with_hint(hint);
        self
    }

    fn reach(mut self, reach: Reach) -> Self {
        self.verdict = self.verdict.with_reach(reach);
        self
    }

    fn told(mut self, should_retry: bool, status: u16) -> Self {
        self.verdict = self.verdict.with_should_retry(should_retry).with_status(status);
        self
    }

    fn repeated(mut self) -> Self {
        self.repeated = true;
        self
    }

    fn untried(mut self) -> Self {
        self.alternatives.untried = true;
        self.alternatives.siblings = true;
        self
    }

    fn siblings(mut self) -> Self {
        self.alternatives.siblings = true;
        self
    }

    fn fallback(mut self) -> Self {
        self.alternatives.fallback = true;
        self
    }

    fn not_replayable(mut self) -> Self {
        self.replayable = false;
        self
    }

    fn not_idempotent(mut self) -> Self {
        self.idempotent = false;
        self
    }

    fn no_budget(mut self) -> Self {
        self.budget = false;
        self
    }

    fn remaining(mut self, remaining: Duration) -> Self {
        self.remaining = Some(remaining);
        self
    }

    fn decide(self) -> Then {
        let policy = self.policy.build().unwrap();
        let mut counts = Counts::default();
        for (class, times) in self.used {
            for _ in 0..times {
                counts.spend(class, policy.retry().allowed(class, self.requested));
            }
        }
        let now = Instant::now();
        let next = decide(&Situation {
            verdict: &self.verdict,
            policy: policy.retry(),
            requested: self.requested,
            counts: &counts,
            repeated: self.repeated,
            alternatives: self.alternatives,
            replayable: self.replayable,
            idempotent: self.idempotent,
            budget: self.budget,
            now,
            deadline: self.remaining.and_then(|remaining| Deadline::after(now, remaining)),
            random: 0.5,
        });
        let millis = |wait: Duration| u64::try_from(wait.as_millis()).unwrap();
        match next {
            Next::Repeat => Then::Repeat,
            Next::Again { wait } => Then::Again(millis(wait)),
            Next::MoveOn { not_before: Some(at) } => Then::MoveOn(millis(at - now)),
            Next::MoveOn { not_before: None } => Then::MoveOnForGood,
            Next::Stop(why) => Then::Stop(why),
        }
    }
}

type Rows = Vec<(&'static str, Row, Then)>;

/// Decides every row, and tells of all that are wrong at once.
fn check(rows: Rows) {
    let wrong: Vec<_> = rows
        .into_iter()
        .filter_map(|(name, row, expected)| {
            let then = row.decide();
            (then != expected).then(|| format!("{name}: {then:?}, not {expected:?}"))
        })
        .collect();
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn retries_that_are_off_stay_off_whatever_is_asked_for() {
    let policy = Policy::off();
    for requested in [None, Some(0), Some(3)] {
        let verdict = Verdict::new(Class::RateLimit).with_should_retry(true).with_status(429);
        let next = decide(&Situation {
            verdict: &verdict,
            policy: policy.retry(),
            requested,
            counts: &Counts::default(),
            repeated: false,
            alternatives: Alternatives { untried: true, ..Alternatives::default() },
            replayable: true,
            idempotent: true,
            budget: true,
            now: Instant::now(),
            deadline: None,
            random: 0.5,
        });
        assert_eq!(next, Next::Stop(Stop::NotRetried));
    }
}
