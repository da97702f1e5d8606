//! When a rest begins and when it ends: decisions over what is known of one deployment. The time comes in as a
//! value, as does chance.

use std::time::Duration;

use secondwind_layers::classify::{Blame, Reach, Verdict};
use secondwind_policy::{BreakerPolicy, Class, Harm};

use super::minute::Minute;

/// So many failures in a row open it.
const IN_A_ROW: u32 = 4;
/// Shares are looked at from so many attempts on.
const ENOUGH: u32 = 20;
/// No hint rests a deployment for longer: an absurd one must not bury it.
const LONGEST_HINT: Duration = Duration::from_secs(600);
/// Rests grow up to this while probes fail.
const LONGEST_COOLDOWN: Duration = Duration::from_secs(120);
/// For what only a change at the provider or in the configuration mends, with a probe so often.
const LONG_REST: Duration = Duration::from_secs(1800);
const LONG_REST_PROBE: Duration = Duration::from_secs(60);

/// What is known of one deployment. Times are counted from the deployment's origin.
#[derive(Debug, Default)]
pub(super) struct Breaker {
    minute: Minute,
    in_a_row: u32,
    /// How many probes failed since it last answered.
    failed_probes: u32,
    rest: Option<Rest>,
}

#[derive(Clone, Copy, Debug)]
struct Rest {
    since: Duration,
    /// From when on one may probe.
    probe_from: Duration,
    until: Duration,
    /// Until when it asked to be left alone.
    asked_until: Duration,
    for_rate_limit: bool,
    /// Whether somebody has to try it first when the rest is over: not where it said itself until when.
    trial: bool,
}

/// A failed attempt.
#[derive(Clone, Copy, Debug)]
pub(super) struct Failure<'a> {
    pub(super) verdict: &'a Verdict,
    pub(super) began: Duration,
    pub(super) now: Duration,
    /// From 0 to 1, exclusive.
    pub(super) random: f64,
}

/// Who could answer in its place.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Outlook {
    /// Another deployment that does not rest, or another group: it may be taken out.
    Others,
    /// Nobody: it is the last one standing, and rests only if it asks to.
    Alone,
}

/// Whether a failure says anything of the deployment that gave it.
pub(super) fn hurts(verdict: &Verdict) -> bool {
    verdict.blame != Blame::Nobody
        && !matches!(verdict.reach, Reach::NotSent | Reach::Unasked)
        && verdict.class.facts().harm != Harm::None
}

// === impl Breaker ===

impl Breaker {
    pub(super) fn succeeded(&mut self, began: Duration, now: Duration) {
        self.minute.success(now);
        self.in_a_row = 0;
        self.revived(began, now);
    }

    /// An attempt was answered: if it began during the rest, that is over. A wait that was asked for stands.
    pub(super) fn revived(&mut self, began: Duration, now: Duration) {
        let over = |rest: &Rest| began > rest.since && now >= rest.asked_until;
        match self.rest {
            Some(rest) if over(&rest) && rest.trial => *self = Self::default(),
            Some(rest) if over(&rest) => self.rest = None,
            _ => {}
        }
    }

    /// It said itself that it wants to be left alone for `wait`: for a limit that is used up.
    pub(super) fn spent(&mut self, now: Duration, wait: Duration) {
        self.settle(now);
        let until = now + wait.min(LONGEST_HINT);
        let (for_rate_limit, trial) = (true, false);
        let rest = Rest {
            since: now,
            probe_from: until,
            until,
            asked_until: until,
            for_rate_limit,
            trial,
        };
        self.lay(rest);
    }

    /// Forgets a rest that is over, where nobody has to try it first.
    fn settle(&mut self, now: Duration) {
        if self.rest.is_some_and(|rest| !rest.trial && now >= rest.until) {
            self.rest = None;
        }
    }

    /// Lays a rest on what there is: one that ends later stands.
    fn lay(&mut self, rest: Rest) {
        match &mut self.rest {
            Some(stands) if stands.until > rest.until => {
                stands.asked_until = stands.asked_until.max(rest.asked_until);
                stands.probe_from = stands.probe_from.max(rest.probe_from);
                stands.trial |= rest.trial;
            }
            Some(stands) => *stands = Rest { trial: rest.trial || stands.trial, ..rest },
            none => *none = Some(rest),
        }
    }

