use std::time::Duration;

use super::*;

const fn secs(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

fn read(text: &str) -> Policy {
    serde_json::from_str(text).unwrap()
}

/// What is wrong with the policy in `text`, laid over the default.
fn findings(text: &str) -> Vec<String> {
    let partial: PartialPolicy = serde_json::from_str(text).unwrap();
    match Policy::default().with(&partial) {
        Ok(_) => Vec::new(),
        Err(invalid) => invalid.findings().iter().map(ToString::to_string).collect(),
    }
}

#[test]
fn the_default_is_what_the_guide_promises() {
    let policy = Policy::default();
    let retry = policy.retry();
    assert_eq!(retry.num_retries(), 2);
    assert_eq!(*retry.counts(), Counts::default());
    assert_eq!(retry.retry_after(), Duration::ZERO);
    assert_eq!(retry.backoff().base(), secs(1));
    assert_eq!(retry.backoff().factor(), 2.0);
    assert_eq!(retry.backoff().max(), secs(60));
    assert_eq!(retry.max_retry_after(), secs(60));
    let budget = retry.budget().unwrap();
    assert_eq!((budget.ratio(), budget.min_per_second(), budget.window()), (0.2, 10, secs(10)));
    assert_eq!(retry.max_replay_bytes(), 16 << 20);
    assert!(!retry.non_idempotent() && !retry.idempotency_key());
    let timeout = policy.timeout();
    assert_eq!(timeout.connect(), Some(secs(5)));
    assert_eq!(timeout.attempt(), None);
    assert_eq!(timeout.total(), Some(secs(600)));
    assert_eq!(timeout.reserve(), Reserve::Share);
    let fallback = policy.fallback();
    assert_eq!(fallback.max(), 5);
    assert!(fallback.to().is_empty());
    assert!(fallback.context_window().is_empty() && fallback.content_policy().is_empty());
    let breaker = policy.breaker();
    assert!(breaker.enabled());
    assert_eq!(breaker.cooldown_time(), secs(5));
    assert_eq!(breaker.when_all_open(), WhenAllOpen::FailFast);
}

#[test]
fn an_empty_text_is_the_default() {
    for text in ["{}", r#"{"retry": {}, "timeout": null, "stream": {}, "hedge": "off"}"#] {
        assert_eq!(read(text), Policy::default());
    }
}

#[test]
fn off_sends_every_request_once() {
    let off = Policy::off();
    assert_eq!(off.retry().most(Some(9)), 0);
    assert_eq!(off.timeout().connect(), None);
    assert_eq!(off.timeout().attempt(), None);
    assert_eq!(off.timeout().total(), None);
    assert_eq!(off.timeout().reserve(), Reserve::Off);
    assert_eq!(off.fallback().max(), 0);
    assert!(!off.breaker().enabled());
    let text = r#"{"retry": "off", "timeout": false, "fallback": "off", "breaker": false, "stream": "off",
        "queue": "off"}"#;
    assert_eq!(read(text), off);
}

#[test]
fn reads_back_what_it_wrote() {
    for text in [
        "{}",
        r#"{"retry": {"counts": {"timeout": 3, "DefaultRetries": 1}, "budget": "off"}}"#,
        r#"{"retry": {"backoff": "off", "prefer_sibling": "off", "max_replay_bytes": "off"}}"#,
        r#"{"retry": "off", "fallback": {"to": ["a"], "classes": ["timeout"]}}"#,
        r#"{"timeout": {"total": 1.5, "attempt": "250ms", "reserve": 0}, "breaker": "off"}"#,
        r#"{"timeout": "off", "fallback": "off", "breaker": {"cooldown_time": 0}}"#,
        r#"{"timeout": {"reserve": "7s"}, "breaker": {"when_all_open": "least_bad"}}"#,
        r#"{"breaker": {"allowed_fails": 3, "allowed_fails_policy": {"timeout": 2}}}"#,
    ] {
        let policy = read(text);
        let written = serde_json::to_string(&policy).unwrap();
        assert_eq!(read(&written), policy, "{written}");
    }
    let off = serde_json::to_string(&Policy::off()).unwrap();
    assert_eq!(read(&off), Policy::off());
}

