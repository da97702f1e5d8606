//! The deployments of one group, as far as they stand in for each other.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use secondwind_layers::classify::Verdict;
use secondwind_policy::BreakerPolicy;
use tokio::time::Instant;

use super::{Health, Outlook, Standing};

/// The deployments of one group.
#[derive(Debug)]
pub(crate) struct Peers {
    all: Box<[Arc<Health>]>,
    /// Held while one is taken out, so that no two think that the other stands.
    deciding: Mutex<()>,
}

// === impl Peers ===

impl Peers {
    pub(crate) fn new(all: impl IntoIterator<Item = Arc<Health>>) -> Self {
        Self { all: all.into_iter().collect(), deciding: Mutex::default() }
    }

    /// Notes a failure of one of them, which began at `began`; `fallback` says whether another group is left.
    /// Gives whether it rests from now on since it failed too often.
    pub(crate) fn failed(
        &self,
        health: &Arc<Health>,
        verdict: &Verdict,
        policy: &BreakerPolicy,
        fallback: bool,
        (began, now): (Instant, Instant),
    ) -> bool {
        if !Health::hurts(verdict, policy) {
            return false;
        }
        let _deciding = self.deciding.lock().unwrap_or_else(PoisonError::into_inner);
        let outlook = self.outlook(health, fallback, now);
        health.failed(verdict, policy, outlook, (began, now), fastrand::f64())
    }

    /// Notes that a limit of one of them is used up, and begins anew after `wait`. The last one standing is asked all
    /// the same: it may have room before it has all of it again.
    pub(crate) fn spent(&self, health: &Arc<Health>, fallback: bool, now: Instant, wait: Duration) {
        let _deciding = self.deciding.lock().unwrap_or_else(PoisonError::into_inner);
        if self.outlook(health, fallback, now) == Outlook::Others {
            health.spent(now, wait);
        }
    }

    /// Who could answer in place of one of them.
    fn outlook(&self, health: &Arc<Health>, fallback: bool, now: Instant) -> Outlook {
        let stands = |other: &Arc<Health>| {
            !Arc::ptr_eq(other, health) && other.standing(now) == Standing::Up
        };
        let others = fallback || self.all.iter().any(stands);
        if others { Outlook::Others } else { Outlook::Alone }
    }
}
