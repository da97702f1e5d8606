//! How many retries each class of failure gets.

use std::fmt;

use serde::de::{Error, MapAccess, Unexpected, Visitor};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::class::Class;
use crate::error::Findings;
use crate::inherit::Setting;
use crate::suggest;
use crate::written::Written;

#[cfg(test)]
mod tests;

/// Counts of retries by class, as far as they were set.
///
/// In text a map whose keys are the [names of classes](Class::name) or LiteLLM's names: `timeout`
/// and `TimeoutErrorRetries` are the same key, as are `default` and `DefaultRetries`. A value may
/// also be `"off"`, which is 0, or `null`, which sets nothing.
///
/// ```
/// use secondwind_policy::{Class, Counts};
///
/// let counts: Counts = serde_json::from_str(r#"{"TimeoutErrorRetries": 3, "rate_limit": 5}"#)?;
/// assert_eq!(counts.get(Class::Timeout), Some(3));
/// assert_eq!(counts.get(Class::RateLimit), Some(5));
/// assert_eq!(counts.get(Class::Connection), None);
/// # Ok::<(), serde_json::Error>(())
/// ```
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Counts {
    classes: [Option<u32>; Class::COUNT],
    default: Option<u32>,
}

/// [`Counts`] as they were written, wrong keys included.
///
/// [`Policy::with`](crate::Policy::with) lays them over other counts, class by class, and reports
/// the keys that name no class and the classes that were named twice. `"off"` drops the counts that
/// lie beneath.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct PartialCounts {
    /// Whether the counts beneath are dropped first.
    afresh: bool,
    entries: Vec<(String, Written<u32>)>,
}

/// What a key of the map stands for.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Slot {
    Default,
    Class(Class),
}

// === impl Counts ===

impl Counts {
    /// The count that was set for this very class.
    #[must_use]
    pub fn get(&self, class: Class) -> Option<u32> {
        self.classes[class.index()]
    }

    /// The count for all classes that are retried by default and have none of their own.
    #[must_use]
    pub fn default_retries(&self) -> Option<u32> {
        self.default
    }

    fn set(&mut self, slot: Slot, count: u32) {
        match slot {
            Slot::Default => self.default = Some(count),
            Slot::Class(class) => self.classes[class.index()] = Some(count),
        }
    }
}

impl Serialize for Counts {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        PartialCounts::from(self).serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for Counts {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Counts, D::Error> {
        let mut findings = Findings::default();
        let mut counts = Counts::default();
        PartialCounts::deserialize(deserializer)?.lay_on(&mut counts, "counts", &mut findings);
        findings.verdict(counts).map_err(Error::custom)
    }
}

// === impl PartialCounts ===

impl PartialCounts {
    /// No counts, whatever lies beneath.
    pub(crate) fn off() -> PartialCounts {
        PartialCounts { afresh: true, entries: Vec::new() }
    }

    /// Whether nothing is said.
    #[must_use]
    pub fn is_unset(&self) -> bool {
        !self.afresh && self.entries.is_empty()
    }

    /// Sets the count of `class`.
    pub fn set(&mut self, class: Class, count: u32) {
        self.replace(Slot::Class(class), count);
    }

    /// Sets the count of all classes that are retried by default and have none of their own.
    pub fn set_default(&mut self, count: u32) {
        self.replace(Slot::Default, count);
    }

    fn replace(&mut self, slot: Slot, count: u32) {
        self.entries.retain(|(key, _)| Slot::of(key) != Some(slot));
        self.entries.push((slot.name().to_owned(), count.into()));
    }

    /// Lays `over` on top, class by class.
    pub(crate) fn merge(&mut self, over: &PartialCounts) {
        if over.afresh {
            *self = PartialCounts::off();
        }
        let replaced = |key: &str| {
            let slot = Slot::of(key);
            slot.is_some() && over.entries.iter().any(|(key, _)| Slot::of(key) == slot)
        };
        self.entries.retain(|(key, _)| !replaced(key));
        self.entries.extend_from_slice(&over.entries);
    }

