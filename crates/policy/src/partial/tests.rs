use super::*;
use crate::class::ClassSet;

/// A small generator (SplitMix64), so that a failing case can be run again by its seed.
struct Dice(u64);

impl Dice {
    fn below(&mut self, sides: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (z ^ (z >> 31)) % sides
    }

    fn setting<T>(&mut self, value: impl FnOnce(&mut Dice) -> T) -> Setting<T> {
        match self.below(4) {
            0 | 1 => Setting::Unset,
            2 => Setting::Off,
            _ => Setting::Set(value(self)),
        }
    }

    /// Like `setting`, for what cannot be switched off.
    fn set<T>(&mut self, value: impl FnOnce(&mut Dice) -> T) -> Setting<T> {
        match self.setting(value) {
            Setting::Off => Setting::Unset,
            setting => setting,
        }
    }

    fn nanos(&mut self, from: u64, to: u64) -> Written<Duration> {
        let scale = [1, 1_000, 1_000_000, 1_000_000_000][self.below(4) as usize];
        let nanos = from + self.below(to - from);
        Duration::from_nanos((nanos / scale * scale).max(from)).into()
    }

    fn seconds(&mut self, from: u64, to: u64) -> Written<Duration> {
        self.nanos(from * 1_000_000_000, to * 1_000_000_000)
    }

    fn whole(&mut self) -> Written<u32> {
        (self.below(9) as u32).into()
    }

    fn thousandths(&mut self, from: u64, to: u64) -> Written<f64> {
        ((from + self.below(to - from)) as f64 / 1000.0).into()
    }

    fn classes(&mut self) -> Vec<Written<Class>> {
        // The last two, interrupted and cancelled, do not fall back.
        (0..self.below(4)).map(|_| Class::ALL[self.below(15) as usize].into()).collect()
    }

    fn groups(&mut self) -> Vec<String> {
        (0..self.below(3)).map(|_| format!("group-{}", self.below(5))).collect()
    }

    fn yes_or_no(&mut self) -> Option<bool> {
        [None, Some(false), Some(true)][self.below(3) as usize]
    }

    fn retry(&mut self) -> PartialRetry {
        let mut counts = PartialCounts::default();
        for _ in 0..self.below(3) {
            counts.set(Class::ALL[self.below(15) as usize], self.below(9) as u32);
        }
        if self.below(4) == 0 {
            counts.set_default(self.below(9) as u32);
        }
        PartialRetry {
            num_retries: self.setting(Dice::whole),
            counts: if self.below(5) == 0 { PartialCounts::off() } else { counts },
            retry_after: self.setting(|dice| dice.seconds(0, 100)),
            backoff: self.setting(|dice| PartialBackoff {
                base: dice.setting(|dice| dice.seconds(0, 10)),
                factor: dice.set(|dice| dice.thousandths(1000, 5000)),
                max: dice.set(|dice| dice.seconds(10, 100)),
            }),
            max_retry_after: self.set(|dice| dice.seconds(0, 100_000)),
            budget: self.setting(|dice| PartialBudget {
                ratio: dice.set(|dice| dice.thousandths(0, 1_000_000)),
                min_per_second: dice.setting(Dice::whole),
                window: dice.set(|dice| dice.seconds(1, 60)),
            }),
            prefer_sibling: self.setting(Dice::classes),
            max_replay_bytes: self.setting(|dice| dice.below(u64::MAX).into()),
            non_idempotent: self.yes_or_no(),
            idempotency_key: self.yes_or_no().filter(|yes| !yes),
        }
    }

    fn allowed(&mut self) -> PartialAllowedFails {
        let mut allowed = PartialAllowedFails::default();
        for class in [Class::Timeout, Class::RateLimit, Class::Connection] {
            if self.below(2) == 0 {
                allowed.set(class, self.below(9) as u32);
            }
        }
        allowed
    }

    fn policy(&mut self) -> PartialPolicy {
        PartialPolicy {
            retry: self.setting(Dice::retry),
            timeout: self.setting(|dice| PartialTimeout {
                connect: dice.setting(|dice| dice.seconds(1, 100)),
                attempt: dice.setting(|dice| dice.seconds(1, 100)),
                total: dice.setting(|dice| dice.seconds(100, 1000)),
                reserve: dice.setting(|dice| match dice.below(3) {
                    0 => Reserve::Share.into(),
                    n => Reserve::Fixed(Duration::from_secs(n)).into(),
                }),
                first_content: dice.setting(|dice| dice.seconds(1, 100)),
                idle: dice.setting(|dice| dice.seconds(1, 100)),
                content_idle: dice.setting(|dice| dice.seconds(1, 100)),
                stream_total: dice.setting(|dice| dice.seconds(1, 100)),
                stream: dice.setting(|dice| dice.seconds(1, 100)),
            }),
            fallback: self.setting(|dice| PartialFallback {
                max: dice.setting(Dice::whole),
                classes: dice.setting(Dice::classes),
                to: dice.setting(Dice::groups),
                context_window: dice.setting(Dice::groups),
                content_policy: dice.setting(Dice::groups),
            }),
            breaker: self.setting(|dice| PartialBreaker {
                cooldown_time: dice.setting(|dice| dice.seconds(0, 100)),
                when_all_open: dice.set(|_| WhenAllOpen::LeastBad.into()),
                allowed_fails: dice.setting(Dice::whole),
                allowed_fails_policy: dice.allowed(),
            }),
            queue: self.setting(|dice| PartialQueue { max: dice.setting(Dice::whole) }),
            hedge: self.set(|_| NotYet).value().map_or(Setting::Unset, |_| Setting::Off),
            stream: self.setting(|dice| PartialStream {
                recovery: dice.setting(|_| Recovery::Buffer.into()),
                keepalive: dice.setting(|dice| dice.seconds(1, 100)),
                max_recoveries: dice.setting(Dice::whole),
                max_held_bytes: dice.set(|dice| dice.below(u64::MAX).into()),
            }),
        }
    }
}

