use super::*;
use http::{HeaderName, HeaderValue};
use proptest::prelude::*;
use serde_json::Value;

const VECTORS: &str =
    include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/../../tests/vectors/retry_after.json"));

#[test]
fn reads_the_published_hints() {
    let vectors: Value = serde_json::from_str(VECTORS).unwrap();
    let rows = vectors["rows"].as_array().unwrap();
    for row in rows {
        let id = &row["id"];
        let headers: HeaderMap = (row["headers"].as_object().unwrap().iter())
            .map(|(name, value)| {
                let value = HeaderValue::from_bytes(value.as_str().unwrap().as_bytes()).unwrap();
                (name.parse::<HeaderName>().unwrap(), value)
            })
            .collect();
        let now = SystemTime::UNIX_EPOCH + Duration::from_secs(row["now"].as_u64().unwrap());
        let hint = retry_after(&headers, now);

        let expected = row.get("lenient_ms").unwrap_or(&row["strict_ms"]);
        match expected.as_u64() {
            Some(ms) => assert_eq!(hint, Some(Duration::from_millis(ms)), "{id}"),
            // Huge, not absent: more milliseconds than an `i64` can count.
            None if row["clamp"] == true => {
                assert!(hint.unwrap().as_millis() > i64::MAX as u128, "{id}: {hint:?}");
            }
            None => assert_eq!(hint, None, "{id}"),
        }
    }
    println!("retry_after.json: {} rows", rows.len());
    assert_eq!(rows.len() as u64, vectors["count"].as_u64().unwrap());
}

#[test]
fn a_header_that_came_twice_says_nothing() {
    let mut headers = HeaderMap::new();
    headers.append("retry-after", HeaderValue::from_static("20"));
    headers.append("retry-after", HeaderValue::from_static("20"));
    assert_eq!(retry_after(&headers, SystemTime::UNIX_EPOCH), None);

    headers.append("x-ms-retry-after-ms", HeaderValue::from_static("5"));
    let hint = retry_after(&headers, SystemTime::UNIX_EPOCH);
    assert_eq!(hint, Some(Duration::from_millis(5)));
}

#[test]
fn the_date_forms_take_no_other_separators() {
    let now = SystemTime::UNIX_EPOCH + Duration::from_secs(784_111_747);
    let dates = [
        "Sun, 06 Nov 1994 08:49:37 GMT",
        "Sunday, 06-Nov-94 08:49:37 GMT",
        "Sun Nov  6 08:49:37 1994",
    ];
    for date in dates {
        assert_eq!(read(date, now), Some(Duration::from_secs(30)), "{date}");
        for at in 0..date.len() {
            for other in ["x", "-", ":", " ", ",", ";", "/"] {
                let mut wrong = date.to_owned();
                wrong.replace_range(at..=at, other);
                if wrong != date {
                    assert_eq!(read(&wrong, now), None, "{wrong}");
                }
            }
        }
    }
}

#[test]
fn a_date_is_counted_from_a_fraction_of_a_second() {
    let now = SystemTime::UNIX_EPOCH + Duration::from_millis(784_111_776_250);
    let wait = read("Sun, 06 Nov 1994 08:49:37 GMT", now);
    assert_eq!(wait, Some(Duration::from_millis(750)));
}

#[test]
fn what_a_duration_cannot_hold_is_the_longest_one() {
    let epoch = SystemTime::UNIX_EPOCH;
    let most = u64::MAX.to_string();
    assert_eq!(read(&most, epoch), Some(Duration::from_secs(u64::MAX)));
    let more = format!("{}0", u64::MAX);
    assert_eq!(read(&more, epoch), Some(Duration::MAX));
    assert_eq!(read(&"9".repeat(4000), epoch), Some(Duration::MAX));
    let fraction = format!("0.{}1", "0".repeat(4000));
    assert_eq!(read(&fraction, epoch), Some(Duration::from_millis(1)));
}

#[test]
fn should_retry_is_true_or_false_or_nothing() {
    let answer = |value: &'static str| {
        let mut headers = HeaderMap::new();
        headers.insert("x-should-retry", HeaderValue::from_static(value));
        should_retry(&headers)
    };
    assert_eq!(answer("true"), Some(true));
    assert_eq!(answer("false"), Some(false));
    assert_eq!(answer(" False "), Some(false));
    assert_eq!(answer("1"), None);
    assert_eq!(answer(""), None);
    assert_eq!(should_retry(&HeaderMap::new()), None);
}

fn read(value: &str, now: SystemTime) -> Option<Duration> {
    let mut headers = HeaderMap::new();
    headers.insert("retry-after", HeaderValue::from_str(value).unwrap());
    retry_after(&headers, now)
}

proptest! {
    #[test]
    fn never_panics_on_any_value(
        value in prop::collection::vec(prop_oneof![Just(b' '), Just(b'.'), 0x20..=0x7e_u8, 0x80..=0xff_u8], 0..40),
        now in any::<u32>(),
    ) {
        let now = SystemTime::UNIX_EPOCH + Duration::from_secs(u64::from(now));
        for name in ["retry-after", "retry-after-ms", "x-should-retry"] {
            let mut headers = HeaderMap::new();
            headers.insert(name, HeaderValue::from_bytes(&value).unwrap());
            let _ = (retry_after(&headers, now), should_retry(&headers));
        }
    }

    #[test]
    fn never_panics_on_what_looks_like_a_date(
        value in "[MTWFS][a-z]{2,8},? ([0-9]{2}[ -])?[A-Z][a-z]{2}[ -][ 0-9]{2,4} [0-9]{2}:[0-9]{2}:[0-9]{2} ?(GMT|[0-9]{4})?",
    ) {
        let _ = read(&value, SystemTime::UNIX_EPOCH);
    }

    #[test]
    fn seconds_round_up_to_the_millisecond(whole in 0..100_000_u64, micros in 0..1_000_000_u64) {
        let expected = Duration::from_millis(whole * 1000 + micros.div_ceil(1000));
        let wait = read(&format!("{whole}.{micros:06}"), SystemTime::UNIX_EPOCH);
        prop_assert_eq!(wait, Some(expected));
    }
}
