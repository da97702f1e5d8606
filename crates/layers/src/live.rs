//! What all clones of a layer's service share: what never changes, and the policies as they were when somebody
//! last looked.
//!
//! A service looks at each call whether the handle's policies are still those; that is one atomic load. Only
//! when they are not is anything fetched.

use std::fmt;
use std::ops::Deref;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use secondwind_policy::Policy;

use crate::policies::{Policies, PolicyHandle};

/// What all clones of a service share.
pub(crate) struct Live<F: Facts, S = ()> {
    facts: Arc<F>,
    template: Arc<OnceLock<Mutex<S>>>,
    handle: PolicyHandle,
    version: u64,
    policies: Arc<Policies>,
    derived: F::Derived,
}

/// What of a layer never changes.
pub(crate) trait Facts {
    /// What follows from the facts and the policies together.
    type Derived;

    fn derive(&self, policies: &Policies) -> Self::Derived;
}

impl<F: Facts, S> Live<F, S> {
    pub(crate) fn new(facts: F, handle: PolicyHandle) -> Arc<Self> {
        Self::look(Arc::new(facts), Arc::default(), handle)
    }

    /// The same with the policies of now.
    #[inline]
    pub(crate) fn fresh(live: &mut Arc<Self>) -> &Arc<Self> {
        if live.handle.version() != live.version {
            Self::refresh(live);
        }
        live
    }

    #[cold]
    fn refresh(live: &mut Arc<Self>) {
        *live =
            Self::look(Arc::clone(&live.facts), Arc::clone(&live.template), live.handle.clone());
    }

    fn look(facts: Arc<F>, template: Arc<OnceLock<Mutex<S>>>, handle: PolicyHandle) -> Arc<Self> {
        // The version first: if the policies change in between, they are fetched once more than needed.
        let version = handle.version();
        let policies = handle.all();
        let derived = facts.derive(&policies);
        Arc::new(Self { facts, template, handle, version, policies, derived })
    }

    /// Keeps a clone of the service inside, the first time that there is one to be had.
    ///
    /// A call needs a service of its own only after a failure. Cloning the one inside at each call would cost a
    /// reference count for every layer below; so one is kept, and cloned when it is needed.
    #[inline]
    pub(crate) fn keep(&self, inner: &S)
    where
        S: Clone,
    {
        if self.template.get().is_none() {
            self.template.get_or_init(|| Mutex::new(inner.clone()));
        }
    }

    /// A service for another attempt, which is to be readied first. There is one once a call was begun.
    pub(crate) fn another(&self) -> Option<S>
    where
        S: Clone,
    {
        let template = self.template.get()?;
        Some(template.lock().unwrap_or_else(PoisonError::into_inner).clone())
    }

    /// The policy for requests that name no group.
    pub(crate) fn policy(&self) -> &Arc<Policy> {
        self.policies.default_policy()
    }

    pub(crate) fn policies(&self) -> &Policies {
        &self.policies
    }

    pub(crate) const fn derived(&self) -> &F::Derived {
        &self.derived
    }
}

impl<F: Facts, S> Deref for Live<F, S> {
    type Target = F;

    fn deref(&self) -> &F {
        &self.facts
    }
}

impl<F: Facts, S> fmt::Debug for Live<F, S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Live").field("policies", &self.policies).finish_non_exhaustive()
    }
}
