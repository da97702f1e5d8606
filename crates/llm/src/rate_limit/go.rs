//! Durations as Go writes them, and plain numbers of seconds.

/// How Go writes the units of a duration, and how many nanoseconds each is.
const UNITS: [(&str, u128); 8] = [
    ("ns", 1),
    ("us", 1_000),
    ("\u{b5}s", 1_000),  // the micro sign
    ("\u{3bc}s", 1_000), // the Greek letter mu
    ("ms", 1_000_000),
    ("s", 1_000_000_000),
    ("m", 60 * 1_000_000_000),
    ("h", 3600 * 1_000_000_000),
];

/// Nanoseconds of a duration that Go's `time.ParseDuration` takes, unless it is negative.
pub(super) fn go_duration(text: &str) -> Option<u128> {
    let mut rest = text.strip_prefix('+').unwrap_or(text);
    if rest == "0" {
        return Some(0);
    }
    if rest.is_empty() {
        return None;
    }
    let mut total = 0_u128;
    while !rest.is_empty() {
        let (whole, fraction, after) = number(rest)?;
        let end = after.find(|c: char| c == '.' || c.is_ascii_digit()).unwrap_or(after.len());
        let (name, next) = after.split_at(end);
        let (_, unit) = UNITS.iter().find(|(unit, _)| *unit == name)?;
        total = total.checked_add(nanos(whole, fraction, *unit)?)?;
        rest = next;
    }
    Some(total).filter(fits)
}

/// Nanoseconds of a plain number of seconds.
pub(super) fn seconds(text: &str) -> Option<u128> {
    let (whole, fraction, after) = number(text)?;
    let written_out = !whole.is_empty() && (!fraction.is_empty() || !text.contains('.'));
    if !after.is_empty() || !written_out {
        return None;
    }
    nanos(whole, fraction, 1_000_000_000).filter(fits)
}

/// Splits off a number: its digits before and after the point (one of the two may be missing), and
/// what follows.
fn number(text: &str) -> Option<(&str, &str, &str)> {
    let (whole, rest) = digits(text);
    let (fraction, rest) = rest.strip_prefix('.').map_or(("", rest), digits);
    (!whole.is_empty() || !fraction.is_empty()).then_some((whole, fraction, rest))
}

fn digits(text: &str) -> (&str, &str) {
    let end = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    text.split_at(end)
}

/// So many units in nanoseconds, cut off after the last whole one as Go does.
fn nanos(whole: &str, fraction: &str, unit: u128) -> Option<u128> {
    let whole = if whole.is_empty() {
        0
    } else {
        // More digits than this are more than Go can hold.
        whole.parse::<u128>().ok()?.checked_mul(unit)?
    };
    // Further digits are less than a nanosecond of the largest unit.
    let places = fraction.len().min(18);
    let (fraction, _) = fraction.split_at(places);
    let (part, scale) = fraction.bytes().fold((0_u128, 1_u128), |(part, scale), digit| {
        (part * 10 + u128::from(digit - b'0'), scale * 10)
    });
    whole.checked_add(part * unit / scale)
}

/// Go holds nanoseconds in 64 bits with a sign.
fn fits(nanos: &u128) -> bool {
    i64::try_from(*nanos).is_ok()
}
