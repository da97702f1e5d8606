//! The health of all deployments, by id.

use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError, Weak};

use secondwind_layers::Name;
use tokio::time::Instant;

use super::Health;

/// The health of all deployments, by their stable ids: a new router that is made with the registry of the one
/// before keeps what is known. Clones are the same registry.
#[derive(Clone, Default)]
pub(crate) struct Registry(Arc<Mutex<HashMap<Name, Known>>>);

struct Known {
    /// Tells whether the deployment is still the same one.
    fingerprint: u64,
    health: Weak<Health>,
}

// === impl Registry ===

impl Registry {
    /// The health of the deployment called `id`. Nothing is known of one with another fingerprint: it is another
    /// place, or what only another configuration could mend may be mended.
    pub(crate) fn health(&self, id: &Name, fingerprint: u64, now: Instant) -> Arc<Health> {
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(before) = known.get(id)
            && before.fingerprint == fingerprint
            && let Some(health) = before.health.upgrade()
        {
            return health;
        }
        let health = Arc::new(Health::new(now));
        known.insert(id.clone(), Known { fingerprint, health: Arc::downgrade(&health) });
        health
    }

    /// Forgets the deployments that are nowhere in use any more.
    pub(crate) fn sweep(&self) {
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        known.retain(|_, known| known.health.strong_count() > 0);
    }
}

impl fmt::Debug for Registry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Registry").finish_non_exhaustive()
    }
}
