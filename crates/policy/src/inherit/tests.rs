use super::*;

fn read<T: for<'de> Deserialize<'de>>(text: &str) -> Setting<T> {
    serde_json::from_str(text).unwrap()
}

#[test]
fn tells_unset_off_and_set_apart() {
    assert_eq!(read::<u32>("null"), Setting::Unset);
    assert_eq!(read::<u32>("\"off\""), Setting::Off);
    assert_eq!(read::<u32>("false"), Setting::Off);
    assert_eq!(read::<u32>("0"), Setting::Set(0));
    assert_eq!(read::<f64>("1.5"), Setting::Set(1.5));
    assert_eq!(read::<i8>("-1"), Setting::Set(-1));
    assert_eq!(read::<String>("\"on\""), Setting::Set("on".to_owned()));
    assert_eq!(read::<Vec<u8>>("[1, 2]"), Setting::Set(vec![1, 2]));
    assert_eq!(read::<bool>("true"), Setting::Set(true));
    let map = std::collections::BTreeMap::from([("a".to_owned(), 1)]);
    assert_eq!(read(r#"{"a": 1}"#), Setting::Set(map));
}

#[test]
fn lets_the_value_say_what_it_expects() {
    let error = serde_json::from_str::<Setting<u32>>("\"two\"").unwrap_err();
    assert!(error.to_string().contains("expected u32"), "{error}");
}

#[test]
fn is_written_as_it_is_read() {
    for setting in [Setting::Unset, Setting::Off, Setting::Set(7)] {
        let text = serde_json::to_string(&setting).unwrap();
        assert_eq!(read::<u32>(&text), setting);
    }
}

#[test]
fn answers_what_it_is() {
    assert!(Setting::<u32>::default().is_unset());
    assert!(Setting::<u32>::Off.is_off());
    assert_eq!(Setting::from(3).value(), Some(&3));
    assert_eq!(Setting::<u32>::Off.value(), None);
}
