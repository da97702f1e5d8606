use super::*;

const fn secs(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

#[test]
fn says_the_same_as_the_text() {
    let built = Policy::builder()
        .num_retries(3)
        .retries(Class::Timeout, 5)
        .default_retries(4)
        .retry_after(secs(1))
        .backoff(secs(2), 3.0, secs(30))
        .max_retry_after(secs(20))
        .budget(0.1, 5, secs(20))
        .prefer_sibling([Class::Timeout])
        .max_replay_bytes(1024)
        .non_idempotent(true)
        .connect_timeout(secs(2))
        .attempt_timeout(secs(20))
        .total_timeout(secs(60))
        .reserve(Reserve::Fixed(secs(5)))
        .fallbacks(["a", "b"])
        .context_window_fallbacks(["long"])
        .content_policy_fallbacks([String::from("mild")])
        .max_fallbacks(2)
        .fallback_on([Class::Timeout, Class::Connection])
        .cooldown_time(secs(7))
        .when_all_open(WhenAllOpen::LeastBad)
        .build();
    let text = r#"{
        "retry": {
            "num_retries": 3,
            "counts": {"timeout": 5, "default": 4},
            "retry_after": 1,
            "backoff": {"base": 2, "factor": 3, "max": 30},
            "max_retry_after": 20,
            "budget": {"ratio": 0.1, "min_per_second": 5, "window": 20},
            "prefer_sibling": ["timeout"],
            "max_replay_bytes": 1024,
            "non_idempotent": true
        },
        "timeout": {"connect": 2, "attempt": 20, "total": 60, "reserve": 5},
        "fallback": {
            "max": 2,
            "classes": ["timeout", "connection"],
            "to": ["a", "b"],
            "context_window": ["long"],
            "content_policy": ["mild"]
        },
        "breaker": {"cooldown_time": 7, "when_all_open": "least_bad"}
    }"#;
    assert_eq!(built, Ok(serde_json::from_str(text).unwrap()));
}

#[test]
fn switches_off_what_is_not_wanted() {
    let policy = Policy::builder()
        .no_budget()
        .no_connect_timeout()
        .no_total_timeout()
        .no_idle_timeout()
        .no_content_idle_timeout()
        .reserve(Reserve::Off)
        .no_breaker()
        .build()
        .unwrap();
    assert_eq!(policy.retry().budget(), None);
    assert_eq!(policy.timeout(), Policy::off().timeout());
    assert!(!policy.breaker().enabled());
}

#[test]
fn with_nothing_said_is_the_default() {
    assert_eq!(Policy::builder().build(), Ok(Policy::default()));
    assert_eq!(Policy::builder().into_partial(), PartialPolicy::default());
}

#[test]
fn gives_only_what_was_said_to_lie_over_another_policy() {
    let base = Policy::builder().num_retries(7).build().unwrap();
    let over = Policy::builder().total_timeout(secs(30)).into_partial();
    let both = base.with(&over).unwrap();
    assert_eq!(both.retry().num_retries(), 7);
    assert_eq!(both.timeout().total(), Some(secs(30)));
}

#[test]
fn refuses_what_cannot_be_and_tells_all_of_it() {
    let invalid = Policy::builder()
        .retries(Class::Cancelled, 1)
        .retry_after(Duration::MAX)
        .backoff(secs(5), f64::NAN, secs(2))
        .budget(f64::INFINITY, 0, Duration::ZERO)
        .attempt_timeout(Duration::ZERO)
        .fallbacks([" "])
        .fallback_on([Class::Interrupted])
        .build()
        .unwrap_err();
    assert_eq!(
        invalid.to_string(),
        "retry.counts.cancelled: is never retried, so it has no count\n\
         retry.retry_after: must not be longer than a year\n\
         retry.backoff.factor: must be at least 1, not NaN\n\
         retry.backoff.max: must not be below base (2s < 5s)\n\
         retry.budget.ratio: must be from 0 to 1000, not inf\n\
         retry.budget.window: must be from 1s to 60s, not 0s\n\
         timeout.attempt: must not be 0; to switch the clock off, write \"off\"\n\
         fallback.to[0]: must not be empty; write the name of a group\n\
         fallback.classes: `interrupted` cannot fall back: the answer has begun already"
    );
}
