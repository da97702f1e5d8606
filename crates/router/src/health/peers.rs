//! The deployments of one group, as far as they stand in for each other.

use std::sync::{Arc, Mutex, PoisonError};

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
        let stands = |other: &Arc<Health>| {
            !Arc::ptr_eq(other, health) && other.standing(now) == Standing::Up
        };
        let outlook =
            if fallback || self.all.iter().any(stands) { Outlook::Others } else { Outlook::Alone };
        health.failed(verdict, policy, outlook, (began, now), fastrand::f64())
    }
}
