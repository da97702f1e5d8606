use secondwind_llm::dialect::{Anthropic, Azure, Dialect, OpenAiChat};

use super::*;

fn at(dialect: &'static dyn Dialect, base: &str, passed: &Passed) -> String {
    let target = Target::new("id", dialect, "m", base.parse().unwrap());
    passed.uri(&target).map(|uri| uri.to_string()).unwrap_or_default()
}

fn asked(path: &str, query: &str) -> Passed {
    Passed::new(Method::GET, path).query(Some(query.to_owned()))
}

#[test]
fn stands_behind_the_base_with_the_callers_query() {
    let files = asked("/files/a%20b", "limit=1&after=x%2Fy");
    let of = |base| at(&OpenAiChat, base, &files);
    assert_eq!(of("https://a/v1"), "https://a/v1/files/a%20b?limit=1&after=x%2Fy");
    assert_eq!(of("https://a"), "https://a/files/a%20b?limit=1&after=x%2Fy");
    assert_eq!(at(&OpenAiChat, "https://a/v1/", &asked("/files", "")), "https://a/v1/files");
}

#[test]
fn the_bases_own_query_is_not_replaced() {
    let tricky = "api-version=evil&API-Version=e&api%2Dversion=e&api-version&after=x&&order=asc";
    let base = "https://a/openai/v1?api-version=1";
    let expected = "https://a/openai/v1/files?api-version=1&after=x&order=asc";
    assert_eq!(at(&OpenAiChat, base, &asked("/files", tricky)), expected);
}

#[test]
fn azure_has_pictures_behind_a_deployment_and_files_beside_it() {
    let base = "https://a/openai/deployments/y?api-version=1";
    let picture = Passed::new(Method::POST, "/images/generations");
    let expected = "https://a/openai/deployments/y/images/generations?api-version=1";
    assert_eq!(at(&Azure, base, &picture), expected);
    let files = Passed::new(Method::GET, "/files").pinned("id".into());
    assert_eq!(at(&Azure, base, &files), "https://a/openai/files?api-version=1");
}

#[test]
fn another_api_has_no_place_for_it() {
    let picture = Passed::new(Method::POST, "/images/generations");
    assert_eq!(at(&Anthropic, "https://a", &picture), "");
}

#[test]
fn what_belongs_to_an_account_is_done_twice_only_where_that_is_safe() {
    let none = HeaderMap::new();
    let mut keyed = HeaderMap::new();
    keyed.insert("idempotency-key", "1".parse().unwrap());
    for (method, safe) in [
        (Method::GET, true),
        (Method::DELETE, true),
        (Method::PUT, true),
        (Method::POST, false),
        (Method::PATCH, false),
    ] {
        let pinned = Passed::new(method.clone(), "/files").pinned("id".into());
        assert_eq!(pinned.is_idempotent(&none), safe, "{method}");
        assert!(pinned.is_idempotent(&keyed), "{method}");
        assert!(Passed::new(method, "/moderations").is_idempotent(&none));
    }
}