/// Runs `promise` with many generated cases and names the one that broke it.
fn for_many(promise: impl Fn(&mut Dice)) {
    for seed in 0..3000 {
        let run = std::panic::AssertUnwindSafe(|| promise(&mut Dice(seed)));
        if let Err(panic) = std::panic::catch_unwind(run) {
            eprintln!("with seed {seed}");
            std::panic::resume_unwind(panic);
        }
    }
}

#[test]
fn reads_back_what_it_wrote() {
    for_many(|dice| {
        let partial = dice.policy();
        let text = serde_json::to_string(&partial).unwrap();
        assert_eq!(serde_json::from_str::<PartialPolicy>(&text).unwrap(), partial, "{text}");
    });
}

#[test]
fn every_policy_reads_back_what_it_wrote() {
    for_many(|dice| {
        let policy = Policy::default().with(&dice.policy()).unwrap();
        let text = serde_json::to_string(&policy).unwrap();
        assert_eq!(serde_json::from_str::<Policy>(&text).unwrap(), policy, "{text}");
        assert_eq!(Policy::default().with(&PartialPolicy::from(&policy)), Ok(policy));
    });
}

#[test]
fn merging_first_gives_the_same_as_applying_one_after_the_other() {
    for_many(|dice| {
        let base = Policy::default().with(&dice.policy()).unwrap();
        let (first, second, third) = (dice.policy(), dice.policy(), dice.policy());
        let step = base.with(&first).unwrap().with(&second).unwrap().with(&third).unwrap();
        let mut merged = first;
        merged.merge(&second);
        merged.merge(&third);
        assert_eq!(base.with(&merged), Ok(step));
    });
}

#[test]
fn an_empty_partial_changes_nothing() {
    for_many(|dice| {
        let partial = dice.policy();
        let mut merged = partial.clone();
        merged.merge(&PartialPolicy::default());
        assert_eq!(merged, partial);
        let policy = Policy::default().with(&partial).unwrap();
        assert_eq!(policy.with(&PartialPolicy::default()), Ok(policy));
    });
}

#[test]
fn writes_only_what_is_set() {
    assert_eq!(serde_json::to_string(&PartialPolicy::default()).unwrap(), "{}");
    let text = r#"{"retry":{"num_retries":3,"backoff":{"base":"1s"}},"fallback":"off"}"#;
    let partial: PartialPolicy = serde_json::from_str(text).unwrap();
    assert_eq!(serde_json::to_string(&partial).unwrap(), text);
}

#[test]
fn a_key_that_does_not_exist_is_an_error_that_lists_those_that_do() {
    for (text, key, expected) in [
        (r#"{"retries": {}}"#, "retries", "`retry`, `timeout`, `fallback`"),
        (r#"{"retry": {"num_retry": 1}}"#, "num_retry", "`num_retries`, `counts`"),
        (r#"{"retry": {"backoff": {"first": 1}}}"#, "first", "`base`, `factor`, `max`"),
        (r#"{"retry": {"budget": {"rate": 1}}}"#, "rate", "`ratio`, `min_per_second`, `window`"),
        (r#"{"timeout": {"request": 1}}"#, "request", "`connect`, `attempt`, `total`"),
        (r#"{"fallback": {"list": []}}"#, "list", "`max`, `classes`, `to`"),
        (r#"{"breaker": {"cooldown": 1}}"#, "cooldown", "`cooldown_time`, `when_all_open`"),
        (r#"{"stream": {"recover": 1}}"#, "recover", "`recovery`, `keepalive`"),
    ] {
        let error = serde_json::from_str::<PartialPolicy>(text).unwrap_err().to_string();
        assert!(error.contains(&format!("unknown field `{key}`")), "{error}");
        assert!(error.contains(expected), "{error}");
    }
}

#[test]
fn a_section_must_be_a_map_or_off() {
    let error = serde_json::from_str::<PartialPolicy>(r#"{"retry": true}"#).unwrap_err();
    let expected = "expected a map with the values of `retry`, or \"off\"";
    assert!(error.to_string().contains(expected), "{error}");
}

#[test]
fn counts_are_kept_when_another_class_is_set_on_top() {
    let read = |text| serde_json::from_str::<PartialPolicy>(text).unwrap();
    let mut global = read(r#"{"retry": {"counts": {"TimeoutErrorRetries": 3, "rate_limit": 5}}}"#);
    global.merge(&read(r#"{"retry": {"counts": {"RateLimitErrorRetries": 10}}}"#));
    let policy = Policy::default().with(&global).unwrap();
    assert_eq!(policy.retry().counts().get(Class::Timeout), Some(3));
    assert_eq!(policy.retry().counts().get(Class::RateLimit), Some(10));
}

#[test]
fn sets_of_classes_are_written_in_the_order_of_the_table() {
    let all: Setting<Vec<Written<Class>>> = ClassSet::ALL.into();
    assert_eq!(all.value().map(Vec::len), Some(Class::COUNT));
}
