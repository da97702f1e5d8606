//! Who answers for which name.

use std::collections::{BTreeMap, HashMap};
use std::fmt;
use std::sync::Arc;

use secondwind_layers::{Name, Policies};
use tokio::time::Instant;

use crate::client::{Client, Clients};
use crate::group::{Group, Member};
use crate::health::Rest;
use crate::setup::{GroupSetup, Setup, SetupError};
use crate::target::{Deployment, Target};

/// The groups at work.
pub(crate) struct Table<S> {
    groups: BTreeMap<Name, Arc<Group<S>>>,
    aliases: HashMap<String, Name>,
    order: Vec<Name>,
    /// All deployments by id: the next table takes over what is known of them.
    deployments: HashMap<Name, Arc<Deployment>>,
}

impl<S> Table<S> {
    /// Puts the groups of `setup` to work, in the place of `before`; `stack` makes the layers of each deployment.
    pub(crate) fn new(
        setup: Setup,
        now: Instant,
        before: Option<&Self>,
        stack: impl Fn(Arc<Deployment>, Client) -> S,
    ) -> Result<Self, SetupError> {
        let https = |target: &Target| target.api_base.scheme_str() == Some("https");
        let tls = setup.groups.iter().any(|group| group.targets.iter().any(https));
        let clients = Clients::new(tls).map_err(SetupError::Roots)?;
        Self::dialled_by(clients, setup, now, before, stack)
    }

    /// The same, by `clients`.
    pub(crate) fn dialled_by(
        mut clients: Clients,
        setup: Setup,
        now: Instant,
        before: Option<&Self>,
        stack: impl Fn(Arc<Deployment>, Client) -> S,
    ) -> Result<Self, SetupError> {
        let (mut groups, mut order) = (BTreeMap::new(), Vec::new());
        let mut deployments = HashMap::new();
        for GroupSetup { name, policy, targets } in setup.groups {
            let name = Name::from(name);
            let mut members = Vec::with_capacity(targets.len());
            for target in targets {
                let id = target.id.clone();
                let rest = before.and_then(|before| before.rest_of(&target));
                let rest = rest.unwrap_or_else(|| Arc::new(Rest::new(now)));
                let deployment = Deployment::new(target, rest)
                    .map_err(|error| SetupError::Target { id: id.clone(), error })?;
                let client = clients.get(&deployment.target.policy);
                let deployment = Arc::new(deployment);
                deployments.insert(id, Arc::clone(&deployment));
                let stack = stack(Arc::clone(&deployment), client);
                members.push(Member { deployment, stack });
            }
            let strategy = Arc::clone(&setup.strategy);
            let group = Group::new(name.clone(), policy, members, strategy, now);
            groups.insert(name.clone(), Arc::new(group));
            order.push(name);
        }
        let aliases = setup.aliases.into_iter().map(|(alias, group)| (alias, Name::from(group)));
        Ok(Self { groups, aliases: aliases.collect(), order, deployments })
    }

    /// What is known of the health of a deployment, if it is the one that has been here.
    fn rest_of(&self, target: &Target) -> Option<Arc<Rest>> {
        let known = self.deployments.get(&target.id)?;
        known.target.is_the_place_of(target).then(|| Arc::clone(&known.rest))
    }

    /// The group called `name`, or that `name` stands for.
    pub(crate) fn group(&self, name: &str) -> Option<&Arc<Group<S>>> {
        // An alias goes before a group of the same name, as in LiteLLM.
        self.groups.get(self.aliases.get(name).map_or(name, |group| group))
    }

    /// The names of the groups, in the order configured.
    pub(crate) fn names(&self) -> &[Name] {
        &self.order
    }

    /// The host that the deployment called `deployment` of `group` is at; never more of its address.
    pub(crate) fn host_of(&self, group: &str, deployment: &str) -> Option<&str> {
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

impl<S> fmt::Debug for Table<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Table").field("groups", &self.order).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests;