#[test]
fn is_written_with_every_value() {
    let written = serde_json::to_value(Policy::default()).unwrap();
    for path in [
        "/retry/num_retries",
        "/retry/backoff/factor",
        "/retry/budget/window",
        "/retry/prefer_sibling/0",
        "/timeout/attempt",
        "/timeout/reserve",
        "/fallback/classes/0",
        "/breaker/when_all_open",
    ] {
        assert!(written.pointer(path).is_some(), "{path}");
    }
}

#[test]
fn what_makes_no_sense_does_not_parse() {
    let error = serde_json::from_str::<Policy>(
        r#"{"retry": {"backoff": {"base": "5s", "max": "2s"}}, "timeout": {"attempt": "11m"}}"#,
    );
    let error = error.unwrap_err().to_string();
    assert!(error.contains("retry.backoff.max: must not be below base (2s < 5s)"), "{error}");
    let line = "timeout.attempt: must not be longer than total (11m > 10m)";
    assert!(error.contains(line), "{error}");
}

#[test]
fn every_finding_has_its_path() {
    for (text, expected) in [
        (r#"{"retry": {"retry_after": -5}}"#, "retry.retry_after: must not be negative (-5)"),
        (
            r#"{"retry": {"num_retries": -1}}"#,
            "retry.num_retries: must be a whole number from 0 to 4294967295, not -1",
        ),
        (
            r#"{"retry": {"backoff": {"max": "2x"}}}"#,
            "retry.backoff.max: unknown unit `x` in `2x`; use d, h, m, s, ms, us or ns",
        ),
        (
            r#"{"retry": {"backoff": {"base": "2m"}}}"#,
            "retry.backoff.max: must not be below base (1m < 2m)",
        ),
        (
            r#"{"retry": {"backoff": {"factor": 0.5}}}"#,
            "retry.backoff.factor: must be at least 1, not 0.5",
        ),
        (
            r#"{"retry": {"backoff": {"factor": "off"}}}"#,
            "retry.backoff.factor: cannot be switched off",
        ),
        (
            r#"{"retry": {"max_retry_after": "off"}}"#,
            "retry.max_retry_after: cannot be switched off",
        ),
        (
            r#"{"retry": {"budget": {"ratio": -0.1}}}"#,
            "retry.budget.ratio: must be from 0 to 1000, not -0.1",
        ),
        (
            r#"{"retry": {"budget": {"ratio": 1001}}}"#,
            "retry.budget.ratio: must be from 0 to 1000, not 1001",
        ),
        (
            r#"{"retry": {"budget": {"window": "500ms"}}}"#,
            "retry.budget.window: must be from 1s to 60s, not 500ms",
        ),
        (
            r#"{"retry": {"budget": {"window": 61}}}"#,
            "retry.budget.window: must be from 1s to 60s, not 1m1s",
        ),
        (
            r#"{"retry": {"idempotency_key": true}}"#,
            "retry.idempotency_key: is not available yet; leave it out, or write false",
        ),
        (
            r#"{"timeout": {"total": 0}}"#,
            "timeout.total: must not be 0; to switch the clock off, write \"off\"",
        ),
        (
            r#"{"timeout": {"total": "5s", "reserve": "5s"}}"#,
            "timeout.reserve: must be shorter than total (5s >= 5s)",
        ),
        (
            r#"{"timeout": {"total": "1m", "attempt": "61s"}}"#,
            "timeout.attempt: must not be longer than total (1m1s > 1m)",
        ),
        (
            r#"{"timeout": {"idle": 0}}"#,
            "timeout.idle: must not be 0; to switch the clock off, write \"off\"",
        ),
        (
            r#"{"fallback": {"classes": ["cancelled"]}}"#,
            "fallback.classes: `cancelled` cannot fall back: nobody waits for an answer",
        ),
        (
            r#"{"fallback": {"max": 1.5}}"#,
            "fallback.max: must be a whole number from 0 to 4294967295, not 1.5",
        ),
        (
            r#"{"breaker": {"allowed_fails": -3}}"#,
            "breaker.allowed_fails: must be a whole number from 0 to 4294967295, not -3",
        ),
        (
            r#"{"hedge": {"after": "2s"}}"#,
            "hedge: is not available yet; leave it out, or write \"off\"",
        ),
        (
            r#"{"stream": {"recovery": "restart"}}"#,
            "stream.recovery: must be `continue`, `buffer` or \"off\", not `restart`",
        ),
    ] {
        assert_eq!(findings(text), [expected], "{text}");
    }
}

#[test]
fn names_of_classes_are_checked_one_by_one() {
    let findings = findings(r#"{"retry": {"prefer_sibling": ["timeout", "conection", "x"]}}"#);
    let starts = [
        "retry.prefer_sibling[1]: unknown class `conection`; did you mean `connection`?",
        "retry.prefer_sibling[2]: unknown class `x` (known: timeout, ",
    ];
    assert_eq!(findings.len(), starts.len());
    for (finding, start) in findings.iter().zip(starts) {
        assert!(finding.starts_with(start), "{finding}");
    }
}

#[test]
fn zero_is_a_value_where_it_means_something() {
    let policy = read(
        r#"{"retry": {"retry_after": 0, "backoff": {"base": 0}, "max_retry_after": 0},
            "timeout": {"reserve": 0}, "breaker": {"cooldown_time": 0}}"#,
    );
    assert_eq!(policy.retry().backoff().base(), Duration::ZERO);
    assert_eq!(policy.retry().max_retry_after(), Duration::ZERO);
    assert_eq!(policy.timeout().reserve(), Reserve::Off);
    assert!(!policy.breaker().enabled());
}

#[test]
fn what_does_not_exist_yet_may_be_left_off() {
    let text = r#"{
        "retry": {"idempotency_key": false},
        "timeout": {"first_content": "off", "stream_total": "off"},
        "breaker": {"allowed_fails": "off", "allowed_fails_policy": null},
        "stream": {"keepalive": false},
        "hedge": false
    }"#;
    assert_eq!(read(text), Policy::default());
}

