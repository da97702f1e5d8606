//! The policies of a configuration: what holds for all, for a group, for a deployment.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use secondwind_policy::{self as policy, PartialFallback, PartialPolicy, Policy, Setting};

use super::cx::Cx;
use super::de;
use super::fails;
use super::fallbacks::{self, Fallbacks};
use super::known::Section;
use super::names::Names;
use super::node::{Entry, Node, Span, Value};

/// The policies, as far as they are the same for many.
pub(super) struct Policies {
    base: Arc<Policy>,
    off: Off,
    /// Whether the clock of an attempt was set by a key of LiteLLM's.
    soft: bool,
    fallbacks: Fallbacks,
    /// `model_group_retry_policy`.
    counts: HashMap<String, Entry>,
    /// `secondwind.groups`.
    groups: HashMap<String, Entry>,
}

/// The policy of a group.
pub(super) struct Group {
    pub(super) policy: Arc<Policy>,
    off: Off,
    /// Policies of its deployments, each with what it was made of: most are the same.
    made: Vec<(Node, Arc<Policy>)>,
}

/// The sections that `secondwind` switches off: no key of LiteLLM's switches them on again.
#[derive(Clone, Copy, Default)]
struct Off {
    retry: bool,
    timeout: bool,
    fallback: bool,
}

/// A partial policy with the values it was read from.
struct Layer {
    node: Node,
    partial: PartialPolicy,
}

/// Reads what `litellm_settings`, `router_settings` and `secondwind` say of policies.
pub(super) fn read(
    cx: &mut Cx<'_>,
    names: &Names,
    [litellm, router, secondwind]: [&mut Node; 3],
) -> Policies {
    let mut fallbacks = fallbacks::read(cx, names, litellm, router);
    let counts = by_group(cx, names, router.take("model_group_retry_policy"));
    let mut groups = by_group(cx, names, secondwind.take("groups"));
    // Those that are only named here are known from here on, always in the same order.
    let mut named: Vec<_> = groups.iter_mut().collect();
    named.sort_unstable_by_key(|(name, _)| *name);
    for (name, entry) in named {
        fallbacks::check(cx, names, &mut entry.node, Some(name));
    }
    let own = secondwind.take("policy").map(|mut entry| {
        fallbacks::check(cx, names, &mut entry.node, None);
        entry
    });

    let weak = [
        ("num_retries", "retry.num_retries"),
        ("request_timeout", "timeout.attempt"),
        ("max_fallbacks", "fallback.max"),
        ("allowed_fails", "breaker.allowed_fails"),
        ("cooldown_time", "breaker.cooldown_time"),
    ];
    let strong = [
        ("num_retries", "retry.num_retries"),
        ("retry_after", "retry.retry_after"),
        ("retry_policy", "retry.counts"),
        ("timeout", "timeout.attempt"),
        ("stream_timeout", "timeout.stream"),
        ("max_fallbacks", "fallback.max"),
        ("cooldown_time", "breaker.cooldown_time"),
        ("allowed_fails", "breaker.allowed_fails"),
        ("allowed_fails_policy", "breaker.allowed_fails_policy"),
    ];
    let mut general = Node::empty(router.span);
    fallbacks.put_general(&mut general);
    let litellm = Layer::read(cx, moved(litellm, &weak));
    let general = Layer::read(cx, general);
    if let Some(mut entry) = router.take("allowed_fails_policy") {
        fails::translate(cx, Section::Router, &mut entry);
        router.put("allowed_fails_policy", entry);
    }
    let mut router_layer = moved(router, &strong);
    cooldowns(cx, router, &mut router_layer);
    let router = Layer::read(cx, router_layer);
    let own = own.map(|entry| Layer::of(cx, entry));

    let off = own.as_ref().map_or(Off::default(), |own| Off::default().under(&own.partial));
    let soft = own.as_ref().is_none_or(Layer::leaves_attempt);
    let mut layers = vec![&litellm, &general, &router];
    layers.extend(&own);
    let base = lay(cx, &Policy::default(), &layers, soft).unwrap_or_default();
    Policies { base: Arc::new(base), off, soft, fallbacks, counts, groups }
}

