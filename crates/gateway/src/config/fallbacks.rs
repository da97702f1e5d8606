//! LiteLLM's lists of fallbacks.

use std::collections::HashMap;

use secondwind_policy::suggest;

use super::cx::Cx;
use super::known::Section;
use super::names::Names;
use super::node::{Entry, Node, Value};

/// The lists of a configuration; what they name exists.
pub(super) struct Fallbacks {
    /// `fallbacks`, `context_window_fallbacks`, `content_policy_fallbacks`.
    tables: [Table; 3],
    default: Option<Entry>,
}

/// Lists by the group that they are for; `"*"` is for all that have none.
type Table = HashMap<String, Entry>;

/// The keys, and where their lists stand in a policy.
const TABLES: [(&str, &str); 3] = [
    ("fallbacks", "fallback.to"),
    ("context_window_fallbacks", "fallback.context_window"),
    ("content_policy_fallbacks", "fallback.content_policy"),
];

/// Any group.
const ANY: &str = "*";

/// Reads the lists; those in `router_settings` win over those in `litellm_settings`.
pub(super) fn read(
    cx: &mut Cx<'_>,
    names: &Names,
    litellm: &mut Node,
    router: &mut Node,
) -> Fallbacks {
    let tables = TABLES.map(|(key, _)| {
        let weak = litellm.take(key).map(|entry| table(cx, names, entry));
        let strong = router.take(key).map(|entry| table(cx, names, entry));
        strong.or(weak).unwrap_or_default()
    });
    let mut default = |section: &mut Node| {
        let entry = section.take("default_fallbacks")?;
        list(cx, names, entry, None)
    };
    let weak = default(litellm);
    let strong = default(router);
    Fallbacks { tables, default: strong.or(weak) }
}

/// Reads a list of mappings with one entry each: a group and its fallbacks.
fn table(cx: &mut Cx<'_>, names: &Names, entry: Entry) -> Table {
    let mut table = Table::new();
    let key = entry.key;
    let help = || Some(format!("write `{key}: [{{group: [fallback, …]}}]`"));
    let found = entry.node.kind();
    let Value::List(items) = entry.node.value else {
        let message = format!("`{key}` must be a list of mappings, not {found}");
        cx.error(entry.node.span, message, help());
        return table;
    };
    for item in items {
        let found = item.kind();
        let Value::Map(map) = item.value else {
            let message = format!("an item of `{key}` must be a mapping, not {found}");
            cx.error(item.span, message, help());
            continue;
        };
        if let Some(second) = map.entries.get(1) {
            let message = format!("an item of `{key}` has one group; `{}` is a second", second.key);
            cx.error(second.at, message, Some("begin a new item with `- `".to_owned()));
        }
        let Some(one) = map.entries.into_iter().next() else {
            continue;
        };
        let group = one.key.clone();
        if let Some(target) = names.aliased(&group).filter(|_| !names.is_group(&group)) {
            let message = format!("`{group}` is an alias and has no fallbacks of its own");
            cx.warn(one.at, message, Some(format!("write them for `{target}`")));
            continue;
        }
        if group != ANY && !names.knows(&group) {
            names.missing(cx, &group, one.at);
            // To tell what else is wrong with it.
            list(cx, names, one, None);
            continue;
        }
        if table.contains_key(&group) {
            let message = format!("`{key}` has a list for `{group}` already; this one is not used");
            cx.warn(one.at, message, None);
            continue;
        }
        let own = (group != ANY).then_some(group.as_str());
        if let Some(entry) = list(cx, names, one, own) {
            table.insert(group, entry);
        }
    }
    table
}

