//! The policy as the layers hold it: shared, and replaceable while requests run.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering::{Acquire, Release};

use arc_swap::ArcSwap;
use secondwind_policy::Policy;

/// A policy that may be replaced while the layers that hold it are in use.
///
/// All layers made from clones of one handle follow it. A call to a layer keeps the policies that it began with.
///
/// ```
/// use secondwind_layers::{PolicyHandle, RetryLayer};
/// use secondwind_policy::Policy;
///
/// let handle = PolicyHandle::from(Policy::default());
/// let retry = RetryLayer::new(handle.clone());
/// // Later, when the configuration was read again:
/// handle.store(Policy::builder().num_retries(1).build()?);
/// # let _ = retry;
/// # Ok::<(), secondwind_policy::Invalid>(())
/// ```
#[derive(Clone, Debug)]
pub struct PolicyHandle(Arc<Handled>);

#[derive(Debug)]
struct Handled {
    policies: ArcSwap<Policies>,
    version: AtomicU64,
}

/// A policy for everything, and one of its own for some groups.
#[derive(Clone, Debug, Default)]
pub struct Policies {
    default: Arc<Policy>,
    groups: HashMap<Box<str>, Arc<Policy>>,
}

// === impl PolicyHandle ===

impl PolicyHandle {
    /// Replaces the policies. Requests under way keep those that they began with.
    pub fn store(&self, policies: impl Into<Policies>) {
        self.0.policies.store(Arc::new(policies.into()));
        self.0.version.fetch_add(1, Release);
    }

    /// The policy for requests that name no group.
    #[must_use]
    pub fn load(&self) -> Arc<Policy> {
        Arc::clone(&self.0.policies.load().default)
    }

    /// The policy of `group`.
    #[must_use]
    pub fn load_group(&self, group: &str) -> Arc<Policy> {
        Arc::clone(self.0.policies.load().group(group))
    }

    pub(crate) fn all(&self) -> Arc<Policies> {
        self.0.policies.load_full()
    }

    /// Changes whenever the policies do, after they did.
    pub(crate) fn version(&self) -> u64 {
        self.0.version.load(Acquire)
    }
}

impl From<Policies> for PolicyHandle {
    fn from(policies: Policies) -> Self {
        Self(Arc::new(Handled {
            policies: ArcSwap::from_pointee(policies),
            version: AtomicU64::new(0),
        }))
    }
}

impl From<Policy> for PolicyHandle {
    fn from(policy: Policy) -> Self {
        Self::from(Policies::from(policy))
    }
}

impl From<Arc<Policy>> for PolicyHandle {
    fn from(policy: Arc<Policy>) -> Self {
        Self::from(Policies::from(policy))
    }
}

impl Default for PolicyHandle {
    fn default() -> Self {
        Self::from(Policies::default())
    }
}

// === impl Policies ===

impl Policies {
    /// `default` for everything.
    #[must_use]
    pub fn new(default: impl Into<Arc<Policy>>) -> Self {
        Self { default: default.into(), groups: HashMap::new() }
    }

    /// With a policy of its own, complete, for `group`.
    #[must_use]
    pub fn with_group(
        mut self,
        group: impl Into<Box<str>>,
        policy: impl Into<Arc<Policy>>,
    ) -> Self {
        self.groups.insert(group.into(), policy.into());
        self
    }

    pub(crate) const fn default_policy(&self) -> &Arc<Policy> {
        &self.default
    }

    /// The policy of `group`, where it has one of its own.
    pub(crate) fn own(&self, group: &str) -> Option<&Arc<Policy>> {
        self.groups.get(group)
    }

    /// The policy of `group`: its own, else the default.
    #[must_use]
    pub fn group(&self, group: &str) -> &Arc<Policy> {
        self.groups.get(group).unwrap_or(&self.default)
    }
}

impl From<Policy> for Policies {
    fn from(policy: Policy) -> Self {
        Self::new(policy)
    }
}

impl From<Arc<Policy>> for Policies {
    fn from(policy: Arc<Policy>) -> Self {
        Self::new(policy)
    }
}