/// Takes values out of a section and puts them where a policy has them.
fn moved(section: &mut Node, keys: &[(&str, &str)]) -> Node {
    let mut policy = Node::empty(section.span);
    for (key, path) in keys {
        if let Some(entry) = section.take(key) {
            policy.put(path, entry);
        }
    }
    policy
}

/// `disable_cooldowns: true` is a breaker that is off.
fn cooldowns(cx: &mut Cx<'_>, router: &mut Node, policy: &mut Node) {
    let Some(mut entry) = router.take("disable_cooldowns") else {
        return;
    };
    if de::read_entry::<bool>(cx, &mut entry) == Some(true) {
        entry.node.value = Value::Bool(false);
        policy.put("breaker", entry);
    }
}

/// The entries of a mapping from groups; what is for a group that does not exist is noted.
fn by_group(cx: &mut Cx<'_>, names: &Names, section: Option<Entry>) -> HashMap<String, Entry> {
    let Some(section) = section else {
        return HashMap::new();
    };
    let found = section.node.kind();
    let Value::Map(map) = section.node.value else {
        let message = format!("`{}` must be a mapping from groups, not {found}", section.key);
        cx.error(section.node.span, message, None);
        return HashMap::new();
    };
    let mut groups = HashMap::new();
    for entry in map.entries {
        if entry.node.is_null() {
            continue;
        }
        if names.knows(&entry.key) {
            groups.insert(entry.key.clone(), entry);
        } else if let Some(target) = names.aliased(&entry.key) {
            let message = format!("`{}` is an alias, not a group", entry.key);
            cx.error(entry.at, message, Some(format!("write `{target}`")));
        } else {
            names.missing(cx, &entry.key, entry.at);
        }
    }
    groups
}

// === impl Policies ===

impl Policies {
    /// What holds where a group says nothing of its own.
    pub(super) fn base(&self) -> Arc<Policy> {
        Arc::clone(&self.base)
    }

    /// The policy of a group; what holds for the group called `home` holds for it as well, where it says nothing else.
    pub(super) fn group(&self, cx: &mut Cx<'_>, name: &str, home: Option<&str>) -> Group {
        let mut layers = Vec::new();
        let (mut off, mut soft) = (self.off, self.soft);
        for of in home.into_iter().chain([name]) {
            let mut said = Node::empty(Span { file: 0, line: 0, column: 0, start: 0, len: 0 });
            if let Some(entry) = self.counts.get(of).filter(|_| !self.off.retry) {
                said.put("retry.counts", entry.clone());
            }
            if !self.off.fallback {
                self.fallbacks.put_own(of, &mut said);
            }
            let said = Layer::read(cx, said);
            if !said.is_empty() {
                layers.push(said);
            }
            if let Some(entry) = self.groups.get(of).cloned() {
                let own = Layer::of(cx, entry);
                off = off.under(&own.partial);
                soft &= own.leaves_attempt();
                layers.push(own);
            }
        }
        let layers: Vec<&Layer> = layers.iter().collect();
        let policy = match layers.as_slice() {
            [] => None,
            layers => lay(cx, &self.base, layers, soft).map(Arc::new),
        };
        let policy = policy.unwrap_or_else(|| Arc::clone(&self.base));
        let policy = match without(&policy, name) {
            Some(others) => lay(cx, &policy, &[&others], false).map_or(policy, Arc::new),
            None => policy,
        };
        Group { policy, off, made: Vec::new() }
    }

    /// Notes what is said of the streams of a group that has none: its models make embeddings.
    pub(super) fn without_streams(&self, cx: &mut Cx<'_>, name: &str) {
        let Some(own) = self.groups.get(name) else { return };
        for key in ["recovery", "keepalive", "max_recoveries"] {
            let Some((entry, _)) = own.node.place(&format!("stream.{key}")) else { continue };
            if entry.node.text() != Some("off") && !entry.node.is_null() {
                let message = format!(
                    "`{key}` has no effect: the models of `{name}` make embeddings, which are no streams"
                );
                cx.warn(entry.at, message, Some("leave it out".to_owned()));
            }
        }
    }
}

