//! Reads `google.rpc.RetryInfo`: how long a server asks to wait, in the body of its error.
//!
//! An entry of the error's `details`, found by its type; its `retryDelay` is a duration in the JSON
//! form of protobuf: seconds with up to nine decimals and an `s`, e.g. `"41.5s"`, at most
//! 315 576 000 000 s (<https://protobuf.dev/reference/protobuf/google.protobuf/#duration>). Anything
//! else counts as absent, a negative one too. Of several the longest counts.

use std::time::Duration;

use serde_json::{Map, Value};

const KIND: &str = "google.rpc.RetryInfo";
const MOST_SECONDS: u64 = 315_576_000_000;

/// The entries of an error's `details`.
pub(super) fn details(error: &Map<String, Value>) -> impl Iterator<Item = &Value> {
    error.get("details").and_then(Value::as_array).into_iter().flatten()
}

/// The wait that an error asks for, rounded up to the millisecond.
pub(super) fn of(error: &Map<String, Value>) -> Option<Duration> {
    details(error)
        .filter(|detail| {
            let kind = detail.get("@type").and_then(Value::as_str).unwrap_or_default();
            kind.rsplit('/').next() == Some(KIND)
        })
        .filter_map(|info| info.get("retryDelay").or_else(|| info.get("retry_delay"))?.as_str())
        .filter_map(duration)
        .max()
}

fn duration(text: &str) -> Option<Duration> {
    let number = text.strip_suffix('s')?;
    let (whole, fraction) = match number.split_once('.') {
        Some((whole, fraction)) => (whole, Some(fraction)),
        None => (number, None),
    };
    let seconds: u64 = digits(whole)?.parse().ok()?;
    if whole.len() > 1 && whole.starts_with('0') {
        return None;
    }
    let nanos = match fraction {
        Some(fraction) if fraction.len() <= 9 => {
            format!("{:0<9}", digits(fraction)?).parse().ok()?
        }
        Some(_) => return None,
        None => 0,
    };
    if seconds > MOST_SECONDS || (seconds == MOST_SECONDS && nanos > 0) {
        return None;
    }
    let exact = Duration::new(seconds, nanos);
    let millis = exact.as_nanos().div_ceil(1_000_000);
    Some(Duration::from_millis(u64::try_from(millis).ok()?))
}

/// `text`, if it is digits and nothing else.
fn digits(text: &str) -> Option<&str> {
    (!text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit())).then_some(text)
}
