//! Which deployments rest, and until when.
//!
//! A deployment that asked to be left alone for a while (a wait hint) is passed over until then, by all
//! requests. Rests are keyed by the deployment's stable id, so that a new configuration keeps them.

use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::Duration;

use tokio::time::Instant;

/// No hint rests a deployment for longer: an absurd one must not bury it.
const LONGEST: Duration = Duration::from_secs(600);

/// The rest of one deployment.
#[derive(Debug)]
pub(crate) struct Rest {
    origin: Instant,
    /// Nanoseconds from the origin, so that nobody is told to come back a moment later than was asked; the
    /// lowest bit says whether for a rate limit.
    until: AtomicU64,
}

/// A deployment rests.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Resting {
    pub(crate) until: Instant,
    pub(crate) for_rate_limit: bool,
}

impl Rest {
    pub(crate) const fn new(origin: Instant) -> Self {
        Self { origin, until: AtomicU64::new(0) }
    }

    /// Lets the deployment rest for `wait` from `now`; a rest that ends later stands.
    pub(crate) fn rest(&self, now: Instant, wait: Duration, for_rate_limit: bool) {
        let until = now.saturating_duration_since(self.origin) + wait.min(LONGEST);
        let nanos = u64::try_from(until.as_nanos()).unwrap_or(u64::MAX).min(u64::MAX >> 1);
        self.until.fetch_max(nanos << 1 | u64::from(for_rate_limit), Relaxed);
    }

    /// Whether the deployment rests at `now`.
    pub(crate) fn resting(&self, now: Instant) -> Option<Resting> {
        let until = self.until.load(Relaxed);
        if until == 0 {
            return None;
        }
        let at = self.origin + Duration::from_nanos(until >> 1);
        (at > now).then_some(Resting { until: at, for_rate_limit: until & 1 == 1 })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn secs(secs: u64) -> Duration {
        Duration::from_secs(secs)
    }

    #[tokio::test(start_paused = true)]
    async fn rests_as_long_as_the_hint_and_no_longer() {
        let now = Instant::now();
        let rest = Rest::new(now);
        assert_eq!(rest.resting(now), None);
        rest.rest(now, secs(2), true);
        let until = now + secs(2);
        assert_eq!(rest.resting(now + secs(1)), Some(Resting { until, for_rate_limit: true }));
        assert_eq!(rest.resting(until), None);
    }

    #[tokio::test(start_paused = true)]
    async fn a_rest_ends_at_the_very_moment_that_was_asked_for() {
        let origin = Instant::now();
        let rest = Rest::new(origin);
        let now = origin + Duration::from_nanos(1_234_567);
        rest.rest(now, secs(5), false);
        let until = rest.resting(now).unwrap().until;
        assert_eq!(until - now, secs(5));
    }

    #[tokio::test(start_paused = true)]
    async fn a_shorter_hint_does_not_shorten_a_rest() {
        let now = Instant::now();
        let rest = Rest::new(now);
        rest.rest(now, secs(9), false);
        rest.rest(now, secs(1), true);
        let resting = rest.resting(now);
        assert_eq!(resting, Some(Resting { until: now + secs(9), for_rate_limit: false }));
    }

    #[tokio::test(start_paused = true)]
    async fn an_absurd_hint_does_not_bury_a_deployment() {
        let now = Instant::now();
        let rest = Rest::new(now);
        rest.rest(now, Duration::MAX, true);
        assert_eq!(rest.resting(now + LONGEST), None);
    }
}
