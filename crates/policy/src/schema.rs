//! The JSON Schema of a policy.

use std::borrow::Cow;
use std::time::Duration;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};

use crate::Policy;
use crate::allowed::{self, PartialAllowedFails};
use crate::breaker::WhenAllOpen;
use crate::class::{Class, ClassSet};
use crate::counts::{self, Counts, PartialCounts};
use crate::inherit::Setting;
use crate::partial::{NotYet, PartialPolicy};
use crate::stream::Recovery;
use crate::timeout::Reserve;
use crate::written::Written;

#[cfg(test)]
mod tests;

/// The JSON Schema of a policy as it is written, whole or partial: every value may be left out.
///
/// Each value carries its description and its default.
#[must_use]
pub fn schema() -> Schema {
    SchemaGenerator::default().into_root_schema_for::<Policy>()
}

/// Implements `JsonSchema` with a schema that stands where the type is used.
macro_rules! inline {
    ($type:ty, $name:expr, |$generator:ident| $schema:expr) => {
        impl JsonSchema for $type {
            fn inline_schema() -> bool {
                true
            }

            fn schema_name() -> Cow<'static, str> {
                $name.into()
            }

            fn json_schema($generator: &mut SchemaGenerator) -> Schema {
                $schema
            }
        }
    };
}

impl<T: JsonSchema> JsonSchema for Setting<T> {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        format!("Setting_of_{}", T::schema_name()).into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        let value = generator.subschema_for::<T>();
        let off = json_schema!({ "enum": ["off", false, null] });
        // Nothing but "off" may be said of what is not available yet.
        if value.as_bool() == Some(false) { off } else { json_schema!({ "anyOf": [value, off] }) }
    }
}

/// What was written for such a value has the value's own schema.
macro_rules! as_the_value {
    ($($type:ty),*) => {$(
        inline!(Written<$type>, <$type>::schema_name(), |generator| {
            generator.subschema_for::<$type>()
        });
    )*};
}

as_the_value!(u32, u64, f64, Class, Recovery, WhenAllOpen);

inline!(NotYet, "NotYet", |_generator| json_schema!(false));

inline!(ClassSet, "ClassSet", |generator| generator.subschema_for::<Vec<Class>>());

inline!(Counts, "Counts", |generator| generator.subschema_for::<PartialCounts>());

inline!(PartialCounts, "Counts", |generator| {
    let count = generator.subschema_for::<Count>();
    let (names, aliases) = counts::keys();
    let mut properties = json_schema!({});
    for key in names.chain(aliases) {
        properties.insert(key.to_owned(), count.clone().to_value());
    }
    let map = json_schema!({
        "type": "object",
        "properties": properties,
        "additionalProperties": false,
    });
    json_schema!({ "anyOf": [map, { "enum": ["off", false, null] }] })
});

inline!(PartialAllowedFails, "AllowedFails", |generator| {
    let count = generator.subschema_for::<Setting<u32>>();
    let mut properties = json_schema!({});
    for key in allowed::keys() {
        let mut count = count.clone();
        let description = "How many of them a minute are allowed; off is 0, null sets nothing.";
        count.insert("description".to_owned(), description.into());
        properties.insert(key, count.to_value());
    }
    let map = json_schema!({
        "type": "object",
        "properties": properties,
        "additionalProperties": false,
    });
    json_schema!({ "anyOf": [map, { "enum": ["off", false, null] }] })
});

impl JsonSchema for Class {
    fn schema_name() -> Cow<'static, str> {
        "Class".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        let rows: Vec<_> = Class::ALL
            .iter()
            .map(|class| json_schema!({ "const": class, "description": class.facts().cause }))
            .collect();
        json_schema!({ "description": "What went wrong with an attempt.", "oneOf": rows })
    }
}

impl JsonSchema for Policy {
    fn schema_name() -> Cow<'static, str> {
        "Policy".into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        PartialPolicy::json_schema(generator)
    }
}

impl JsonSchema for Written<Duration> {
    fn schema_name() -> Cow<'static, str> {
        "Duration".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "description": "A number of seconds, or text such as `250ms`, `2s` or `1m30s`.",
            "anyOf": [
                { "type": "number", "minimum": 0 },
                {
                    "type": "string",
                    "pattern": r"^\s*(\d+(\.\d+)?\s*(d|h|m|s|ms|us|µs|μs|ns)\s*)+$",
                },
            ],
        })
    }
}

impl JsonSchema for Written<Reserve> {
    fn schema_name() -> Cow<'static, str> {
        "Reserve".into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        let duration = generator.subschema_for::<Written<Duration>>();
        json_schema!({
            "description": "A duration; or `share`, a quarter of what remains, at most 15 s.",
            "anyOf": [{ "const": "share" }, duration],
        })
    }
}

/// How often a class is retried.
struct Count;

impl JsonSchema for Count {
    fn schema_name() -> Cow<'static, str> {
        "Count".into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        let mut schema = Setting::<u32>::json_schema(generator);
        let description = "How often a class is retried; off is 0, null sets nothing.";
        schema.insert("description".to_owned(), description.into());
        schema
    }
}
