//! The candidate with the least of something.

use super::Candidate;

/// The candidate of the lowest tier with the least of what `of` says; evenly by chance among those that have as
/// little. `slack` is by how large a part of the least another may have more and still count as having as little.
pub(super) fn least<'a>(
    candidates: &mut dyn Iterator<Item = Candidate<'a>>,
    random: f64,
    slack: f64,
    of: impl Fn(&Candidate<'a>) -> f64,
) -> Option<usize> {
    let mut kept: Option<(Candidate<'a>, f64)> = None;
    let (mut floor, mut seen, mut random) = (f64::INFINITY, 0.0, random);
    for candidate in candidates {
        let amount = of(&candidate);
        let Some((best, least)) = &kept else {
            (floor, seen) = (amount, 1.0);
            kept = Some((candidate, amount));
            continue;
        };
        let lower_tier = candidate.order < best.order;
        if candidate.order > best.order || (!lower_tier && amount > floor + floor.abs() * slack) {
            continue;
        }
        // One that is so much less that the one kept does not count as having as little any more.
        if lower_tier || *least > amount + amount.abs() * slack {
            (floor, seen) = (amount, 1.0);
            kept = Some((candidate, amount));
            continue;
        }
        floor = floor.min(amount);
        seen += 1.0;
        // One random number is enough: what is left of it is spread over the whole range again.
        let share = 1.0 / seen;
        if random < share {
            random /= share;
            kept = Some((candidate, amount));
        } else {
            random = (random - share) / (1.0 - share);
        }
    }
    kept.map(|(candidate, _)| candidate.index)
}
