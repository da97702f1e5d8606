//! Which deployments rest, and until when.
//!
//! Each deployment has a [`Health`], kept under its stable id so that a new configuration takes it over. What
//! becomes of an attempt is told to it in the attempt itself, so that the same request's next attempt already
//! sees it. A deployment that fails too often, or asks to be left alone, rests; when the rest is over, one
//! probe at a time is let through, until one succeeds.
//!
//! | file | what it is |
//! |---|---|
//! | `minute` | what became of the attempts of the last minute |
//! | `breaker` | when a rest begins and ends: decisions, with the time as a value |
//! | `peers` | the deployments of one group: the last one standing is not taken out |
//! | `registry` | the health of all deployments, by id |
//! | `ticket` | a request's visit: counted, and given back when it is over |

mod breaker;
mod minute;
mod peers;
mod registry;
mod ticket;

pub(crate) use self::breaker::Outlook;
pub(crate) use self::peers::Peers;
pub(crate) use self::registry::Registry;
pub(crate) use self::ticket::{Room, Ticket};

use std::fmt;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use secondwind_layers::classify::Verdict;
use secondwind_policy::BreakerPolicy;
use tokio::time::Instant;

use self::breaker::{Breaker, Failure};
use crate::checkup::Checked;
use crate::load::Load;

/// The health of one deployment.
pub(crate) struct Health {
    origin: Instant,
    /// Nanoseconds from the origin to the moment from which a probe may go, and one more; 0 while no rest is
    /// on. The lowest bit says whether a probe must. Read by whoever picks, without a lock.
    probe_from: AtomicU64,
    /// Whether a probe is on its way.
    probing: AtomicBool,
    load: Load,
    breaker: Mutex<Breaker>,
    checked: Mutex<Option<Checked>>,
}

/// Whether a deployment may be used.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Standing {
    /// It may.
    Up,
    /// Its rest is over: one request may try it.
    Trial,
    /// Its rest is over, and one request tries it.
    OnTrial,
    /// It rests.
    Resting(Resting),
}

/// A deployment rests.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Resting {
    pub(crate) until: Instant,
    pub(crate) for_rate_limit: bool,
}

// === impl Health ===

impl Health {
    pub(crate) fn new(origin: Instant) -> Self {
        Self {
            origin,
            probe_from: AtomicU64::new(0),
            probing: AtomicBool::new(false),
            load: Load::new(origin),
            breaker: Mutex::default(),
            checked: Mutex::default(),
        }
    }

    /// Whether the deployment may be used at `now`.
    pub(crate) fn standing(&self, now: Instant) -> Standing {
        let probe_from = self.probe_from.load(Ordering::Acquire);
        if probe_from == 0 {
            return Standing::Up;
        }
        if self.since_origin(now) >= Duration::from_nanos((probe_from >> 1) - 1) {
            if probe_from & 1 == 0 {
                return Standing::Up;
            }
            return match self.probing.load(Ordering::Acquire) {
                false => Standing::Trial,
                true => Standing::OnTrial,
            };
        }
        match self.breaker().rest() {
            Some((until, for_rate_limit)) => {
                Standing::Resting(Resting { until: self.origin + until, for_rate_limit })
            }
            // It has just ended.
            None => Standing::Up,
        }
    }

    /// Whether it asked to be left alone until after `now`, or rests for a rate limit.
    pub(crate) fn wants_peace(&self, now: Instant) -> bool {
        self.probe_from.load(Ordering::Acquire) != 0
            && self.breaker().wants_peace(self.since_origin(now))
    }

    /// Notes what a check came to.
    pub(crate) fn note_check(&self, checked: Checked) {
        *self.checked.lock().unwrap_or_else(PoisonError::into_inner) = Some(checked);
    }

