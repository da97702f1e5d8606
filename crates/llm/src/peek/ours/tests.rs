use bytes::Bytes;
use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;
use crate::peek::peek;

fn stripped(body: &str) -> (String, Peek, Vec<&'static str>) {
    let body = Bytes::copy_from_slice(body.as_bytes());
    let mut peeked = peek(&body).unwrap();
    let names = peeked.ours.iter().map(|ours| ours.name).collect();
    let rest = peeked.strip(&body);
    (String::from_utf8(rest.to_vec()).unwrap(), peeked, names)
}

#[test]
fn a_body_without_them_is_not_copied() {
    let body = Bytes::from_static(br#"{"model":"m","metadata":{"a":"b"},"user":"u"}"#);
    let mut peeked = peek(&body).unwrap();
    assert_eq!(peeked.strip(&body).as_ptr(), body.as_ptr());
}

#[test]
fn takes_out_the_fields_and_leaves_every_other_byte() {
    for (given, rest) in [
        (r#"{"model":"m","num_retries":3}"#, r#"{"model":"m"}"#),
        (r#"{"num_retries":3,"model":"m"}"#, r#"{"model":"m"}"#),
        (
            r#"{ "timeout" : 1.50 , "fallbacks":["a",{"model":"b"}], "model":"m" }"#,
            r#"{ "model":"m" }"#,
        ),
        (r#"{"model":"m" , "timeout":1 , "n": 2.0}"#, r#"{"model":"m"  , "n": 2.0}"#),
        (r#"{"tags":[],"model":"m","timeout":1,"disable_fallbacks":true}"#, r#"{"model":"m"}"#),
        (
            r#"{"metadata":{"tags":["a"],"k":"v"},"model":"m"}"#,
            r#"{"metadata":{"k":"v"},"model":"m"}"#,
        ),
        (
            r#"{"metadata":{"k":"v", "tags":["a"]},"model":"m"}"#,
            r#"{"metadata":{"k":"v"},"model":"m"}"#,
        ),
        (r#"{"metadata": {"tags": null},"model":"m"}"#, r#"{"metadata": {},"model":"m"}"#),
        (r#"{"metadata":null,"Api_Base":"x","model":"m"}"#, r#"{"metadata":null,"model":"m"}"#),
        (r#"{"\u0074imeout":1,"model":"m"}"#, r#"{"model":"m"}"#),
    ] {
        let (stripped, peeked, _) = stripped(given);
        assert_eq!(stripped, rest, "{given}");
        assert_eq!(&stripped[peeked.model_range.clone()], r#""m""#, "{given}");
        assert_eq!(peek(stripped.as_bytes()).unwrap(), peeked, "{given}");
    }
}

#[test]
fn only_the_outermost_object_has_them() {
    let body = r#"{"model":"m","messages":[{"timeout":1,"tags":[]}],"metadata":{"timeout":"1"},"tools":[{"headers":{}}]}"#;
    assert_eq!(stripped(body).0, body);
}

#[test]
fn a_second_one_is_refused() {
    for (body, name) in [
        (r#"{"model":"m","timeout":1,"Timeout":2}"#, "timeout"),
        (r#"{"model":"m","metadata":{"tags":[],"tags":[]}}"#, METADATA_TAGS),
        (r#"{"model":"m","metadata":{"tags":[]},"metadata":{"tags":[]}}"#, METADATA_TAGS),
    ] {
        let refused = peek(body.as_bytes());
        assert!(matches!(refused, Err(PeekError::Duplicate { key, .. }) if key == name), "{body}");
    }
}

#[test]
fn every_name_is_found_and_told_where_its_value_is() {
    for name in PARAMETERS.iter().chain(OPERATORS) {
        let body = format!(r#"{{"model":"m","{}": [1, 2] }}"#, name.to_uppercase());
        let peeked = peek(body.as_bytes()).unwrap();
        let [found] = &peeked.ours[..] else { panic!("{name}") };
        assert_eq!((found.name, &body[found.value.clone()]), (*name, "[1, 2]"));
    }
}

#[test]
fn other_values_take_the_place_of_the_fields_that_were_there() {
    let fields = [
        ("model".to_owned(), Bytes::from_static(b"\"b\"")),
        ("temperature".to_owned(), Bytes::from_static(b"0.10")),
    ];
    for (body, expected) in [
        (r#"{"model":"a","n":1}"#, r#"{"model":"b","temperature":0.10,"n":1}"#),
        (
            r#" {"n":1, "temperature":2,"model":"a"} "#,
            r#" {"model":"b","temperature":0.10,"n":1} "#,
        ),
        (r#"{"temperature":2,"model":"a"}"#, r#"{"model":"b","temperature":0.10}"#),
    ] {
        let (other, peeked) = with_fields(&Bytes::from(body), &fields).unwrap();
        assert_eq!(other, expected);
        assert_eq!(peeked.model, "b");
    }
    let wrong = [("stream".to_owned(), Bytes::from_static(b"1"))];
    assert!(with_fields(&Bytes::from_static(br#"{"model":"a"}"#), &wrong).is_err());
}

proptest! {
    /// What remains is what a parser makes of the body without those fields.
    #[test]
    fn agrees_with_a_parser(order in Just(vec![
        ("model", json!("m")), ("timeout", json!(3)), ("n", json!([1, {"tags": 2}])), ("fallbacks", json!(["x"])),
        ("metadata", json!({"tags": ["t"], "a": "b", "c": {}})), ("api_key", json!("k")), ("é\"", json!(null)),
    ]).prop_shuffle(), taken in 1usize..8, space in "[ \n]{0,2}") {
        let mut fields: Vec<_> = order.into_iter().take(taken).collect();
        if fields.iter().all(|(name, _)| *name != "model") {
            fields.push(("model", json!("m")));
        }
        let text: Vec<String> = fields.iter()
            .map(|(name, value)| format!("{space}{}{space}:{space}{value}{space}", json!(name)))
            .collect();
        let (rest, peeked, _) = stripped(&format!("{{{}}}", text.join(",")));
        let mut expected: Value = fields.into_iter()
            .filter(|(name, _)| !["timeout", "fallbacks", "api_key"].contains(name))
            .map(|(name, value)| (name.to_owned(), value))
            .collect::<serde_json::Map<_, _>>().into();
        if let Some(metadata) = expected.get_mut("metadata").and_then(Value::as_object_mut) {
            metadata.remove("tags");
        }
        prop_assert_eq!(serde_json::from_str::<Value>(&rest).unwrap(), expected);
        prop_assert_eq!(&rest[peeked.model_range], "\"m\"");
    }
}
