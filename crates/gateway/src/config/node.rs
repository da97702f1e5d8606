//! A YAML file as a tree in which every node knows its place.

/// Where in the sources a node is written.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) struct Span {
    /// The number of the source.
    pub(super) file: u32,
    /// The line, from 1.
    pub(super) line: u32,
    /// The column in characters, from 1.
    pub(super) column: u32,
    /// The first byte, counted from the beginning of the source.
    pub(super) start: u32,
    /// How many bytes; 0 for what has a place but no text.
    pub(super) len: u32,
}

/// A value and its place.
#[derive(Clone, Debug)]
pub(super) struct Node {
    pub(super) value: Value,
    pub(super) span: Span,
}

/// A value of the YAML 1.2 core schema.
#[derive(Clone, Debug)]
pub(super) enum Value {
    Null,
    Bool(bool),
    Int(i64),
    Float(f64),
    Text(String),
    /// What an environment variable holds; never shown.
    Env(Box<Variable>),
    List(Vec<Node>),
    Map(Map),
}

/// An environment variable.
#[derive(Clone, Debug)]
pub(super) struct Variable {
    pub(super) name: String,
    pub(super) text: String,
}

/// A mapping, in the order of the file.
#[derive(Clone, Debug, Default)]
pub(super) struct Map {
    pub(super) entries: Vec<Entry>,
    /// What is not there any more; most mappings have nothing of the kind.
    aside: Option<Box<Aside>>,
}

/// What was taken out of a mapping.
#[derive(Clone, Debug, Default)]
struct Aside {
    dropped: Vec<String>,
    shadowed: Vec<Entry>,
}

/// A key with its value.
#[derive(Clone, Debug)]
pub(super) struct Entry {
    pub(super) key: String,
    /// The key's place.
    pub(super) at: Span,
    /// How the file names it, where it was given another name since.
    pub(super) written: Option<Box<str>>,
    pub(super) node: Node,
}

// === impl Map ===

impl Map {
    pub(super) fn new(entries: Vec<Entry>) -> Map {
        Map { entries, aside: None }
    }

    fn aside(&mut self) -> &mut Aside {
        self.aside.get_or_insert_default()
    }

    /// Remembers that a key was there and that something is wrong with it: that it is missing now
    /// is nothing to complain about.
    pub(super) fn drop_key(&mut self, key: String) {
        self.aside().dropped.push(key);
    }

    /// Whether a key was there and something is wrong with it.
    pub(super) fn has_dropped(&self, key: &str) -> bool {
        let dropped = self.aside.as_ref().map(|aside| &aside.dropped);
        dropped.is_some_and(|dropped| dropped.iter().any(|name| name == key))
    }

    /// Remembers an entry whose key is there already. It counts for nothing, but may hold a secret.
    pub(super) fn shadow(&mut self, entry: Entry) {
        self.aside().shadowed.push(entry);
    }

    /// The entries, and those whose key was there already.
    pub(super) fn all(&self) -> impl Iterator<Item = &Entry> {
        let shadowed = self.aside.iter().flat_map(|aside| &aside.shadowed);
        self.entries.iter().chain(shadowed)
    }
}

// === impl Node ===

impl Node {
    pub(super) fn new(value: Value, span: Span) -> Node {
        Node { value, span }
    }

    /// A mapping without entries.
    pub(super) fn empty(span: Span) -> Node {
        Node::new(Value::Map(Map::default()), span)
    }

    /// The text, wherever it comes from.
    pub(super) fn text(&self) -> Option<&str> {
        match &self.value {
            Value::Text(text) => Some(text),
            Value::Env(variable) => Some(&variable.text),
            _ => None,
        }
    }

    pub(super) fn is_null(&self) -> bool {
        matches!(self.value, Value::Null)
    }

