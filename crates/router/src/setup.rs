//! The groups as a configuration says them, and why they may not work.

use std::fmt;
use std::sync::Arc;

use secondwind_layers::Name;
use secondwind_policy::Policy;

use crate::strategy::{SimpleShuffle, Strategy};
use crate::target::{Target, TargetError};

/// The groups, as a configuration says them.
#[derive(Debug)]
pub struct Setup {
    /// The groups in the order configured.
    pub groups: Vec<GroupSetup>,
    /// Further names for groups: the name, and the group that it stands for.
    pub aliases: Vec<(String, String)>,
    /// How deployments are picked.
    pub strategy: Arc<dyn Strategy>,
    /// What is asked of a deployment before it is picked.
    pub checks: Checks,
}

/// What is asked of a deployment before it is picked, beyond its health.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct Checks {
    /// Whether its `rpm` and `tpm` are limits. Else they are but weights, if anything.
    pub rates: bool,
    /// Whether the request fits into its context window, by an estimate that rather lets too much through.
    pub context_window: bool,
    /// Whether its tags fit those of the request.
    pub tags: bool,
    /// Whether requests of the same session go to the same deployment, by chance in proportion to the weights.
    pub affinity: bool,
}

/// One group, as a configuration says it.
#[derive(Debug)]
pub struct GroupSetup {
    /// Its name. With `*` in it, the group answers for all names that it covers and that no other group has.
    pub name: String,
    /// Its policy, complete.
    pub policy: Arc<Policy>,
    /// Its deployments.
    pub targets: Vec<Target>,
    /// Whether it is among those that are told of; one that is not is asked for by its name all the same. What it
    /// is made of stands in a group that is.
    pub listed: bool,
}

/// Why groups cannot be put to work.
#[derive(Debug)]
#[non_exhaustive]
pub enum SetupError {
    /// One deployment cannot.
    Target {
        /// Its id.
        id: Name,
        /// Why.
        error: TargetError,
    },
    /// The system's root certificates cannot be read.
    Roots(std::io::Error),
}

// === impl Setup ===

impl Setup {
    /// These groups, without aliases; of deployments one is picked by weight, and nothing is asked of it but that it is
    /// well.
    ///
    /// ```
    /// use secondwind_llm::dialect::OpenAiChat;
    /// use secondwind_router::{GroupSetup, Router, Setup, Target};
    ///
    /// let at = "http://127.0.0.1:8000/v1".parse()?;
    /// let group = GroupSetup::new("chat", [Target::new("here", &OpenAiChat, "llama-3.3", at)]);
    /// # tokio::runtime::Builder::new_current_thread().build()?.block_on(async {
    /// let router = Router::new(Setup::new([group]))?;
    /// # Ok::<(), secondwind_router::SetupError>(())
    /// # })?;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn new(groups: impl IntoIterator<Item = GroupSetup>) -> Self {
        Self {
            groups: groups.into_iter().collect(),
            aliases: Vec::new(),
            strategy: Arc::new(SimpleShuffle),
            checks: Checks::default(),
        }
    }
}

// === impl GroupSetup ===

impl GroupSetup {
    /// A group of these deployments under the default policy.
    pub fn new(name: impl Into<String>, targets: impl IntoIterator<Item = Target>) -> Self {
        let targets = targets.into_iter().collect();
        Self { name: name.into(), policy: Arc::default(), targets, listed: true }
    }
}

// === impl SetupError ===

impl fmt::Display for SetupError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Target { id, error } => write!(f, "deployment `{id}`: {error}"),
            Self::Roots(error) => {
                write!(f, "the system's root certificates cannot be read: {error}")
            }
        }
    }
}

impl std::error::Error for SetupError {}
