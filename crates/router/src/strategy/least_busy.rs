//! The one with the fewest requests.

use super::least::least;
use super::{Candidate, Strategy};

/// Picks the one that has the fewest requests at the moment. They are counted from when they are picked until their
/// answers are over, so that many who pick at once do not all pick the same.
#[derive(Clone, Copy, Debug, Default)]
pub struct LeastBusy;

impl Strategy for LeastBusy {
    fn pick<'a>(
        &self,
        candidates: &mut dyn Iterator<Item = Candidate<'a>>,
        random: f64,
    ) -> Option<usize> {
        least(candidates, random, 0.0, |candidate| f64::from(candidate.load.in_flight()))
    }
}
