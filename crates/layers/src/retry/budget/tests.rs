use super::*;
use proptest::prelude::*;
use serde_json::Value;
use std::{
    collections::BTreeMap,
    sync::{Barrier, Mutex, atomic::AtomicUsize},
    thread,
};

const VECTORS: &str =
    include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/../../tests/vectors/finagle_budget.json"));

#[test]
fn counts_as_finagle_counts() {
    let vectors: Value = serde_json::from_str(VECTORS).unwrap();
    let rows = vectors["rows"].as_array().unwrap();
    for row in rows {
        let id = &row["id"];
        match row["kind"].as_str().unwrap() {
            "interleaved" => interleaved(row),
            "deposits_first" => deposits_first(row),
            "constructor" => constructor(row),
            "empty" => fixed(row, &Budget::empty()),
            "infinite" => fixed(row, &Budget::unlimited()),
            kind => panic!("{id}: unknown kind {kind}"),
        }
    }
    println!("finagle_budget.json: {} rows", rows.len());
    assert_eq!(rows.len() as u64, vectors["count"].as_u64().unwrap());
}

fn interleaved(row: &Value) {
    let id = &row["id"];
    let (budget, now) = built(row);
    if row["withdraw_before_first_deposit"] == false {
        assert!(!budget.withdraw(now), "{id}");
    }
    let mut granted = 0_i64;
    for _ in 0..row["requests"].as_u64().unwrap() {
        budget.deposit(now);
        let before = budget.balance(now);
        if budget.withdraw(now) {
            granted += 1;
        } else {
            assert_eq!(before.floor(), 0.0, "{id}");
            assert_eq!(before, budget.balance(now), "{id}");
        }
    }
    let expected = row["expect_retries"].as_i64().unwrap();
    // The vectors allow for one more or less; this budget needs no allowance.
    assert_eq!(granted, expected, "{id}");
}

fn deposits_first(row: &Value) {
    let (budget, now) = built(row);
    for _ in 0..row["requests"].as_u64().unwrap() {
        budget.deposit(now);
    }
    let balance = row["expect_balance"].as_f64().unwrap();
    assert_eq!(budget.balance(now), balance, "{}", row["id"]);
}

fn constructor(row: &Value) {
    let id = &row["id"];
    let ratio = row["percent_can_retry"].as_f64().unwrap();
    let window = Duration::from_secs(row["ttl_s"].as_u64().unwrap());
    let minimum = u32::try_from(row["min_retries_per_s"].as_i64().unwrap());
    let checked = minimum.map_err(|_| "negative").and_then(|minimum| {
        Budget::check(ratio, minimum, window)?;
        Ok(Budget::new(ratio, minimum, window, Instant::now()))
    });
    match row["expect"].as_str().unwrap() {
        "invalid" => assert!(checked.is_err(), "{id}"),
        "empty" => {
            let now = Instant::now();
            let budget = checked.unwrap();
            assert!(matches!(budget.kind, Kind::Empty), "{id}");
            budget.deposit(now);
            assert_eq!(budget.balance(now), 0.0, "{id}");
            assert!(!budget.withdraw(now), "{id}");
        }
        expect => panic!("{id}: unknown expectation {expect}"),
    }
}

fn fixed(row: &Value, budget: &Budget) {
    let (id, now) = (&row["id"], Instant::now());
    assert_eq!(budget.balance(now), row["initial_balance"].as_f64().unwrap(), "{id}");
    assert_eq!(budget.withdraw(now), row["withdraw"], "{id}");
    budget.deposit(now);
    assert_eq!(budget.balance(now), row["balance_after_deposit"].as_f64().unwrap(), "{id}");
    assert_eq!(budget.withdraw(now), row["withdraw_after_deposit"], "{id}");
}

fn built(row: &Value) -> (Budget, Instant) {
    let now = Instant::now();
    let ratio = row["percent_can_retry"].as_f64().unwrap();
    let minimum = row["min_retries_per_s"].as_u64().unwrap() as u32;
    let window = Duration::from_secs(row["ttl_s"].as_u64().unwrap());
    Budget::check(ratio, minimum, window).unwrap();
    let budget = Budget::new(ratio, minimum, window, now);
    let initial = row["initial_balance"].as_f64().unwrap();
    assert_eq!(budget.balance(now), initial, "{}", row["id"]);
    (budget, now)
}

