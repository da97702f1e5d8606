//! The fastest.

use super::least::least;
use super::{Candidate, Strategy};

/// Picks the one that answers fastest: by the average of its answers, times the requests that it has already, so that
/// many who pick at once do not all pick the same. Only successes are answers; a failure counts as a slow one,
/// however fast it came. One that nobody has measured is tried first, by one request.
#[derive(Clone, Copy, Debug, Default)]
pub struct LatencyBased {
    buffer: f64,
}

/// What an answer is taken to last where nobody has measured one, and one is under way.
const UNKNOWN: f64 = 1.0;

impl LatencyBased {
    /// Takes those for as fast that are slower by up to this part: LiteLLM's `lowest_latency_buffer`.
    #[must_use]
    pub fn with_buffer(buffer: f64) -> Self {
        Self { buffer: if buffer.is_finite() { buffer.max(0.0) } else { 0.0 } }
    }
}

impl Strategy for LatencyBased {
    fn pick<'a>(
        &self,
        candidates: &mut dyn Iterator<Item = Candidate<'a>>,
        random: f64,
    ) -> Option<usize> {
        least(candidates, random, self.buffer, |candidate| {
            let in_flight = candidate.load.in_flight();
            match candidate.load.latency(candidate.now) {
                Some(seconds) => seconds * f64::from(in_flight + 1),
                None if in_flight == 0 => 0.0,
                None => UNKNOWN * f64::from(in_flight + 1),
            }
        })
    }
}