    /// Lays these counts over `onto`, class by class, and notes what is wrong with them.
    pub(crate) fn lay_on(&self, onto: &mut Counts, path: &str, findings: &mut Findings) {
        if self.afresh {
            *onto = Counts::default();
        }
        for (n, (key, count)) in self.entries.iter().enumerate() {
            let path = || format!("{path}.{key}");
            let Some(slot) = Slot::of(key) else {
                findings.add(path(), unknown(key));
                continue;
            };
            let twin = self.entries[..n].iter().find(|(other, _)| Slot::of(other) == Some(slot));
            if let Some((twin, _)) = twin {
                findings.add(path(), format!("is set twice; `{twin}` is the same count"));
            } else if let Slot::Class(class) = slot
                && !class.takes_count()
            {
                findings.add(path(), "is never retried, so it has no count");
            } else {
                match count.read() {
                    Ok(count) => onto.set(slot, count),
                    Err(message) => findings.add(path(), message),
                }
            }
        }
    }
}

impl From<&Counts> for PartialCounts {
    fn from(counts: &Counts) -> PartialCounts {
        let slots = Class::ALL.iter().map(|class| (Slot::Class(*class), counts.get(*class)));
        let slots = slots.chain([(Slot::Default, counts.default)]);
        let entry =
            |(slot, count): (Slot, Option<u32>)| Some((slot.name().to_owned(), count?.into()));
        PartialCounts { afresh: false, entries: slots.filter_map(entry).collect() }
    }
}

impl From<Counts> for PartialCounts {
    fn from(counts: Counts) -> PartialCounts {
        PartialCounts::from(&counts)
    }
}

impl Serialize for PartialCounts {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        if self.afresh && self.entries.is_empty() {
            return serializer.serialize_str("off");
        }
        serializer.collect_map(self.entries.iter().map(|(key, count)| (key, count)))
    }
}

impl<'de> Deserialize<'de> for PartialCounts {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<PartialCounts, D::Error> {
        deserializer.deserialize_any(CountsVisitor)
    }
}

/// Keeps the entries in their order, those that are there twice too.
struct CountsVisitor;

impl<'de> Visitor<'de> for CountsVisitor {
    type Value = PartialCounts;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a map from classes to counts, e.g. {rate_limit: 5}, or \"off\"")
    }

    fn visit_unit<E: Error>(self) -> Result<PartialCounts, E> {
        Ok(PartialCounts::default())
    }

    fn visit_bool<E: Error>(self, on: bool) -> Result<PartialCounts, E> {
        if on {
            Err(E::invalid_type(Unexpected::Bool(on), &self))
        } else {
            Ok(PartialCounts::off())
        }
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<PartialCounts, E> {
        match text {
            "off" => Ok(PartialCounts::off()),
            _ => Err(E::invalid_type(Unexpected::Str(text), &self)),
        }
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<PartialCounts, A::Error> {
        let mut entries = Vec::new();
        while let Some(key) = map.next_key::<String>()? {
            match map.next_value::<Setting<Written<u32>>>()? {
                Setting::Unset => {}
                Setting::Off => entries.push((key, 0.into())),
                Setting::Set(count) => entries.push((key, count)),
            }
        }
        Ok(PartialCounts { afresh: false, entries })
    }
}

// === impl Slot ===

impl Slot {
    /// The names of [`Slot::Default`], ours and LiteLLM's.
    const DEFAULT: [&str; 2] = ["default", "DefaultRetries"];

    fn of(key: &str) -> Option<Slot> {
        if Slot::DEFAULT.contains(&key) {
            return Some(Slot::Default);
        }
        key.parse().ok().or_else(|| Class::from_policy_key(key)).map(Slot::Class)
    }

    fn name(self) -> &'static str {
        match self {
            Slot::Default => Slot::DEFAULT[0],
            Slot::Class(class) => class.name(),
        }
    }
}

/// The keys that a map of counts may have: ours, then LiteLLM's.
pub(crate) fn keys() -> (impl Iterator<Item = &'static str> + Clone, Vec<&'static str>) {
    let counted = || Class::ALL.iter().filter(|class| class.takes_count());
    let [default, litellm] = Slot::DEFAULT;
    let mut aliases: Vec<_> = counted().map(|class| class.facts().policy_key).collect();
    aliases.dedup();
    aliases.push(litellm);
    (counted().map(|class| class.name()).chain([default]), aliases)
}

fn unknown(key: &str) -> String {
    let (names, aliases) = keys();
    suggest::unknown("class", key, names, aliases.into_iter())
}
