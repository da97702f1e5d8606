//! The deployments of a group, as a strategy picks among them.

use fastrand::Rng;

use super::alias::Alias;
use super::{Candidate, Sampling, Strategy};

/// A tier with no more than these is shown whole, unless one may be drawn.
const SMALL: usize = 16;
/// Of a larger one so many are shown, drawn with so many tries. The best of 16 is nearly always among the best
/// quarter, and not everybody who picks at the same moment picks the same.
const SAMPLE: usize = 16;
const TRIES: usize = 64;

/// The deployments of a group in their tiers.
///
/// A pick looks at a bounded number of them as long as at least a few in a hundred of its tier may be used; only where
/// nearly all are out is the whole tier looked through.
#[derive(Debug)]
pub struct Field {
    tiers: Box<[Tier]>,
}

#[derive(Debug)]
struct Tier {
    members: Box<[u32]>,
    by_weight: Alias,
}

// === impl Field ===

impl Field {
    /// Of members with these orders and weights.
    #[must_use]
    pub fn new(members: &[(u32, f64)]) -> Self {
        let mut orders: Vec<u32> = members.iter().map(|(order, _)| *order).collect();
        orders.sort_unstable();
        orders.dedup();
        let mut tiers: Vec<(Vec<u32>, Vec<f64>)> = vec![Default::default(); orders.len()];
        for (index, (order, weight)) in members.iter().enumerate() {
            if let Ok(tier) = orders.binary_search(order) {
                tiers[tier].0.push(index as u32);
                tiers[tier].1.push(*weight);
            }
        }
        let tier = |(members, weights): (Vec<u32>, Vec<f64>)| Tier {
            members: members.into(),
            by_weight: Alias::new(&weights),
        };
        Self { tiers: tiers.into_iter().map(tier).collect() }
    }

    /// The member that `strategy` picks among those that `candidate` gives; those for which it gives `None` may not
    /// be used.
    pub fn pick<'a>(
        &self,
        strategy: &dyn Strategy,
        candidate: impl Fn(usize) -> Option<Candidate<'a>>,
        rng: &mut Rng,
    ) -> Option<usize> {
        self.tiers.iter().find_map(|tier| tier.pick(strategy, &candidate, rng))
    }

    /// The member that `rng` draws by weight: for the same seed the same one, as long as it may be used, whoever else
    /// may.
    pub fn draw(&self, may: impl Fn(usize) -> bool, rng: &mut Rng) -> Option<usize> {
        self.tiers.iter().find_map(|tier| {
            tier.draw(&may, rng).or_else(|| tier.all().find(|member| may(*member)))
        })
    }
}

impl Tier {
    fn pick<'a>(
        &self,
        strategy: &dyn Strategy,
        candidate: &impl Fn(usize) -> Option<Candidate<'a>>,
        rng: &mut Rng,
    ) -> Option<usize> {
        let picked = match strategy.sampling() {
            Sampling::ByWeight => self.draw(&|member| candidate(member).is_some(), rng),
            Sampling::Evenly if self.members.len() > SMALL => {
                let random = rng.f64();
                let draws = (0..TRIES).map(|_| self.members[rng.usize(..self.members.len())]);
                let usable = draws.filter_map(|member| candidate(member as usize));
                strategy.pick(&mut usable.take(SAMPLE), random)
            }
            Sampling::Evenly => None,
        };
        if picked.is_some() {
            return picked;
        }
        let random = rng.f64();
        strategy.pick(&mut self.all().filter_map(candidate), random)
    }

    fn draw(&self, may: &impl Fn(usize) -> bool, rng: &mut Rng) -> Option<usize> {
        (0..TRIES).find_map(|_| {
            let member = *self.members.get(self.by_weight.draw(rng)?)? as usize;
            may(member).then_some(member)
        })
    }

    fn all(&self) -> impl Iterator<Item = usize> + '_ {
        self.members.iter().map(|member| *member as usize)
    }
}
