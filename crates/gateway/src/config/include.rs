//! Reads a file together with those that it includes.

use std::collections::{HashSet, VecDeque};
use std::fs;
use std::path::{Path, PathBuf};

use super::cx::Cx;
use super::node::{Entry, Map, Node, Span, Value};
use super::read;
use super::source::Source;
use super::stamp::Stamped;

/// Reads a text that is no file. `None` if it cannot be used, which has been noted.
pub(super) fn text(cx: &mut Cx<'_>, source: Source) -> Option<Node> {
    let mut root = read::read(cx, source)?;
    mapping(cx, &mut root)?;
    if let Some(include) = root.take("include") {
        cx.error(include.at, "`include` needs a file beside which to look", None);
    }
    Some(root)
}

/// Reads a file and those that it includes, as LiteLLM does: lists are joined, anything else is
/// replaced by what the included file says. `None` if one of them cannot be used, which has been
/// noted.
pub(super) fn file(cx: &mut Cx<'_>, path: &Path) -> Option<Node> {
    let mut root = open(cx, path, None)?;
    let mut loaded = HashSet::from([identity(path)]);
    let mut pending = VecDeque::new();
    let mut complete = true;
    named(cx, &mut root, path, &mut pending);
    while let Some((path, at)) = pending.pop_front() {
        if !loaded.insert(identity(&path)) {
            continue;
        }
        match open(cx, &path, Some(at)) {
            Some(mut included) => {
                named(cx, &mut included, &path, &mut pending);
                join(cx, &mut root, included, &path);
            }
            None => complete = false,
        }
    }
    complete.then_some(root)
}

fn open(cx: &mut Cx<'_>, path: &Path, at: Option<Span>) -> Option<Node> {
    let name = path.display().to_string();
    // Before it is read: what changes meanwhile is told apart.
    cx.files.push(Stamped::new(path));
    let text = match fs::read_to_string(path) {
        Ok(text) => text,
        Err(error) => {
            cx.error(at, format!("cannot read {name}: {error}"), None);
            return None;
        }
    };
    let mut root = read::read(cx, Source { name, text })?;
    mapping(cx, &mut root)?;
    Some(root)
}

fn mapping<'n>(cx: &mut Cx<'_>, root: &'n mut Node) -> Option<&'n mut Map> {
    let (span, kind) = (root.span, root.kind());
    if root.is_null() {
        cx.error(span, "there is nothing in this file", None);
        return None;
    }
    let map = root.map_mut();
    if map.is_none() {
        let message = format!("the file must be a mapping with a `model_list`, not {kind}");
        cx.error(span, message, None);
    }
    map
}

/// Takes the `include` out of a file and notes the files that it names.
fn named(cx: &mut Cx<'_>, root: &mut Node, path: &Path, pending: &mut VecDeque<(PathBuf, Span)>) {
    let Some(include) = root.take("include") else {
        return;
    };
    let Value::List(list) = include.node.value else {
        let message = format!("`include` must be a list of files, not {}", include.node.kind());
        cx.error(include.node.span, message, None);
        return;
    };
    for item in list {
        match item.text() {
            Some(name) => pending.push_back((path.with_file_name(name), item.span)),
            None => {
                let message = format!("`include` must be a list of files; this is {}", item.kind());
                cx.error(item.span, message, None);
            }
        }
    }
}

fn join(cx: &mut Cx<'_>, root: &mut Node, included: Node, path: &Path) {
    let Value::Map(included) = included.value else {
        return;
    };
    let Some(map) = root.map_mut() else { return };
    for entry in included.entries {
        let Some(index) = map.entries.iter().position(|old| old.key == entry.key) else {
            map.entries.push(entry);
            continue;
        };
        let Some(Entry { node, .. }) = map.entries.get_mut(index) else {
            continue;
        };
        match (&mut node.value, entry.node.value) {
            (Value::List(list), Value::List(more)) => list.extend(more),
            (_, value) => {
                let (key, file) = (&entry.key, path.display());
                let message = format!("`{key}` in {file} replaces what was said before");
                cx.warn(entry.at, message, None);
                *node = Node::new(value, entry.node.span);
            }
        }
    }
}

/// What tells whether two paths are the same file.
fn identity(path: &Path) -> PathBuf {
    fs::canonicalize(path).unwrap_or_else(|_| path.to_owned())
}
