use super::*;
use crate::Policy;

fn retry(text: &str) -> RetryPolicy {
    let text = format!(r#"{{"retry": {text}}}"#);
    serde_json::from_str::<Policy>(&text).unwrap().retry().clone()
}

fn retried() -> impl Iterator<Item = Class> {
    Class::ALL.iter().copied().filter(|class| class.facts().retried)
}

fn not_retried() -> impl Iterator<Item = Class> {
    Class::ALL.iter().copied().filter(|class| !class.facts().retried)
}

#[test]
fn by_default_retries_twice_what_is_worth_it_and_nothing_else() {
    let retry = RetryPolicy::default();
    assert!(retried().all(|class| retry.allowed(class, None) == 2));
    assert!(not_retried().all(|class| retry.allowed(class, None) == 0));
    assert_eq!(retry.most(None), 2);
}

#[test]
fn a_count_of_its_own_is_independent_of_num_retries() {
    let retry = retry(r#"{"num_retries": 3, "counts": {"TimeoutErrorRetries": 5, "conflict": 1}}"#);
    assert_eq!(retry.allowed(Class::Timeout, None), 5);
    assert_eq!(retry.allowed(Class::Conflict, None), 1);
    assert_eq!(retry.allowed(Class::Connection, None), 3);
    assert_eq!(retry.most(None), 5);
}

#[test]
fn a_count_of_zero_leaves_the_class_unretried() {
    let retry = retry(r#"{"counts": {"timeout": 0}}"#);
    assert_eq!(retry.allowed(Class::Timeout, None), 0);
    assert_eq!(retry.allowed(Class::Timeout, Some(4)), 0);
    assert_eq!(retry.allowed(Class::Connection, None), 2);
}

#[test]
fn default_retries_goes_before_num_retries_and_behind_a_count() {
    let retry = retry(r#"{"num_retries": 3, "counts": {"DefaultRetries": 1, "timeout": 4}}"#);
    assert_eq!(retry.allowed(Class::Timeout, None), 4);
    assert_eq!(retry.allowed(Class::Connection, None), 1);
}

#[test]
fn default_retries_does_not_touch_what_is_not_retried_by_default() {
    let retry = retry(r#"{"counts": {"default": 7}}"#);
    assert!(retried().all(|class| retry.allowed(class, None) == 7));
    assert!(not_retried().all(|class| retry.allowed(class, None) == 0));
    assert_eq!(retry.explicit(Class::Timeout), None);
}

#[test]
fn service_unavailable_takes_the_count_of_internal_server_where_it_has_none() {
    let both =
        r#"{"counts": {"InternalServerErrorRetries": 4, "ServiceUnavailableErrorRetries": 1}}"#;
    assert_eq!(retry(both).allowed(Class::ServiceUnavailable, None), 1);
    let one = retry(r#"{"counts": {"InternalServerErrorRetries": 4}}"#);
    assert_eq!(one.allowed(Class::ServiceUnavailable, None), 4);
    assert_eq!(one.explicit(Class::ServiceUnavailable), Some(4));
    // Not the other way round.
    let other = retry(r#"{"counts": {"service_unavailable": 4}}"#);
    assert_eq!(other.allowed(Class::InternalServer, None), 2);
}

#[test]
fn authentication_is_retried_only_where_a_count_says_so() {
    let silent = retry(r#"{"num_retries": 9, "counts": {"default": 9}}"#);
    assert_eq!(silent.allowed(Class::Authentication, None), 0);
    assert_eq!(silent.allowed(Class::Authentication, Some(9)), 0);
    let explicit = retry(r#"{"counts": {"AuthenticationErrorRetries": 1}}"#);
    assert_eq!(explicit.allowed(Class::Authentication, None), 1);
    assert_eq!(explicit.allowed(Class::Authentication, Some(3)), 3);
}

#[test]
fn permission_takes_the_count_of_authentication_where_it_has_none() {
    let general = retry(r#"{"counts": {"AuthenticationErrorRetries": 1}}"#);
    assert_eq!(general.allowed(Class::Permission, None), 1);
    let own = retry(r#"{"counts": {"authentication": 1, "PermissionDeniedErrorRetries": 0}}"#);
    assert_eq!(own.allowed(Class::Permission, None), 0);
    assert_eq!(RetryPolicy::default().allowed(Class::Permission, None), 0);
}

#[test]
fn request_too_large_shares_the_key_of_bad_request() {
    let shared = retry(r#"{"counts": {"BadRequestErrorRetries": 2}}"#);
    assert_eq!(shared.allowed(Class::BadRequest, None), 2);
    assert_eq!(shared.allowed(Class::RequestTooLarge, None), 2);
    let apart = retry(r#"{"counts": {"BadRequestErrorRetries": 2, "request_too_large": 0}}"#);
    assert_eq!(apart.allowed(Class::RequestTooLarge, None), 0);
}

#[test]
fn a_request_that_asks_for_no_retries_gets_none_whatever_else_is_set() {
    let retry = retry(r#"{"num_retries": 3, "counts": {"timeout": 5, "default": 4}}"#);
    assert!(Class::ALL.iter().all(|class| retry.allowed(*class, Some(0)) == 0));
    assert_eq!(retry.most(Some(0)), 0);
}

#[test]
fn a_request_that_asks_for_retries_replaces_every_count_that_is_not_zero() {
    let text = r#"{"num_retries": 3, "counts": {"timeout": 5, "rate_limit": 0, "not_found": 1}}"#;
    let retry = retry(text);
    assert_eq!(retry.allowed(Class::Timeout, Some(1)), 1);
    assert_eq!(retry.allowed(Class::Connection, Some(7)), 7);
    assert_eq!(retry.allowed(Class::NotFound, Some(7)), 7);
    assert_eq!(retry.allowed(Class::RateLimit, Some(7)), 0);
    assert_eq!(retry.allowed(Class::BadRequest, Some(7)), 0);
    assert_eq!(retry.most(Some(7)), 7);
}

#[test]
fn a_request_may_ask_for_retries_where_the_general_number_is_zero() {
    let retry = retry(r#"{"num_retries": 0}"#);
    assert_eq!(retry.most(None), 0);
    assert_eq!(retry.allowed(Class::Timeout, Some(2)), 2);
}

#[test]
fn default_retries_of_zero_is_a_count_that_no_request_replaces() {
    let retry = retry(r#"{"counts": {"DefaultRetries": 0, "RateLimitErrorRetries": 3}}"#);
    assert_eq!(retry.allowed(Class::Timeout, Some(2)), 0);
    assert_eq!(retry.allowed(Class::RateLimit, Some(2)), 2);
}

#[test]
fn switched_off_nothing_is_retried_whatever_a_request_asks_for() {
    let retry = retry(r#""off""#);
    assert_eq!(retry.num_retries(), 0);
    for requested in [None, Some(0), Some(5)] {
        assert!(Class::ALL.iter().all(|class| retry.allowed(*class, requested) == 0));
        assert_eq!(retry.most(requested), 0);
    }
}

#[test]
fn the_most_is_the_largest_that_any_class_gets() {
    for text in [
        "{}",
        r#"{"num_retries": 0, "counts": {"authentication": 4}}"#,
        r#"{"num_retries": 6, "counts": {"default": 1, "timeout": 3}}"#,
    ] {
        let retry = retry(text);
        for requested in [None, Some(0), Some(1), Some(9)] {
            let largest = Class::ALL.iter().map(|class| retry.allowed(*class, requested)).max();
            assert_eq!(Some(retry.most(requested)), largest, "{text} {requested:?}");
        }
    }
}

#[test]
fn what_went_wrong_after_commit_or_without_a_caller_is_never_retried() {
    let retry = retry(r#"{"num_retries": 9, "counts": {"default": 9}}"#);
    for class in [Class::Interrupted, Class::Cancelled] {
        assert_eq!(retry.allowed(class, Some(9)), 0);
    }
}

#[test]
fn a_list_narrows_after_what_a_sibling_is_preferred() {
    assert!(Class::ALL.iter().all(|class| RetryPolicy::default().prefer_sibling(*class)));
    let some = retry(r#"{"prefer_sibling": ["timeout", "connection", "timeout"]}"#);
    assert!(some.prefer_sibling(Class::Timeout) && !some.prefer_sibling(Class::RateLimit));
    for none in [r#"{"prefer_sibling": []}"#, r#"{"prefer_sibling": "off"}"#] {
        assert!(!Class::ALL.iter().any(|class| retry(none).prefer_sibling(*class)));
    }
}
