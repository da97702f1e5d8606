use super::*;
use crate::Policy;

fn counts(text: &str) -> Counts {
    serde_json::from_str(text).unwrap()
}

fn refused(text: &str) -> String {
    serde_json::from_str::<Counts>(text).unwrap_err().to_string()
}

#[test]
fn our_names_and_litellms_are_the_same_keys() {
    assert_eq!(
        counts(r#"{"timeout": 1, "rate_limit": 2, "default": 3}"#),
        counts(r#"{"TimeoutErrorRetries": 1, "RateLimitErrorRetries": 2, "DefaultRetries": 3}"#),
    );
    for class in Class::ALL.iter().filter(|class| class.takes_count()) {
        let by_name = counts(&format!(r#"{{"{class}": 1}}"#));
        assert_eq!(by_name.get(*class), Some(1));
        // A key that two classes share sets the more general one.
        let key = class.facts().policy_key;
        let by_key = counts(&format!(r#"{{"{key}": 1}}"#));
        assert_eq!(by_key.get(Class::from_policy_key(key).unwrap()), Some(1));
    }
}

#[test]
fn off_is_zero_and_null_is_nothing() {
    let counts = counts(r#"{"timeout": "off", "conflict": false, "rate_limit": null}"#);
    assert_eq!(counts.get(Class::Timeout), Some(0));
    assert_eq!(counts.get(Class::Conflict), Some(0));
    assert_eq!(counts.get(Class::RateLimit), None);
    assert_eq!(counts.default_retries(), None);
}

#[test]
fn two_names_for_one_class_are_refused() {
    for (text, message) in [
        (
            r#"{"timeout": 1, "TimeoutErrorRetries": 1}"#,
            "counts.TimeoutErrorRetries: is set twice; `timeout` is the same count",
        ),
        (
            r#"{"DefaultRetries": 1, "default": 2}"#,
            "counts.default: is set twice; `DefaultRetries` is the same count",
        ),
        (
            r#"{"conflict": 1, "conflict": 1}"#,
            "counts.conflict: is set twice; `conflict` is the same count",
        ),
    ] {
        assert!(refused(text).contains(message), "{}", refused(text));
    }
    // Two classes that share one of LiteLLM's keys are two classes.
    let counts = counts(r#"{"BadRequestErrorRetries": 1, "request_too_large": 0}"#);
    assert_eq!(counts.get(Class::RequestTooLarge), Some(0));
}

#[test]
fn everything_that_is_wrong_is_told_at_once() {
    let text = refused(r#"{"timeuot": 1, "cancelled": 1, "conflict": -1, "RateLimitRetries": 2}"#);
    for line in [
        "counts.timeuot: unknown class `timeuot`; did you mean `timeout`?",
        "counts.cancelled: is never retried, so it has no count",
        "counts.conflict: must be a whole number from 0 to 4294967295, not -1",
        "counts.RateLimitRetries: unknown class `RateLimitRetries`; did you mean \
         `RateLimitErrorRetries`?",
    ] {
        assert!(text.contains(line), "{text}");
    }
    assert!(refused("[]").contains("expected a map from classes to counts"));
    assert!(refused("true").contains("expected a map from classes to counts"));
}

#[test]
fn are_written_by_their_names() {
    let counts = counts(r#"{"DefaultRetries": 3, "RateLimitErrorRetries": 2, "timeout": 1}"#);
    let text = serde_json::to_string(&counts).unwrap();
    assert_eq!(text, r#"{"timeout":1,"rate_limit":2,"default":3}"#);
    assert_eq!(serde_json::from_str::<Counts>(&text).unwrap(), counts);
}

#[test]
fn merge_class_by_class_whatever_their_names() {
    let mut partial = PartialCounts::default();
    assert!(partial.is_unset());
    partial.set(Class::Timeout, 1);
    partial.set(Class::Timeout, 2);
    partial.set_default(3);
    let over = serde_json::from_str(r#"{"TimeoutErrorRetries": 5, "conflict": 0}"#).unwrap();
    partial.merge(&over);

    let mut merged = Counts::default();
    let mut findings = Findings::default();
    partial.lay_on(&mut merged, "counts", &mut findings);
    assert_eq!(
        findings.verdict(merged),
        Ok(counts(r#"{"timeout": 5, "conflict": 0, "default": 3}"#))
    );
}

#[test]
fn off_drops_what_lies_beneath() {
    let policy: Policy = serde_json::from_str(r#"{"retry": {"counts": {"timeout": 5}}}"#).unwrap();
    let over = serde_json::from_str(r#"{"retry": {"counts": "off"}}"#).unwrap();
    assert_eq!(policy.with(&over), Ok(Policy::default()));
    assert_eq!(serde_json::to_string(&over).unwrap(), r#"{"retry":{"counts":"off"}}"#);
}
