//! Counts: what callers got, and what became of each failure on the way.

use std::collections::BTreeMap;
use std::time::Duration;

use secondwind_policy::Class;

use super::caller::{ASKED, Reply};
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
    /// The trail of the answered request with the most attempts.
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
    pub(super) fn count_routed(&mut self, reply: &Reply) {
        self.time(reply);
        let trail = reply.trail.as_deref().unwrap_or_default();
        let told = Told::read(trail).unwrap_or_default();
        self.attempts += told.count();
        let last = told.attempts.last();
        let answer = last.filter(|last| reply.failed.is_none() && last.end == End::Answered);
        for attempt in &told.attempts {
            if let Some(failure) = Failure::of(attempt.end) {
                self.fates(failure).add(attempt, answer);
            }
        }
        let is_told = last.is_some_and(|last| Failure::of(last.end).is_some());
        if let (Some(class), false) = (reply.failed, is_told) {
            // It went wrong where no trail tells of it: after the answer had begun, or before anybody
            // was asked.
            self.fates(Failure::Class(class)).told += 1;
        }
        let elsewhere = told.attempts.first().is_some_and(|first| first.group != ASKED);
        self.elsewhere_at_once += usize::from(elsewhere);
        if answer.is_some() && told.count() > self.longest_count {
            self.longest_count = told.count();
            self.longest = Some(trail.to_owned());
        }
    }

    fn time(&mut self, reply: &Reply) {
        let times = if reply.failed.is_none() { &mut self.answered } else { &mut self.failed };
        times.push(reply.took);
    }

    fn fates(&mut self, failure: Failure) -> &mut Fates {
        self.failures.entry(failure).or_default()
    }
}

// === impl Failure ===

impl Failure {
    const fn of(end: End) -> Option<Self> {
        match end {
            End::Answered => None,
            End::Failed(class) => Some(Self::Class(class)),
            End::Cut => Some(Self::Cut),
        }
    }

    /// Its name.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Class(class) => class.name(),
            Self::Cut => "cut off",
        }
    }
}

// === impl Fates ===

impl Fates {
    /// How often it was seen.
    pub(super) const fn seen(&self) -> usize {
        self.retried + self.sibling + self.fallback + self.told
    }

    fn add(&mut self, failed: &Attempt<'_>, answer: Option<&Attempt<'_>>) {
        let count = match answer {
            None => &mut self.told,
            Some(answer) if answer.group != failed.group => &mut self.fallback,
            Some(answer) if answer.deployment != failed.deployment => &mut self.sibling,
            Some(_) => &mut self.retried,
        };
        *count += 1;
    }
}

/// The smallest of `times` that at least this part (0 to 1) of them does not exceed; `None` of none.
fn percentile(mut times: Vec<Duration>, part: f64) -> Option<Duration> {
    times.sort_unstable();
    // Far below 2^52, so nothing is lost.
    let rank = (times.len() as f64 * part).ceil() as usize;
    times.get(rank.max(1) - 1).copied()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn millis(millis: u64) -> Duration {
        Duration::from_millis(millis)
    }

    fn reply(failed: Option<Class>, trail: &str) -> Reply {
        Reply { took: millis(1), failed, trail: Some(trail.to_owned()) }
    }

    fn counted(failed: Option<Class>, trail: &str) -> Tally {
        let mut tally = Tally::default();
        tally.count_routed(&reply(failed, trail));
        tally
    }

    fn fates(tally: &Tally, class: Class) -> Fates {
        tally.failures.get(&Failure::Class(class)).copied().unwrap_or_default()
    }

    #[test]
    fn a_percentile_is_a_time_that_was_measured() {
        let times: Vec<Duration> = (1..=200).rev().map(millis).collect();
        assert_eq!(percentile(times.clone(), 0.5), Some(millis(100)));
        assert_eq!(percentile(times.clone(), 0.99), Some(millis(198)));
        assert_eq!(percentile(times.clone(), 1.0), Some(millis(200)));
        assert_eq!(percentile(times, 0.0), Some(millis(1)));
        assert_eq!(percentile(vec![millis(7)], 0.99), Some(millis(7)));
        assert_eq!(percentile(Vec::new(), 0.5), None);
    }

    #[test]
    fn a_failure_is_put_down_to_whoever_answered_in_the_end() {
        let tally = counted(
            None,
            "gpt-4/east=rate_limit@0ms+1ms;gpt-4/west=timeout@1ms+500ms;\
             backup/spare=connection@501ms+1ms;backup/spare=ok@550ms+80ms",
        );
        let by_fallback = Fates { fallback: 1, ..Fates::default() };
        let by_retry = Fates { retried: 1, ..Fates::default() };
        assert_eq!(fates(&tally, Class::RateLimit), by_fallback);
        assert_eq!(fates(&tally, Class::Timeout), by_fallback);
        assert_eq!(fates(&tally, Class::Connection), by_retry);
        assert_eq!((tally.answered(), tally.attempts, tally.elsewhere_at_once), (1, 4, 0));

        let tally = counted(None, "gpt-4/east=internal_server@0ms+1ms;gpt-4/west=ok@1ms+30ms");
        let by_sibling = Fates { sibling: 1, ..Fates::default() };
        assert_eq!(fates(&tally, Class::InternalServer), by_sibling);
    }

    #[test]
    fn without_an_answer_every_failure_reached_the_caller() {
        let trail = "gpt-4/east=rate_limit@0ms+1ms;backup/spare=internal_server@1ms+1ms";
        let tally = counted(Some(Class::RateLimit), trail);
        let told = Fates { told: 1, ..Fates::default() };
        assert_eq!(fates(&tally, Class::RateLimit), told);
        assert_eq!(fates(&tally, Class::InternalServer), told);
        assert_eq!((tally.answered(), tally.failed()), (0, 1));
    }

    #[test]
    fn a_stream_that_broke_off_is_a_failure_that_the_trail_does_not_know() {
        let tally = counted(Some(Class::Interrupted), "gpt-4/east=ok@0ms+20ms");
        assert_eq!(fates(&tally, Class::Interrupted).told, 1);
        assert_eq!((tally.answered(), tally.attempts), (0, 1));
    }

    #[test]
    fn going_elsewhere_at_once_is_no_failure() {
        let tally = counted(None, "backup/spare=ok@0ms+80ms");
        assert_eq!(tally.elsewhere_at_once, 1);
        assert!(tally.failures.is_empty());
    }

    #[test]
    fn a_direct_request_is_one_attempt_and_its_failure_is_the_callers() {
        let mut tally = Tally::default();
        tally.count_direct(&Reply { took: millis(2), failed: None, trail: None });
        tally.count_direct(&Reply { took: millis(9), failed: Some(Class::Timeout), trail: None });
        assert_eq!((tally.attempts, tally.answered(), tally.failed()), (2, 1, 1));
        assert_eq!(fates(&tally, Class::Timeout).told, 1);
        assert_eq!(tally.of_answered(0.99), Some(millis(2)));
        assert_eq!(tally.of_all(0.99), Some(millis(9)));
    }

    #[test]
    fn keeps_the_trail_with_the_most_attempts() {
        let mut tally = Tally::default();
        let longer = "gpt-4/east=timeout@0ms+500ms;gpt-4/west=ok@500ms+30ms";
        for trail in ["gpt-4/east=ok@0ms+20ms", longer, "gpt-4/west=ok@0ms+20ms"] {
            tally.count_routed(&reply(None, trail));
        }
        assert_eq!(tally.longest.as_deref(), Some(longer));
    }
}
