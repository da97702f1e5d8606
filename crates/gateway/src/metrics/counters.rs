//! Numbers that many threads add to without waiting for each other.

use std::sync::OnceLock;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering::Relaxed};

/// How many copies there are at most: as many threads never meet.
const MOST_SHARDS: usize = 8;

/// A row of numbers, in a copy for each of a few threads; a copy that nobody adds to is not made.
pub(super) struct Counters {
    shards: Box<[OnceLock<Box<[AtomicU64]>>]>,
    len: usize,
}

// === impl Counters ===

impl Counters {
    pub(super) fn new(len: usize) -> Self {
        let threads = std::thread::available_parallelism().map_or(1, usize::from);
        let shards = threads.min(MOST_SHARDS);
        Self { shards: (0..shards).map(|_| OnceLock::new()).collect(), len }
    }

    /// Adds `amount` to the number at `index`. What is taken away is added the other way round.
    pub(super) fn add(&self, index: usize, amount: u64) {
        let Some(shard) = self.shards.get(shard() % self.shards.len()) else { return };
        let numbers = shard.get_or_init(|| (0..self.len).map(|_| AtomicU64::new(0)).collect());
        if let Some(number) = numbers.get(index) {
            number.fetch_add(amount, Relaxed);
        }
    }

    /// The number at `index`.
    pub(super) fn sum(&self, index: usize) -> u64 {
        let numbers = self.shards.iter().filter_map(|shard| shard.get()?.get(index));
        numbers.fold(0, |sum, number| sum.wrapping_add(number.load(Relaxed)))
    }
}

/// The number of this thread.
fn shard() -> usize {
    static NEXT: AtomicUsize = AtomicUsize::new(0);
    thread_local!(static SHARD: usize = NEXT.fetch_add(1, Relaxed));
    SHARD.with(|shard| *shard)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_is_lost_among_threads() {
        let counters = Counters::new(2);
        std::thread::scope(|scope| {
            for _ in 0..8 {
                scope.spawn(|| (0..10_000).for_each(|_| counters.add(1, 1)));
            }
        });
        assert_eq!([counters.sum(0), counters.sum(1)], [0, 80_000]);
        // One thread adds, another takes away.
        std::thread::scope(|scope| _ = scope.spawn(|| counters.add(0, 5)));
        std::thread::scope(|scope| _ = scope.spawn(|| counters.add(0, 3u64.wrapping_neg())));
        assert_eq!(counters.sum(0), 2);
    }
}
