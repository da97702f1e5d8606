use super::*;
use crate::Policy;

fn fallback(text: &str) -> FallbackPolicy {
    let text = format!(r#"{{"fallback": {text}}}"#);
    serde_json::from_str::<Policy>(&text).unwrap().fallback().clone()
}

const LISTS: &str = r#""to": ["a", "b"], "context_window": ["long"], "content_policy": ["mild"]"#;

#[test]
fn each_class_has_its_list() {
    let fallback = fallback(&format!("{{{LISTS}}}"));
    for class in Class::ALL {
        let list: &[&str] = match class.facts().falls_back {
            FallsBack::Never => &[],
            FallsBack::General => &["a", "b"],
            FallsBack::ContextWindowFirst => &["long"],
            FallsBack::ContentPolicyOnly => &["mild"],
        };
        assert_eq!(fallback.list_for(*class), list, "{class}");
        assert_eq!(fallback.allows(*class), !list.is_empty(), "{class}");
    }
}

#[test]
fn a_prompt_that_does_not_fit_takes_the_general_list_where_it_has_none() {
    assert_eq!(fallback(r#"{"to": ["a"]}"#).list_for(Class::ContextWindow), ["a"]);
}

#[test]
fn refused_content_never_takes_the_general_list() {
    let none: [&str; 0] = [];
    assert_eq!(fallback(r#"{"to": ["a"]}"#).list_for(Class::ContentPolicy), none);
    let named = fallback(r#"{"to": ["a"], "classes": ["content_policy"]}"#);
    assert_eq!(named.list_for(Class::ContentPolicy), none);
}

#[test]
fn a_list_of_classes_has_the_last_word() {
    let none: [&str; 0] = [];
    let fallback =
        fallback(&format!(r#"{{{LISTS}, "classes": ["bad_request", "context_window"]}}"#));
    assert_eq!(fallback.list_for(Class::BadRequest), ["a", "b"]);
    assert_eq!(fallback.list_for(Class::ContextWindow), ["long"]);
    assert_eq!(fallback.list_for(Class::Timeout), none);
}

#[test]
fn off_means_nowhere() {
    for off in [r#""off""#, "false", &format!(r#"{{{LISTS}, "max": 0}}"#)] {
        let fallback = fallback(off);
        assert_eq!(fallback.max(), 0);
        for class in Class::ALL {
            assert!(!fallback.allows(*class) && fallback.list_for(*class).is_empty());
        }
    }
}
