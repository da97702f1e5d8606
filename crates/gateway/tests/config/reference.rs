//! `docs/policy.md`, made from the JSON Schema.

use std::fmt::Write;
use std::path::Path;

use secondwind_gateway::schema::{Part, of};
use secondwind_policy::Class;
use serde_json::Value;

use crate::snapshot;

const INTRODUCTION: &str = "\
# The policy, key by key

<!-- Made from the JSON Schema (`secondwind schema`) by a test, which tells how to make it anew. -->

Everything here may be left out. What is left out keeps what lies beneath: a group's policy lies on
`secondwind.policy`, that on LiteLLM's keys, those on the defaults. A *duration* is a number of seconds, or text such
as `250ms`, `2s` or `1m30s`. `off` is the text `\"off\"` or `false`; it switches off what it stands for.
[gateway.md](gateway.md) tells what the values do together.

The schema itself is printed by `secondwind schema` (the file), `secondwind schema secondwind` and `secondwind schema
policy`. An editor that speaks the YAML language server's dialect takes it from a comment in the file:

```yaml
# yaml-language-server: $schema=./secondwind.schema.json
```
";

/// The sections as they are told; one that is not named here comes last.
const ORDER: [&str; 6] = ["retry", "timeout", "fallback", "breaker", "stream", "hedge"];

#[test]
fn the_reference_of_the_policy_is_that_of_the_schema() {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/policy.md");
    let stale = snapshot::stale(&file, &Reference::new().text());
    snapshot::assert_none(&Vec::from_iter(stale));
}

struct Reference {
    root: Value,
    text: String,
}

impl Reference {
    fn new() -> Reference {
        Reference { root: of(Part::Secondwind), text: INTRODUCTION.to_owned() }
    }

    fn text(mut self) -> String {
        let own = self.root.clone();
        self.line("\n## `secondwind`\n");
        self.table(&own);
        let policy = own["$defs"]["Policy"].clone();
        let mut sections: Vec<_> = policy["properties"].as_object().unwrap().iter().collect();
        sections.sort_by_key(|(name, _)| {
            let place = ORDER.iter().position(|known| known == name);
            (place.unwrap_or(ORDER.len()), (*name).clone())
        });
        for (name, section) in sections {
            self.section(2, name, section);
        }
        self.classes();
        self.text
    }

    fn line(&mut self, line: &str) {
        self.text.push_str(line);
        self.text.push('\n');
    }

    /// A section with its keys, and those of its own that have keys as well.
    fn section(&mut self, depth: usize, path: &str, section: &Value) {
        let hashes = "#".repeat(depth);
        self.line(&format!("\n{hashes} `{path}`\n"));
        self.line(&words(section));
        let Some(map) = self.map_of(section) else {
            return;
        };
        let more = words(&map);
        if !words(section).starts_with(&more) {
            self.line(&format!("\n{more}"));
        }
        self.line("");
        if sorted(&map).iter().all(|(_, value)| words(value).is_empty()) {
            self.list(&map);
        } else {
            self.table(&map);
        }
        for (name, value) in sorted(&map) {
            if self.map_of(value).is_some() {
                self.section(depth + 1, &format!("{path}.{name}"), value);
            }
        }
    }

    fn table(&mut self, map: &Value) {
        self.line("| key | value | default | |\n|---|---|---|---|");
        for (name, value) in sorted(map) {
            let default = default_of(value);
            let kinds = self.kinds(value).join(" or ");
            let words = words(value);
            writeln!(self.text, "| `{name}` | {kinds} | {default} | {words} |").unwrap();
        }
    }

    /// Keys that need no words, which are all of a kind.
    fn list(&mut self, map: &Value) {
        let entries = sorted(map);
        let names: Vec<_> = entries.iter().map(|(name, _)| format!("`{name}`")).collect();
        let kinds = entries.first().map(|(_, value)| self.kinds(value).join(" or "));
        let line = format!("Each is a {}: {}.", kinds.unwrap_or_default(), names.join(", "));
        self.line(&line);
    }

