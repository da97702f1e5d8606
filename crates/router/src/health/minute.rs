//! What became of the attempts of the last minute.

use std::time::Duration;

use secondwind_policy::{Class, Harm};

/// The minute is counted in so many parts, so that it is one to within five seconds.
const PARTS: usize = 12;
const PART: Duration = Duration::from_secs(5);

/// What became of the attempts of the last minute.
#[derive(Debug)]
pub(super) struct Minute {
    parts: [Part; PARTS],
    /// The number of the newest part, counted from the beginning of time.
    newest: u64,
}

#[derive(Clone, Copy, Debug, Default)]
struct Part {
    successes: u32,
    failures: [u16; Class::COUNT],
}

/// The sums of a minute.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(super) struct Sums {
    pub(super) successes: u32,
    failures: [u32; Class::COUNT],
}

// === impl Minute ===

impl Minute {
    pub(super) fn success(&mut self, now: Duration) {
        let part = self.part(now);
        part.successes = part.successes.saturating_add(1);
    }

    pub(super) fn failure(&mut self, class: Class, now: Duration) {
        if let Some(count) = self.part(now).failures.get_mut(class.index()) {
            *count = count.saturating_add(1);
        }
    }

    /// The sums of the minute before `now`.
    pub(super) fn sums(&mut self, now: Duration) -> Sums {
        self.part(now);
        let mut sums = Sums::default();
        for part in &self.parts {
            sums.successes = sums.successes.saturating_add(part.successes);
            for (sum, count) in sums.failures.iter_mut().zip(part.failures) {
                *sum = sum.saturating_add(u32::from(count));
            }
        }
        sums
    }

    /// The part that `now` is in; those that a minute has passed since are emptied. A time before the newest
    /// part counts as the newest.
    fn part(&mut self, now: Duration) -> &mut Part {
        let number = (now.as_secs() / PART.as_secs()).max(self.newest);
        let passed = (number - self.newest).min(PARTS as u64);
        for past in 0..passed {
            self.parts[((number - past) % PARTS as u64) as usize] = Part::default();
        }
        self.newest = number;
        &mut self.parts[(number % PARTS as u64) as usize]
    }
}

impl Default for Minute {
    fn default() -> Self {
        Self { parts: [Part::default(); PARTS], newest: 0 }
    }
}

// === impl Sums ===

impl Sums {
    /// How many failures of `class` there were.
    pub(super) fn of(&self, class: Class) -> u32 {
        self.failures.get(class.index()).copied().unwrap_or(0)
    }

    /// How many failures counted against the deployment.
    pub(super) fn counted(&self) -> u32 {
        let counts = |class: &&Class| class.facts().harm == Harm::Counts;
        Class::ALL.iter().filter(counts).map(|class| self.of(*class)).sum()
    }

    /// How many attempts there were that say anything of the deployment.
    pub(super) fn attempts(&self) -> u32 {
        self.failures.iter().fold(self.successes, |sum, count| sum.saturating_add(*count))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn secs(secs: u64) -> Duration {
        Duration::from_secs(secs)
    }

    #[test]
    fn a_minute_holds_what_happened_in_it_and_nothing_older() {
        let mut minute = Minute::default();
        minute.failure(Class::Timeout, secs(3));
        minute.success(secs(7));
        minute.failure(Class::Connection, secs(59));
        let sums = minute.sums(secs(59));
        assert_eq!((sums.successes, sums.of(Class::Timeout), sums.counted()), (1, 1, 2));
        assert_eq!(sums.attempts(), 3);
        // The first five seconds are over.
        assert_eq!(minute.sums(secs(60)).counted(), 1);
        assert_eq!(minute.sums(secs(64)).successes, 1);
        assert_eq!(minute.sums(secs(65)).successes, 0);
        assert_eq!(minute.sums(secs(114)).counted(), 1);
        assert_eq!(minute.sums(secs(115)), Sums::default());
    }

    #[test]
    fn a_long_silence_empties_it() {
        let mut minute = Minute::default();
        for second in 0..60 {
            minute.success(secs(second));
        }
        assert_eq!(minute.sums(secs(59)).successes, 60);
        assert_eq!(minute.sums(secs(1_000_000)), Sums::default());
        // What is told late counts now.
        minute.success(secs(5));
        assert_eq!(minute.sums(secs(1_000_000)).successes, 1);
    }
}