    /// Notes a failure and decides whether a rest begins. Gives whether one does for any reason but that the
    /// deployment asked for it.
    pub(super) fn failed(
        &mut self,
        failure: &Failure<'_>,
        policy: &BreakerPolicy,
        outlook: Outlook,
    ) -> bool {
        let Failure { verdict, began, now, random } = *failure;
        if !hurts(verdict) || !policy.enabled() {
            return false;
        }
        self.settle(now);
        self.minute.failure(verdict.class, now);
        let harm = verdict.class.facts().harm;
        if harm == Harm::Counts {
            self.in_a_row = self.in_a_row.saturating_add(1);
        }
        let is_probe = self.rest.is_some_and(|rest| began >= rest.probe_from);
        // Those that were under way when the rest began say nothing new.
        let is_straggler = self.rest.is_some() && !is_probe;
        let too_often = !is_straggler && (is_probe || self.too_often(verdict.class, policy, now));
        let opens = too_often && outlook == Outlook::Others;
        let hint = verdict.hint.map(|hint| hint.min(LONGEST_HINT));
        if !opens && hint.is_none() {
            if is_probe {
                // Nobody else is left: it is used again, however it fares.
                self.rest = None;
            }
            return false;
        }
        let mut rest = Rest {
            since: now,
            probe_from: now,
            until: now,
            asked_until: now,
            for_rate_limit: verdict.class == Class::RateLimit,
            trial: opens && (harm != Harm::UntilHint || hint.is_none()),
        };
        if opens {
            self.failed_probes += u32::from(is_probe);
            (rest.probe_from, rest.until) = match harm {
                Harm::LongRest => (now + LONG_REST_PROBE, now + LONG_REST),
                // What it asked for is enough.
                Harm::UntilHint if hint.is_some() => (now, now),
                _ if hint.is_some() && !is_probe => (now, now),
                _ => {
                    let until = now + self.cooldown(policy.cooldown_time(), random);
                    (until, until)
                }
            };
        }
        if let Some(hint) = hint {
            rest.asked_until = now + hint;
            rest.probe_from = rest.probe_from.max(rest.asked_until);
            rest.until = rest.until.max(rest.asked_until);
        }
        self.lay(rest);
        opens && harm != Harm::UntilHint
    }

    /// Whether failures such as the last are more than the policy allows.
    fn too_often(&mut self, class: Class, policy: &BreakerPolicy, now: Duration) -> bool {
        let harm = class.facts().harm;
        let of_class = policy.allowed_fails_policy().get(class);
        let of_all = policy.allowed_fails().filter(|_| harm == Harm::Counts);
        if of_class.is_none() && harm != Harm::Counts {
            return true;
        }
        if of_class.is_none() && of_all.is_none() && self.in_a_row >= IN_A_ROW {
            return true;
        }
        let sums = self.minute.sums(now);
        let attempts = sums.attempts();
        let mostly_fine =
            attempts >= ENOUGH && u64::from(sums.successes) * 10 >= u64::from(attempts) * 9;
        match (of_class, of_all) {
            (Some(allowed), _) => !mostly_fine && sums.of(class) > allowed,
            (None, Some(allowed)) => !mostly_fine && sums.counted() > allowed,
            (None, None) => {
                attempts >= ENOUGH && u64::from(sums.counted()) * 2 > u64::from(attempts)
            }
        }
    }

    /// How long it rests where nobody says: longer with each probe that fails, up or down a tenth.
    fn cooldown(&self, base: Duration, random: f64) -> Duration {
        let doubled = base.saturating_mul(1 << self.failed_probes.min(16));
        doubled.min(LONGEST_COOLDOWN.max(base)).mul_f64(0.9 + 0.2 * random)
    }

    /// Whether it asked to be left alone until after `now`, or rests for a rate limit.
    pub(super) fn wants_peace(&self, now: Duration) -> bool {
        self.rest
            .is_some_and(|rest| now < rest.asked_until || rest.for_rate_limit && now < rest.until)
    }

    /// Until when it rests, and whether for a rate limit.
    pub(super) fn rest(&self) -> Option<(Duration, bool)> {
        self.rest.map(|rest| (rest.until, rest.for_rate_limit))
    }

    /// From when on one may probe, if a rest is on, and whether one has to.
    pub(super) fn probe_from(&self) -> Option<(Duration, bool)> {
        self.rest.map(|rest| (rest.probe_from, rest.trial))
    }
}

#[cfg(test)]
mod tests;