    /// The form of a value that is a mapping with keys of its own.
    fn map_of(&self, value: &Value) -> Option<Value> {
        let value = self.resolved(value);
        if value["properties"].is_object() {
            return Some(value.clone());
        }
        value["anyOf"].as_array()?.iter().find_map(|form| self.map_of(form))
    }

    fn resolved<'a>(&'a self, value: &'a Value) -> &'a Value {
        let path = value["$ref"].as_str().map(|path| path.trim_start_matches('#'));
        path.map_or(value, |path| self.root.pointer(path).unwrap())
    }

    /// What a value may be.
    fn kinds(&self, value: &Value) -> Vec<String> {
        if let Some(name) = value["$ref"].as_str().and_then(|path| path.rsplit('/').next()) {
            return match name {
                "Duration" => vec!["duration".to_owned()],
                "Class" => vec!["[class](#classes)".to_owned()],
                "Count" => vec!["whole number".to_owned(), "`off`".to_owned()],
                "Policy" => vec!["a policy".to_owned()],
                _ => self.kinds(self.resolved(value)),
            };
        }
        if let Some(forms) = value["anyOf"].as_array().or(value["oneOf"].as_array()) {
            let mut kinds: Vec<String> = forms.iter().flat_map(|form| self.kinds(form)).collect();
            kinds.dedup();
            return kinds;
        }
        if let Some(word) = value["const"].as_str() {
            return vec![format!("`{word}`")];
        }
        if let Some(words) = value["enum"].as_array() {
            let words = words.iter().filter_map(Value::as_str);
            return words.map(|word| format!("`{word}`")).collect();
        }
        let named = value["type"].as_array().and_then(|names| names.first());
        match named.unwrap_or(&value["type"]).as_str() {
            Some("null") => Vec::new(),
            Some("object") if value["properties"].is_object() => {
                vec!["mapping (below)".to_owned()]
            }
            Some("object") => {
                let of = self.kinds(&value["additionalProperties"]).join(" or ");
                vec![format!("a mapping from names to {of}")]
            }
            Some("array") => vec![format!("list of {}", self.kinds(&value["items"]).join(" or "))],
            Some("integer") => vec!["whole number".to_owned()],
            Some("boolean") => vec!["`true`".to_owned(), "`false`".to_owned()],
            Some("string") => vec!["text".to_owned()],
            Some(other) => vec![other.to_owned()],
            None => panic!("what is this: {value}"),
        }
    }

    fn classes(&mut self) {
        self.line("\n## Classes\n");
        self.line("[errors.md](errors.md) tells what becomes of each.\n");
        self.line("| class | |\n|---|---|");
        let rows = self.root["$defs"]["Class"]["oneOf"].as_array().unwrap().clone();
        for row in &rows {
            let (name, cause) = (row["const"].as_str().unwrap(), words(row));
            writeln!(self.text, "| `{name}` | {cause} |").unwrap();
        }
    }
}

/// The keys of a mapping by name, whatever order the schema has them in.
fn sorted(map: &Value) -> Vec<(&String, &Value)> {
    let mut entries: Vec<_> = map["properties"].as_object().unwrap().iter().collect();
    entries.sort_unstable_by_key(|(name, _)| *name);
    entries
}

fn words(value: &Value) -> String {
    plain(value["description"].as_str().unwrap_or_default())
}

/// On one line, and within a cell of a table.
fn plain(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ").replace('|', "\\|")
}

fn default_of(value: &Value) -> String {
    match &value["default"] {
        Value::Null => String::new(),
        Value::String(text) => format!("`{text}`"),
        Value::Array(list) if list.len() == Class::COUNT => "every class".to_owned(),
        Value::Array(list) => {
            let items: Vec<_> = list.iter().filter_map(Value::as_str).collect();
            format!("`[{}]`", items.join(", "))
        }
        other => format!("`{other}`"),
    }
}
