//! How many of a request's retries are used up, by class.

use secondwind_policy::Class;

/// The retries that a request used up within one group.
///
/// Counts are kept per class: two timeouts and one 429 use two of the one and one of the other. The
/// attempts in a group never exceed 1 + the largest count that applied.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct Counts {
    used: [u16; Class::COUNT],
    total: u32,
    largest: u32,
}

impl Counts {
    /// The retries used up after failures of `class`.
    #[must_use]
    pub fn used(&self, class: Class) -> u32 {
        self.used.get(class.index()).copied().map_or(0, u32::from)
    }

    /// The retries used up after failures of any class.
    #[must_use]
    pub const fn total(&self) -> u32 {
        self.total
    }

    /// Whether another retry is left after a failure of `class`, of which `allowed` are allowed.
    #[must_use]
    pub fn is_left(&self, class: Class, allowed: u32) -> bool {
        self.used(class) < allowed && self.total < self.largest.max(allowed)
    }

    /// Uses up one retry after a failure of `class`, of which `allowed` are allowed.
    pub fn spend(&mut self, class: Class, allowed: u32) {
        if let Some(used) = self.used.get_mut(class.index()) {
            *used = used.saturating_add(1);
        }
        self.spend_any(allowed);
    }

    /// Uses up one retry that no class accounts for, where `most` are allowed.
    pub fn spend_any(&mut self, most: u32) {
        self.total = self.total.saturating_add(1);
        self.largest = self.largest.max(most);
    }
}
