//! The least used in this minute.

use super::least::least;
use super::{Candidate, Strategy};

/// Picks the one that was sent the fewest tokens within a minute; the fewest requests, where no tokens are known.
#[derive(Clone, Copy, Debug, Default)]
pub struct UsageBased;

impl Strategy for UsageBased {
    fn pick<'a>(
        &self,
        candidates: &mut dyn Iterator<Item = Candidate<'a>>,
        random: f64,
    ) -> Option<usize> {
        least(candidates, random, 0.0, |candidate| {
            let usage = candidate.load.usage(candidate.now);
            // Requests only part those with as many tokens.
            usage.tokens as f64 + 1.0 - 1.0 / (usage.requests as f64 + 1.0)
        })
    }
}
