//! Turns the tree of a file into a [`Config`].

use super::checkups;
use super::credentials;
use std::collections::HashMap;

use super::cx::Cx;
use super::de;
use super::deployments::{self, Member, Ready};
use super::env;
use super::known::{self, Section};
use super::names::{Derived, Names};
use super::node::{Entry, Node, Value};
use super::policies;
use super::raw;
use super::resolved::{Checkups, Config, DeploymentConfig, GroupConfig};
use super::routing;
use super::secret::Secret;
use crate::surface::Passthrough;

/// The environment variable of the master key where the file has none.
const MASTER_KEY: &str = "LITELLM_MASTER_KEY";

/// Resolves everything that a file says. Where something is wrong with it, that is noted, and the
/// outcome is not to be used.
pub(super) fn config(cx: &mut Cx<'_>, mut root: Node) -> Option<Config> {
    known::sift(cx, Section::Root, &mut root);
    env::read(cx, root.take("environment_variables"));
    let mut litellm = section(cx, &mut root, "litellm_settings", Section::LiteLlm);
    let mut router = section(cx, &mut root, "router_settings", Section::Router);
    let mut general = section(cx, &mut root, "general_settings", Section::General);
    let mut secondwind = section(cx, &mut root, "secondwind", Section::Secondwind);

    let mut names = Names::default();
    let credentials = credentials::read(cx, root.take("credential_list"));
    let groups = deployments::read(cx, &mut names, &credentials, &mut root);
    let aliases = names.read_aliases(cx, router.take("model_group_alias"));
    let routing = routing::read(cx, &mut router);
    let drop_params = routing::flag(cx, &mut litellm, "drop_params");
    store(cx, secondwind.take("store"));
    let passthrough = passthrough(cx, &names, &groups, secondwind.take("passthrough"));
    let (master_key, allow_mock_testing, checkups) = general_settings(cx, &mut general);
    if checkups.is_some() {
        deployments::tell_unchecked(cx, &groups);
    }

    let parts = [&mut litellm, &mut router, &mut secondwind];
    let policies = policies::read(cx, &names, parts);
    let most = routing.max_parallel_requests;
    let mut homes = HashMap::new();
    let mut groups: Vec<_> = groups
        .into_iter()
        .map(|group| {
            let embeds = group.embeds();
            let (name, mut members) = group.finish(&mut names);
            if embeds {
                policies.without_streams(cx, &name);
            }
            for ready in &mut members {
                ready.drop_params = ready.drop_params.or(Some(drop_params));
            }
            if names.is_home(&name) {
                homes.insert(name.clone(), members.clone());
            }
            let policy = policies.group(cx, &name, None);
            self::group(cx, policy, name, members, most)
        })
        .collect();
    while let Some((name, Derived { home, deployment })) = names.next_derived() {
        let policy = policies.group(cx, &name, Some(&home));
        let members = homes.get(&home).into_iter().flatten();
        let meant = |ready: &&Ready| deployment.as_ref().is_none_or(|id| ready.id == *id);
        let members = members.filter(meant).cloned().collect();
        groups.push(GroupConfig { listed: false, ..group(cx, policy, name, members, most) });
    }
    let (strategy, checks) = (routing.strategy, routing.checks);
    let policy = policies.base();
    let config = Config {
        groups,
        aliases,
        policy,
        master_key,
        strategy,
        checks,
        allow_mock_testing,
        passthrough,
        checkups,
    };
    (!config.groups.is_empty()).then_some(config)
}

/// Takes a section out of the file; a mapping without entries if it is not there.
fn section(cx: &mut Cx<'_>, root: &mut Node, key: &str, section: Section) -> Node {
    let nothing = Node::empty(root.span);
    let Some(Entry { mut node, .. }) = root.take(key) else {
        return nothing;
    };
    if node.map_mut().is_none() {
        let lost = node.text().is_some_and(|text| text.contains([':', '=']));
        let help = lost.then(|| "between a key and its value stands `: `".to_owned());
        cx.error(node.span, format!("`{key}` must be a mapping, not {}", node.kind()), help);
        return nothing;
    }
    known::sift(cx, section, &mut node);
    env::resolve(cx, &mut node);
    node
}