/// The lists of fallbacks without the group itself, where they name it.
fn without(policy: &Policy, name: &str) -> Option<Layer> {
    let all = policy.fallback();
    let named = [all.to(), all.context_window(), all.content_policy()];
    if !named.iter().any(|list| list.iter().any(|other| other == name)) {
        return None;
    }
    let list = |list: &[String]| {
        let others = list.iter().filter(|other| *other != name).cloned();
        Setting::Set(others.collect::<Vec<_>>())
    };
    let mut fallback = PartialFallback::default();
    fallback.to = list(all.to());
    fallback.context_window = list(all.context_window());
    fallback.content_policy = list(all.content_policy());
    let mut partial = PartialPolicy::default();
    partial.fallback = Setting::Set(fallback);
    let nowhere = Span { file: 0, line: 0, column: 0, start: 0, len: 0 };
    Some(Layer { node: Node::empty(nowhere), partial })
}

// === impl Group ===

impl Group {
    /// The policy of a deployment of the group.
    pub(super) fn deployment(&mut self, cx: &mut Cx<'_>, overlay: Option<Node>) -> Arc<Policy> {
        let Some(mut overlay) = overlay else {
            return Arc::clone(&self.policy);
        };
        if self.off.retry {
            overlay.take("retry");
        }
        if self.off.timeout {
            overlay.take("timeout");
        }
        // Nor is one that is off for all switched on by what one says of it.
        if self.policy.breaker() == Policy::off().breaker() {
            overlay.take("breaker");
        }
        if let Some((_, policy)) = self.made.iter().find(|(made, _)| made.same(&overlay)) {
            return Arc::clone(policy);
        }
        let errors = cx.errors();
        let key = overlay.clone();
        let layer = Layer::read(cx, overlay);
        let policy = lay(cx, &self.policy, &[&layer], true);
        let policy = policy.map_or_else(|| Arc::clone(&self.policy), Arc::new);
        if cx.errors() == errors {
            self.made.push((key, Arc::clone(&policy)));
        }
        policy
    }
}

// === impl Off ===

impl Off {
    /// What is off under a policy that `secondwind` has for a part of it all.
    fn under(self, policy: &PartialPolicy) -> Off {
        fn off<T>(setting: &Setting<T>, before: bool) -> bool {
            match setting {
                Setting::Unset => before,
                Setting::Off => true,
                Setting::Set(_) => false,
            }
        }
        Off {
            retry: off(&policy.retry, self.retry),
            timeout: off(&policy.timeout, self.timeout),
            fallback: off(&policy.fallback, self.fallback),
        }
    }
}

// === impl Layer ===

impl Layer {
    fn read(cx: &mut Cx<'_>, mut node: Node) -> Layer {
        let partial = if node.entries().is_empty() && node.map_mut().is_some() {
            PartialPolicy::default()
        } else {
            de::read(cx, &mut node).unwrap_or_default()
        };
        Layer { node, partial }
    }

    /// The same of what a key stands for.
    fn of(cx: &mut Cx<'_>, mut entry: Entry) -> Layer {
        let partial = de::read_entry(cx, &mut entry).unwrap_or_default();
        Layer { node: entry.node, partial }
    }

    fn is_empty(&self) -> bool {
        self.node.entries().is_empty()
    }

    /// Whether it says nothing of the clock of an attempt.
    fn leaves_attempt(&self) -> bool {
        self.partial.timeout.value().is_none_or(|timeout| timeout.attempt.is_unset())
    }
}

