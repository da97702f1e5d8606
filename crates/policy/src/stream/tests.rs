use std::time::Duration;

use crate::{Policy, Recovery};

fn read(text: &str) -> Result<Policy, String> {
    serde_json::from_str(text).map_err(|error| error.to_string())
}

#[test]
fn streams_are_carried_on_by_default() {
    let policy = Policy::default();
    assert_eq!(policy.stream().recovery(), Recovery::Continue);
    assert_eq!(policy.stream().max_recoveries(), 2);
    assert_eq!(policy.stream().keepalive(), None);
    assert_eq!(policy.timeout().idle(), Some(Duration::from_secs(60)));
    assert_eq!(policy.timeout().content_idle(), Some(Duration::from_secs(300)));
    assert_eq!(policy.timeout().first_content(), None);
    assert_eq!(policy.timeout().stream_total(), None);
}

#[test]
fn what_is_written_is_read_and_what_is_read_is_written() {
    let text = r#"{"stream": {"recovery": "buffer", "keepalive": "15s", "max_recoveries": 1},
        "timeout": {"first_content": 10, "idle": "30s", "content_idle": "2m", "stream_total": "1h"}}"#;
    let policy = read(text).unwrap();
    assert_eq!(policy.stream().recovery(), Recovery::Buffer);
    assert_eq!(policy.stream().keepalive(), Some(Duration::from_secs(15)));
    assert_eq!(policy.timeout().stream_total(), Some(Duration::from_secs(3600)));
    assert_eq!(read(&serde_json::to_string(&policy).unwrap()), Ok(policy));
}

#[test]
fn recovery_is_off_by_word_and_with_its_section() {
    for text in [r#"{"stream": "off"}"#, r#"{"stream": {"recovery": "off"}}"#] {
        let policy = read(text).unwrap();
        assert_eq!(policy.stream().recovery(), Recovery::Off, "{text}");
        assert_eq!(read(&serde_json::to_string(&policy).unwrap()), Ok(policy));
    }
    assert_eq!(Policy::off().stream().recovery(), Recovery::Off);
}

#[test]
fn all_that_is_wrong_is_told_with_its_path() {
    let error =
        read(r#"{"stream": {"recovery": "maybe", "keepalive": 0}, "timeout": {"idle": 0}}"#);
    let error = error.unwrap_err();
    assert!(error.contains("stream.recovery: must be `continue`, `buffer` or \"off\""), "{error}");
    assert!(error.contains("stream.keepalive: must not be 0"), "{error}");
    assert!(error.contains("timeout.idle: must not be 0"), "{error}");
}

#[test]
fn the_clock_of_streams_stands_in_where_nothing_else_is_set() {
    let minute = Some(Duration::from_secs(60));
    let policy = read(r#"{"timeout": {"stream": 60}}"#).unwrap();
    let timeout = policy.timeout();
    assert_eq!((timeout.first_content(), timeout.first_content_of_stream()), (None, minute));
    assert_eq!(timeout.content_idle_of_stream(), minute);
    let own =
        read(r#"{"timeout": {"stream": 60, "first_content": 9, "content_idle": 8}}"#).unwrap();
    assert_eq!(own.timeout().first_content_of_stream(), Some(Duration::from_secs(9)));
    assert_eq!(own.timeout().content_idle_of_stream(), Some(Duration::from_secs(8)));
}
