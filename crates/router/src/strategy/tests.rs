use super::*;

fn candidates(given: &[(u32, f64)]) -> Vec<Candidate> {
    let candidate = |(index, &(order, weight))| Candidate { index, order, weight };
    given.iter().enumerate().map(candidate).collect()
}

fn order(strategy: &dyn Strategy, mut left: Vec<Candidate>, seed: u64) -> Vec<usize> {
    let mut rng = fastrand::Rng::with_seed(seed);
    let mut order = Vec::new();
    while let Some(index) = strategy.pick(&mut left.iter().copied(), rng.f64()) {
        order.push(index);
        left.retain(|candidate| candidate.index != index);
    }
    order
}

fn all() -> impl Iterator<Item = std::sync::Arc<dyn Strategy>> {
    NAMES.iter().filter_map(|name| by_name(name))
}

#[test]
fn every_name_has_its_strategy() {
    assert_eq!(all().count(), NAMES.len());
}

#[test]
fn picks_are_a_permutation_of_what_was_given() {
    for strategy in all() {
        for seed in 0..200 {
            let given = candidates(&[(0, 1.0), (2, 0.5), (0, 0.0), (1, 3.0), (2, 9.0), (0, 0.0)]);
            let mut picked = order(&*strategy, given, seed);
            picked.sort_unstable();
            assert_eq!(picked, [0, 1, 2, 3, 4, 5]);
        }
    }
}

#[test]
fn the_same_seed_gives_the_same_order() {
    let given = candidates(&[(0, 1.0), (0, 2.0), (0, 3.0), (0, 4.0)]);
    for strategy in all() {
        for seed in 0..50 {
            let first = order(&*strategy, given.clone(), seed);
            assert_eq!(first, order(&*strategy, given.clone(), seed));
        }
    }
}

#[test]
fn lower_tiers_come_first() {
    for strategy in all() {
        for seed in 0..50 {
            let given = candidates(&[(2, 100.0), (1, 0.0), (1, 1.0), (0, 0.0)]);
            let tiers = [2, 1, 1, 0];
            let picked: Vec<u32> =
                order(&*strategy, given, seed).iter().map(|index| tiers[*index]).collect();
            assert_eq!(picked, [0, 1, 1, 2]);
        }
    }
}

#[test]
fn a_shuffle_gives_each_its_share() {
    const ROUNDS: u32 = 100_000;
    let given = candidates(&[(0, 9.0), (0, 1.0), (0, 0.0), (0, 5.0), (1, 50.0)]);
    let mut rng = fastrand::Rng::with_seed(7);
    let mut picked = [0_u32; 5];
    for _ in 0..ROUNDS {
        let index = SimpleShuffle.pick(&mut given.iter().copied(), rng.f64()).unwrap();
        picked[index] += 1;
    }
    for (index, share) in [(0, 9.0 / 15.0), (1, 1.0 / 15.0), (2, 0.0), (3, 5.0 / 15.0), (4, 0.0)] {
        let got = f64::from(picked[index]) / f64::from(ROUNDS);
        assert!((got - share).abs() < 0.006, "{index}: {got} instead of {share}");
    }
}

#[test]
fn those_that_weigh_nothing_share_evenly_what_is_left_to_them() {
    let given = candidates(&[(0, 0.0), (0, 0.0), (0, 0.0)]);
    let mut rng = fastrand::Rng::with_seed(7);
    let mut picked = [0_u32; 3];
    for _ in 0..30_000 {
        picked[SimpleShuffle.pick(&mut given.iter().copied(), rng.f64()).unwrap()] += 1;
    }
    assert!(picked.iter().all(|count| (9_500..10_500).contains(count)), "{picked:?}");
}