/// Reads the fallbacks of one group, or of any.
fn list(cx: &mut Cx<'_>, names: &Names, entry: Entry, own: Option<&str>) -> Option<Entry> {
    let Entry { key, at, written, node } = entry;
    let (span, found) = (node.span, node.kind());
    let Value::List(items) = node.value else {
        let message = match key.as_str() {
            "default_fallbacks" => format!("`{key}` must be a list, not {found}"),
            _ => format!("the fallbacks of `{key}` must be a list, not {found}"),
        };
        cx.error(span, message, Some("write it in `[` `]`".to_owned()));
        return None;
    };
    let items = items.into_iter().filter_map(|item| target(cx, names, item, own)).collect();
    Some(Entry { key, at, written, node: Node::new(Value::List(items), span) })
}

/// The group that an item of a list names: a text, or the `model` of a mapping.
fn target(cx: &mut Cx<'_>, names: &Names, mut item: Node, own: Option<&str>) -> Option<Node> {
    if let Value::Map(map) = &item.value {
        let Some(model) = item.get("model").cloned() else {
            let known = map.entries.first().map(|entry| entry.key.as_str());
            let help = known.and_then(|key| suggest::did_you_mean(key, ["model"]));
            cx.error(item.span, "a fallback that is a mapping must name its `model`", help);
            return None;
        };
        if let Some(other) = map.entries.iter().find(|entry| entry.key != "model") {
            let message = || "what a fallback says beyond its `model` has no effect yet".to_owned();
            cx.warn_once(Section::Router, "fallbacks.model", other.at, message, || None);
        }
        item = model;
    }
    if item.text().is_none() {
        let message = format!("a fallback must be the name of a group, not {}", item.kind());
        cx.error(item.span, message, None);
        return None;
    }
    if item.text().is_some_and(|name| names.is_other_id(name)) {
        let message =
            "this deployment is left out, or answers for names with `*`: it has no effect";
        cx.warn(item.span, message, Some("name a group".to_owned()));
        return None;
    }
    let name = names.group(cx, &item)?;
    if name.contains('*') {
        let message = format!("`{name}` is no model that could be asked for: it has no effect");
        cx.warn(item.span, message, Some("name one that it covers".to_owned()));
        return None;
    }
    if own == Some(name.as_str()) {
        cx.error(item.span, format!("`{name}` cannot be its own fallback"), None);
        return None;
    }
    if names.is_left_out(&name) {
        names.told_left_out(cx, &name, item.span);
        return None;
    }
    Some(Node::new(Value::Text(name), item.span))
}

/// Checks the lists of a policy: what they name must exist, and must not be the group itself.
pub(super) fn check(cx: &mut Cx<'_>, names: &Names, policy: &mut Node, own: Option<&str>) {
    let Some(section) = policy.get_mut("fallback") else {
        return;
    };
    for key in ["to", "context_window", "content_policy"] {
        let Some(list) = section.get_mut(key) else {
            continue;
        };
        let Value::List(items) = &mut list.value else {
            continue;
        };
        // What is no text is told when the policy is read.
        let wanted = |item: &Node| item.text().is_some_and(|name| !name.trim().is_empty());
        *items = std::mem::take(items)
            .into_iter()
            .filter_map(
                |item| {
                    if wanted(&item) { target(cx, names, item, own) } else { Some(item) }
                },
            )
            .collect();
    }
}

// === impl Fallbacks ===

impl Fallbacks {
    /// Puts the lists for groups that have none of their own where a policy has them.
    pub(super) fn put_general(&mut self, policy: &mut Node) {
        let default = self.default.take();
        for ((_, path), table) in TABLES.into_iter().zip(&mut self.tables) {
            let any = table.remove(ANY);
            let any = if path == TABLES[0].1 { any.or_else(|| default.clone()) } else { any };
            if let Some(entry) = any {
                policy.put(path, entry);
            }
        }
    }

    /// Puts the lists of one group where a policy has them.
    pub(super) fn put_own(&self, group: &str, policy: &mut Node) {
        for ((_, path), table) in TABLES.into_iter().zip(&self.tables) {
            if let Some(entry) = table.get(group).cloned() {
                policy.put(path, entry);
            }
        }
    }
}
