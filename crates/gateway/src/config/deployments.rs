//! Reads `model_list`: who can answer for which group.

mod ready;
mod upstream;

use std::collections::HashMap;

use http::{HeaderValue, Uri};
use secondwind_llm::dialect::Provider;
use secondwind_router::{Checkup, Limits, Pattern};

use super::address::{self, Written};
use super::at::At;
use super::checkups;
use super::credentials::Credentials;
use super::cx::Cx;
use super::de;
use super::env;
use super::fails;
use super::known::{self, Section};
use super::names::Names;
use super::node::{Node, Span, Value};
use super::raw;
use super::secret::Secret;

pub(super) use self::ready::Ready;
use self::upstream::upstream;

/// The deployments of a group.
pub(super) struct Group {
    pub(super) name: String,
    pub(super) members: Vec<Member>,
}

/// A deployment that lacks its policy.
pub(super) struct Member {
    id: Option<At<String>>,
    pub(super) provider: &'static Provider,
    model: String,
    /// The name with `*` that it answers for.
    pattern: Option<Pattern>,
    pub(super) base: Uri,
    api_key: Option<Secret>,
    organization: Option<Secret>,
    weights: [Option<At<f64>>; 3],
    order: Option<u32>,
    /// Whether it goes on from an assistant's last message.
    prefill: bool,
    /// Whether its model makes embeddings and nothing else.
    embeds: bool,
    /// Whether parameters without a counterpart are left out; `None`: as everywhere.
    drop_params: Option<bool>,
    price: Option<f64>,
    tags: Vec<String>,
    limits: Limits,
    /// How it is checked, and where it is written if nothing can be asked of it.
    checkup: Result<Option<Checkup>, Span>,
    /// What goes into its policy.
    pub(super) overlay: Option<Node>,
}

/// Reads the groups, in the order in which they are first named.
pub(super) fn read(
    cx: &mut Cx<'_>,
    names: &mut Names,
    credentials: &Credentials,
    root: &mut Node,
) -> Vec<Group> {
    let mistyped = matches!(&root.value, Value::Map(map) if map.has_dropped("model_list"));
    let Some(list) = root.take("model_list") else {
        let help = "a `model_list` names the places that can answer".to_owned();
        names.go_blind();
        if !mistyped {
            cx.error(None, "there is no `model_list`", Some(help));
        }
        return Vec::new();
    };
    let found = list.node.kind();
    let Value::List(items) = list.node.value else {
        names.go_blind();
        cx.error(list.node.span, format!("`model_list` must be a list, not {found}"), None);
        return Vec::new();
    };
    if items.is_empty() {
        cx.error(list.at, "`model_list` is empty", Some("name at least one deployment".to_owned()));
    }
    let empty = items.is_empty();
    let mut groups: Vec<Group> = Vec::new();
    let mut places: HashMap<String, usize> = HashMap::new();
    for item in items {
        let Some((name, member)) = deployment(cx, names, credentials, item) else {
            continue;
        };
        if let (Some(id), None) = (&member.id, &member.pattern) {
            names.add_home(&id.value, &name);
        }
        match places.get(&name).and_then(|&place| groups.get_mut(place)) {
            Some(group) => group.members.push(member),
            None => {
                places.insert(name.clone(), groups.len());
                groups.push(Group { name, members: vec![member] });
            }
        }
    }
    groups.iter().for_each(|group| names.add_present(&group.name));
    if groups.is_empty() && !empty && cx.errors() == 0 {
        cx.error(list.at, "none of the deployments can be used yet", None);
    }
    groups
}

/// Reads an item of the list: its group and itself.
fn deployment(
    cx: &mut Cx<'_>,
    names: &mut Names,
    credentials: &Credentials,
    mut item: Node,
) -> Option<(String, Member)> {
    if item.map_mut().is_none() {
        let message = format!("a deployment must be a mapping, not {}", item.kind());
        cx.error(item.span, message, Some("begin it with `- model_name: `".to_owned()));
        return None;
    }
    known::sift(cx, Section::Deployment, &mut item);
    if let Some(params) = item.get_mut("litellm_params") {
        known::sift(cx, Section::Params, params);
        credentials.lend(cx, params);
    }
    if let Some(info) = item.get_mut("model_info") {
        known::sift(cx, Section::Info, info);
    }
    env::resolve(cx, &mut item);
    // Also of a deployment that cannot be read: its group is not missing.
    if let Some(name) = item.get("model_name").and_then(Node::text) {
        names.add_group(name);
    }
    let group = item.get("model_name").and_then(Node::text).unwrap_or_default().to_owned();
    let errors = cx.errors();
    let read = described(cx, names, item);
    if read.is_none() && cx.errors() == errors {
        names.add_left_out(group);
    }
    read
}

