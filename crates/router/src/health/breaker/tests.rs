use secondwind_policy::{Policy, PolicyBuilder};

use super::*;

/// A breaker with its policy; every attempt takes no time.
struct Case {
    breaker: Breaker,
    policy: Policy,
    outlook: Outlook,
    random: f64,
}

fn secs(secs: f64) -> Duration {
    Duration::from_secs_f64(secs)
}

fn case(policy: PolicyBuilder) -> Case {
    let policy = policy.build().unwrap();
    Case { breaker: Breaker::default(), policy, outlook: Outlook::Others, random: 0.5 }
}

fn default() -> Case {
    case(Policy::builder())
}

const DOWN: Verdict = Verdict::new(Class::InternalServer);

impl Case {
    fn fail(&mut self, verdict: Verdict, at: f64) -> bool {
        self.fail_begun(verdict, at, at)
    }

    fn fail_begun(&mut self, verdict: Verdict, began: f64, at: f64) -> bool {
        let (began, now) = (secs(began), secs(at));
        let failure = Failure { verdict: &verdict, began, now, random: self.random };
        self.breaker.failed(&failure, self.policy.breaker(), self.outlook)
    }

    fn succeed(&mut self, at: f64) {
        self.breaker.succeeded(secs(at), secs(at));
    }

    /// Until when it rests, rounded to milliseconds.
    fn until(&self) -> Option<f64> {
        self.breaker.rest().map(|(until, _)| (until.as_secs_f64() * 1e3).round() / 1e3)
    }

    fn probe_from(&self) -> Option<f64> {
        self.breaker.probe_from().map(|(at, _)| (at.as_secs_f64() * 1e3).round() / 1e3)
    }

    /// How many failures at once it takes.
    fn takes(&mut self, class: Class) -> usize {
        let taken =
            (1..=99).find(|_| self.fail(Verdict::new(class), 1.0) || self.until().is_some());
        taken.unwrap_or(0)
    }
}

#[test]
fn four_failures_in_a_row_open_it_and_a_success_between_them_does_not() {
    let mut case = default();
    for at in [1.0, 2.0, 3.0] {
        assert!(!case.fail(DOWN, at));
    }
    case.succeed(3.5);
    for at in [4.0, 5.0, 6.0] {
        assert!(!case.fail(DOWN, at));
        assert_eq!(case.until(), None);
    }
    assert!(case.fail(DOWN, 7.0));
    assert_eq!(case.until(), Some(12.0));
}

#[test]
fn more_than_half_of_twenty_attempts_in_a_minute_open_it() {
    // Three failures, then three successes, so that there are never four in a row.
    let run = |successes: usize, failures: usize, minute: f64| {
        let mut case = default();
        let all = successes.max(failures);
        for n in 0..all {
            let at = 1.0 + n as f64 * minute / all as f64;
            if n < failures {
                case.fail(DOWN, at);
            }
            if n < successes {
                case.succeed(at);
            }
        }
        case.breaker.in_a_row = 0;
        case.fail(DOWN, 1.0 + minute);
        case.until().is_some()
    };
    assert!(!run(10, 9, 40.0), "half of twenty");
    assert!(run(10, 10, 40.0), "11 of 21");
    assert!(!run(8, 10, 40.0), "11 of 19 are too few");
    assert!(!run(40, 39, 240.0), "half");
}

#[test]
fn allowed_fails_is_how_many_of_them_a_minute_may_have() {
    for allowed in [0, 1, 3, 10] {
        let mut case = case(Policy::builder().allowed_fails(allowed));
        assert_eq!(case.takes(Class::Timeout), allowed as usize + 1);
    }
    // Spread over more than a minute they are not too many, however many in a row.
    let mut case = case(Policy::builder().allowed_fails(3));
    for n in 0..40 {
        assert!(!case.fail(DOWN, 20.0 * f64::from(n)), "{n}");
    }
}

#[test]
fn allowed_fails_of_a_class_go_before_those_of_all() {
    let policy = Policy::builder()
        .allowed_fails(2)
        .allowed_fails_of(Class::Timeout, 6)
        .allowed_fails_of(Class::Authentication, 1)
        .allowed_fails_of(Class::RateLimit, 2);
    for (class, takes) in [
        (Class::Timeout, 7),
        (Class::Connection, 3),
        (Class::Authentication, 2),
        (Class::RateLimit, 3),
        (Class::NotFound, 1),
    ] {
        assert_eq!(case(policy.clone()).takes(class), takes, "{class}");
    }
}