#[test]
fn keeps_every_ratio_of_six_decimals_exactly() {
    let now = Instant::now();
    for millionths in [1, 3, 7, 333_333, 340_000, 510_000, 857_143, 999_999, 1_500_001] {
        let ratio = f64::from(millionths) / 1e6;
        let budget = Budget::new(ratio, 0, secs(10), now);
        for _ in 0..1_000_000 {
            budget.deposit(now);
        }
        assert_eq!(budget.balance(now), f64::from(millionths), "{ratio}");
    }
}

#[test]
fn grants_no_more_than_there_is_to_racing_threads() {
    for round in 0..20 {
        let (ratio, minimum) = [(0.3, 0), (0.7, 10), (1.0, 100), (0.0001, 1)][round % 4];
        let now = Instant::now();
        let budget = Budget::new(ratio, minimum, secs(10), now);
        let granted = AtomicUsize::new(0);
        let deposited = 6 * 5000;
        thread::scope(|scope| {
            for _ in 0..6 {
                scope.spawn(|| {
                    for _ in 0..5000 {
                        budget.deposit(now);
                        let tries = if budget.withdraw(now) { 1 } else { 0 };
                        granted.fetch_add(tries, Relaxed);
                    }
                });
            }
        });
        while budget.withdraw(now) {
            granted.fetch_add(1, Relaxed);
        }
        let tokens = (ratio * f64::from(deposited)).round() as usize + minimum as usize * 10;
        assert_eq!(granted.into_inner(), tokens, "round {round}");
        assert!(budget.balance(now) < 1.0);
        assert_settled(&budget);
    }
}

#[test]
fn loses_and_invents_nothing_while_the_window_moves() {
    // Ten milliseconds a slot, and each thread's clock runs two minutes in a few thousand steps.
    let start = Instant::now();
    let budget = Budget::new(0.5, 20, Duration::from_millis(100), start);
    thread::scope(|scope| {
        for thread in 0..6_u64 {
            let budget = &budget;
            scope.spawn(move || {
                let mut now = start;
                for step in 0..20_000_u64 {
                    budget.deposit(now);
                    let _granted = budget.withdraw(now);
                    now += Duration::from_millis((step * 7 + thread) % 13);
                }
            });
        }
    });
    assert_settled(&budget);

    // Whatever raced, all of it leaves the window, and the reserve is what is left: two tokens.
    let later = start + secs(3600);
    for slot in 0..40 {
        let _ = budget.balance(later + Duration::from_millis(10) * slot);
    }
    assert_eq!(budget.balance(later + secs(1)), 2.0);
    assert_settled(&budget);
}

#[test]
fn is_exact_where_threads_race_into_the_next_slot() {
    const THREADS: usize = 4;
    const ROUNDS: usize = 400;
    // Mostly the next slot; now and then a silence, shorter or longer than the window.
    let at = |round: usize| (round + round / 7 * 3 + round / 50 * 40_000) as u64;
    let start = Instant::now();
    let budget = Budget::new(0.5, 1, secs(10), start);
    let barrier = Barrier::new(THREADS);
    let granted: [AtomicI64; ROUNDS] = std::array::from_fn(|_| AtomicI64::new(0));
    let balances = Mutex::new(Vec::new());
    thread::scope(|scope| {
        for thread in 0..THREADS {
            let (budget, barrier, granted, balances) = (&budget, &barrier, &granted, &balances);
            scope.spawn(move || {
                for (round, granted) in granted.iter().enumerate() {
                    let now = start + secs(at(round));
                    barrier.wait();
                    for _ in 0..10 {
                        budget.deposit(now);
                        granted.fetch_add(i64::from(budget.withdraw(now)), Relaxed);
                    }
                    barrier.wait();
                    if thread == 0 {
                        balances.lock().unwrap().push(budget.balance(now));
                    }
                }
            });
        }
    });
    assert_settled(&budget);
    for (round, balance) in balances.into_inner().unwrap().into_iter().enumerate() {
        let half_tokens = |round: usize| 10 * THREADS as i64 - 2 * granted[round].load(Relaxed);
        let live = |earlier: &usize| at(*earlier) + 10 > at(round);
        let sum: i64 = (0..=round).filter(live).map(half_tokens).sum();
        assert_eq!(balance, 10.0 + sum as f64 / 2.0, "round {round}");
    }
}

