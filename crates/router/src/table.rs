//! Who answers for which name.

use std::cmp::Reverse;
use std::collections::{BTreeMap, HashMap};
use std::fmt;
use std::sync::Arc;

use secondwind_layers::{Name, Policies};
use secondwind_policy::Class;
use tokio::time::Instant;

use crate::checkup::{self, Check};
use crate::client::{Client, Clients};
use crate::group::{Group, Member};
use crate::health::{Health, Peers, Registry};
use crate::pattern::Pattern;
use crate::setup::{GroupSetup, Setup, SetupError};
use crate::target::{Deployment, Target};
use crate::wild;

/// The groups at work.
pub(crate) struct Table<S> {
    groups: BTreeMap<Name, Arc<Group<S>>>,
    aliases: HashMap<String, Name>,
    /// The groups whose names cover others, the most specific first.
    patterns: Vec<(Pattern, Arc<Group<S>>)>,
    order: Vec<Name>,
    checks: Vec<Arc<Check<S>>>,
}

impl<S> Table<S> {
    /// Puts the groups of `setup` to work; `stack` makes the layers of each deployment. What `registry` knows of
    /// their health is kept.
    pub(crate) fn new(
        setup: Setup,
        registry: &Registry,
        now: Instant,
        stack: impl Fn(Arc<Deployment>, Client) -> S,
    ) -> Result<Self, SetupError> {
        let https = |target: &Target| target.api_base.scheme_str() == Some("https");
        let tls = setup.groups.iter().any(|group| group.targets.iter().any(https));
        let clients = Clients::new(tls).map_err(SetupError::Roots)?;
        Self::dialled_by(clients, setup, registry, now, stack)
    }

    /// The same, by `clients`.
    pub(crate) fn dialled_by(
        mut clients: Clients,
        setup: Setup,
        registry: &Registry,
        now: Instant,
        stack: impl Fn(Arc<Deployment>, Client) -> S,
    ) -> Result<Self, SetupError> {
        let (mut groups, mut order) = (BTreeMap::new(), Vec::new());
        let (mut patterns, mut checks) = (Vec::new(), Vec::new());
        for GroupSetup { name, policy, targets, listed } in setup.groups {
            let name = Name::from(name);
            let mut members = Vec::with_capacity(targets.len());
            let health = |target: &Target| registry.health(&target.id, target.fingerprint(), now);
            let healths: Vec<Arc<Health>> = targets.iter().map(health).collect();
            let peers = Arc::new(Peers::new(healths.iter().cloned()));
            let mut checked = Vec::new();
            for (target, health) in targets.into_iter().zip(healths) {
                let id = target.id.clone();
                let target = wild::settled(target, &name);
                let unfit = |error| SetupError::Target { id: id.clone(), error };
                let deployment =
                    Deployment::new(target, health, Arc::clone(&peers)).map_err(unfit)?;
                let deployment = Arc::new(deployment);
                let client = clients.get(&deployment.target.policy);
                if let Some(made) = checkup::checked(&deployment).filter(|_| listed) {
                    let (deployment, how) = made.map_err(unfit)?;
                    let stack = stack(Arc::clone(&deployment), client.clone());
                    checked.push((members.len(), (deployment, how), stack));
                }
                let stack = stack(Arc::clone(&deployment), client);
                members.push(Member { deployment, stack });
            }
            let fallback = !policy.fallback().list_for(Class::Timeout).is_empty();
            let strategy = Arc::clone(&setup.strategy);
            let chosen = (strategy, setup.checks);
            let group = Arc::new(Group::new(name.clone(), policy, members, chosen, now));
            checks.extend(checked.into_iter().map(|(member, checked, stack)| {
                let room = group.room(member);
                Arc::new(Check::new(checked, name.clone(), fallback, room, stack))
            }));
            if let Some(pattern) = Pattern::new(&name) {
                patterns.push((pattern, Arc::clone(&group)));
            }
            groups.insert(name.clone(), group);
            if listed {
                order.push(name);
            }
        }
        registry.sweep();
        let aliases = setup.aliases.into_iter().map(|(alias, group)| (alias, Name::from(group)));
        patterns.sort_by_key(|(pattern, _)| Reverse(pattern.specificity()));
        Ok(Self { groups, aliases: aliases.collect(), patterns, order, checks })
    }

    /// The group called `name`, or that `name` stands for.
    pub(crate) fn group(&self, name: &str) -> Option<&Arc<Group<S>>> {
        // An alias goes before a group of the same name, as in LiteLLM.
        let name = self.aliases.get(name).map_or(name, |group| group);
        self.groups.get(name).or_else(|| {
            self.patterns.iter().find(|(pattern, _)| pattern.covers(name)).map(|(_, group)| group)
        })
    }

    /// The checks of the deployments that are checked.
    pub(crate) fn checks(&self) -> &[Arc<Check<S>>] {
        &self.checks
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
