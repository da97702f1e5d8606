use std::time::SystemTime;

use http::{HeaderMap, StatusCode};
use proptest::prelude::*;
use secondwind_layers::classify::{Blame, Verdict};
use secondwind_policy::{Class, Harm};
use serde_json::{Value, json};

use super::Gemini;
use crate::dialect::{Dialect, Endpoint, ErrorReply};

const NOW: SystemTime = SystemTime::UNIX_EPOCH;

fn failed(status: u16, body: &Value) -> Verdict {
    let status = StatusCode::from_u16(status).unwrap();
    Gemini.classify_error(status, &HeaderMap::new(), body.to_string().as_bytes(), NOW)
}

fn answered(body: &str) -> Option<Class> {
    let body = body.as_bytes();
    let verdict = Gemini.classify_ok_body(Endpoint::GenerateContent, &HeaderMap::new(), body, NOW);
    verdict.map(|verdict| verdict.class)
}

fn told(kind: &str, class: Class) -> Value {
    let body = Gemini.error_body(&ErrorReply {
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
fn the_address_has_the_model_and_the_method() {
    let path = |model, stream| Gemini.endpoint_path(Endpoint::GenerateContent, model, stream);
    let plain = path("gemini-2.5-pro", false).unwrap();
    assert_eq!(plain, "/models/gemini-2.5-pro:generateContent");
    let stream = path("models/gemini-2.5-pro", true).unwrap();
    assert_eq!(stream, "/models/gemini-2.5-pro:streamGenerateContent?alt=sse");
    let odd = path("a b?c#d", false).unwrap();
    assert_eq!(odd, "/models/a%20b%3Fc%23d:generateContent");
}

#[test]
fn a_caller_cannot_talk_us_into_resting_a_deployment() {
    for words in [
        "api key not valid",
        "API_KEY_INVALID",
        "RESOURCE_EXHAUSTED",
        "user location is not supported for the api use",
        "models/x is not found",
        "permission denied on project x",
        "perday",
    ] {
        let body = json!({"error": {
            "code": 400,
            "message": format!("Invalid value at 'contents[0].role': {words}"),
            "status": "INVALID_ARGUMENT",
        }});
        let verdict = failed(400, &body);
        assert_eq!(verdict.class, Class::BadRequest, "{words}");
        assert_eq!(verdict.class.facts().harm, Harm::None);
        assert_eq!(failed(404, &body).blame, Blame::Nobody, "{words}");
        assert_eq!(failed(403, &body).blame, Blame::Nobody, "{words}");
    }
}

#[test]
fn a_file_that_is_not_found_hurts_nobody_and_a_model_does() {
    let not_found = |message: &str| {
        failed(404, &json!({"error": {"code": 404, "message": message, "status": "NOT_FOUND"}}))
    };
    let blame = not_found("models/gemini-9 is not found for API version v1beta").blame;
    assert_eq!(blame, Blame::Deployment);
    assert_eq!(not_found("File files/abc does not exist").blame, Blame::Nobody);
}

#[test]
fn a_prompt_that_is_blocked_is_no_answer_and_a_candidate_that_is_cut_off_is() {
    for answer in [
        r#"{"candidates":[{"content":{"parts":[{"text":"Hi"}]},"finishReason":"STOP"}]}"#,
        r#"{"candidates":[{"finishReason":"SAFETY"}]}"#,
    ] {
        assert_eq!(answered(answer), None, "{answer}");
    }
    for (body, class) in [
        (r#"{"promptFeedback":{"blockReason":"SAFETY"}}"#, Class::ContentPolicy),
        (r#"{"candidates":[],"promptFeedback":{"blockReason":"OTHER"}}"#, Class::ContentPolicy),
        (r#"{"promptFeedback":{}}"#, Class::InternalServer),
        (r#"{"usageMetadata":{}}"#, Class::InternalServer),
        (r#"{"candidates":[{"conte"#, Class::Connection),
        ("", Class::InternalServer),
        ("<html>", Class::InternalServer),
        (r#"{"error":{"code":503,"status":"UNAVAILABLE"}}"#, Class::ServiceUnavailable),
        (r#"[{"error":{"code":429,"status":"RESOURCE_EXHAUSTED"}}]"#, Class::RateLimit),
        (r#"{"error":{"status":"PERMISSION_DENIED"}}"#, Class::Permission),
        (r#"{"error":{"status":"INVALID_ARGUMENT"}}"#, Class::BadRequest),
    ] {
        assert_eq!(answered(body), Some(class), "{body}");
    }
}

#[test]
fn an_error_of_ours_is_a_google_error_with_class_and_trail_beside() {
    assert_eq!(
        told("rate_limit_error", Class::RateLimit),
        json!({"error": {
            "code": 429,
            "message": "It \"broke\"",
            "status": "RESOURCE_EXHAUSTED",
            "class": "rate_limit",
            "trail": "a/b=timeout@0ms+12ms",
        }})
    );
    assert_eq!(told("x", Class::Timeout)["error"]["status"], "DEADLINE_EXCEEDED");
    assert_eq!(told("x", Class::Connection)["error"]["status"], "UNAVAILABLE");
}

proptest! {
    #[test]
    fn has_an_opinion_on_anything(
        body in prop_oneof![body().prop_map(String::into_bytes), any::<Vec<u8>>()],
        status in 300u16..1000,
    ) {
        let status = StatusCode::from_u16(status).unwrap();
        let verdict = Gemini.classify_error(status, &HeaderMap::new(), &body, NOW);
        prop_assert_eq!(verdict.status, Some(status.as_u16()));
        Gemini.classify_ok_body(Endpoint::GenerateContent, &HeaderMap::new(), &body, NOW);
        Gemini.error_detail(&body);
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
        "candidates",
        "promptFeedback",
        "blockReason",
        "finishReason",
    ]);
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<i64>().prop_map(Value::from),
        any::<String>().prop_map(Value::from),
        prop::sample::select(vec!["type.googleapis.com/google.rpc.RetryInfo", "9.9s", "SAFETY"])
            .prop_map(Value::from),
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
