//! Counts: what callers got, and what became of each failure on the way.

use std::collections::BTreeMap;
use std::time::Duration;

use secondwind_policy::Class;

use super::caller::Reply;
use super::trail::{Attempt, End, Told};

/// Both ways of the same traffic.
#[derive(Clone, Debug, Default)]
pub(super) struct Totals {
    /// Without a gateway.
    pub(super) direct: Tally,
    /// With it.
    pub(super) gateway: Tally,
}

/// The counts of one way.
#[derive(Clone, Debug, Default)]
pub(super) struct Tally {
    /// Requests sent.
    pub(super) sent: usize,
    /// Requests sent to providers for them, as far as is known.
    pub(super) attempts: usize,
    /// Requests that went to another group at once, since nobody in their own was to be had.
    pub(super) elsewhere_at_once: usize,
    /// What became of each failure.
    pub(super) failures: BTreeMap<Failure, Fates>,
    /// The trail with the most attempts.
    pub(super) longest: Option<String>,
    longest_count: usize,
    answered: Vec<Duration>,
    failed: Vec<Duration>,
}

/// What went wrong.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub(super) enum Failure {
    /// A failure with a name.
    Class(Class),
    /// An attempt was cut off, by the deadline of its request.
    Cut,
}

/// How often a failure ended how.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub(super) struct Fates {
    /// Its place answered when it was asked again.
    pub(super) retried: usize,
    /// Another deployment of the same group answered.
    pub(super) sibling: usize,
    /// Another group answered.
    pub(super) fallback: usize,
    /// Nobody did: the caller got an error.
    pub(super) told: usize,
}

// === impl Tally ===

impl Tally {
    /// How many requests were answered.
    pub(super) fn answered(&self) -> usize {
        self.answered.len()
    }

    /// How many were not.
    pub(super) fn failed(&self) -> usize {
        self.failed.len()
    }

    /// How many are over.
    pub(super) fn done(&self) -> usize {
        self.answered() + self.failed()
    }

    /// The time that this part of the answered requests took at most.
    pub(super) fn of_answered(&self, part: f64) -> Option<Duration> {
        percentile(self.answered.clone(), part)
    }

    /// The time that this part of all requests took at most, to an answer or to an error.
    pub(super) fn of_all(&self, part: f64) -> Option<Duration> {
        percentile([&*self.answered, &*self.failed].concat(), part)
    }

    /// Counts a request that one provider was asked, once.
    pub(super) fn count_direct(&mut self, reply: &Reply) {
        self.attempts += 1;
        if let Some(class) = reply.failed {
            self.fates(Failure::Class(class)).told += 1;
        }
        self.time(reply);
    }

    /// Counts a request that a gateway took care of.
    pub(super) fn count_routed(&mut self, reply: Reply) {
        self.time(&reply);
        let trail = reply.trail.unwrap_or_default();
        let told = Told::read(&trail).unwrap_or_default();
        self.attempts += told.count();
        let last = told.attempts.last().copied();
        for attempt in &told.attempts {
            let Some(failure) = Failure::of(attempt.end) else { continue };
            let answer = last.filter(|last| reply.failed.is_none() && last.end == End::Answered);
            let fates = self.fates(failure);
            match answer {
                Some(answer) => fates.add(attempt, &answer),
                None => fates.told += 1,
            }
        }
        match reply.failed {
            None => {
                let [first] = told.attempts.as_slice() else {
                    return self.keep_longest(told.count(), trail);
                };
                self.elsewhere_at_once += usize::from(first.group != ASKED);
            }
            // What the trail does not tell of: it broke after the trail was written, or before the
            // gateway had a say.
            Some(class) if last.is_none_or(|last| Failure::of(last.end).is_none()) => {
                self.fates(Failure::Class(class)).told += 1;
            }
            Some(_) => {}
        }
        self.keep_longest(told.count(), trail);
    }

    fn time(&mut self, reply: &Reply) {
        let times = if reply.failed.is_none() { &mut self.answered } else { &mut self.failed };
        times.push(reply.took);
    }

    fn fates(&mut self, failure: Failure) -> &mut Fates {
        self.failures.entry(failure).or_default()
    }
}