#[test]
fn forgets_deposits_when_the_window_has_passed() {
    let start = Instant::now();
    let budget = Budget::new(1.0, 0, secs(10), start);
    for second in 0..5 {
        budget.deposit(start + secs(second));
    }
    assert_eq!(budget.balance(start + secs(9)), 5.0);
    assert_eq!(budget.balance(start + Duration::from_millis(9_999)), 5.0);
    for second in 0..5 {
        let left = 4.0 - second as f64;
        assert_eq!(budget.balance(start + secs(10 + second)), left);
    }
    assert!(!budget.withdraw(start + secs(15)));
}

#[test]
fn gives_back_what_was_withdrawn_when_the_window_has_passed() {
    let start = Instant::now();
    let budget = Budget::new(0.0, 1, secs(10), start);
    for _ in 0..10 {
        assert!(budget.withdraw(start + secs(3)));
    }
    assert!(!budget.withdraw(start + secs(12)));
    assert_eq!(budget.balance(start + secs(13)), 10.0);
}

#[test]
fn owes_what_deposits_no_longer_pay_for() {
    let start = Instant::now();
    let budget = Budget::new(1.0, 0, secs(10), start);
    budget.deposit(start);
    assert!(budget.withdraw(start + secs(9)));
    assert_eq!(budget.balance(start + secs(10)), -1.0);
    budget.deposit(start + secs(10));
    assert!(!budget.withdraw(start + secs(10)));
    // The withdrawal leaves the window, and the second deposit is still in it.
    assert!(budget.withdraw(start + secs(19)));
}

#[test]
fn is_as_new_after_any_silence() {
    let start = Instant::now();
    for silence in
        [10, 11, 16, 17, 160, 32_767, 32_768, 65_535, 65_536, 65_546, 131_072, 31_536_000]
    {
        let budget = Budget::new(0.5, 1, secs(10), start);
        let mut now = start;
        for _ in 0..3 {
            for _ in 0..30 {
                budget.deposit(now);
            }
            assert_eq!(budget.balance(now), 25.0, "{silence}");
            for _ in 0..20 {
                assert!(budget.withdraw(now));
            }
            now += secs(silence);
            assert_eq!(budget.balance(now), 10.0, "{silence}");
        }
        assert_settled(&budget);
    }
}

#[test]
fn takes_a_clock_that_runs_backwards() {
    let start = Instant::now() + secs(100);
    let budget = Budget::new(1.0, 0, secs(10), start);
    budget.deposit(start + secs(5));
    budget.deposit(start + secs(3));
    budget.deposit(start - secs(50));
    assert_eq!(budget.balance(start - secs(1)), 3.0);
    assert!(budget.withdraw(start));
    // All of it counts as done at the latest time that was seen.
    assert_eq!(budget.balance(start + secs(14)), 2.0);
    assert_eq!(budget.balance(start + secs(15)), 0.0);
}

#[test]
fn saves_up_to_a_limit() {
    let now = Instant::now();
    let budget = Budget::new(1000.0, u32::MAX, Duration::MAX, now);
    for _ in 0..1000 {
        budget.deposit(now);
    }
    assert_eq!(budget.balance(now), MOST as f64 / TOKEN as f64);
    assert!(budget.withdraw(now));
}

#[test]
fn takes_any_numbers() {
    let now = Instant::now();
    for ratio in [f64::NAN, f64::INFINITY, f64::NEG_INFINITY, -1.0, 0.0, 1e-9, 1e300] {
        for minimum in [0, 1, u32::MAX] {
            for window in [Duration::ZERO, Duration::from_nanos(1), secs(1), Duration::MAX] {
                let budget = Budget::new(ratio, minimum, window, now);
                for second in [0, 1, 100] {
                    budget.deposit(now + secs(second));
                    let _ = budget.withdraw(now + secs(second));
                    assert!(budget.balance(now + secs(second)).is_finite());
                }
            }
        }
    }
}

#[test]
fn is_shared_by_its_clones() {
    let now = Instant::now();
    let budget = Budget::new(1.0, 0, secs(10), now);
    budget.clone().deposit(now);
    assert!(budget.clone().withdraw(now));
    assert!(!budget.withdraw(now));
}

