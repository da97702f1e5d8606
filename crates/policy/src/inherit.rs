//! A value that may be unset, switched off, or set: what lets one policy lie over another.

use std::fmt;
use std::marker::PhantomData;

use serde::de::value::{MapAccessDeserializer, SeqAccessDeserializer};
use serde::de::{Error, IntoDeserializer, MapAccess, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

#[cfg(test)]
mod tests;

/// What a partial policy says of one value.
///
/// In text: missing or `null`; `"off"` or `false`; anything else is the value.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub enum Setting<T> {
    /// Nothing: what lies beneath shows through.
    #[default]
    Unset,
    /// Switched off, whatever lies beneath.
    Off,
    /// This value.
    Set(T),
}

/// A part of a policy whose values are merged one by one.
pub(crate) trait Section: Clone {
    /// Lays `over` on top: its unset values keep what is here.
    fn merge(&mut self, over: &Self);

    /// What the section is where it was off and is now given values again.
    fn after_off() -> Self;
}

// === impl Setting ===

impl<T> Setting<T> {
    /// Whether nothing is said.
    #[must_use]
    pub fn is_unset(&self) -> bool {
        matches!(self, Setting::Unset)
    }

    /// Whether it is switched off.
    #[must_use]
    pub fn is_off(&self) -> bool {
        matches!(self, Setting::Off)
    }

    /// The value, if one is set.
    #[must_use]
    pub fn value(&self) -> Option<&T> {
        match self {
            Setting::Set(value) => Some(value),
            Setting::Unset | Setting::Off => None,
        }
    }

    /// Takes what `over` says, if it says anything.
    pub(crate) fn replace(&mut self, over: &Self)
    where
        T: Clone,
    {
        if !over.is_unset() {
            *self = over.clone();
        }
    }

    /// Takes what `over` says, value by value.
    pub(crate) fn merge(&mut self, over: &Self)
    where
        T: Section,
    {
        match (&mut *self, over) {
            (_, Setting::Unset) => {}
            (Setting::Set(section), Setting::Set(over)) => section.merge(over),
            (Setting::Off, Setting::Set(over)) => {
                let mut section = T::after_off();
                section.merge(over);
                *self = Setting::Set(section);
            }
            (_, Setting::Off) | (Setting::Unset, Setting::Set(_)) => *self = over.clone(),
        }
    }
}

impl<T> From<T> for Setting<T> {
    fn from(value: T) -> Setting<T> {
        Setting::Set(value)
    }
}

impl<T: Serialize> Serialize for Setting<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Setting::Unset => serializer.serialize_none(),
            Setting::Off => serializer.serialize_str("off"),
            Setting::Set(value) => value.serialize(serializer),
        }
    }
}

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Setting<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Setting<T>, D::Error> {
        deserializer.deserialize_any(SettingVisitor(PhantomData))
    }
}

/// Looks for the words that mean "unset" and "off", and hands everything else on to the value.
struct SettingVisitor<T>(PhantomData<T>);

/// Hands a plain value on to the type that knows what to do with it.
macro_rules! hand_on {
    ($($visit:ident: $type:ty),* $(,)?) => {$(
        fn $visit<E: Error>(self, value: $type) -> Result<Setting<T>, E> {
            T::deserialize(value.into_deserializer()).map(Setting::Set)
        }
    )*};
}

impl<'de, T: Deserialize<'de>> Visitor<'de> for SettingVisitor<T> {
    type Value = Setting<T>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a value or \"off\"")
    }

    hand_on! { visit_i64: i64, visit_u64: u64, visit_f64: f64 }

    fn visit_unit<E: Error>(self) -> Result<Setting<T>, E> {
        Ok(Setting::Unset)
    }

    fn visit_none<E: Error>(self) -> Result<Setting<T>, E> {
        Ok(Setting::Unset)
    }

    fn visit_some<D: Deserializer<'de>>(self, value: D) -> Result<Setting<T>, D::Error> {
        value.deserialize_any(self)
    }

    fn visit_bool<E: Error>(self, value: bool) -> Result<Setting<T>, E> {
        if !value {
            return Ok(Setting::Off);
        }
        T::deserialize(value.into_deserializer()).map(Setting::Set)
    }

    fn visit_str<E: Error>(self, value: &str) -> Result<Setting<T>, E> {
        if value == "off" {
            return Ok(Setting::Off);
        }
        T::deserialize(value.into_deserializer()).map(Setting::Set)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, list: A) -> Result<Setting<T>, A::Error> {
        T::deserialize(SeqAccessDeserializer::new(list)).map(Setting::Set)
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Setting<T>, A::Error> {
        T::deserialize(MapAccessDeserializer::new(map)).map(Setting::Set)
    }
}
