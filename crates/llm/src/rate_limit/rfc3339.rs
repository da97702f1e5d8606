//! Moments as RFC 3339 writes them.

use std::time::Duration;

const DAY: i64 = 86_400;

/// The time from the Unix epoch to a moment such as `2023-09-29T16:26:57.5+02:00`; one before it is the epoch.
pub(super) fn moment(text: &str) -> Option<Duration> {
    let (date, rest) = (text.get(..10)?, text.get(10..)?);
    let rest = rest.strip_prefix(['T', 't'])?;
    let (time, rest) = (rest.get(..8)?, rest.get(8..)?);
    let [year, month, day] = parts(date, "-", [4, 2, 2])?;
    let [hour, minute, second] = parts(time, ":", [2, 2, 2])?;
    let (nanos, rest) = fraction(rest)?;
    let offset = offset(rest)?;
    let fits = (1..=12).contains(&month)
        && (1..=days_in(year, month)).contains(&day)
        && hour < 24
        && minute < 60
        // A leap second.
        && second <= 60;
    if !fits {
        return None;
    }
    let seconds = days_since_epoch(year, month, day) * DAY + hour * 3600 + minute * 60 + second;
    Some(Duration::new(u64::try_from(seconds - offset).unwrap_or(0), nanos))
}

/// Three numbers of so many digits.
fn parts(text: &str, between: &str, digits: [usize; 3]) -> Option<[i64; 3]> {
    let mut parts = text.split(between);
    let mut numbers = [0; 3];
    for (number, digits) in numbers.iter_mut().zip(digits) {
        let part = parts.next().filter(|part| part.len() == digits && is_digits(part))?;
        *number = part.parse().ok()?;
    }
    parts.next().is_none().then_some(numbers)
}

fn is_digits(text: &str) -> bool {
    text.bytes().all(|byte| byte.is_ascii_digit())
}

/// The nanoseconds of `.123`, if it is there, and what follows.
fn fraction(text: &str) -> Option<(u32, &str)> {
    let Some(rest) = text.strip_prefix('.') else {
        return Some((0, text));
    };
    let end = rest.find(|c: char| !c.is_ascii_digit()).unwrap_or(rest.len());
    let (digits, rest) = rest.split_at(end);
    if digits.is_empty() {
        return None;
    }
    let nanos: String = digits.chars().chain("000000000".chars()).take(9).collect();
    Some((nanos.parse().ok()?, rest))
}

/// The seconds that a local time is ahead.
fn offset(text: &str) -> Option<i64> {
    if matches!(text, "Z" | "z") {
        return Some(0);
    }
    let sign = match text.get(..1)? {
        "+" => 1,
        "-" => -1,
        _ => return None,
    };
    let (hours, minutes) = text.get(1..)?.split_once(':')?;
    let number = |text: &str| -> Option<i64> {
        (text.len() == 2 && is_digits(text)).then(|| text.parse().ok())?
    };
    let (hours, minutes) = (number(hours)?, number(minutes)?);
    (hours < 24 && minutes < 60).then_some(sign * (hours * 3600 + minutes * 60))
}

fn is_leap(year: i64) -> bool {
    year % 4 == 0 && (year % 100 != 0 || year % 400 == 0)
}

fn days_in(year: i64, month: i64) -> i64 {
    match month {
        2 => 28 + i64::from(is_leap(year)),
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    }
}

/// The days from the epoch to a date of the Gregorian calendar.
fn days_since_epoch(year: i64, month: i64, day: i64) -> i64 {
    // Years that begin in March, so that the leap day is their last.
    let (year, month) = if month > 2 { (year, month - 3) } else { (year - 1, month + 9) };
    let (century, year_of) = (year.div_euclid(100), year.rem_euclid(100));
    let days = (146_097 * century).div_euclid(4) + 1461 * year_of / 4 + (153 * month + 2) / 5 + day;
    // From the first of March of the year 0 to the epoch, and days are counted from 1.
    days - 719_469
}
