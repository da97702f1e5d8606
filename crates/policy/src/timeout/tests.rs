use super::*;

const fn secs(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

#[test]
fn a_share_is_a_quarter_of_what_remains_but_at_most_15_seconds() {
    for (remaining, left) in [(0, 0), (4, 1), (60, 15), (600, 15)] {
        assert_eq!(Reserve::Share.of(secs(remaining)), secs(left));
    }
}

#[test]
fn a_fixed_reserve_never_takes_more_than_half() {
    for (remaining, left) in [(600, 10), (20, 10), (10, 5), (0, 0)] {
        assert_eq!(Reserve::Fixed(secs(10)).of(secs(remaining)), secs(left));
    }
}

#[test]
fn off_leaves_nothing() {
    assert_eq!(Reserve::Off.of(secs(600)), Duration::ZERO);
    assert_eq!(Reserve::Off.of(Duration::MAX), Duration::ZERO);
}