/// The same of an item in which nothing is left to look up. `None` where something is wrong with it, or where it
/// is left out since it is not available yet.
fn described(cx: &mut Cx<'_>, names: &mut Names, mut item: Node) -> Option<(String, Member)> {
    let overlay = overlay(cx, &mut item);
    let raw: raw::Deployment = de::read(cx, &mut item)?;
    let keyless = !dropped(&item, "api_key");
    let placeless = dropped(&item, "api_base") || dropped(&item, "base_url");
    let params = raw.litellm_params;
    let model = params.model;
    let name = group_name(cx, &raw.model_name);
    let mut info = raw.model_info;
    let prefill = info.as_ref().and_then(|info| info.supports_assistant_prefill);
    let costs = info
        .as_mut()
        .map(|info| [info.input_cost_per_token.take(), info.output_cost_per_token.take()]);
    let [input, output] = costs.unwrap_or_default();
    let price =
        price(cx, [params.input_cost_per_token.or(input), params.output_cost_per_token.or(output)]);
    let embeds = info.as_ref().and_then(|info| info.mode.as_deref()) == Some("embedding");
    let max_input_tokens = info.as_ref().and_then(|info| info.max_input_tokens);
    let said = checkups::said(cx, info.as_mut());
    let id = id(cx, names, info);
    let weights = [("weight", params.weight), ("rpm", params.rpm), ("tpm", params.tpm)]
        .map(|(key, weight)| weight.and_then(|weight| positive(cx, key, weight)));
    let limit = |n: usize| {
        let limit = weights.get(n)?.as_ref()?.value;
        // None at all would be no deployment: it is but a weight.
        (limit >= 1.0).then_some(limit as u64)
    };
    let limits = Limits {
        rpm: limit(1),
        tpm: limit(2),
        max_parallel_requests: params.max_parallel_requests.filter(|most| *most > 0),
        max_input_tokens,
    };
    let custom = params.custom_llm_provider.as_ref();
    let (provider, upstream) = upstream(cx, &model, custom, &raw.model_name.value)?;
    if placeless {
        // What is wrong with it has been told.
        return None;
    }
    let written = Written {
        model: &model,
        upstream: &upstream,
        api_base: params.api_base.as_ref(),
        api_version: params.api_version.as_ref(),
    };
    let base = address::read(cx, provider, &written)?;
    let checkup = said.checkup(provider, &upstream).ok_or(model.span);
    let api_key = match params.api_key.filter(|key| !key.value.expose().is_empty()) {
        // A key of the environment goes to the provider that it is for, and nowhere else.
        None if keyless && (params.api_base.is_none() || provider.api_base.is_none()) => {
            default_key(cx, provider, &model)
        }
        key => key,
    };
    let organization = params.organization.filter(|text| !text.value.expose().is_empty());
    let api_key = api_key.and_then(|key| {
        let fits = provider.dialect.auth(key.value.expose()).is_ok();
        sendable(cx, "api_key", key, fits)
    });
    let organization = organization.and_then(|text| {
        let fits = HeaderValue::from_str(text.value.expose()).is_ok();
        sendable(cx, "organization", text, fits)
    });
    let member = Member {
        id,
        provider,
        model: upstream,
        pattern: Pattern::new(&raw.model_name.value),
        base,
        api_key,
        organization,
        weights,
        order: params.order,
        prefill: prefill.unwrap_or(false),
        embeds,
        drop_params: params.drop_params,
        price,
        tags: params.tags.unwrap_or_default(),
        limits,
        checkup,
        overlay,
    };
    Some((name?, member))
}

