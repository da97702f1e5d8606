//! How many failures a minute a deployment is allowed, by class.

use std::fmt;

use serde::de::{Error, MapAccess, Unexpected, Visitor};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::class::{Class, Harm};
use crate::error::Findings;
use crate::inherit::Setting;
use crate::suggest;
use crate::written::Written;

#[cfg(test)]
mod tests;

/// How many failures a minute a deployment is allowed, by class, as far as that was set.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct AllowedFails {
    classes: [Option<u32>; Class::COUNT],
}

/// [`AllowedFails`] as they were written, wrong keys included.
///
/// In text a map whose keys are the [names of classes](Class::name) or LiteLLM's names:
/// `rate_limit` and `RateLimitErrorAllowedFails` are the same key. `"off"` drops what lies beneath.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct PartialAllowedFails {
    /// Whether what lies beneath is dropped first.
    afresh: bool,
    entries: Vec<(String, Written<u32>)>,
}

/// What LiteLLM's keys end with.
const SUFFIX: &str = "AllowedFails";

// === impl AllowedFails ===

impl AllowedFails {
    /// The count that was set for this very class.
    #[must_use]
    pub fn get(&self, class: Class) -> Option<u32> {
        self.classes[class.index()]
    }

    /// Whether none was set.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.classes.iter().all(Option::is_none)
    }
}

// === impl PartialAllowedFails ===

impl PartialAllowedFails {
    /// Whether nothing is said.
    #[must_use]
    pub fn is_unset(&self) -> bool {
        !self.afresh && self.entries.is_empty()
    }

    /// Sets the count of `class`.
    pub fn set(&mut self, class: Class, count: u32) {
        self.entries.retain(|(key, _)| class_of(key) != Some(class));
        self.entries.push((class.name().to_owned(), count.into()));
    }

    /// No counts, whatever lies beneath.
    pub(crate) fn off() -> PartialAllowedFails {
        PartialAllowedFails { afresh: true, entries: Vec::new() }
    }

    /// Lays `over` on top, class by class.
    pub(crate) fn merge(&mut self, over: &PartialAllowedFails) {
        if over.afresh {
            *self = PartialAllowedFails::off();
        }
        let replaced = |key: &str| {
            let class = class_of(key);
            class.is_some() && over.entries.iter().any(|(key, _)| class_of(key) == class)
        };
        self.entries.retain(|(key, _)| !replaced(key));
        self.entries.extend_from_slice(&over.entries);
    }

    /// Lays these counts over `onto`, class by class, and notes what is wrong with them.
    pub(crate) fn lay_on(&self, onto: &mut AllowedFails, path: &str, findings: &mut Findings) {
        if self.afresh {
            *onto = AllowedFails::default();
        }
        for (n, (key, count)) in self.entries.iter().enumerate() {
            let path = || format!("{path}.{key}");
            let Some(class) = class_of(key) else {
                findings.add(path(), unknown(key));
                continue;
            };
            let twin = self.entries[..n].iter().find(|(other, _)| class_of(other) == Some(class));
            if let Some((twin, _)) = twin {
                findings.add(path(), format!("is set twice; `{twin}` is the same count"));
            } else if class.facts().harm == Harm::None {
                findings.add(path(), "is no fault of a deployment, so it never rests one");
            } else {
                match count.read() {
                    Ok(count) => onto.classes[class.index()] = Some(count),
                    Err(message) => findings.add(path(), message),
                }
            }
        }
    }
}

impl From<&AllowedFails> for PartialAllowedFails {
    fn from(allowed: &AllowedFails) -> PartialAllowedFails {
        let entry = |class: &Class| Some((class.name().to_owned(), allowed.get(*class)?.into()));
        PartialAllowedFails {
            afresh: false,
            entries: Class::ALL.iter().filter_map(entry).collect(),
        }
    }
}

impl Serialize for PartialAllowedFails {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        if self.afresh && self.entries.is_empty() {
            return serializer.serialize_str("off");
        }
        serializer.collect_map(self.entries.iter().map(|(key, count)| (key, count)))
    }
}

impl<'de> Deserialize<'de> for PartialAllowedFails {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(AllowedVisitor)
    }
}

/// Keeps the entries in their order, those that are there twice too.
struct AllowedVisitor;

impl<'de> Visitor<'de> for AllowedVisitor {
    type Value = PartialAllowedFails;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a map from classes to counts, e.g. {timeout: 5}, or \"off\"")
    }

    fn visit_unit<E: Error>(self) -> Result<PartialAllowedFails, E> {
        Ok(PartialAllowedFails::default())
    }

    fn visit_bool<E: Error>(self, on: bool) -> Result<PartialAllowedFails, E> {
        if on {
            Err(E::invalid_type(Unexpected::Bool(on), &self))
        } else {
            Ok(PartialAllowedFails::off())
        }
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<PartialAllowedFails, E> {
        match text {
            "off" => Ok(PartialAllowedFails::off()),
            _ => Err(E::invalid_type(Unexpected::Str(text), &self)),
        }
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<PartialAllowedFails, A::Error> {
        let mut entries = Vec::new();
        while let Some(key) = map.next_key::<String>()? {
            match map.next_value::<Setting<Written<u32>>>()? {
                Setting::Unset => {}
                Setting::Off => entries.push((key, 0.into())),
                Setting::Set(count) => entries.push((key, count)),
            }
        }
        Ok(PartialAllowedFails { afresh: false, entries })
    }
}

/// The class that a key is about, by our name or LiteLLM's.
fn class_of(key: &str) -> Option<Class> {
    key.parse().ok().or_else(|| {
        let error = key.strip_suffix(SUFFIX)?;
        Class::from_policy_key(&format!("{error}Retries"))
    })
}

/// The classes that can hurt a deployment.
fn counted() -> impl Iterator<Item = Class> + Clone {
    Class::ALL.iter().copied().filter(|class| class.facts().harm != Harm::None)
}

fn litellm_key(class: Class) -> String {
    let key = class.facts().policy_key;
    key.strip_suffix("Retries").map(|error| format!("{error}{SUFFIX}")).unwrap_or_default()
}

fn unknown(key: &str) -> String {
    let litellm: Vec<_> = counted().map(litellm_key).collect();
    let names: Vec<&str> = counted().map(Class::name).collect();
    let aliases = litellm.iter().map(String::as_str);
    suggest::unknown("class", key, names.iter().copied(), aliases)
}

/// The keys that the map may have: ours and LiteLLM's.
#[cfg(feature = "schema")]
pub(crate) fn keys() -> impl Iterator<Item = String> {
    let names = counted().map(|class| class.name().to_owned());
    names.chain(counted().map(litellm_key).filter(|key| !key.is_empty()))
}
