use super::*;
use proptest::prelude::*;
use serde_json::Value;

const VECTORS: &str =
    include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/../../tests/vectors/backoff.json"));

/// Even draws from `[0, 1)`, its ends included as far as they go.
fn draws() -> impl Iterator<Item = f64> {
    let last = 1.0 - f64::EPSILON / 2.0;
    (0..1000).map(|n| f64::from(n) / 1000.0).chain([last])
}

#[test]
fn stays_within_the_published_bounds() {
    let vectors: Value = serde_json::from_str(VECTORS).unwrap();
    let rows = vectors["rows"].as_array().unwrap();
    let (ours, others): (Vec<_>, Vec<_>) =
        (rows.iter()).partition(|row| row["policy"] == "full_jitter");
    for row in &ours {
        let id = &row["id"];
        let number = |name: &str| row[name].as_u64().unwrap();
        let base = Duration::from_millis(number("base_ms"));
        let factor = row["factor"].as_f64().unwrap();
        let cap = (row["cap_ms"].as_u64()).map_or(Duration::MAX, Duration::from_millis);
        // AWS begins with the base itself: its first retry is our zeroth.
        let retry = u32::try_from(number("retry") - 1 + number("first_exponent")).unwrap();
        let least = Duration::from_millis(number("min_ms"));
        let most = Duration::from_millis(number("max_ms"));

        let mut sum = Duration::ZERO;
        for random in draws() {
            let wait = full_jitter(base, factor, cap, retry, random);
            assert!(least <= wait && wait <= most, "{id}: {wait:?}");
            sum += wait;
        }
        assert_eq!(full_jitter(base, factor, cap, retry, 0.0), least, "{id}");
        let longest = full_jitter(base, factor, cap, retry, 1.0);
        assert_eq!(longest, most, "{id}: the bound is reached");
        let mean = sum.as_secs_f64() / 1001.0;
        assert!((mean / most.as_secs_f64() - 0.5).abs() < 0.001, "{id}: {mean}");
    }
    println!(
        "backoff.json: {} rows of full_jitter, {} of policies that are not ours",
        ours.len(),
        others.len()
    );
    assert_eq!(ours.len(), 78);
    assert_eq!(rows.len() as u64, vectors["count"].as_u64().unwrap());
}

#[test]
fn is_still_spread_at_the_cap() {
    let cap = Duration::from_secs(60);
    let wait = |random| full_jitter(Duration::from_secs(1), 2.0, cap, 40, random);
    assert_eq!(wait(0.25), cap / 4);
    assert_eq!(wait(0.5), cap / 2);
    assert_eq!(wait(0.75), cap * 3 / 4);
}

#[test]
fn keeps_fractions_of_a_whole_second_base() {
    let wait = full_jitter(Duration::from_secs(1), 2.0, Duration::MAX, 1, 0.123_456);
    assert_eq!(wait, Duration::from_nanos(246_912_000));
}

#[test]
fn waits_long_rather_than_never_on_what_is_no_number() {
    let (base, cap) = (Duration::from_secs(1), Duration::from_secs(60));
    assert_eq!(full_jitter(base, f64::NAN, cap, 1, 1.0), cap);
    assert_eq!(full_jitter(base, 2.0, cap, 1, f64::NAN), Duration::from_secs(2));
    assert_eq!(full_jitter(base, -2.0, cap, 1, 1.0), Duration::ZERO);
    assert_eq!(full_jitter(Duration::ZERO, f64::INFINITY, cap, 1, 1.0), Duration::ZERO);
}

fn durations() -> impl Strategy<Value = Duration> {
    prop_oneof![
        Just(Duration::ZERO),
        Just(Duration::MAX),
        (any::<u64>(), 0..1_000_000_000_u32).prop_map(|(secs, nanos)| Duration::new(secs, nanos)),
        (0..100_000_u64).prop_map(Duration::from_millis),
    ]
}

proptest! {
    #[test]
    fn never_panics_and_never_passes_the_cap(
        base in durations(),
        max in durations(),
        factor in any::<f64>(),
        retry in any::<u32>(),
        random in any::<f64>(),
    ) {
        prop_assert!(full_jitter(base, factor, max, retry, random) <= max);
    }
}
