use super::*;

fn parts<'a>(pattern: &str, name: &'a str) -> Option<Vec<&'a str>> {
    Pattern::new(pattern).unwrap().parts(name)
}

#[test]
fn a_name_without_a_star_is_no_pattern() {
    assert!(Pattern::new("gpt-4o").is_none());
}

#[test]
fn a_star_stands_for_any_part_of_a_name() {
    for (pattern, name, told) in [
        ("*", "gpt-4o", vec!["gpt-4o"]),
        ("*", "", vec![""]),
        ("openai/*", "openai/gpt-4o", vec!["gpt-4o"]),
        ("openai/*", "openai/", vec![""]),
        ("*-mini", "gpt-4o-mini", vec!["gpt-4o"]),
        ("gpt-*-mini", "gpt-4o-mini", vec!["4o"]),
        ("fo::*::static::*", "fo::bar::static::baz", vec!["bar", "baz"]),
        ("*meta.llama3*", "hello-meta.llama3-70b", vec!["hello-", "-70b"]),
        // As a greedy expression would.
        ("*-*", "a-b-c", vec!["a-b", "c"]),
        ("a*b*c", "abbc", vec!["b", ""]),
    ] {
        assert_eq!(parts(pattern, name), Some(told), "{pattern} {name}");
    }
}

#[test]
fn what_it_does_not_cover_it_does_not_match() {
    for (pattern, name) in [
        ("openai/*", "gpt-4o"),
        ("openai/*", "azure/openai/gpt"),
        ("*-mini", "gpt-4o-mini-2"),
        ("ab*ba", "aba"),
        ("a*b*b", "ab"),
        ("a**b", "a"),
    ] {
        assert_eq!(parts(pattern, name), None, "{pattern} {name}");
    }
}

#[test]
fn nothing_goes_to_a_provider_that_is_no_name() {
    let long = "x".repeat(LONGEST + 1);
    for name in
        ["a b", "a\r\nx: y", "a?b", "a#b", "a%2f", "../x", "a/../b", "*", "é", "a\\b", &long]
    {
        assert_eq!(parts("*", name), None, "{name}");
    }
    for name in ["meta-llama/Llama-3.1-8B", "ft:gpt-4o:org::id", "claude@20240620", "a+b~c_d"] {
        assert_eq!(parts("*", name), Some(vec![name]));
    }
}

#[test]
fn parts_go_where_the_stars_are() {
    assert_eq!(filled("*", &["gpt"]), "gpt");
    assert_eq!(filled("fo::*::static::*", &["bar", "baz"]), "fo::bar::static::baz");
    assert_eq!(filled("meta.llama3*", &["hello-", "-70b"]), "meta.llama3-70b");
    assert_eq!(filled("gpt-4o-mini", &["anything"]), "gpt-4o-mini");
}

/// What a greedy regular expression finds, by trying everything.
fn tried<'a>(pattern: &[u8], name: &'a str) -> Option<Vec<&'a str>> {
    match pattern.split_first() {
        None => name.is_empty().then(Vec::new),
        Some((b'*', rest)) => (0..=name.len()).rev().find_map(|end| {
            let mut found = tried(rest, &name[end..])?;
            found.insert(0, &name[..end]);
            Some(found)
        }),
        Some((byte, rest)) => {
            (name.as_bytes().first() == Some(byte)).then(|| tried(rest, &name[1..]))?
        }
    }
}

#[test]
fn it_finds_what_a_greedy_regular_expression_finds() {
    let mut rng = fastrand::Rng::with_seed(4);
    let mut found = 0;
    for _ in 0..20_000 {
        let mut text = |letters: &[u8], most: usize| -> String {
            let length = rng.usize(0..=most);
            (0..length).map(|_| char::from(letters[rng.usize(0..letters.len())])).collect()
        };
        let (pattern, name) = (text(b"ab*", 6), text(b"ab", 8));
        let Some(made) = Pattern::new(&pattern) else { continue };
        assert_eq!(made.parts(&name), tried(pattern.as_bytes(), &name), "{pattern} {name}");
        found += usize::from(made.covers(&name));
    }
    assert!(found > 500, "{found}");
}