#[test]
fn a_rare_error_among_many_successes_is_no_outage() {
    let mut case = case(Policy::builder().allowed_fails(1));
    for n in 0..180 {
        case.succeed(1.0 + f64::from(n) * 0.1);
    }
    for n in 0..20 {
        assert!(!case.fail(DOWN, 20.0), "{n} of 200");
    }
    assert!(case.fail(DOWN, 20.0), "fewer than nine in ten succeeded");
}

#[test]
fn what_is_not_the_deployments_fault_never_hurts_it() {
    let own = Class::ALL.iter().filter(|class| class.facts().harm == Harm::None);
    let own = own.map(|class| Verdict::new(*class).with_hint(secs(30.0)));
    let unknown_file = Verdict::new(Class::NotFound).with_blame(Blame::Nobody);
    let never_sent = Verdict::new(Class::Connection).with_reach(Reach::NotSent);
    let mut told = 0;
    for verdict in own.chain([unknown_file, never_sent]) {
        let mut case = case(Policy::builder().allowed_fails(0));
        for _ in 0..50 {
            assert!(!case.fail(verdict, 1.0));
        }
        assert_eq!(case.until(), None, "{verdict:?}");
        assert_eq!(case.breaker.minute.sums(secs(1.0)).attempts(), 0);
        told += 1;
    }
    assert_eq!(told, 9);
}

#[test]
fn a_rate_limit_rests_at_once_for_the_hint_or_else_the_cooldown_time() {
    let limited = Verdict::new(Class::RateLimit);
    for (hint, cooldown, until) in [
        (None, 5.0, 6.0),
        (None, 60.0, 61.0),
        (Some(2.0), 5.0, 3.0),
        (Some(30.0), 5.0, 31.0),
        (Some(100_000.0), 5.0, 601.0),
    ] {
        let mut case = case(Policy::builder().cooldown_time(secs(cooldown)));
        let verdict = hint.map_or(limited, |hint| limited.with_hint(secs(hint)));
        assert!(!case.fail(verdict, 1.0), "it is not that it failed too often");
        assert_eq!(case.until(), Some(until));
        assert_eq!(case.breaker.rest().map(|(_, limited)| limited), Some(true));
    }
}

#[test]
fn rests_double_while_probes_fail_and_begin_afresh_after_a_success() {
    let mut case = default();
    case.takes(Class::Connection);
    let mut from = 1.0;
    for rest in [5.0, 10.0, 20.0, 40.0, 80.0, 120.0, 120.0] {
        let until = case.until().unwrap();
        assert_eq!(until - from, rest);
        from = until;
        assert!(case.fail(DOWN, from));
    }
    case.succeed(case.until().unwrap());
    assert_eq!(case.until(), None);
    for _ in 0..3 {
        assert!(!case.fail(DOWN, 1000.0), "all that was before is forgotten");
    }
    assert!(case.fail(DOWN, 1000.0));
    assert_eq!(case.until(), Some(1005.0));
}

#[test]
fn rests_differ_by_up_to_a_tenth() {
    for (random, until) in [(0.0, 5.5), (0.5, 6.0), (0.999_999, 6.5)] {
        let mut case = default();
        case.random = random;
        case.takes(Class::Timeout);
        assert_eq!(case.until(), Some(until));
    }
}

#[test]
fn a_longer_cooldown_than_two_minutes_is_kept() {
    let mut case = case(Policy::builder().cooldown_time(secs(300.0)));
    case.takes(Class::Timeout);
    assert_eq!(case.until(), Some(301.0));
    case.fail(DOWN, 301.0);
    assert_eq!(case.until(), Some(601.0));
}

#[test]
fn what_only_a_change_mends_rests_for_long_with_a_probe_a_minute() {
    for class in [Class::Authentication, Class::Permission, Class::NotFound, Class::QuotaExhausted]
    {
        let mut case = default();
        assert!(case.fail(Verdict::new(class), 1.0));
        assert_eq!((case.probe_from(), case.until()), (Some(61.0), Some(1801.0)));
        assert!(case.fail(Verdict::new(class), 70.0));
        assert_eq!((case.probe_from(), case.until()), (Some(130.0), Some(1870.0)));
        case.succeed(130.0);
        assert_eq!(case.until(), None);
    }
}

#[test]
fn the_last_one_standing_rests_only_if_it_asks_to() {
    for class in [Class::Authentication, Class::RateLimit, Class::Timeout, Class::QuotaExhausted] {
        let mut case = default();
        case.outlook = Outlook::Alone;
        assert_eq!(case.takes(class), 0, "{class}");
        case.fail(Verdict::new(class).with_hint(secs(7.0)), 1.0);
        assert_eq!(case.until(), Some(8.0), "{class}");
        assert_eq!(case.breaker.probe_from(), Some((secs(8.0), false)), "nobody has to try it");
        assert!(!case.fail(Verdict::new(class), 8.0));
        assert_eq!(case.until(), None, "{class}");
    }
}

