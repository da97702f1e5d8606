//! By chance, in proportion to the weights.

use super::{Candidate, Sampling, Strategy};

/// Picks by chance in proportion to the weights, from the lowest tier there is. Candidates that weigh nothing
/// are picked, evenly, only where no other is left in the tier.
#[derive(Clone, Copy, Debug, Default)]
pub struct SimpleShuffle;

impl Strategy for SimpleShuffle {
    // One pass and no memory: the candidate that is kept is replaced by the n-th with the probability of
    // its share of all that were seen, which comes to its share of all (weighted reservoir sampling). One
    // random number is enough: what is left of it after each choice is spread over the whole range again.
    fn pick<'a>(
        &self,
        candidates: &mut dyn Iterator<Item = Candidate<'a>>,
        random: f64,
    ) -> Option<usize> {
        let mut kept: Option<Candidate<'a>> = None;
        let mut total = 0.0;
        let mut seen = 0.0;
        let mut random = random;
        for candidate in candidates {
            match &kept {
                Some(best) if candidate.order > best.order => continue,
                Some(best) if candidate.order == best.order => {}
                _ => {
                    kept = Some(candidate);
                    total = candidate.weight;
                    seen = 1.0;
                    continue;
                }
            }
            seen += 1.0;
            let before = total;
            total += candidate.weight;
            let share = if total > 0.0 { candidate.weight / total } else { 1.0 / seen };
            // The first that weighs anything replaces those that weigh nothing.
            let share = if before == 0.0 && candidate.weight > 0.0 { 1.0 } else { share };
            if random < share {
                kept = Some(candidate);
                random /= share;
            } else {
                random = (random - share) / (1.0 - share);
            }
        }
        kept.map(|candidate| candidate.index)
    }
    fn sampling(&self) -> Sampling {
        Sampling::ByWeight
    }
}
