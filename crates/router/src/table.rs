//! Who answers for which name.

use std::collections::{BTreeMap, HashMap};
use std::fmt;
use std::sync::Arc;

use secondwind_layers::{Name, Policies};
use secondwind_policy::Policy;
use tokio::time::Instant;

use crate::client::Clients;
use crate::group::{Group, Member};
use crate::health::Rest;
use crate::stack::deployment_stack;
use crate::strategy::Strategy;
use crate::target::{Deployment, Target, TargetError};

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

/// The groups at work.
pub struct Table {
    groups: BTreeMap<Name, Arc<Group>>,
    aliases: HashMap<String, Name>,
    order: Vec<Name>,
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

impl Table {
    pub(crate) fn new(setup: Setup, now: Instant) -> Result<Self, SetupError> {
        let https = |target: &Target| target.api_base.scheme_str() == Some("https");
        let tls = setup.groups.iter().any(|group| group.targets.iter().any(https));
        let mut clients = Clients::new(tls).map_err(SetupError::Roots)?;
        let (mut groups, mut order) = (BTreeMap::new(), Vec::new());
        for GroupSetup { name, policy, targets } in setup.groups {
            let name = Name::from(name);
            let mut members = Vec::with_capacity(targets.len());
            for target in targets {
                let id = target.id.clone();
                let deployment = Deployment::new(target, Arc::new(Rest::new(now)))
                    .map_err(|error| SetupError::Target { id, error })?;
                let client = clients.get(&deployment.target.policy);
                let deployment = Arc::new(deployment);
                let stack = deployment_stack(Arc::clone(&deployment), client);
                members.push(Member { deployment, stack });
            }
            let strategy = Arc::clone(&setup.strategy);
            let group = Group::new(name.clone(), policy, members, strategy, now);
            groups.insert(name.clone(), Arc::new(group));
            order.push(name);
        }
        let aliases = setup.aliases.into_iter().map(|(alias, group)| (alias, Name::from(group)));
        Ok(Self { groups, aliases: aliases.collect(), order })
    }

    /// The group called `name`, or that `name` stands for.
    #[must_use]
    pub fn group(&self, name: &str) -> Option<&Arc<Group>> {
        // An alias goes before a group of the same name, as in LiteLLM.
        self.groups.get(self.aliases.get(name).map_or(name, |group| group))
    }

    /// The names of the groups, in the order configured.
    #[must_use]
    pub fn names(&self) -> &[Name] {
        &self.order
    }

    /// The host that the deployment called `deployment` of `group` is at; never more of its address.
    #[must_use]
    pub fn host_of(&self, group: &str, deployment: &str) -> Option<&str> {
        self.groups.get(group)?.host_of(deployment)
    }

    /// The policies of all groups, for the layers above them.
    pub(crate) fn policies(&self) -> Policies {
        let groups = self.groups.values();
        groups.fold(Policies::default(), |policies, group| {
            policies.with_group(&**group.name(), Arc::clone(group.policy()))
        })
    }
}

impl fmt::Debug for Table {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Table").field("groups", &self.order).finish_non_exhaustive()
    }
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
