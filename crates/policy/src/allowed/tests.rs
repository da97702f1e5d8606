use super::*;
use crate::{PartialPolicy, Policy};

fn policy(allowed: &str) -> Result<Policy, String> {
    let text = format!(r#"{{"breaker": {{"allowed_fails_policy": {allowed}}}}}"#);
    let partial: PartialPolicy = serde_json::from_str(&text).map_err(|error| error.to_string())?;
    Policy::default().with(&partial).map_err(|invalid| invalid.to_string())
}

#[test]
fn litellms_names_and_ours_are_the_same_keys() {
    let policy =
        policy(r#"{"TimeoutErrorAllowedFails": 3, "rate_limit": 5, "connection": null}"#).unwrap();
    let allowed = policy.breaker().allowed_fails_policy();
    assert_eq!(allowed.get(Class::Timeout), Some(3));
    assert_eq!(allowed.get(Class::RateLimit), Some(5));
    assert_eq!(allowed.get(Class::Connection), None);
    assert!(!allowed.is_empty());
}

#[test]
fn what_cannot_be_is_told_with_its_key() {
    for (text, expected) in [
        (
            r#"{"TimeoutErorAllowedFails": 3}"#,
            "TimeoutErorAllowedFails: unknown class `TimeoutErorAllowedFails`; did you mean \
             `TimeoutErrorAllowedFails`?",
        ),
        (r#"{"TimeoutErrorRetries": 3}"#, "unknown class `TimeoutErrorRetries`"),
        (
            r#"{"timeout": 3, "TimeoutErrorAllowedFails": 4}"#,
            "TimeoutErrorAllowedFails: is set twice; `timeout` is the same count",
        ),
        (
            r#"{"BadRequestErrorAllowedFails": 4}"#,
            "BadRequestErrorAllowedFails: is no fault of a deployment, so it never rests one",
        ),
        (r#"{"timeout": -1}"#, "timeout: must be a whole number"),
        ("3", "a map from classes to counts"),
    ] {
        let message = policy(text).unwrap_err();
        assert!(message.contains(expected), "{message}");
    }
}

#[test]
fn layers_merge_class_by_class_and_off_begins_afresh() {
    let base = policy(r#"{"timeout": 3, "connection": 4}"#).unwrap();
    for (over, timeout, connection) in [
        (r#"{"TimeoutErrorAllowedFails": 9}"#, Some(9), Some(4)),
        (r#""off""#, None, None),
        ("null", Some(3), Some(4)),
    ] {
        let text = format!(r#"{{"breaker": {{"allowed_fails_policy": {over}}}}}"#);
        let partial: PartialPolicy = serde_json::from_str(&text).unwrap();
        let laid = base.with(&partial).unwrap();
        let allowed = laid.breaker().allowed_fails_policy();
        assert_eq!(allowed.get(Class::Timeout), timeout, "{over}");
        assert_eq!(allowed.get(Class::Connection), connection, "{over}");

        let mut merged = PartialPolicy::from(&base);
        merged.merge(&partial);
        assert_eq!(Policy::default().with(&merged).unwrap(), laid, "{over}");
    }
}
