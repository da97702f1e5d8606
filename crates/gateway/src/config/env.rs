//! Environment variables that a configuration refers to as `os.environ/NAME`.

use std::collections::HashMap;

use super::cx::Cx;
use super::node::{Entry, Node, Value, Variable};

/// What the environment holds, as far as a configuration asks for it.
pub(super) struct Env<'a> {
    /// The section `environment_variables`: it overrides the environment, as in LiteLLM.
    own: HashMap<String, String>,
    outer: &'a dyn Fn(&str) -> Option<String>,
}

/// The name of the variable that a value refers to.
pub(super) fn name(text: &str) -> Option<&str> {
    text.strip_prefix("os.environ/")
}

/// Whether a value refers to a variable in a way that means nothing here: `$NAME`, `${NAME}`, `os.getenv(NAME)`.
fn is_foreign(text: &str) -> bool {
    let is_name = |name: &str| {
        !name.is_empty()
            && name.bytes().all(|b| b.is_ascii_uppercase() || b.is_ascii_digit() || b == b'_')
    };
    let braced = text.strip_prefix("${").and_then(|rest| rest.strip_suffix('}'));
    // A password may begin with `$`.
    let bare = text.strip_prefix('$').filter(|name| name.contains('_'));
    text.starts_with("os.environ")
        || text.starts_with("os.getenv")
        || braced.or(bare).is_some_and(is_name)
}

// === impl Env ===

impl<'a> Env<'a> {
    pub(super) fn new(outer: &'a dyn Fn(&str) -> Option<String>) -> Env<'a> {
        Env { own: HashMap::new(), outer }
    }

    /// The value of a variable; an empty one counts as not set.
    pub(super) fn get(&self, name: &str) -> Option<String> {
        let own = self.own.get(name).cloned();
        own.or_else(|| (self.outer)(name)).filter(|value| !value.is_empty())
    }
}

/// Reads the section `environment_variables`.
pub(super) fn read(cx: &mut Cx<'_>, section: Option<Entry>) {
    let Some(section) = section else { return };
    let Value::Map(map) = section.node.value else {
        let found = section.node.kind();
        let message =
            format!("`environment_variables` must be a mapping of names to values, not {found}");
        cx.error(section.node.span, message, None);
        return;
    };
    for Entry { key, node, .. } in map.entries {
        let value = match &node.value {
            Value::Text(text) => match name(text) {
                // A variable of its own name, say: it comes from outside.
                Some(other) => (cx.env.outer)(other),
                None => Some(text.clone()),
            },
            Value::Int(int) => Some(int.to_string()),
            Value::Float(float) => Some(float.to_string()),
            Value::Bool(bool) => Some(bool.to_string()),
            Value::Null => None,
            Value::Env(_) | Value::List(_) | Value::Map(_) => {
                let message = format!("`{key}` must be text, not {}", node.kind());
                cx.error(node.span, message, None);
                None
            }
        };
        if let Some(value) = value {
            cx.env.own.insert(key, value);
        }
    }
}

/// Replaces each `os.environ/NAME` in a tree by what it stands for. What is missing is a finding
/// and is taken out of the tree.
pub(super) fn resolve(cx: &mut Cx<'_>, node: &mut Node) {
    let span = node.span;
    match &mut node.value {
        Value::Text(text) => {
            let Some(name) = name(text) else {
                if is_foreign(text) {
                    let help = Some("write `os.environ/NAME`".to_owned());
                    cx.error(span, "this does not name an environment variable", help);
                    node.value = Value::Null;
                }
                return;
            };
            match cx.env.get(name) {
                Some(value) => {
                    let name = name.to_owned();
                    let variable = Variable { name, text: value };
                    node.value = Value::Env(Box::new(variable));
                }
                None => {
                    let message = match name {
                        "" => "`os.environ/` lacks the name of a variable".to_owned(),
                        _ => format!("the environment variable `{name}` is not set, or empty"),
                    };
                    cx.error(span, message, None);
                    node.value = Value::Null;
                }
            }
        }
        Value::List(list) => list.retain_mut(|node| {
            let null = node.is_null();
            resolve(cx, node);
            null || !node.is_null()
        }),
        Value::Map(map) => {
            let mut dropped = Vec::new();
            map.entries.retain_mut(|entry| {
                let null = entry.node.is_null();
                resolve(cx, &mut entry.node);
                let kept = null || !entry.node.is_null();
                if !kept {
                    dropped.push(entry.key.clone());
                }
                kept
            });
            dropped.into_iter().for_each(|key| map.drop_key(key));
        }
        _ => {}
    }
}