/// Takes out of `litellm_params` and `model_info` what goes into the policy, and puts it where a policy has it.
fn overlay(cx: &mut Cx<'_>, item: &mut Node) -> Option<Node> {
    let mut policy = Node::empty(item.span);
    // The later one wins, as in LiteLLM.
    for (section, key, path) in [
        ("model_info", "allowed_fails", "breaker.allowed_fails"),
        ("model_info", "allowed_fails_policy", "breaker.allowed_fails_policy"),
        ("model_info", "cooldown_time", "breaker.cooldown_time"),
        ("litellm_params", "cooldown_time", "breaker.cooldown_time"),
        ("litellm_params", "num_retries", "retry.num_retries"),
        ("litellm_params", "request_timeout", "timeout.attempt"),
        ("litellm_params", "timeout", "timeout.attempt"),
        ("litellm_params", "stream_timeout", "timeout.stream"),
    ] {
        let Some(mut entry) = item.get_mut(section).and_then(|section| section.take(key)) else {
            continue;
        };
        if key == "allowed_fails_policy" {
            fails::translate(cx, Section::Info, &mut entry);
        }
        policy.put(path, entry);
    }
    (!policy.entries().is_empty()).then_some(policy)
}

fn dropped(item: &Node, key: &str) -> bool {
    let params = item.get("litellm_params").map(|params| &params.value);
    matches!(params, Some(Value::Map(params)) if params.has_dropped(key))
}

fn group_name(cx: &mut Cx<'_>, name: &At<String>) -> Option<String> {
    let text = &name.value;
    let message = if text.trim().is_empty() {
        "`model_name` is empty"
    } else if text.chars().any(char::is_control) {
        "`model_name` must be one line of text"
    } else {
        return Some(text.clone());
    };
    cx.error(name.span, message, None);
    None
}

fn id(cx: &mut Cx<'_>, names: &mut Names, info: Option<raw::Info>) -> Option<At<String>> {
    let At { value: raw::Id(id), span, hidden } = info?.id?;
    if id.is_empty() || !id.bytes().all(|byte| byte.is_ascii_graphic()) {
        let help = "it is sent in headers".to_owned();
        cx.error(
            span,
            "an `id` must be letters, digits and signs of ASCII, without spaces",
            Some(help),
        );
        return None;
    }
    let id = At { value: id, span, hidden };
    if let Err(first) = names.add_id(&id.value, span) {
        let message = format!("two deployments have the id {}", id.shown());
        cx.error(span, message, Some(format!("the first is in line {}", first.line)));
        return None;
    }
    Some(id)
}

/// The value, if a header can carry it.
fn sendable(cx: &mut Cx<'_>, key: &str, value: At<Secret>, fits: bool) -> Option<Secret> {
    if fits {
        return Some(value.value);
    }
    let help = "a line break at its end, for example".to_owned();
    cx.error(value.span, format!("`{key}` has a character that no header can carry"), Some(help));
    None
}

/// The key that the environment has for a provider.
fn default_key(cx: &mut Cx<'_>, provider: &Provider, model: &At<String>) -> Option<At<Secret>> {
    let key = provider.key_env.iter().find_map(|name| cx.env.get(name));
    if let Some(key) = key {
        return Some(At { value: Secret::new(key), span: model.span, hidden: true });
    }
    // A server of one's own may do without.
    if let (Some(name), Some(_)) = (provider.key_env.first(), provider.api_base) {
        let message = || format!("`{}` gets no key: `{name}` is not set either", provider.name);
        let help = || Some("give it an `api_key`".to_owned());
        cx.warn_once(Section::Params, provider.name, model.span, message, help);
    }
    None
}

/// What a token costs, in and out together, where anything is said of it.
fn price(cx: &mut Cx<'_>, costs: [Option<At<f64>>; 2]) -> Option<f64> {
    let names = ["input_cost_per_token", "output_cost_per_token"];
    let costs = names.into_iter().zip(costs).filter_map(|(key, cost)| positive(cx, key, cost?));
    costs.map(|cost| cost.value).reduce(|input, output| input + output)
}

fn positive(cx: &mut Cx<'_>, key: &str, weight: At<f64>) -> Option<At<f64>> {
    if weight.value.is_finite() && weight.value >= 0.0 {
        return Some(weight);
    }
    cx.error(weight.span, format!("`{key}` must be a number, 0 or more"), None);
    None
}

/// Tells which deployments cannot be checked in the background.
pub(super) fn tell_unchecked(cx: &mut Cx<'_>, groups: &[Group]) {
    for member in groups.iter().flat_map(|group| &group.members) {
        if let Err(span) = member.checkup {
            let message = || "a `model` with `*` is not checked in the background".to_owned();
            let help = || Some("name a `health_check_model` in its `model_info`".to_owned());
            cx.warn_once(Section::Info, "health_check_model", span, message, help);
        }
    }
}
