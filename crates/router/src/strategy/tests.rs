use std::sync::Arc;
use std::time::Duration;

use fastrand::Rng;

use super::*;

/// Candidates with something to do each, for whoever looks at it.
struct Given {
    members: Vec<(u32, f64)>,
    prices: Vec<Option<f64>>,
    loads: Vec<Load>,
    now: Instant,
}

impl Given {
    fn new(members: &[(u32, f64)]) -> Self {
        let now = Instant::now();
        let mut rng = Rng::with_seed(3);
        let load = |_: &_| {
            let load = Load::new(now);
            load.answered(Duration::from_millis(rng.u64(1..900)), now);
            load.used(Usage { requests: rng.u64(0..9), tokens: rng.u64(0..9000) }, now);
            for _ in 0..rng.u32(0..4) {
                load.begin(u32::MAX);
            }
            load
        };
        let loads = members.iter().map(load).collect();
        let price = |index| (index % 3 != 0).then_some(index as f64 % 5.0);
        let prices = (0..members.len()).map(price).collect();
        Self { members: members.to_vec(), prices, loads, now }
    }

    /// All alike, with nothing to do.
    fn idle(count: usize) -> Self {
        let now = Instant::now();
        let loads = (0..count).map(|_| Load::new(now)).collect();
        Self { members: vec![(0, 1.0); count], prices: vec![None; count], loads, now }
    }

    fn candidate(&self, index: usize) -> Candidate<'_> {
        let (order, weight) = self.members[index];
        let price = self.prices[index];
        Candidate { index, order, weight, price, load: &self.loads[index], now: self.now }
    }

    fn all(&self) -> Vec<Candidate<'_>> {
        (0..self.members.len()).map(|index| self.candidate(index)).collect()
    }

    /// The order in which they are picked, one after the other.
    fn order(&self, strategy: &dyn Strategy, seed: u64) -> Vec<usize> {
        let mut rng = Rng::with_seed(seed);
        let (mut left, mut order) = (self.all(), Vec::new());
        while let Some(index) = strategy.pick(&mut left.iter().copied(), rng.f64()) {
            order.push(index);
            left.retain(|candidate| candidate.index != index);
        }
        order
    }

    /// The same, asked through a field.
    fn order_of_field(&self, strategy: &dyn Strategy, seed: u64) -> Vec<usize> {
        let field = Field::new(&self.members);
        let mut rng = Rng::with_seed(seed);
        let mut order = Vec::new();
        let mut gone = vec![false; self.members.len()];
        while let Some(index) =
            field.pick(strategy, |index| (!gone[index]).then(|| self.candidate(index)), &mut rng)
        {
            gone[index] = true;
            order.push(index);
        }
        order
    }

    fn pick(&self, strategy: &dyn Strategy, random: f64) -> usize {
        strategy.pick(&mut self.all().into_iter(), random).unwrap()
    }

    /// How often each is picked from a field.
    fn shares(&self, strategy: &dyn Strategy, rounds: u32) -> Vec<f64> {
        let field = Field::new(&self.members);
        let mut rng = Rng::with_seed(7);
        let mut picked = vec![0_u32; self.members.len()];
        for _ in 0..rounds {
            picked[field.pick(strategy, |index| Some(self.candidate(index)), &mut rng).unwrap()] +=
                1;
        }
        picked.into_iter().map(|count| f64::from(count) / f64::from(rounds)).collect()
    }
}

fn all() -> impl Iterator<Item = Arc<dyn Strategy>> {
    NAMES.iter().filter_map(|name| by_name(name))
}

/// Groups of all sizes, those that are sampled included.
fn groups() -> impl Iterator<Item = Given> {
    let few = [(0, 1.0), (2, 0.5), (0, 0.0), (1, 3.0), (2, 9.0), (0, 0.0)];
    let many: Vec<_> = (0..150_u32).map(|n| (n % 3, f64::from(n % 7))).collect();
    [Given::new(&[]), Given::new(&[(5, 0.0)]), Given::new(&few), Given::new(&many), Given::idle(40)]
        .into_iter()
}

#[tokio::test(start_paused = true)]
async fn every_name_has_its_strategy() {
    assert_eq!(all().count(), NAMES.len());
}

#[tokio::test(start_paused = true)]
async fn picks_are_a_permutation_of_what_was_given() {
    for strategy in all() {
        for given in groups() {
            for seed in 0..20 {
                let mut orders =
                    [given.order(&*strategy, seed), given.order_of_field(&*strategy, seed)];
                for order in &mut orders {
                    order.sort_unstable();
                    assert!(order.iter().copied().eq(0..given.members.len()), "{strategy:?}");
                }
            }
        }
    }
}

#[tokio::test(start_paused = true)]
async fn the_same_seed_gives_the_same_order() {
    for strategy in all() {
        for given in groups() {
            for seed in 0..20 {
                assert_eq!(given.order(&*strategy, seed), given.order(&*strategy, seed));
                let order = given.order_of_field(&*strategy, seed);
                assert_eq!(order, given.order_of_field(&*strategy, seed), "{strategy:?}");
            }
        }
    }
}

#[tokio::test(start_paused = true)]
async fn lower_tiers_come_first() {
    for strategy in all() {
        for given in groups() {
            for seed in 0..20 {
                for order in [given.order(&*strategy, seed), given.order_of_field(&*strategy, seed)]
                {
                    let tiers = order.iter().map(|index| given.members[*index].0);
                    assert!(tiers.is_sorted(), "{strategy:?}");
                }
            }
        }
    }
}