#[test]
fn an_overlay_keeps_switches_off_and_replaces() {
    let base = read(
        r#"{"retry": {"num_retries": 4, "counts": {"timeout": 1, "conflict": 1}},
            "timeout": {"attempt": "20s"}, "fallback": {"to": ["a", "b"]}}"#,
    );
    let over = serde_json::from_str(
        r#"{"retry": {"counts": {"TimeoutErrorRetries": 7}}, "timeout": {"attempt": "off"},
            "fallback": {"to": ["c"]}}"#,
    );
    let policy = base.with(&over.unwrap()).unwrap();
    assert_eq!(policy.retry().num_retries(), 4);
    assert_eq!(policy.retry().counts().get(Class::Timeout), Some(7));
    assert_eq!(policy.retry().counts().get(Class::Conflict), Some(1));
    assert_eq!(policy.timeout().attempt(), None);
    assert_eq!(policy.fallback().to(), ["c"]);
}

#[test]
fn a_section_that_was_off_starts_again_from_its_defaults() {
    let off = Policy::off();
    let over = serde_json::from_str(
        r#"{"retry": {"num_retries": 1}, "fallback": {"to": ["a"]}, "breaker": {},
            "timeout": {"attempt": "3s"}}"#,
    );
    let policy = off.with(&over.unwrap()).unwrap();
    assert_eq!(policy.retry().allowed(Class::Timeout, None), 1);
    assert_eq!(policy.retry().backoff(), Policy::default().retry().backoff());
    assert_eq!(policy.fallback().list_for(Class::Timeout), ["a"]);
    assert_eq!(policy.breaker(), Policy::default().breaker());
    // Clocks are off one by one, so only the one that is set runs.
    assert_eq!((policy.timeout().attempt(), policy.timeout().total()), (Some(secs(3)), None));
}
