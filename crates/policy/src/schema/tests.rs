use serde_json::Value;

use super::*;

/// Follows `$ref` and looks for the first of the forms that is a map of values.
fn section<'a>(root: &'a Value, value: &'a Value) -> Option<&'a Value> {
    if let Some(path) = value["$ref"].as_str() {
        return section(root, root.pointer(path.trim_start_matches('#'))?);
    }
    if value["properties"].is_object() {
        return Some(value);
    }
    value["anyOf"].as_array()?.iter().find_map(|form| section(root, form))
}

/// Compares each value of `written` with the default that `schema` names for it.
fn compare(root: &Value, schema: &Value, written: &Value, path: &str) -> usize {
    let mut compared = 0;
    for (key, value) in written.as_object().unwrap() {
        let path = format!("{path}.{key}");
        let property = &schema["properties"][key];
        assert!(property["description"].is_string(), "{path} is not described");
        if value.is_object() {
            compared += compare(root, section(root, property).unwrap(), value, &path);
        } else {
            assert_eq!(property["default"], *value, "{path}");
            compared += 1;
        }
    }
    compared
}

#[test]
fn names_the_defaults_that_apply() {
    let root = schema().to_value();
    let written = serde_json::to_value(Policy::default()).unwrap();
    let compared = compare(&root, &root, &written, "policy");
    assert_eq!(compared, 35, "of the values of a policy");
}

#[test]
fn describes_every_value() {
    let root = schema().to_value();
    let mut described = 0;
    let sections = root["$defs"].as_object().unwrap().values().chain([&root]);
    for section in sections {
        let Some(properties) = section["properties"].as_object() else {
            continue;
        };
        assert_eq!(section["additionalProperties"], Value::Bool(false));
        for (key, property) in properties {
            let text = property["description"].as_str().unwrap_or_default();
            assert!(!text.is_empty() && !text.contains("crate::"), "{key}: {text}");
            described += 1;
        }
    }
    assert!(described > 30, "{described}");
}

#[test]
fn knows_every_class_and_every_key_of_a_count() {
    let root = schema().to_value();
    let classes = root["$defs"]["Class"]["oneOf"].as_array().unwrap();
    assert_eq!(classes.len(), Class::COUNT);
    let retry = section(&root, &root["properties"]["retry"]).unwrap();
    let counts = section(&root, &retry["properties"]["counts"]).unwrap();
    for key in ["timeout", "TimeoutErrorRetries", "default", "DefaultRetries"] {
        assert!(counts["properties"][key].is_object(), "{key}");
    }
    assert!(counts["properties"]["cancelled"].is_null());
}