    /// What the last check came to.
    pub(crate) fn checked(&self) -> Option<Checked> {
        *self.checked.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether the next request may go there at `now`.
    pub(crate) fn is_open(&self, now: Instant) -> bool {
        matches!(self.standing(now), Standing::Up | Standing::Trial)
    }

    /// Until when it rests, if it does at `now`.
    pub(crate) fn resting(&self, now: Instant) -> Option<Resting> {
        match self.standing(now) {
            Standing::Resting(resting) => Some(resting),
            Standing::Up | Standing::Trial | Standing::OnTrial => None,
        }
    }

    /// Notes an attempt that began at `began` and succeeded.
    pub(crate) fn succeeded(&self, began: Instant, now: Instant) {
        let mut breaker = self.breaker();
        breaker.succeeded(self.since_origin(began), self.since_origin(now));
        self.publish(&breaker);
    }

    /// Notes that the answer to an attempt that began at `began` has its first content: a sign of life, while
    /// what becomes of it is not known yet.
    pub(crate) fn answered(&self, began: Instant, now: Instant) {
        if self.probe_from.load(Ordering::Acquire) == 0 {
            return;
        }
        let mut breaker = self.breaker();
        breaker.revived(self.since_origin(began), self.since_origin(now));
        self.publish(&breaker);
    }

    /// Notes a failure of an attempt that began at `began`. Gives whether the deployment rests from now on since
    /// it failed too often, and not since it asked to.
    pub(crate) fn failed(
        &self,
        verdict: &Verdict,
        policy: &BreakerPolicy,
        outlook: Outlook,
        (began, now): (Instant, Instant),
        random: f64,
    ) -> bool {
        let (began, now) = (self.since_origin(began), self.since_origin(now));
        let mut breaker = self.breaker();
        let opened = breaker.failed(&Failure { verdict, began, now, random }, policy, outlook);
        self.publish(&breaker);
        opened
    }

    /// Notes that a limit is used up, and begins anew after `wait`.
    pub(crate) fn spent(&self, now: Instant, wait: Duration) {
        let mut breaker = self.breaker();
        breaker.spent(self.since_origin(now), wait);
        self.publish(&breaker);
    }

    /// Whether a failure says anything of the deployment that gave it.
    pub(crate) fn blames(verdict: &Verdict) -> bool {
        breaker::hurts(verdict)
    }

    /// Whether a failure such as this could take the deployment out, so that it must be known who else stands.
    pub(crate) fn hurts(verdict: &Verdict, policy: &BreakerPolicy) -> bool {
        policy.enabled() && breaker::hurts(verdict)
    }

    /// What it has to do.
    pub(crate) const fn load(&self) -> &Load {
        &self.load
    }

    fn publish(&self, breaker: &Breaker) {
        let nanos =
            |at: Duration| u64::try_from(at.as_nanos()).unwrap_or(u64::MAX).min(u64::MAX >> 2);
        let nanos =
            breaker.probe_from().map_or(0, |(at, trial)| (nanos(at) + 1) << 1 | u64::from(trial));
        if self.probe_from.load(Ordering::Relaxed) != nanos {
            self.probe_from.store(nanos, Ordering::Release);
        }
    }

    fn since_origin(&self, at: Instant) -> Duration {
        at.saturating_duration_since(self.origin)
    }

    fn breaker(&self) -> MutexGuard<'_, Breaker> {
        self.breaker.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Lets it rest for `wait`, as if it had asked to.
    #[cfg(test)]
    pub(crate) fn rest(&self, now: Instant, wait: Duration, for_rate_limit: bool) {
        use secondwind_policy::{Class, Policy};
        let class = if for_rate_limit { Class::RateLimit } else { Class::ServiceUnavailable };
        let verdict = Verdict::new(class).with_hint(wait);
        let policy = Policy::default();
        self.failed(&verdict, policy.breaker(), Outlook::Alone, (now, now), 0.5);
    }
}

impl fmt::Debug for Health {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Health").field("load", &self.load).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests;
