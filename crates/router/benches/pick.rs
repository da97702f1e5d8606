//! How long it takes to pick a deployment.
//!
//! `cargo bench -p secondwind-router --bench pick` prints nanoseconds a pick for groups of 10 to 10,000, all
//! deployments healthy, and a tenth of them out; each the best of 20 rounds.

use std::hint::black_box;
use std::time::Duration;

use fastrand::Rng;
use secondwind_router::strategy::{Candidate, Field, Load, NAMES, Strategy, Usage, by_name};
use tokio::time::Instant;

const PICKS: u32 = 2_000;

fn main() {
    println!("{:<24} {:>8} {:>12} {:>12}", "strategy", "of", "all up", "a tenth out");
    for name in NAMES {
        let Some(strategy) = by_name(name) else { continue };
        for count in [10, 100, 1_000, 10_000] {
            let [up, out] = [usize::MAX, 10].map(|every| nanos(&*strategy, count, every));
            println!("{name:<24} {count:>8} {up:>9.0} ns {out:>9.0} ns");
        }
    }
}

/// Nanoseconds a pick from `count` deployments, where one of `every` is out.
fn nanos(strategy: &dyn Strategy, count: usize, every: usize) -> f64 {
    let now = Instant::now();
    let mut rng = Rng::with_seed(1);
    let members: Vec<_> = (0..count).map(|_| (0, f64::from(rng.u32(1..9)))).collect();
    let load = |_| {
        let load = Load::new(now);
        load.answered(Duration::from_millis(rng.u64(1..999)), now);
        load.used(Usage { requests: 1, tokens: rng.u64(0..9999) }, now);
        load
    };
    let loads: Vec<Load> = (0..count).map(load).collect();
    let field = Field::new(&members);
    let candidate = |index: usize| {
        let (order, weight) = members[index];
        let price = Some(weight);
        let usable = index % every != 1;
        usable.then_some(Candidate { index, order, weight, price, load: &loads[index], now })
    };
    let best = (0..20).map(|_| round(&field, strategy, candidate)).min().unwrap_or_default();
    best.as_secs_f64() * 1e9 / f64::from(PICKS)
}

// The clock of the standard library: nothing is to be stopped here.
#[allow(clippy::disallowed_types)]
fn round<'a>(
    field: &Field,
    strategy: &dyn Strategy,
    candidate: impl Fn(usize) -> Option<Candidate<'a>>,
) -> Duration {
    let mut rng = Rng::with_seed(2);
    let began = std::time::Instant::now();
    for _ in 0..PICKS {
        black_box(field.pick(strategy, &candidate, &mut rng));
    }
    began.elapsed()
}
