//! A request's visit to a deployment.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use super::Health;

/// A request's visit to a deployment: counted while it lasts. It is given back when it is dropped, whatever
/// became of the request, and with it the right to probe.
pub(crate) struct Ticket {
    health: Arc<Health>,
    probe: bool,
}

// === impl Ticket ===

impl Ticket {
    pub(super) fn new(health: Arc<Health>, probe: bool) -> Self {
        health.in_flight.fetch_add(1, Ordering::Relaxed);
        Self { health, probe }
    }
}

impl Drop for Ticket {
    fn drop(&mut self) {
        self.health.in_flight.fetch_sub(1, Ordering::Relaxed);
        if self.probe {
            self.health.probing.store(false, Ordering::Release);
        }
    }
}

impl fmt::Debug for Ticket {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Ticket").field("probe", &self.probe).finish_non_exhaustive()
    }
}