#[tokio::test(start_paused = true)]
async fn those_that_are_alike_are_picked_alike() {
    for strategy in all() {
        for count in [3, 40] {
            let shares = Given::idle(count).shares(&*strategy, 40_000);
            let even = 1.0 / count as f64;
            let is_even = |share: &f64| (share - even).abs() < 0.1 * even + 0.003;
            assert!(shares.iter().all(is_even), "{strategy:?}: {shares:?}");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_shuffle_gives_each_its_share_in_small_groups_and_in_large() {
    let weights = [9.0, 1.0, 0.0, 5.0];
    for copies in [1, 30] {
        let members: Vec<_> = (0..copies).flat_map(|_| weights.map(|weight| (0, weight))).collect();
        let given = Given::new(&members);
        let shares = given.shares(&SimpleShuffle, 100_000);
        for (kind, weight) in weights.into_iter().enumerate() {
            let got: f64 = shares.iter().skip(kind).step_by(4).sum();
            let share = weight / 15.0;
            assert!((got - share).abs() < 0.006, "{kind}: {got} instead of {share}");
        }
        assert!(shares.iter().skip(2).step_by(4).all(|share| *share == 0.0));
    }
}

#[tokio::test(start_paused = true)]
async fn those_that_weigh_nothing_share_evenly_what_is_left_to_them() {
    for count in [3, 40] {
        let given = Given::new(&vec![(0, 0.0); count]);
        let shares = given.shares(&SimpleShuffle, 60_000);
        let even = 1.0 / count as f64;
        assert!(shares.iter().all(|share| (share - even).abs() < 0.1 * even + 0.003), "{shares:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn one_that_is_left_of_many_is_found() {
    let given = Given::idle(10_000);
    let field = Field::new(&given.members);
    for strategy in all() {
        let only = |index| (index == 7777).then(|| given.candidate(index));
        assert_eq!(field.pick(&*strategy, only, &mut Rng::with_seed(1)), Some(7777));
        let none = |_| None;
        assert_eq!(field.pick(&*strategy, none, &mut Rng::with_seed(1)), None);
    }
}

#[tokio::test(start_paused = true)]
async fn a_seed_stays_with_its_deployment_as_long_as_that_is_there() {
    let given = Given::idle(30);
    let field = Field::new(&given.members);
    let draw = |seed, out: &[usize]| {
        field.draw(|index| !out.contains(&index), &mut Rng::with_seed(seed)).unwrap()
    };
    for seed in 0..500 {
        let at = draw(seed, &[]);
        assert_eq!(draw(seed, &[(at + 1) % 30, (at + 7) % 30]), at);
        assert_ne!(draw(seed, &[at]), at);
    }
}

#[tokio::test(start_paused = true)]
async fn the_least_busy_has_the_fewest_requests() {
    let given = Given::idle(3);
    for (index, requests) in [2, 1, 3].into_iter().enumerate() {
        for _ in 0..requests {
            given.loads[index].begin(u32::MAX);
        }
    }
    assert_eq!(given.pick(&LeastBusy, 0.9), 1);
    // Each that is picked counts at once: many who pick at the same time spread.
    let given = Given::idle(5);
    for _ in 0..50 {
        given.loads[given.pick(&LeastBusy, 0.3)].begin(u32::MAX);
    }
    assert!(given.loads.iter().all(|load| load.in_flight() == 10));
}

#[tokio::test(start_paused = true)]
async fn the_fastest_is_the_one_whose_successes_are() {
    let given = Given::idle(3);
    let now = given.now;
    given.loads[0].answered(Duration::from_millis(300), now);
    given.loads[1].answered(Duration::from_millis(100), now);
    // It fails at once, every time.
    given.loads[2].answered(Duration::from_millis(1), now);
    for _ in 0..5 {
        given.loads[2].failed(now);
    }
    assert_eq!(given.pick(&LatencyBased::default(), 0.5), 1);
    // With two requests under way there the other is faster by now.
    for _ in 0..3 {
        given.loads[1].begin(u32::MAX);
    }
    assert_eq!(given.pick(&LatencyBased::default(), 0.5), 0);
}

#[tokio::test(start_paused = true)]
async fn within_the_buffer_all_are_as_fast() {
    let given = Given::idle(3);
    for (load, millis) in given.loads.iter().zip([100, 115, 200]) {
        load.answered(Duration::from_millis(millis), given.now);
    }
    let picked: Vec<_> = [0.0, 0.3, 0.6, 0.99]
        .map(|random| given.pick(&LatencyBased::with_buffer(0.2), random))
        .into();
    assert!(picked.contains(&0) && picked.contains(&1) && !picked.contains(&2), "{picked:?}");
    for random in [0.0, 0.3, 0.6, 0.99] {
        assert_eq!(given.pick(&LatencyBased::default(), random), 0);
    }
}

#[tokio::test(start_paused = true)]
async fn the_least_used_has_the_fewest_tokens_this_minute() {
    let given = Given::idle(3);
    for (load, tokens) in given.loads.iter().zip([300, 100, 200]) {
        load.used(Usage { requests: 1, tokens }, given.now);
    }
    assert_eq!(given.pick(&UsageBased, 0.5), 1);
    let given = Given::idle(2);
    given.loads[0].used(Usage { requests: 3, tokens: 0 }, given.now);
    assert_eq!(given.pick(&UsageBased, 0.1), 1);
}

#[tokio::test(start_paused = true)]
async fn the_cheapest_comes_first_and_the_unpriced_last() {
    let mut given = Given::idle(4);
    given.prices = vec![None, Some(2.0), Some(0.0), Some(1.0)];
    assert_eq!(given.order(&CostBased, 1), [2, 3, 1, 0]);
}
