//! The groups as a configuration says them, and why they may not work.

use std::fmt;
use std::sync::Arc;

use secondwind_layers::Name;
use secondwind_policy::Policy;

use crate::strategy::Strategy;
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
}

/// One group, as a configuration says it.
#[derive(Debug)]
pub struct GroupSetup {
    /// Its name.
    pub name: String,
    /// Its policy, complete.
    pub policy: Arc<Policy>,
    /// Its deployments.
    pub targets: Vec<Target>,
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
