//! A set of classes, as small and as copyable as one of them.

use std::fmt;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::Class;
use crate::inherit::Setting;
use crate::written::Written;

#[cfg(test)]
mod tests;

/// A set of [`Class`]es. In text: a list of their names.
#[derive(Clone, Copy, Default, Eq, Hash, PartialEq)]
pub struct ClassSet(u32);

// One bit a class.
const _: () = assert!(Class::COUNT <= u32::BITS as usize);

impl ClassSet {
    /// No class at all.
    pub const EMPTY: ClassSet = ClassSet(0);

    /// Every class.
    pub const ALL: ClassSet = ClassSet(u32::MAX >> (u32::BITS as usize - Class::COUNT));

    /// Whether `class` is in it.
    #[must_use]
    pub const fn contains(self, class: Class) -> bool {
        self.0 & (1 << class as u32) != 0
    }

    /// Puts `class` in.
    pub const fn insert(&mut self, class: Class) {
        self.0 |= 1 << class as u32;
    }

    /// Whether no class is in it.
    #[must_use]
    pub const fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// Its classes, in the order of [`Class::ALL`].
    pub fn iter(self) -> impl Iterator<Item = Class> {
        Class::ALL.iter().copied().filter(move |class| self.contains(*class))
    }
}

impl FromIterator<Class> for ClassSet {
    fn from_iter<I: IntoIterator<Item = Class>>(classes: I) -> ClassSet {
        let mut set = ClassSet::EMPTY;
        set.extend(classes);
        set
    }
}

impl Extend<Class> for ClassSet {
    fn extend<I: IntoIterator<Item = Class>>(&mut self, classes: I) {
        classes.into_iter().for_each(|class| self.insert(class));
    }
}

impl From<ClassSet> for Setting<Vec<Written<Class>>> {
    fn from(set: ClassSet) -> Setting<Vec<Written<Class>>> {
        Setting::Set(set.iter().map(Written::from).collect())
    }
}

impl fmt::Debug for ClassSet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.iter()).finish()
    }
}

impl Serialize for ClassSet {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(self.iter())
    }
}

impl<'de> Deserialize<'de> for ClassSet {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<ClassSet, D::Error> {
        Ok(Vec::<Class>::deserialize(deserializer)?.into_iter().collect())
    }
}
