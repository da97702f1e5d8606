//! The cheapest.

use super::least::least;
use super::{Candidate, Strategy};

/// Picks the one where a token costs least; those of unknown price last.
#[derive(Clone, Copy, Debug, Default)]
pub struct CostBased;

impl Strategy for CostBased {
    fn pick<'a>(
        &self,
        candidates: &mut dyn Iterator<Item = Candidate<'a>>,
        random: f64,
    ) -> Option<usize> {
        least(candidates, random, 0.0, |candidate| candidate.price.unwrap_or(f64::MAX))
    }
}
