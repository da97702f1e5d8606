//! The names of the groups, and what else may be said in their place.

use std::cell::RefCell;
use std::collections::{HashMap, HashSet, VecDeque};

use secondwind_policy::suggest;
use secondwind_router::Pattern;

use super::cx::Cx;
use super::de;
use super::known::Section;
use super::node::{Entry, Node, Span, Value};
use super::raw;

/// Who is called what.
#[derive(Default)]
pub(super) struct Names {
    /// The groups, those included that could not be read in full.
    groups: HashSet<String>,
    /// Deployments by id, each with the line of its id.
    ids: HashMap<String, Span>,
    aliases: HashMap<String, String>,
    /// The groups that somebody can answer for.
    present: HashSet<String>,
    /// The names for which a deployment was left out; a `*` in them is anything.
    left_out: HashSet<String>,
    /// Whether the list of the groups could not be read: then none of them is missing.
    blind: bool,
    /// The groups with `*` that somebody can answer for.
    patterns: Vec<Pattern>,
    /// The groups of the deployments that can be named by their ids.
    homes: HashMap<String, String>,
    derived: RefCell<AllDerived>,
}

/// What a group is made of that is there since it is named, and not in `model_list`.
#[derive(Clone)]
pub(super) struct Derived {
    /// The group whose deployments it has.
    pub(super) home: String,
    /// The one deployment that it has, if not all of them.
    pub(super) deployment: Option<String>,
}

/// The groups that are there since they are named.
#[derive(Default)]
struct AllDerived {
    names: HashSet<String>,
    homes: HashSet<String>,
    to_come: VecDeque<(String, Derived)>,
}

// === impl Names ===

impl Names {
    pub(super) fn add_group(&mut self, name: &str) {
        if !self.groups.contains(name) {
            self.groups.insert(name.to_owned());
        }
    }

    /// Takes an id, unless somebody else has it: then that one's place.
    pub(super) fn add_id(&mut self, id: &str, at: Span) -> Result<(), Span> {
        match self.ids.get(id) {
            Some(first) => Err(*first),
            None => {
                self.ids.insert(id.to_owned(), at);
                Ok(())
            }
        }
    }

    pub(super) fn add_present(&mut self, name: &str) {
        self.present.insert(name.to_owned());
        self.patterns.extend(Pattern::new(name));
    }

    /// Notes which group the deployment called `id` is in.
    pub(super) fn add_home(&mut self, id: &str, group: &str) {
        self.homes.insert(id.to_owned(), group.to_owned());
    }

    /// Whether the deployments of a group are those of another one as well, which is there since it was named.
    pub(super) fn is_home(&self, group: &str) -> bool {
        self.derived.borrow().homes.contains(group)
    }

    /// The next group that is there since it was named.
    pub(super) fn next_derived(&self) -> Option<(String, Derived)> {
        self.derived.borrow_mut().to_come.pop_front()
    }

    /// Whether a name that is none of a group stands for one deployment, or is covered by a group with `*`. If so it
    /// is a group from now on.
    fn derive(&self, name: &str) -> bool {
        if self.is_group(name) || self.aliases.contains_key(name) {
            return false;
        }
        let mut derived = self.derived.borrow_mut();
        if derived.names.contains(name) {
            return true;
        }
        let of_id = self.homes.get(name).map(|home| (home.clone(), Some(name.to_owned())));
        let covers = |pattern: &&Pattern| pattern.covers(name);
        let found = of_id.or_else(|| {
            let patterns = self.patterns.iter().rev().filter(covers);
            let most = patterns.max_by_key(|pattern| pattern.specificity())?;
            Some((most.as_str().to_owned(), None))
        });
        let Some((home, deployment)) = found else { return false };
        derived.names.insert(name.to_owned());
        derived.homes.insert(home.clone());
        derived.to_come.push_back((name.to_owned(), Derived { home, deployment }));
        true
    }

    /// Whether there is a group of this name, or one from now on.
    pub(super) fn knows(&self, name: &str) -> bool {
        self.is_group(name) || self.derive(name)
    }

    /// Notes that the list of the groups cannot be read.
    pub(super) fn go_blind(&mut self) {
        self.blind = true;
    }

    /// Notes that a deployment of this group is not available yet.
    pub(super) fn add_left_out(&mut self, name: String) {
        self.left_out.insert(name);
    }

    /// Whether nobody can answer for a group that is rightly named.
    pub(super) fn is_left_out(&self, name: &str) -> bool {
        let there = self.present.contains(name) || self.derived.borrow().names.contains(name);
        !there && self.left_out.iter().any(|left| covers(left, name))
    }

    /// Whether it is the id of a deployment that cannot be named in the place of a group.
    pub(super) fn is_other_id(&self, name: &str) -> bool {
        self.ids.contains_key(name) && self.find(name).is_none()
    }

