use super::*;
use http::HeaderName;
use proptest::prelude::*;
use secondwind_layers::classify::retry_after::retry_after;
use serde_json::Value;

const VECTORS: &str =
    include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/../../tests/vectors/rate_limit_reset.json"));

/// The clock of the vectors.
fn clock(row: &Value) -> SystemTime {
    UNIX_EPOCH + Duration::from_secs(row["now"].as_u64().unwrap())
}

#[test]
fn reads_the_published_resets() {
    let vectors: Value = serde_json::from_str(VECTORS).unwrap();
    let rows = vectors["rows"].as_array().unwrap();
    for row in rows {
        let (id, reset) = (&row["id"], row["header"].as_str().unwrap());
        let value = row["value"].as_str().unwrap();
        let remaining = reset.replace("-reset", "-remaining");
        let headers = match reset {
            IETF => headers([(reset, value)]),
            _ => headers([(remaining.as_str(), "0"), (reset, value)]),
        };
        let expected = row.get("lenient_ms").unwrap_or(&row["expect_ms"]).as_u64();
        let wait = rate_limit_reset(&headers, clock(row));
        assert_eq!(wait, expected.map(Duration::from_millis), "{id}: {value}");
    }
    assert_eq!(rows.len() as u64, vectors["count"].as_u64().unwrap());
}

#[test]
fn only_what_is_used_up_counts_and_the_longest_of_it() {
    let vectors: Value = serde_json::from_str(VECTORS).unwrap();
    let combine = &vectors["combine"];
    let rows = combine["rows"].as_array().unwrap();
    for row in rows {
        let fields = row["headers"].as_object().unwrap();
        let headers =
            headers((fields.iter()).map(|(name, value)| (name.as_str(), value.as_str().unwrap())));
        let expected = row["expect_ms"].as_u64().map(Duration::from_millis);
        // As for a failure: what is said in so many words goes first.
        let now = clock(combine);
        let wait = retry_after(&headers, now).or_else(|| rate_limit_reset(&headers, now));
        assert_eq!(wait, expected, "{}", row["id"]);
    }
    assert_eq!(rows.len() as u64, combine["count"].as_u64().unwrap());
}

#[test]
fn what_remains_must_be_a_number_and_none() {
    let reset = |remaining: &str| {
        let reset = ("x-ratelimit-reset-tokens", "120ms");
        at_once(&headers([("x-ratelimit-remaining-tokens", remaining), reset]))
    };
    let wait = Some(Duration::from_millis(120));
    assert_eq!(reset("0"), wait);
    assert_eq!(reset("-3"), wait);
    assert_eq!(reset(" 0 "), wait);
    assert_eq!(reset("1"), None);
    assert_eq!(reset(""), None);
    assert_eq!(reset("none"), None);
    assert_eq!(at_once(&headers([("x-ratelimit-reset-tokens", "1s")])), None);
    assert_eq!(at_once(&headers([("x-ratelimit-remaining-tokens", "0")])), None);
}

fn at_once(headers: &HeaderMap) -> Option<Duration> {
    rate_limit_reset(headers, UNIX_EPOCH)
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
        let value = HeaderValue::from_bytes(text.as_bytes()).unwrap();
        for form in [Form::Duration, Form::Moment, Form::Number, Form::Seconds] {
            let _ = wait(&value, form, Duration::ZERO);
        }
    }

    #[test]
    fn never_panics_over_a_list(text in "[ ,;=\"\\\\rt0-9a-c-]{0,40}") {
        let _ = ietf::wait(&text);
    }

    #[test]
    fn never_panics_over_a_moment(text in "[0-9]{4}-[0-9]{2}-[0-9]{2}[Tt ][0-9:.+Zz-]{0,20}") {
        let _ = rfc3339::moment(&text);
    }

    #[test]
    fn reads_what_go_writes(hours in 0..1000_u64, minutes in 0..60_u64, millis in 0..60_000_u64) {
        let text = format!("{hours}h{minutes}m{}.{:03}s", millis / 1000, millis % 1000);
        let expected = Duration::from_millis(((hours * 60) + minutes) * 60_000 + millis);
        let value = HeaderValue::from_str(&text).unwrap();
        prop_assert_eq!(wait(&value, Form::Duration, Duration::ZERO), Some(expected));
    }
}
