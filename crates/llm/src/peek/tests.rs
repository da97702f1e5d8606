use std::fmt;

use bytes::Bytes;
use proptest::prelude::*;
use serde::de::{Deserializer, MapAccess, Visitor};
use serde_json::Value;

use super::{MAX_DEPTH, Peek, PeekError, peek, peek_at_any};

fn of(body: &str) -> Result<Peek, PeekError> {
    peek(&Bytes::copy_from_slice(body.as_bytes()))
}

fn asks(body: &str) -> (String, bool) {
    let peeked = of(body).unwrap();
    (peeked.model, peeked.stream)
}

#[test]
fn finds_model_and_stream_wherever_they_stand() {
    let wanted = ("gpt-4".to_owned(), true);
    assert_eq!(asks(r#"{"model":"gpt-4","stream":true}"#), wanted);
    assert_eq!(asks(r#"{"stream":true,"messages":[],"model":"gpt-4"}"#), wanted);
    assert_eq!(asks("\r\n\t {\n \"stream\" : true ,\n \"model\" : \"gpt-4\" } \n"), wanted);
    assert_eq!(
        asks(r#"{"a":{"b":[{},[],{"c":[1,-2.5e3,null]}]},"model":"gpt-4","stream":true}"#),
        wanted
    );
}

#[test]
fn says_where_the_name_stands() {
    let body = r#"{"messages":[{"content":"\"model\": \"x\""}], "model" :  "gpt-4" }"#;
    let peeked = of(body).unwrap();
    assert_eq!(&body[peeked.model_range], r#""gpt-4""#);
}

#[test]
fn does_not_stream_unless_asked_to() {
    assert_eq!(asks(r#"{"model":"m"}"#), ("m".to_owned(), false));
    assert_eq!(asks(r#"{"model":"m","stream":false}"#), ("m".to_owned(), false));
    assert_eq!(asks(r#"{"model":"m","stream":null}"#), ("m".to_owned(), false));
}

#[test]
fn reads_escapes_in_keys_and_names() {
    assert_eq!(
        asks(r#"{"\u006dodel":"a\u002fb\"c\\","\u0073trea\u006D":true}"#),
        ("a/b\"c\\".to_owned(), true)
    );
    let longest = r#"{"model":"m","\u0073\u0074\u0072\u0065\u0061\u006d":true}"#;
    assert_eq!(asks(longest), ("m".to_owned(), true));
}

#[test]
fn is_not_confused_by_keys_within_other_values_or_by_text() {
    let body = r#"{"tools":[{"model":"x","stream":true}],"metadata":{"model":"y"},
        "messages":[{"content":"{\"model\":\"z\"} \\\" \\\\"}],"model":"m","models":["q"]}"#;
    assert_eq!(asks(body), ("m".to_owned(), false));
}

#[test]
fn refuses_a_second_model_however_it_is_spelt() {
    for second in ["model", "Model", "MODEL", r"\u006dodel", r"mode\u004c"] {
        for (one, other) in [("model", second), (second, "model")] {
            let body = format!(r#"{{"{one}":"cheap","x":1,"{other}":"dear"}}"#);
            let at = body.rfind(&format!(r#""{other}""#)).unwrap();
            let found = of(&body).unwrap_err();
            assert_eq!(found, PeekError::Duplicate { key: "model", at }, "{body}");
        }
    }
    assert_eq!(
        of(r#"{"model":"m","stream":false,"Stream":true}"#),
        Err(PeekError::Duplicate { key: "stream", at: 28 })
    );
}

#[test]
fn takes_no_other_spelling_for_the_model() {
    assert_eq!(of(r#"{"Model":"m"}"#), Err(PeekError::NoModel));
    assert_eq!(asks(r#"{"model":"m","STREAM":true}"#), ("m".to_owned(), false));
}

#[test]
fn says_what_is_wrong_and_where() {
    use PeekError::{
        CutShort, ModelNotAString, NoModel, NotAnObject, NotJson, StreamNotABool, TooDeep,
    };
    let deep = format!(r#"{{"a":{}"#, "[".repeat(200));
    for (body, wanted) in [
        ("", CutShort { at: 0 }),
        ("  ", CutShort { at: 2 }),
        ("hello", NotJson { at: 0 }),
        ("<html>", NotJson { at: 0 }),
        ("\u{feff}{}", NotJson { at: 0 }),
        ("[]", NotAnObject { at: 0 }),
        (" \"model\"", NotAnObject { at: 1 }),
        ("null", NotAnObject { at: 0 }),
        ("{}", NoModel),
        (r#"{"prompt":"model"}"#, NoModel),
        (r#"{"model":1}"#, ModelNotAString { at: 9 }),
        (r#"{"model":null}"#, ModelNotAString { at: 9 }),
        (r#"{"model":["m"]}"#, ModelNotAString { at: 9 }),
        (r#"{"model":"m","stream":"true"}"#, StreamNotABool { at: 22 }),
        (r#"{"model":"m","stream":1}"#, StreamNotABool { at: 22 }),
        (r#"{"model":"m""#, CutShort { at: 12 }),
        (r#"{"model":"m\"}"#, CutShort { at: 14 }),
        (r#"{"model":"m"}}"#, NotJson { at: 13 }),
        (r#"{"model":"m"} {}"#, NotJson { at: 14 }),
        (r#"{"model":"m",}"#, NotJson { at: 13 }),
        (r#"{"model" "m"}"#, NotJson { at: 9 }),
        (r#"{"a":[1,],"model":"m"}"#, NotJson { at: 8 }),
        (r#"{"a":[1 2],"model":"m"}"#, NotJson { at: 8 }),
        (r#"{"a":[1},"model":"m"}"#, NotJson { at: 7 }),
        (r#"{"a":{"b"},"model":"m"}"#, NotJson { at: 9 }),
        (r#"{"a":{1:2},"model":"m"}"#, NotJson { at: 6 }),
        (r#"{"a":,"model":"m"}"#, NotJson { at: 5 }),
        (r#"{"a":/* "model" */1,"model":"m"}"#, NotJson { at: 5 }),
        (r#"{'model':'m'}"#, NotJson { at: 1 }),
        (r#"{model:"m"}"#, NotJson { at: 1 }),
        (r#"{"model":"\x"}"#, NotJson { at: 9 }),
        (r#"{"model":"\ud800"}"#, NotJson { at: 9 }),
        (deep.as_str(), TooDeep { at: 132 }),
    ] {
        let found = of(body).unwrap_err();
        assert_eq!(found, wanted, "{body}");
        assert!(!found.to_string().is_empty());
    }
    let broken = Bytes::from_static(b"{\"model\":\"\xff\"}");
    assert_eq!(peek(&broken), Err(NotJson { at: 9 }));
}

#[test]
fn allows_as_much_depth_as_it_says() {
    let body = |depth: u32| {
        let (open, close): (String, String) =
            (1..depth).map(|at| if at % 2 == 0 { ("[", "]") } else { (r#"{"":"#, "}") }).unzip();
        let close: String = close.chars().rev().collect();
        format!(r#"{{"model":"m","a":{open}1{close}}}"#)
    };
    assert_eq!(asks(&body(MAX_DEPTH)).0, "m");
    assert!(matches!(of(&body(MAX_DEPTH + 1)), Err(PeekError::TooDeep { .. })));
}

#[test]
fn takes_what_only_lenient_writers_write_in_place_of_a_number() {
    assert_eq!(asks(r#"{"temperature":NaN,"top_p":-Infinity,"model":"m"}"#).0, "m");
}

#[test]
fn every_shorter_part_of_a_body_is_refused() {
    let body = br#"{"messages":[{"role":"user","content":"say \"hi\" \\"},{"n":[1,2.5,{}]}],"model":"m","stream":true}"#;
    let body = Bytes::from_static(body);
    assert!(peek(&body).is_ok());
    for end in 0..body.len() {
        assert_eq!(peek(&body.slice(..end)), Err(PeekError::CutShort { at: end }));
    }
}

// --- against serde_json

/// The entries of an object as they stand, doubles included.
struct Entries(Vec<(String, Value)>);

impl<'de> serde::Deserialize<'de> for Entries {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Read;
        impl<'de> Visitor<'de> for Read {
            type Value = Entries;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }
            fn visit_map<M: MapAccess<'de>>(self, mut map: M) -> Result<Entries, M::Error> {
                let mut entries = Vec::new();
                while let Some(entry) = map.next_entry()? {
                    entries.push(entry);
                }
                Ok(Entries(entries))
            }
        }
        deserializer.deserialize_map(Read)
    }
}

/// What must come out, by serde_json's reading; `None` where that refuses the body, too.
fn expected(body: &[u8]) -> Option<Result<(String, bool), ()>> {
    let Entries(entries) = serde_json::from_slice(body).ok()?;
    let claims = |name: &str| {
        let claims: Vec<_> =
            entries.iter().filter(|(key, _)| key.eq_ignore_ascii_case(name)).cloned().collect();
        claims
    };
    let stream = match claims("stream").as_slice() {
        [] => Some(false),
        [(key, _)] if key != "stream" => Some(false),
        [(_, Value::Null)] => Some(false),
        [(_, Value::Bool(stream))] => Some(*stream),
        _ => None,
    };
    Some(match (claims("model").as_slice(), stream) {
        ([(key, Value::String(model))], Some(stream)) if key == "model" => {
            Ok((model.clone(), stream))
        }
        _ => Err(()),
    })
}

fn agrees(body: Vec<u8>) {
    let wanted = expected(&body);
    let body = Bytes::from(body);
    let found = peek(&body);
    if let Ok(peeked) = &found {
        let name: String = serde_json::from_slice(&body[peeked.model_range.clone()]).unwrap();
        assert_eq!(name, peeked.model);
    }
    if let Some(wanted) = wanted {
        assert_eq!(found.map(|peeked| (peeked.model, peeked.stream)).map_err(|_| ()), wanted);
    }
}

fn value() -> impl Strategy<Value = String> {
    let key = prop_oneof![
        Just("model".to_owned()),
        Just("stream".to_owned()),
        any::<String>(),
        "[a-z\"\\\\]{0,4}",
    ]
    .prop_map(|key| Value::from(key).to_string());
    let leaf = prop_oneof![
        Just("null".to_owned()),
        Just("true".to_owned()),
        Just("-1.5E+3".to_owned()),
        any::<i64>().prop_map(|n| n.to_string()),
        any::<String>().prop_map(|text| Value::from(text).to_string()),
        r#"([a-z "{}\[\],:]|\\["\\/bn]|\\u00[0-7][0-9a-f]){0,9}"#.prop_map(|text| format!(
            "\"{}\"",
            text.replace(r#"""#, r#"\""#).replace(r#"\\""#, r#"\""#)
        )),
    ];
    leaf.prop_recursive(6, 48, 6, move |inner| {
        let space = prop_oneof![Just(""), Just(" "), Just("\n\t")];
        prop_oneof![
            (proptest::collection::vec(inner.clone(), 0..6), space.clone())
                .prop_map(|(items, space)| format!("[{space}{}{space}]", items.join(","))),
            (proptest::collection::vec((key.clone(), inner), 0..6), space).prop_map(
                |(entries, space)| {
                    let entries: Vec<_> = entries
                        .into_iter()
                        .map(|(key, value)| format!("{key}{space}:{space}{value}"))
                        .collect();
                    format!("{{{}{space}}}", entries.join(","))
                }
            ),
        ]
    })
}

/// An object with keys that matter often, right or nearly so.
fn body() -> impl Strategy<Value = String> {
    let key = prop_oneof![
        4 => Just(r#""model""#.to_owned()),
        4 => Just(r#""stream""#.to_owned()),
        1 => Just(r#""\u006dodel""#.to_owned()),
        1 => Just(r#""Model""#.to_owned()),
        8 => any::<String>().prop_map(|key| Value::from(key).to_string()),
    ];
    let value = prop_oneof![
        2 => any::<String>().prop_map(|text| Value::from(text).to_string()),
        1 => Just("true".to_owned()),
        2 => value(),
    ];
    proptest::collection::vec((key, value), 0..7).prop_map(|entries| {
        let entries: Vec<_> =
            entries.into_iter().map(|(key, value)| format!("{key}:{value}")).collect();
        format!("{{{}}}", entries.join(","))
    })
}

proptest! {
    #[test]
    fn reads_what_serde_json_reads(body in body()) {
        agrees(body.into_bytes());
    }

    #[test]
    fn is_not_led_astray_by_damage(
        body in body(),
        edits in proptest::collection::vec((any::<prop::sample::Index>(), 0..3u8, any::<u8>()), 1..4),
    ) {
        let signs = br#"{}[]",:\ tn0"#;
        let mut body = body.into_bytes();
        for (at, edit, byte) in edits {
            let sign = if byte < 128 { signs[usize::from(byte) % signs.len()] } else { byte };
            let at = at.index(body.len() + 1);
            match edit {
                0 => body.insert(at, sign),
                1 if at < body.len() => drop(body.remove(at)),
                _ if at < body.len() => body[at] = sign,
                _ => {}
            }
        }
        agrees(body);
    }

    #[test]
    fn never_panics(body in any::<Vec<u8>>()) {
        agrees(body);
    }

    #[test]
    fn never_panics_on_a_soup_of_signs(body in r#"\{[\{\}\[\]",:\\ mtn0]{0,40}"#) {
        agrees(body.into_bytes());
    }
}

#[test]
fn a_model_may_be_missing_where_that_is_said() {
    let any = |body: &str| peek_at_any(body.as_bytes()).map(|peek| (peek.model, peek.model_range));
    assert_eq!(any(r#"{"input":"a"}"#), Ok((String::new(), 0..0)));
    assert_eq!(any(r#"{"model": null}"#), Ok((String::new(), 0..0)));
    assert_eq!(any(r#"{"model":"m"}"#), Ok(("m".into(), 9..12)));
    assert_eq!(any(r#"{"model":""}"#), Ok((String::new(), 9..11)));
    assert_eq!(any(r#"{"model":1}"#), Err(PeekError::ModelNotAString { at: 9 }));
    let body = Bytes::from_static(br#"{"num_retries":1,"input":"a"}"#);
    assert_eq!(peek_at_any(&body).unwrap().strip(&body), r#"{"input":"a"}"#);
}
