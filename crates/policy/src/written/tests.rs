use super::*;

fn read<T: Scalar>(text: &str) -> Written<T> {
    serde_json::from_str(text).unwrap()
}

#[test]
fn what_is_understood_is_a_value() {
    assert_eq!(read::<u32>("3").value(), Ok(&3));
    assert_eq!(read::<u64>("18446744073709551615").value(), Ok(&u64::MAX));
    assert_eq!(read::<f64>("2").value(), Ok(&2.0));
    assert_eq!(read::<Duration>("1.5").value(), Ok(&Duration::from_millis(1500)));
    assert_eq!(read::<Duration>("\"2s\"").value(), Ok(&Duration::from_secs(2)));
    assert_eq!(read::<Reserve>("\"share\"").value(), Ok(&Reserve::Share));
    assert_eq!(read::<Reserve>("10").value(), Ok(&Reserve::Fixed(Duration::from_secs(10))));
    assert_eq!(read::<Class>("\"conflict\"").value(), Ok(&Class::Conflict));
    assert_eq!(read::<WhenAllOpen>("\"least_bad\"").value(), Ok(&WhenAllOpen::LeastBad));
}

#[test]
fn what_is_not_understood_says_what_to_write() {
    let whole = "must be a whole number from 0 to 4294967295, not";
    assert_eq!(read::<u32>("-1").value(), Err(format!("{whole} -1").as_str()));
    assert_eq!(read::<u32>("1.5").value(), Err(format!("{whole} 1.5").as_str()));
    assert_eq!(read::<u32>("4294967296").value(), Err(format!("{whole} 4294967296").as_str()));
    assert_eq!(read::<u32>("\"two\"").value(), Err(format!("{whole} `two`").as_str()));
    assert_eq!(read::<f64>("\"x\"").value(), Err("must be a number, not `x`"));
    assert_eq!(read::<Class>("4").value(), Err("must be the name of a class, not 4"));
    assert_eq!(read::<Duration>("-5").value(), Err("must not be negative (-5)"));
    assert_eq!(
        read::<WhenAllOpen>("\"later\"").value(),
        Err("must be `fail_fast` or `least_bad`, not `later`")
    );
}

#[test]
fn what_is_no_scalar_is_an_error_at_once() {
    let error = serde_json::from_str::<Written<Duration>>("[1]").unwrap_err().to_string();
    assert!(error.contains("expected a number of seconds, or text such as"), "{error}");
    assert!(serde_json::from_str::<Written<u32>>("true").is_err());
}

#[test]
fn what_was_not_understood_is_written_again_as_it_was() {
    for text in ["-5.0", "\"soon\"", "\"\""] {
        let ill = read::<Duration>(text);
        assert!(ill.value().is_err());
        assert_eq!(serde_json::to_string(&ill).unwrap(), text);
    }
}