/// Lays partial policies over `policy`, the strongest last. `None` if the outcome makes no sense,
/// which has been noted. A `soft` clock of an attempt gives way to a deadline that ends sooner.
fn lay(cx: &mut Cx<'_>, policy: &Policy, layers: &[&Layer], soft: bool) -> Option<Policy> {
    let mut merged = PartialPolicy::default();
    for layer in layers {
        merged.merge(&layer.partial);
    }
    if soft {
        give_way(cx, policy, &mut merged, layers);
    }
    let invalid = match policy.with(&merged) {
        Ok(policy) => return Some(policy),
        Err(invalid) => invalid,
    };
    for finding in invalid.findings() {
        let (message, help) = explained(&finding.message);
        let written = written(layers, &finding.path);
        let name = written.name;
        if let Some(variable) = written.variable {
            let message = format!("`{name}` cannot be what the variable `{variable}` holds");
            cx.error(written.span, message, None);
            continue;
        }
        let of_key = message.starts_with("is ") || message.starts_with("unknown class");
        let at = if of_key { written.key } else { written.span };
        let message = match message {
            message if message.starts_with("unknown ") => message.to_owned(),
            message if message.starts_with('`') => format!("`{name}`: {message}"),
            message => format!("`{name}` {message}"),
        };
        cx.error(at, message, help);
    }
    None
}

/// What is wrong, and what to write instead. A list of all there is is of no use beside what was
/// meant.
fn explained(message: &str) -> (&str, Option<String>) {
    let (message, help) = match message.split_once("; ") {
        Some((message, help)) => (message, help.split(" (known: ").next()),
        None => match message.split_once(" (known: ") {
            Some((message, known)) => {
                return (message, Some(format!("one of {}", known.trim_end_matches(')'))));
            }
            None => (message, None),
        },
    };
    (message, help.map(str::to_owned))
}

/// How a value of a policy is written.
struct Written {
    name: String,
    key: Option<Span>,
    span: Option<Span>,
    /// The environment variable that holds it.
    variable: Option<String>,
}

/// How the value at a path is written in the strongest layer that has it, else what is nearest
/// above it.
fn written(layers: &[&Layer], path: &str) -> Written {
    let last = path.rsplit('.').next().unwrap_or(path).to_owned();
    let mut above = path;
    loop {
        let found = layers.iter().rev().find_map(|layer| layer.node.place(above));
        if let Some((entry, span)) = found {
            let item = above.ends_with(']');
            let name = entry.written.as_deref().unwrap_or(&entry.key).to_owned();
            return Written {
                name: if above == path { name } else { last },
                key: Some(if item { span } else { entry.at }),
                span: Some(span),
                variable: entry.node.variable().map(str::to_owned),
            };
        }
        match above.rsplit_once('.') {
            Some((parent, _)) => above = parent,
            None => {
                return Written { name: last, key: None, span: None, variable: None };
            }
        }
    }
}

/// LiteLLM's timeouts know of no deadline: one that is longer than it has no effect, and is no
/// mistake.
fn give_way(cx: &mut Cx<'_>, policy: &Policy, merged: &mut PartialPolicy, layers: &[&Layer]) {
    let Setting::Set(timeout) = &mut merged.timeout else {
        return;
    };
    let total = clock(&timeout.total, policy.timeout().total());
    let attempt = clock(&timeout.attempt, policy.timeout().attempt());
    let (Some(total), Some(attempt)) = (total, attempt) else {
        return;
    };
    if attempt <= total || attempt.is_zero() {
        return;
    }
    if !timeout.attempt.is_unset() {
        let Written { name, span, .. } = written(layers, "timeout.attempt");
        let message = format!("`{name}` has no effect: the deadline of {total:?} ends sooner");
        let help = "set `secondwind.policy.timeout.total`".to_owned();
        cx.warn(span, message, Some(help));
    }
    timeout.attempt = Setting::Off;
}

/// What a clock says in the end; `None` if nothing, or nothing that makes sense.
fn clock(
    setting: &Setting<policy::Written<Duration>>,
    beneath: Option<Duration>,
) -> Option<Duration> {
    match setting {
        Setting::Unset => beneath,
        Setting::Off => None,
        Setting::Set(written) => written.value().ok().copied(),
    }
}
