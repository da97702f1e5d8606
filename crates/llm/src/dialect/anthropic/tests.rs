use std::time::SystemTime;

use http::{HeaderMap, StatusCode};
use proptest::prelude::*;
use secondwind_layers::classify::{Blame, Verdict};
use secondwind_policy::{Class, Harm};
use serde_json::{Value, json};

use super::Anthropic;
use crate::dialect::{Dialect, Endpoint, ErrorReply, kind_of};

const NOW: SystemTime = SystemTime::UNIX_EPOCH;

fn failed(status: u16, body: &Value) -> Verdict {
    let status = StatusCode::from_u16(status).unwrap();
    Anthropic.classify_error(status, &HeaderMap::new(), body.to_string().as_bytes(), NOW)
}

fn answered(body: &str) -> Option<Class> {
    let body = body.as_bytes();
    let verdict = Anthropic.classify_ok_body(Endpoint::Messages, &HeaderMap::new(), body, NOW);
    verdict.map(|verdict| verdict.class)
}

fn told(kind: &str, class: Class) -> Value {
    let body = Anthropic.error_body(&ErrorReply {
        message: "It \"broke\"",
        kind,
        code: None,
        param: None,
        class,
        trail: Some("a/b=timeout@0ms+12ms"),
    });
    serde_json::from_slice(&body).unwrap()
}

#[test]
fn the_version_is_ours_unless_the_caller_has_one() {
    let mut caller = HeaderMap::new();
    assert_eq!(Anthropic.request_headers(&caller)["anthropic-version"], "2023-06-01");
    caller.insert("anthropic-version", "2030-01-01".parse().unwrap());
    caller.insert("anthropic-beta", "one,two".parse().unwrap());
    caller.insert("x-api-key", "sk-mine".parse().unwrap());
    let sent = Anthropic.request_headers(&caller);
    assert_eq!((sent.len(), &sent["anthropic-version"]), (2, &caller["anthropic-version"]));
    assert_eq!(sent["anthropic-beta"], "one,two");
}

#[test]
fn a_caller_cannot_talk_us_into_resting_a_deployment() {
    for words in [
        "your credit balance is too low",
        "you have reached your specified api usage limits",
        "this organization has been disabled",
        "overloaded_error",
        "rate_limit_error",
        "authentication_error",
        "model: claude",
        "your api key ",
    ] {
        let body = json!({"type": "error", "error": {
            "type": "invalid_request_error",
            "message": format!("messages.0.role: '{words}' is not allowed"),
        }});
        let verdict = failed(400, &body);
        assert_eq!(verdict.class, Class::BadRequest, "{words}");
        assert_eq!(verdict.class.facts().harm, Harm::None);
        assert_eq!(failed(404, &body).blame, Blame::Nobody, "{words}");
        assert_eq!(failed(403, &body).blame, Blame::Nobody, "{words}");
    }
}

#[test]
fn a_404_hurts_only_where_the_model_is_at_fault() {
    let blame = |message: &str| {
        let error = json!({"type": "not_found_error", "message": message});
        failed(404, &json!({"type": "error", "error": error})).blame
    };
    assert_eq!(blame("model: claude-9"), Blame::Deployment);
    assert_eq!(blame("File not found: file_1"), Blame::Nobody);
}

