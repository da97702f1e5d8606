use super::*;

#[test]
fn reads_what_people_write() {
    for (text, nanos) in [
        ("0s", 0),
        ("250ms", 250_000_000),
        ("2s", 2_000_000_000),
        ("1.5s", 1_500_000_000),
        ("0.1s", 100_000_000),
        ("1m30s", 90_000_000_000),
        ("1m 30s", 90_000_000_000),
        ("1 m 30 s", 90_000_000_000),
        (" 1h ", 3_600_000_000_000),
        ("1h1m1s1ms1us1ns", 3_661_001_001_001),
        ("7d", 604_800_000_000_000),
        ("15µs", 15_000),
        ("0.0000000019s", 1),
    ] {
        assert_eq!(parse(text), Ok(Duration::from_nanos(nanos)), "{text}");
    }
}

#[test]
fn reads_seconds_with_decimals() {
    for (seconds, millis) in [(0.0, 0), (0.1, 100), (2.0, 2000), (1.005, 1005), (90.0, 90_000)] {
        assert_eq!(from_seconds(seconds), Ok(Duration::from_millis(millis)), "{seconds}");
    }
}

#[test]
fn says_what_to_write_instead() {
    let forms = FORMS;
    for (text, message) in [
        ("", format!("must not be empty; write {forms}")),
        ("  ", format!("must not be empty; write {forms}")),
        ("-5s", "must not be negative (`-5s`)".to_owned()),
        ("5", "`5` has no unit; write `5s`, or the number alone".to_owned()),
        ("5sec", "unknown unit `sec` in `5sec`; use d, h, m, s, ms, us or ns".to_owned()),
        ("5S", "unknown unit `S` in `5S`; use d, h, m, s, ms, us or ns".to_owned()),
        ("30s1m", "`30s1m` must name each unit once, from large to small".to_owned()),
        ("1s1s", "`1s1s` must name each unit once, from large to small".to_owned()),
        ("soon", format!("`soon` is not a duration; write {forms}")),
        ("inf", format!("`inf` is not a duration; write {forms}")),
        ("NaN", format!("`NaN` is not a duration; write {forms}")),
        ("1..5s", format!("`1..5s` is not a duration; write {forms}")),
        (".s", format!("`.s` is not a duration; write {forms}")),
        ("1s!", format!("`1s!` is not a duration; write {forms}")),
        ("366d", "must not be longer than a year".to_owned()),
        ("99999999999999999999999999d", "must not be longer than a year".to_owned()),
    ] {
        assert_eq!(parse(text), Err(message), "{text:?}");
    }
}

#[test]
fn refuses_numbers_that_are_no_duration() {
    let forms = FORMS;
    for (seconds, message) in [
        (-5.0, "must not be negative (-5)".to_owned()),
        (-0.5, "must not be negative (-0.5)".to_owned()),
        (f64::NAN, format!("must be {forms}, not NaN")),
        (f64::INFINITY, format!("must be {forms}, not inf")),
        (1e300, "must not be longer than a year".to_owned()),
    ] {
        assert_eq!(from_seconds(seconds), Err(message), "{seconds}");
    }
}

#[test]
fn writes_what_reads_back_as_the_same() {
    for (nanos, text) in [
        (0, "0s"),
        (1, "1ns"),
        (15_000, "15us"),
        (250_000_000, "250ms"),
        (1_500_000_000, "1.5s"),
        (60_000_000_000, "1m"),
        (90_000_000_000, "1m30s"),
        (3_600_000_000_000, "1h"),
        (3_600_500_000_000, "1h0.5s"),
        (90_061_000_000_001, "25h1m1.000000001s"),
    ] {
        let duration = Duration::from_nanos(nanos);
        assert_eq!(show(duration), text);
        assert_eq!(parse(text), Ok(duration), "{text}");
    }
}