    /// What people call such a value.
    pub(super) fn kind(&self) -> &'static str {
        match &self.value {
            Value::Null => "nothing",
            Value::Bool(_) => "true or false",
            Value::Int(_) | Value::Float(_) => "a number",
            Value::Text(_) | Value::Env(_) => "text",
            Value::List(_) => "a list",
            Value::Map(_) => "a mapping",
        }
    }

    pub(super) fn map_mut(&mut self) -> Option<&mut Map> {
        match &mut self.value {
            Value::Map(map) => Some(map),
            _ => None,
        }
    }

    pub(super) fn entries(&self) -> &[Entry] {
        match &self.value {
            Value::Map(map) => &map.entries,
            _ => &[],
        }
    }

    pub(super) fn get(&self, key: &str) -> Option<&Node> {
        self.entries().iter().find(|entry| entry.key == key).map(|entry| &entry.node)
    }

    pub(super) fn get_mut(&mut self, key: &str) -> Option<&mut Node> {
        let entry = self.map_mut()?.entries.iter_mut().find(|entry| entry.key == key)?;
        Some(&mut entry.node)
    }

    /// Takes an entry out of a mapping; what is null counts as not there.
    pub(super) fn take(&mut self, key: &str) -> Option<Entry> {
        let map = self.map_mut()?;
        let index = map.entries.iter().position(|entry| entry.key == key)?;
        let entry = map.entries.remove(index);
        (!entry.node.is_null()).then_some(entry)
    }

    /// Puts a value to `path`, names joined by dots, making the mappings on the way.
    pub(super) fn put(&mut self, path: &str, entry: Entry) {
        let (name, rest) = match path.split_once('.') {
            Some((name, rest)) => (name, Some(rest)),
            None => (path, None),
        };
        let span = entry.node.span;
        let Some(map) = self.map_mut() else { return };
        let Some(rest) = rest else {
            map.entries.retain(|old| old.key != name);
            let written = entry.written.unwrap_or_else(|| entry.key.into());
            let written = Some(written);
            map.entries.push(Entry { key: name.to_owned(), written, ..entry });
            return;
        };
        let index = map.entries.iter().position(|old| old.key == name).unwrap_or_else(|| {
            let node = Node::empty(span);
            let (key, at) = (name.to_owned(), entry.at);
            map.entries.push(Entry { key, at, written: None, node });
            map.entries.len() - 1
        });
        if let Some(old) = map.entries.get_mut(index) {
            old.node.put(rest, entry);
        }
    }

    /// The entry at `path`, names joined by dots, and its place; of `name[2]` the place of that
    /// item.
    pub(super) fn place(&self, path: &str) -> Option<(&Entry, Span)> {
        let (name, rest) = match path.split_once('.') {
            Some((name, rest)) => (name, Some(rest)),
            None => (path, None),
        };
        let (name, item) = match name.strip_suffix(']').and_then(|name| name.split_once('[')) {
            Some((name, item)) => (name, item.parse::<usize>().ok()),
            None => (name, None),
        };
        let entry = self.entries().iter().find(|entry| entry.key == name)?;
        match (rest, item, &entry.node.value) {
            (Some(rest), _, _) => entry.node.place(rest),
            (None, Some(item), Value::List(list)) => Some((entry, list.get(item)?.span)),
            (None, _, _) => Some((entry, entry.node.span)),
        }
    }

    /// Takes out what is at `path`, one index a level; `false` if that is nothing, or the root.
    pub(super) fn remove(&mut self, path: &[usize]) -> bool {
        let Some((&index, rest)) = path.split_first() else {
            return false;
        };
        match &mut self.value {
            Value::List(list) if index < list.len() => {
                if rest.is_empty() {
                    list.remove(index);
                    return true;
                }
                list[index].remove(rest)
            }
            Value::Map(map) if index < map.entries.len() => {
                if rest.is_empty() {
                    let entry = map.entries.remove(index);
                    map.drop_key(entry.key);
                    return true;
                }
                map.entries[index].node.remove(rest)
            }
            _ => false,
        }
    }

    /// The name of an environment variable that is read somewhere in it.
    pub(super) fn variable(&self) -> Option<&str> {
        match &self.value {
            Value::Env(variable) => Some(&variable.name),
            Value::List(list) => list.iter().find_map(Node::variable),
            Value::Map(map) => map.entries.iter().find_map(|entry| entry.node.variable()),
            _ => None,
        }
    }

    /// How many nodes it is made of.
    pub(super) fn size(&self) -> usize {
        match &self.value {
            Value::List(list) => 1 + list.iter().map(Node::size).sum::<usize>(),
            Value::Map(map) => 1 + map.entries.iter().map(|entry| entry.node.size()).sum::<usize>(),
            _ => 1,
        }
    }

    /// Whether both say the same, wherever they stand.
    pub(super) fn same(&self, other: &Node) -> bool {
        match (&self.value, &other.value) {
            (Value::Null, Value::Null) => true,
            (Value::Bool(a), Value::Bool(b)) => a == b,
            (Value::Int(a), Value::Int(b)) => a == b,
            (Value::Float(a), Value::Float(b)) => a == b,
            (Value::Text(a), Value::Text(b)) => a == b,
            (Value::Env(a), Value::Env(b)) => a.name == b.name,
            (Value::List(a), Value::List(b)) => {
                a.len() == b.len() && a.iter().zip(b).all(|(a, b)| a.same(b))
            }
            (Value::Map(a), Value::Map(b)) => {
                let pairs = a.entries.iter().zip(&b.entries);
                a.entries.len() == b.entries.len()
                    && pairs.into_iter().all(|(a, b)| a.key == b.key && a.node.same(&b.node))
            }
            _ => false,
        }
    }
}