#[derive(Clone, Debug)]
enum Step {
    Deposit(u32),
    Withdraw(u32),
    Pass(u64),
    Back(u64),
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let step = prop_oneof![
        4 => (1..40_u32).prop_map(Step::Deposit),
        4 => (1..20_u32).prop_map(Step::Withdraw),
        4 => (1..1500_u64).prop_map(Step::Pass),
        1 => (1000..100_000_u64).prop_map(Step::Pass),
        1 => (1..3000_u64).prop_map(Step::Back),
    ];
    prop::collection::vec(step, 1..120)
}

proptest! {
    /// The budget against the formula, and each grant against the promise of the module's docs.
    #[test]
    fn does_what_the_formula_says(steps in steps(), ratio in 0..1_500_000_i64, minimum in 0..4_u32) {
        let start = Instant::now() + secs(1000);
        let budget = Budget::new(ratio as f64 / 1e6, minimum, secs(10), start);
        let reserve = i64::from(minimum) * 10 * TOKEN;

        let mut slots = BTreeMap::<u64, i64>::new();
        let mut history = Vec::<(u64, i64)>::new();
        let (mut clock, mut latest) = (0_u64, 0_u64);
        let balance = |slots: &BTreeMap<u64, i64>, latest: u64| {
            let first = (latest / 1000).saturating_sub(9);
            reserve + slots.range(first..).map(|(_, amount)| amount).sum::<i64>()
        };
        for step in steps {
            match step {
                Step::Pass(millis) => clock += millis,
                Step::Back(millis) => clock = clock.saturating_sub(millis),
                Step::Deposit(_) | Step::Withdraw(_) => latest = latest.max(clock),
            }
            let now = start + Duration::from_millis(clock);
            match step {
                Step::Deposit(times) => for _ in 0..times {
                    budget.deposit(now);
                    *slots.entry(latest / 1000).or_default() += ratio;
                    history.push((latest, ratio));
                },
                Step::Withdraw(times) => for _ in 0..times {
                    let expected = balance(&slots, latest) >= TOKEN;
                    prop_assert_eq!(budget.withdraw(now), expected);
                    if expected {
                        *slots.entry(latest / 1000).or_default() -= TOKEN;
                        history.push((latest, -TOKEN));
                        let within = |length: u64| history
                            .iter()
                            .filter(move |(at, _)| *at + length > latest);
                        let spent = -within(9000).map(|(_, it)| it.min(&0)).sum::<i64>();
                        let saved = within(10_000).map(|(_, it)| it.max(&0)).sum::<i64>();
                        prop_assert!(spent <= reserve + saved);
                    }
                },
                Step::Pass(_) | Step::Back(_) => {}
            }
            latest = latest.max(clock);
            let expected = balance(&slots, latest) as f64 / TOKEN as f64;
            prop_assert_eq!(budget.balance(now), expected);
        }
        assert_settled(&budget);
    }
}

/// With no thread at work, the balance is the reserve and what the slots hold.
fn assert_settled(budget: &Budget) {
    if let Kind::Windowed(window) = &budget.kind {
        let slots = window.slots.iter().map(|slot| slot.load(Relaxed)).sum::<i64>();
        assert_eq!(balance_of(window.word.load(Relaxed)), window.reserve + slots);
    }
}

fn secs(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

#[test]
fn a_token_given_back_leaves_the_budget_as_it_was() {
    let start = Instant::now();
    let at = |seconds: u64| start + Duration::from_secs(seconds);
    let budget = Budget::new(0.0, 1, Duration::from_secs(10), start);
    assert!(budget.withdraw(at(0)));
    budget.give_back(at(0), at(3));
    for second in 3..30 {
        assert_eq!(budget.balance(at(second)), 10.0, "at {second} s");
    }
}

#[test]
fn a_token_given_back_too_late_is_no_bonus() {
    let start = Instant::now();
    let at = |seconds: u64| start + Duration::from_secs(seconds);
    let budget = Budget::new(0.0, 1, Duration::from_secs(10), start);
    assert!(budget.withdraw(at(0)));
    budget.give_back(at(0), at(11));
    for second in 11..30 {
        assert_eq!(budget.balance(at(second)), 10.0, "at {second} s");
    }
}
