//! The background checks that are made at the moment.

use secondwind_router::Router;
use tokio::task::JoinHandle;

use crate::config::Config;

/// The background checks of a router; they end when it is dropped.
#[derive(Debug)]
pub struct Checking(pub(crate) Option<JoinHandle<()>>);

// === impl Checking ===

impl Checking {
    /// Checks the deployments of `router` as often as `config` says, where it does. To be called within a runtime.
    #[must_use]
    pub fn of(config: &Config, router: &Router) -> Self {
        let checks = config.checkups.filter(|_| {
            config.listed().any(|group| {
                group.deployments.iter().any(|deployment| deployment.checkup.is_some())
            })
        });
        Self(checks.map(|checks| {
            let at_once = usize::try_from(checks.at_once).unwrap_or(usize::MAX);
            tokio::spawn(router.checkups(checks.every, at_once.min(1024)))
        }))
    }
}

impl Drop for Checking {
    fn drop(&mut self) {
        if let Some(checks) = &self.0 {
            checks.abort();
        }
    }
}