/// A group that lacks nothing; `most` requests at a time are for a deployment that says nothing of it.
fn group(
    cx: &mut Cx<'_>,
    mut policy: policies::Group,
    name: String,
    members: Vec<Ready>,
    most: Option<u32>,
) -> GroupConfig {
    let deployments = members.into_iter().map(|ready| {
        let mut deployment = deployment(cx, &mut policy, ready);
        let limit = &mut deployment.limits.max_parallel_requests;
        *limit = limit.or(most);
        deployment
    });
    let deployments = deployments.collect();
    GroupConfig { name, policy: policy.policy, deployments, listed: true }
}

fn deployment(cx: &mut Cx<'_>, group: &mut policies::Group, ready: Ready) -> DeploymentConfig {
    DeploymentConfig {
        id: ready.id,
        dialect: ready.dialect,
        provider: ready.provider,
        model: ready.model,
        pattern: ready.pattern,
        api_base: ready.api_base,
        api_key: ready.api_key,
        weight: ready.weight,
        order: ready.order,
        price: ready.price,
        tags: ready.tags,
        limits: ready.limits,
        policy: group.deployment(cx, ready.overlay),
        organization: ready.organization,
        assistant_prefill: ready.prefill,
        checkup: ready.checkup,
        drop_params: ready.drop_params.unwrap_or(false),
    }
}

fn general_settings(
    cx: &mut Cx<'_>,
    general: &mut Node,
) -> (Option<Secret>, bool, Option<Checkups>) {
    let dropped = matches!(&general.value, Value::Map(map) if map.has_dropped("master_key"));
    let raw: raw::General = de::read(cx, general).unwrap_or_default();
    let checkups = checkups::read(cx, &raw);
    let given = raw.master_key.filter(|key| !key.expose().is_empty());
    let key = given.or_else(|| cx.env.get(MASTER_KEY).filter(|_| !dropped).map(Secret::new));
    (key, raw.allow_mock_testing.unwrap_or(false), checkups)
}

/// State is kept in memory; there is nowhere else yet.
fn store(cx: &mut Cx<'_>, entry: Option<Entry>) {
    let Some(entry) = entry else { return };
    let neutral = match &entry.node.value {
        Value::Bool(false) => true,
        _ => matches!(entry.node.text(), Some("off" | "memory")),
    };
    if !neutral {
        let help = "leave it out: what is known is kept in memory".to_owned();
        cx.error(entry.at, "`store` is not available yet", Some(help));
    }
}

/// Where what belongs to an account goes: a group that has a deployment for it, or `off`.
fn passthrough(
    cx: &mut Cx<'_>,
    names: &Names,
    groups: &[deployments::Group],
    entry: Option<Entry>,
) -> Passthrough {
    let Some(entry) = entry.filter(|entry| !entry.node.is_null()) else {
        return Passthrough::First;
    };
    let node = &entry.node;
    if matches!(node.value, Value::Bool(false)) || node.text() == Some("off") {
        return Passthrough::Off;
    }
    if node.text().is_none() {
        let message =
            format!("`passthrough` must be the name of a group, or off, not {}", node.kind());
        cx.error(node.span, message, None);
        return Passthrough::First;
    }
    let Some(group) = names.group(cx, node) else { return Passthrough::First };
    if names.is_left_out(&group) {
        names.told_left_out(cx, &group, node.span);
        return Passthrough::First;
    }
    let speaks =
        |member: &Member| member.provider.dialect.account_base(member.base.path()).is_some();
    if groups.iter().any(|it| it.name == group && !it.members.iter().any(speaks)) {
        let message = format!("no deployment of `{group}` speaks OpenAI's own API");
        cx.error(node.span, message, None);
    }
    Passthrough::Group(group)
}
