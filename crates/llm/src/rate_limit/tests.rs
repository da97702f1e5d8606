use super::*;
use http::HeaderName;
use proptest::prelude::*;
use serde_json::Value;

const VECTORS: &str =
    include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/../../tests/vectors/rate_limit_reset.json"));

#[test]
fn reads_the_published_resets() {
    let vectors: Value = serde_json::from_str(VECTORS).unwrap();
    let rows = vectors["rows"].as_array().unwrap();
    let (mut ran, mut others) = (0, 0);
    for row in rows {
        let id = &row["id"];
        let reset = row["header"].as_str().unwrap();
        if !LIMITS.iter().any(|(_, name)| *name == reset) {
            // Other dialects: RFC 3339 dates, Unix times, the IETF drafts.
            others += 1;
            continue;
        }
        let remaining = reset.replace("-reset-", "-remaining-");
        let value = row["value"].as_str().unwrap();
        let headers = headers([(remaining.as_str(), "0"), (reset, value)]);

        let expected = row.get("lenient_ms").unwrap_or(&row["expect_ms"]).as_u64();
        assert_eq!(
            rate_limit_reset(&headers),
            expected.map(Duration::from_millis),
            "{id}: {value}"
        );
        ran += 1;
    }
    println!("rate_limit_reset.json: {ran} rows, {others} of other dialects");
    assert_eq!((ran, ran + others), (59, vectors["count"].as_u64().unwrap()));
}

#[test]
fn only_what_is_used_up_counts_and_the_longest_of_it() {
    let vectors: Value = serde_json::from_str(VECTORS).unwrap();
    let combine = &vectors["combine"];
    let rows = combine["rows"].as_array().unwrap();
    let (mut ran, mut others) = (0, 0);
    for row in rows {
        let fields = row["headers"].as_object().unwrap();
        // Which of several kinds of hint wins is decided elsewhere.
        if fields.keys().any(|name| !name.starts_with("x-ratelimit-")) {
            others += 1;
            continue;
        }
        let headers =
            headers((fields.iter()).map(|(name, value)| (name.as_str(), value.as_str().unwrap())));
        let expected = row["expect_ms"].as_u64().map(Duration::from_millis);
        assert_eq!(rate_limit_reset(&headers), expected, "{}", row["id"]);
        ran += 1;
    }
    println!("rate_limit_reset.json, combine: {ran} rows, {others} with other headers");
    assert_eq!((ran, ran + others), (4, combine["count"].as_u64().unwrap()));
}

#[test]
fn what_remains_must_be_a_number_and_none() {
    let reset = |remaining: &str| {
        rate_limit_reset(&headers([
            ("x-ratelimit-remaining-tokens", remaining),
            ("x-ratelimit-reset-tokens", "120ms"),
        ]))
    };
    let wait = Some(Duration::from_millis(120));
    assert_eq!(reset("0"), wait);
    assert_eq!(reset("-3"), wait);
    assert_eq!(reset(" 0 "), wait);
    assert_eq!(reset("1"), None);
    assert_eq!(reset(""), None);
    assert_eq!(reset("none"), None);
    assert_eq!(rate_limit_reset(&headers([("x-ratelimit-reset-tokens", "1s")])), None);
    assert_eq!(rate_limit_reset(&headers([("x-ratelimit-remaining-tokens", "0")])), None);
}

fn headers<'a>(fields: impl IntoIterator<Item = (&'a str, &'a str)>) -> HeaderMap {
    fields
        .into_iter()
        .map(|(name, value)| {
            let value = HeaderValue::from_bytes(value.as_bytes()).unwrap();
            (name.parse::<HeaderName>().unwrap(), value)
        })
        .collect()
}

proptest! {
    #[test]
    fn never_panics(text in "[+0-9.]{0,25}[a-z\u{b5}\u{3bc}]{0,3}[0-9.]{0,30}[a-z]{0,3}") {
        let _ = wait(&HeaderValue::from_bytes(text.as_bytes()).unwrap());
    }

    #[test]
    fn reads_what_go_writes(hours in 0..1000_u64, minutes in 0..60_u64, millis in 0..60_000_u64) {
        let text = format!("{hours}h{minutes}m{}.{:03}s", millis / 1000, millis % 1000);
        let expected = Duration::from_millis(((hours * 60) + minutes) * 60_000 + millis);
        prop_assert_eq!(wait(&HeaderValue::from_str(&text).unwrap()), Some(expected));
    }
}
