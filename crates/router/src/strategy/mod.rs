//! Which deployment of a group comes first, and which next.
//!
//! A strategy picks one of the candidates it is shown; asked again without those it picked before, it gives
//! a permutation of them. It does no I/O and keeps no clock: chance comes in as a number.

mod builtin;
mod simple_shuffle;

pub use self::builtin::{NAMES, by_name};
pub use self::simple_shuffle::SimpleShuffle;

use std::fmt;

/// A deployment that may be picked.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Candidate {
    /// Its place in the group.
    pub index: usize,
    /// Its tier: the lowest is picked from before any other.
    pub order: u32,
    /// Its share of the traffic in its tier; at least 0, finite.
    pub weight: f64,
}

/// Picks deployments.
pub trait Strategy: fmt::Debug + Send + Sync {
    /// The place in the group of the one to try next; `None` only where there is no candidate. `random` is
    /// from 0 to 1, exclusive.
    fn pick(&self, candidates: &mut dyn Iterator<Item = Candidate>, random: f64) -> Option<usize>;
}

#[cfg(test)]
mod tests;
