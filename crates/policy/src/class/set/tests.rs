use super::*;

#[test]
fn holds_what_was_put_in() {
    let mut set: ClassSet =
        [Class::Cancelled, Class::Timeout, Class::Timeout].into_iter().collect();
    assert_eq!(set.iter().collect::<Vec<_>>(), [Class::Timeout, Class::Cancelled]);
    assert!(set.contains(Class::Timeout) && !set.contains(Class::Conflict));
    set.insert(Class::Conflict);
    assert!(set.contains(Class::Conflict));
}

#[test]
fn knows_nothing_and_everything() {
    assert!(ClassSet::EMPTY.is_empty());
    assert_eq!(ClassSet::EMPTY.iter().count(), 0);
    assert_eq!(ClassSet::ALL.iter().collect::<Vec<_>>(), Class::ALL);
    assert_eq!(Class::ALL.iter().copied().collect::<ClassSet>(), ClassSet::ALL);
}

#[test]
fn is_a_list_of_names_in_text() {
    let set: ClassSet = serde_json::from_str(r#"["rate_limit", "timeout"]"#).unwrap();
    assert_eq!(serde_json::to_string(&set).unwrap(), r#"["timeout","rate_limit"]"#);
    assert!(serde_json::from_str::<ClassSet>(r#"["timeuot"]"#).is_err());
}
