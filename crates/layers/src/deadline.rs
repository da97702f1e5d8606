//! The moment by which a request must have its answer.

use std::time::Duration;

use tokio::time::Instant;

/// The moment by which a request must have its answer, over all attempts, waits and fallbacks.
///
/// A deadline is a point in time and not a duration, so that every layer that asks
/// [`remaining`](Self::remaining) later gets less.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct Deadline(Instant);

impl Deadline {
    /// The deadline at `at`.
    #[must_use]
    pub const fn at(at: Instant) -> Self {
        Self(at)
    }

    /// The deadline `after` from `now`; `None` where the clock cannot say that moment.
    #[must_use]
    pub fn after(now: Instant, after: Duration) -> Option<Self> {
        now.checked_add(after).map(Self)
    }

    /// The moment itself.
    #[must_use]
    pub const fn instant(self) -> Instant {
        self.0
    }

    /// What is left at `now`; zero once it has passed.
    #[must_use]
    pub fn remaining(self, now: Instant) -> Duration {
        self.0.saturating_duration_since(now)
    }

    /// Whether it has passed at `now`.
    #[must_use]
    pub fn passed(self, now: Instant) -> bool {
        now >= self.0
    }
}