    /// Notes that a group that is named has nobody to answer for it.
    pub(super) fn told_left_out(&self, cx: &mut Cx<'_>, name: &str, at: Span) {
        let message = format!("`{name}` has no deployment that is available yet: it is left out");
        cx.warn(at, message, None);
    }

    pub(super) fn is_group(&self, name: &str) -> bool {
        self.groups.contains(name)
    }

    /// The group that an alias stands for.
    pub(super) fn aliased(&self, name: &str) -> Option<&str> {
        self.aliases.get(name).map(String::as_str)
    }

    /// The group that is meant by a name, which may be an alias.
    fn find(&self, name: &str) -> Option<String> {
        let group = self.aliased(name).or_else(|| self.knows(name).then_some(name));
        group.map(str::to_owned)
    }

    /// The group that a value names. What does not exist is noted.
    pub(super) fn group(&self, cx: &mut Cx<'_>, node: &Node) -> Option<String> {
        let found = self.find(node.text()?);
        match &node.value {
            Value::Env(variable) if found.is_none() => {
                let message =
                    format!("the environment variable `{}` names no group", variable.name);
                cx.error(node.span, message, None);
            }
            Value::Text(name) if found.is_none() => self.missing(cx, name, node.span),
            _ => {}
        }
        found
    }

    /// Notes that there is no group of this name.
    pub(super) fn missing(&self, cx: &mut Cx<'_>, name: &str, at: Span) {
        if self.blind {
            return;
        }
        if self.is_left_out(name) {
            self.told_left_out(cx, name, at);
            return;
        }
        let help = if self.ids.contains_key(name) {
            Some("this is a deployment; name its group".to_owned())
        } else {
            self.near(name)
        };
        cx.error(at, format!("there is no group `{name}`"), help);
    }

    fn near(&self, name: &str) -> Option<String> {
        let mut known: Vec<_> = self.groups.iter().chain(self.aliases.keys()).collect();
        known.sort_unstable();
        suggest::did_you_mean(name, known.into_iter().map(String::as_str))
    }

    /// Reads `model_group_alias`: the aliases in the order of the file.
    pub(super) fn read_aliases(
        &mut self,
        cx: &mut Cx<'_>,
        section: Option<Entry>,
    ) -> Vec<(String, String)> {
        let Some(section) = section else {
            return Vec::new();
        };
        let found = section.node.kind();
        let Value::Map(map) = section.node.value else {
            let message = format!("`model_group_alias` must be a mapping, not {found}");
            cx.error(section.node.span, message, None);
            return Vec::new();
        };
        let mut aliases = Vec::new();
        for entry in map.entries {
            let Some(target) = target(cx, entry.node) else {
                continue;
            };
            let Some(target) = self.group(cx, &target) else {
                continue;
            };
            let alias = entry.key;
            if self.is_group(&alias) && alias != target {
                let message = format!("the alias `{alias}` hides the group of that name");
                cx.warn(entry.at, message, None);
            }
            aliases.push((alias, target, entry.at));
        }
        self.aliases.extend(aliases.iter().map(|(alias, group, _)| (alias.clone(), group.clone())));
        let mut present = Vec::new();
        for (alias, group, at) in aliases {
            if self.is_left_out(&group) {
                self.told_left_out(cx, &group, at);
            } else {
                present.push((alias, group));
            }
        }
        present
    }
}

/// Whether a name with any number of `*` stands for this one.
fn covers(pattern: &str, name: &str) -> bool {
    let Some((start, rest)) = pattern.split_once('*') else {
        return pattern == name;
    };
    let Some(mut name) = name.strip_prefix(start) else {
        return false;
    };
    let (middle, end) = rest.rsplit_once('*').unwrap_or(("", rest));
    for part in middle.split('*').filter(|part| !part.is_empty()) {
        let Some((_, after)) = name.split_once(part) else {
            return false;
        };
        name = after;
    }
    name.ends_with(end)
}

/// What names the group that an alias is to stand for.
fn target(cx: &mut Cx<'_>, mut node: Node) -> Option<Node> {
    if node.text().is_some() {
        return Some(node);
    }
    if node.map_mut().is_none() {
        let message = format!("an alias must stand for the name of a group, not {}", node.kind());
        cx.error(node.span, message, None);
        return None;
    }
    let alias: raw::Alias = de::read(cx, &mut node)?;
    if let Some(hidden) = alias.hidden.filter(|hidden| hidden.value) {
        let message = || "`hidden` in `model_group_alias` has no effect yet".to_owned();
        cx.warn_once(Section::Router, "hidden", hidden.span, message, || None);
    }
    node.take("model").map(|entry| entry.node)
}