#[test]
fn only_a_message_is_an_answer() {
    for answer in [
        r#"{"type":"message","content":[{"type":"text","text":"Hi"}],"stop_reason":"end_turn"}"#,
        r#"{"type":"message","content":[],"stop_reason":"refusal"}"#,
    ] {
        assert_eq!(answered(answer), None, "{answer}");
    }
    for (body, class) in [
        ("", Class::InternalServer),
        ("{}", Class::InternalServer),
        ("<html>", Class::InternalServer),
        (r#"{"type":"message"}"#, Class::InternalServer),
        (r#"{"content":[]}"#, Class::InternalServer),
        (r#"{"type":"message","content":[{"ty"#, Class::Connection),
        (r#"{"type":"error","error":{"type":"overloaded_error"}}"#, Class::ServiceUnavailable),
        (r#"{"type":"error","error":{"type":"rate_limit_error"}}"#, Class::RateLimit),
        (r#"{"type":"error","error":{"type":"billing_error"}}"#, Class::QuotaExhausted),
        (r#"{"type":"error","error":{"type":"timeout_error"}}"#, Class::Timeout),
        (r#"{"type":"error","error":{"type":"permission_error"}}"#, Class::Permission),
        (r#"{"type":"error","error":{"type":"authentication_error"}}"#, Class::Authentication),
        (r#"{"type":"error","error":{"type":"invalid_request_error"}}"#, Class::BadRequest),
        (r#"{"type":"error","error":{"type":"api_error"}}"#, Class::InternalServer),
    ] {
        assert_eq!(answered(body), Some(class), "{body}");
    }
}

#[test]
fn an_error_of_ours_is_an_anthropic_error_with_class_and_trail_beside() {
    assert_eq!(
        told("timeout_error", Class::Timeout),
        json!({
            "type": "error",
            "error": {
                "type": "timeout_error",
                "message": "It \"broke\"",
                "class": "timeout",
                "trail": "a/b=timeout@0ms+12ms",
            },
            "request_id": null,
        })
    );
}

#[test]
fn an_error_has_a_type_that_anthropic_knows_whoever_told_it() {
    for (class, kind) in [
        (Class::QuotaExhausted, "billing_error"),
        (Class::ServiceUnavailable, "overloaded_error"),
        (Class::NotFound, "not_found_error"),
        (Class::RequestTooLarge, "request_too_large"),
        (Class::InternalServer, "api_error"),
        (Class::Connection, "api_error"),
        (Class::ContextWindow, "invalid_request_error"),
    ] {
        // OpenAI's word, and a provider's own that Anthropic does not have.
        for foreign in ["server_error", "tokens", "insufficient_quota"] {
            assert_eq!(told(foreign, class)["error"]["type"], kind, "{class:?}");
        }
    }
    assert_eq!(
        told(kind_of(Class::RateLimit), Class::RateLimit)["error"]["type"],
        "rate_limit_error"
    );
}

proptest! {
    #[test]
    fn has_an_opinion_on_anything(
        body in prop_oneof![body().prop_map(String::into_bytes), any::<Vec<u8>>()],
        status in 300u16..1000,
    ) {
        let status = StatusCode::from_u16(status).unwrap();
        let verdict = Anthropic.classify_error(status, &HeaderMap::new(), &body, NOW);
        prop_assert_eq!(verdict.status, Some(status.as_u16()));
        Anthropic.classify_ok_body(Endpoint::Messages, &HeaderMap::new(), &body, NOW);
        Anthropic.error_detail(&body);
    }
}

/// Bodies with the fields that are looked for, and in them what was not expected there.
fn body() -> impl Strategy<Value = String> {
    let key = prop::sample::select(vec![
        "error",
        "errors",
        "message",
        "code",
        "type",
        "status",
        "details",
        "reason",
        "violations",
        "quotaId",
        "@type",
        "retryDelay",
        "content",
        "stop_reason",
        "request_id",
    ]);
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<i64>().prop_map(Value::from),
        any::<String>().prop_map(Value::from),
        prop::sample::select(vec!["message", "error", "overloaded_error"]).prop_map(Value::from),
    ];
    leaf.prop_recursive(5, 40, 5, move |inner| {
        prop_oneof![
            proptest::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            proptest::collection::vec((key.clone(), inner), 0..5).prop_map(|entries| {
                entries.into_iter().map(|(key, value)| (key.to_owned(), value)).collect()
            }),
        ]
    })
    .prop_map(|value: Value| value.to_string())
}
