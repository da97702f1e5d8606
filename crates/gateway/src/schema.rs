//! What a configuration may say under `secondwind`, as JSON Schema, for editors and for the reference.

use serde_json::{Value, json};

/// A part of a configuration that has a schema.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq, clap::ValueEnum)]
pub enum Part {
    /// The file: what is LiteLLM's is left open.
    #[default]
    File,
    /// What stands under `secondwind`.
    Secondwind,
    /// What stands under `secondwind.policy`, and under the name of a group in `secondwind.groups`.
    Policy,
}

/// The JSON Schema of a part.
#[must_use]
pub fn of(part: Part) -> Value {
    let mut policy = secondwind_policy::schema().to_value();
    if part == Part::Policy {
        return policy;
    }
    let (mut dialect, mut definitions) = (Value::Null, json!({}));
    if let Value::Object(policy) = &mut policy {
        dialect = policy.remove("$schema").unwrap_or_default();
        definitions = policy.remove("$defs").unwrap_or_default();
    }
    definitions["Policy"] = policy;
    let own = json!({
        "title": "Secondwind",
        "description": "What Secondwind has beyond LiteLLM.",
        "type": "object",
        "properties": {
            "policy": {
                "description": "What holds for all groups, laid over what LiteLLM's keys say.",
                "$ref": "#/$defs/Policy",
            },
            "groups": {
                "description": "What holds for single groups, by name, laid over all of that.",
                "type": "object",
                "additionalProperties": { "anyOf": [{ "$ref": "#/$defs/Policy" }, { "type": "null" }] },
            },
            "passthrough": {
                "description": "The group whose account has what is asked of no model: files, batches, stored answers. \
                    The first of its deployments that speaks OpenAI's own API is asked; off: none. Where it is left \
                    out, the first such deployment of all.",
                "anyOf": [{ "type": "string" }, { "enum": [false, null] }],
            },
            "store": {
                "description": "Where is kept what several gateways are to know together. \
                    Not available yet: it is kept in memory.",
                "enum": ["memory", "off", false, null],
                "default": "memory",
            },
        },
        "additionalProperties": false,
    });
    if part == Part::Secondwind {
        let mut root = own;
        root["$schema"] = dialect;
        root["$defs"] = definitions;
        return root;
    }
    definitions["Secondwind"] = own;
    json!({
        "$schema": dialect,
        "title": "A LiteLLM configuration with what Secondwind has beyond it",
        "type": "object",
        "properties": {
            "secondwind": {
                "anyOf": [{ "$ref": "#/$defs/Secondwind" }, { "type": "null" }],
            },
        },
        "$defs": definitions,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Every `$ref` in a schema.
    fn references(value: &Value, found: &mut Vec<String>) {
        match value {
            Value::Object(map) => {
                found.extend(map.get("$ref").and_then(Value::as_str).map(str::to_owned));
                map.values().for_each(|value| references(value, found));
            }
            Value::Array(list) => list.iter().for_each(|value| references(value, found)),
            _ => {}
        }
    }

    #[test]
    fn every_reference_leads_somewhere() {
        for part in [Part::File, Part::Secondwind, Part::Policy] {
            let root = of(part);
            assert!(root["$schema"].is_string(), "{part:?}");
            let mut found = Vec::new();
            references(&root, &mut found);
            assert!(found.len() > 5, "{part:?}: {found:?}");
            for reference in found {
                let path = reference.strip_prefix('#').unwrap();
                assert!(root.pointer(path).is_some(), "{part:?}: {reference}");
            }
        }
    }

    #[test]
    fn the_keys_are_those_that_a_configuration_may_have() {
        let known = crate::config::own_keys();
        let schema = of(Part::Secondwind);
        let mut named: Vec<&str> =
            schema["properties"].as_object().unwrap().keys().map(String::as_str).collect();
        named.sort_unstable();
        assert_eq!(named, known);
    }
}