#[test]
fn stragglers_neither_lengthen_a_rest_nor_end_it() {
    let mut case = default();
    case.takes(Class::Timeout);
    for _ in 0..20 {
        assert!(!case.fail_begun(DOWN, 0.5, 2.0));
        assert!(!case.fail_begun(DOWN, 0.5, 7.0), "it began before the rest");
    }
    case.breaker.succeeded(secs(0.5), secs(2.0));
    assert_eq!(case.until(), Some(6.0));
    // One that began since shows that it works again.
    case.breaker.succeeded(secs(1.5), secs(2.0));
    assert_eq!(case.until(), None);
}

#[test]
fn a_success_does_not_end_a_wait_that_was_asked_for() {
    let mut case = default();
    case.fail(Verdict::new(Class::RateLimit).with_hint(secs(30.0)), 1.0);
    case.succeed(2.0);
    assert_eq!(case.until(), Some(31.0));
    case.fail(Verdict::new(Class::RateLimit).with_hint(secs(5.0)), 2.0);
    assert_eq!(case.until(), Some(31.0), "nor does a shorter one shorten it");
    case.succeed(31.0);
    assert_eq!(case.until(), None);
}

#[test]
fn the_probe_of_the_last_one_standing_brings_it_back_however_it_fares() {
    let mut case = default();
    case.takes(Class::Timeout);
    case.outlook = Outlook::Alone;
    assert!(!case.fail(DOWN, 6.0));
    assert_eq!(case.until(), None);
}

#[test]
fn a_limit_that_is_used_up_rests_it_until_it_begins_anew() {
    let mut case = default();
    case.breaker.spent(secs(1.0), secs(20.0));
    assert_eq!(case.breaker.rest(), Some((secs(21.0), true)));
    assert_eq!(case.breaker.probe_from(), Some((secs(21.0), false)));
    // What comes after it is counted as ever.
    for _ in 0..3 {
        assert!(!case.fail(DOWN, 30.0));
    }
    assert!(case.fail(DOWN, 30.0));
    assert_eq!(case.until(), Some(35.0));
}

#[test]
fn switched_off_it_notes_nothing() {
    for policy in [Policy::builder().no_breaker(), Policy::builder().cooldown_time(Duration::ZERO)]
    {
        let mut case = case(policy);
        for _ in 0..50 {
            case.fail(DOWN.with_hint(secs(9.0)), 1.0);
            case.fail(Verdict::new(Class::Authentication), 1.0);
        }
        assert_eq!(case.until(), None);
    }
}

/// Whatever happens to it, in whatever order.
#[test]
fn no_history_buries_a_deployment_or_takes_out_the_last_one_standing() {
    for seed in 0..500 {
        let mut rng = fastrand::Rng::with_seed(seed);
        let mut case = match rng.u8(..3) {
            0 => default(),
            1 => case(Policy::builder().allowed_fails(rng.u32(..5))),
            _ => case(Policy::builder().allowed_fails_of(Class::Timeout, rng.u32(..5))),
        };
        let alone = rng.bool();
        let mut at = 0.0;
        for _ in 0..300 {
            at += rng.f64() * 20.0;
            case.outlook = if alone || rng.bool() { Outlook::Alone } else { Outlook::Others };
            case.random = rng.f64();
            let class = Class::ALL[rng.usize(..Class::COUNT)];
            let hint = (!alone && rng.u8(..4) == 0).then(|| secs(rng.f64() * 9000.0));
            let mut verdict = Verdict::new(class);
            verdict.hint = hint;
            match rng.u8(..4) {
                0 => case.succeed(at),
                _ => _ = case.fail_begun(verdict, at - rng.f64() * 30.0_f64.min(at), at),
            }
            let rest = case.until();
            assert!(!alone || rest.is_none(), "seed {seed}");
            assert!(rest.is_none_or(|until| until - at < 1800.001), "seed {seed}");
            let probe = case.probe_from();
            assert!(
                probe.is_none_or(|probe| probe - at < 600.001),
                "seed {seed}: {probe:?} at {at}"
            );
        }
        // Left alone for as long as it can have asked for, one success brings it back.
        at += 1800.0;
        case.succeed(at);
        assert_eq!(case.until(), None, "seed {seed}");
    }
}
