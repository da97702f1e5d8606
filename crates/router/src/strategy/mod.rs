//! Which deployment of a group comes first, and which next.
//!
//! A strategy picks one of the candidates it is shown; asked again without those it picked before, it gives
//! a permutation of them. It does no I/O and keeps no clock: chance comes in as a number, the time with the
//! candidates.
//!
//! A group asks it through a [`Field`], which shows it all candidates of a small group and a sample of a large one:
//! picking among 10,000 costs what picking among 10 does.
//!
//! | name | picks |
//! |---|---|
//! | `simple-shuffle` | [by chance](SimpleShuffle), in proportion to `weight`, else `rpm`, else `tpm` |
//! | `least-busy` | [the one with the fewest requests](LeastBusy) |
//! | `latency-based-routing` | [the fastest](LatencyBased) |
//! | `usage-based-routing`, `usage-based-routing-v2` | [the least used in this minute](UsageBased) |
//! | `cost-based-routing` | [the cheapest](CostBased) |

mod alias;
mod builtin;
mod cost_based;
mod field;
mod latency_based;
mod least;
mod least_busy;
mod simple_shuffle;
mod usage_based;

pub use self::builtin::{NAMES, by_name};
pub use self::cost_based::CostBased;
pub use self::field::Field;
pub use self::latency_based::LatencyBased;
pub use self::least_busy::LeastBusy;
pub use self::simple_shuffle::SimpleShuffle;
pub use self::usage_based::UsageBased;
pub use crate::load::{Load, Usage};

use std::fmt;

use tokio::time::Instant;

/// A deployment that may be picked.
#[derive(Clone, Copy, Debug)]
pub struct Candidate<'a> {
    /// Its place in the group.
    pub index: usize,
    /// Its tier: the lowest is picked from before any other.
    pub order: u32,
    /// Its share of the traffic in its tier; at least 0, finite.
    pub weight: f64,
    /// What a token costs there, where that is known.
    pub price: Option<f64>,
    /// What it has to do.
    pub load: &'a Load,
    /// The time.
    pub now: Instant,
}

/// How a strategy is shown the candidates of a large group.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Sampling {
    /// It need not see them: one that was drawn by weight is the one it would pick.
    ByWeight,
    /// It picks from a few that were drawn evenly.
    Evenly,
}

/// Picks deployments.
pub trait Strategy: fmt::Debug + Send + Sync {
    /// The place in the group of the one to try next; `None` only where there is no candidate. `random` is
    /// from 0 to 1, exclusive.
    fn pick<'a>(
        &self,
        candidates: &mut dyn Iterator<Item = Candidate<'a>>,
        random: f64,
    ) -> Option<usize>;

    /// How it is shown the candidates of a large group.
    fn sampling(&self) -> Sampling {
        Sampling::Evenly
    }
}

#[cfg(test)]
mod tests;
