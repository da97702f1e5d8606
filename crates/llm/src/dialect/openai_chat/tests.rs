use std::time::{Duration, SystemTime};

use http::{HeaderMap, HeaderValue, StatusCode};
use proptest::prelude::*;
use secondwind_layers::classify::{Blame, Verdict};
use secondwind_policy::{Class, Harm};
use serde_json::{Value, json};

use super::OpenAiChat;
use crate::dialect::{Dialect, Endpoint, ErrorReply};

const NOW: SystemTime = SystemTime::UNIX_EPOCH;

fn failed(status: u16, body: &str) -> Verdict {
    let status = StatusCode::from_u16(status).unwrap();
    OpenAiChat.classify_error(status, &HeaderMap::new(), body.as_bytes(), NOW)
}

fn refused(status: u16, message: &str) -> Verdict {
    failed(
        status,
        &json!({"error": {"message": message, "type": "invalid_request_error"}}).to_string(),
    )
}

fn answered(endpoint: Endpoint, body: &str) -> Option<Verdict> {
    OpenAiChat.classify_ok_body(endpoint, &HeaderMap::new(), body.as_bytes(), NOW)
}

#[test]
fn a_caller_cannot_talk_us_into_resting_a_deployment() {
    let harmful = [
        "429",
        "rate limit reached",
        "incorrect api key provided",
        "api key not valid",
        "invalid_api_key",
        "you have run out of credits",
        "insufficient balance",
        "your credit balance is too low",
        "insufficient_quota",
        "model not exist",
        "the model x does not exist",
        "model_not_found",
        "the server is overloaded",
        "per day",
        "gateway time-out",
    ];
    for words in harmful {
        for quoting in [
            format!("Invalid value for 'logit_bias': key '{words}' is not allowed"),
            format!("Invalid role: {words}"),
            format!("`{words}` is not one of ['low', 'high']"),
        ] {
            for status in [400, 422] {
                let verdict = refused(status, &quoting);
                assert_eq!(verdict.class, Class::BadRequest, "{status} {quoting}");
                assert_eq!(verdict.class.facts().harm, Harm::None);
            }
            for status in [403, 404] {
                let verdict = refused(status, &format!("No access to file: {quoting}"));
                assert_eq!(verdict.blame, Blame::Nobody, "{status} {quoting}");
            }
        }
    }
}

#[test]
fn a_404_hurts_only_where_the_model_is_at_fault() {
    let blame = |body: Value| failed(404, &body.to_string()).blame;
    for body in [
        json!({"error": {"message": "gone", "code": "model_not_found"}}),
        json!({"error": {"message": "gone", "code": "DeploymentNotFound"}}),
        json!({"error": {"message": "unknown", "param": "model"}}),
        json!({"object": "error", "message": "The model `x` does not exist.", "code": 404}),
        json!({"error": "model 'x' not found"}),
        json!({"error": {"message": "No endpoints found for x/y.", "code": 404}}),
    ] {
        assert_eq!(blame(body.clone()), Blame::Deployment, "{body}");
    }
    for body in [
        json!({"error": {"message": "No such File object: file-abc", "param": "file_id"}}),
        json!({"error": {"message": "Previous response with id 'resp_0' not found."}}),
        json!({"error": {"message": "Not found", "code": "not_found"}}),
        json!({}),
    ] {
        assert_eq!(blame(body.clone()), Blame::Nobody, "{body}");
    }
}

#[test]
fn a_403_hurts_only_where_model_or_key_are_at_fault() {
    let code =
        |code: &str| failed(403, &json!({"error": {"message": "no", "code": code}}).to_string());
    for accused in ["model_not_found", "unsupported_country_region_territory"] {
        assert_eq!(code(accused).class, Class::Permission);
        assert_eq!(code(accused).blame, Blame::Deployment, "{accused}");
    }
    assert_eq!(code("forbidden").blame, Blame::Nobody);
    assert_eq!(
        refused(403, "You are not allowed to sample from this model").blame,
        Blame::Deployment
    );
}

#[test]
fn takes_the_hint_that_comes_first() {
    let body = json!([{"error": {"code": 429, "status": "RESOURCE_EXHAUSTED", "details": [
        {"@type": "type.googleapis.com/google.rpc.RetryInfo", "retryDelay": "7s"}]}}])
    .to_string();
    let mut headers = HeaderMap::new();
    headers.insert("x-ratelimit-remaining-requests", HeaderValue::from_static("0"));
    headers.insert("x-ratelimit-reset-requests", HeaderValue::from_static("120ms"));
    let hint = |headers: &HeaderMap, body: &str| {
        OpenAiChat.classify_error(StatusCode::TOO_MANY_REQUESTS, headers, body.as_bytes(), NOW).hint
    };
    assert_eq!(hint(&headers, ""), Some(Duration::from_millis(120)));
    assert_eq!(hint(&headers, &body), Some(Duration::from_secs(7)));
    headers.insert("retry-after", HeaderValue::from_static("3"));
    assert_eq!(hint(&headers, &body), Some(Duration::from_secs(3)));
}

#[test]
fn a_limit_in_the_body_of_a_failure_is_a_limit() {
    let body = r#"{"error":{"message":"upstream said so","code":429}}"#;
    assert_eq!(failed(502, body).class, Class::RateLimit);
    assert_eq!(failed(500, r#"{"error":{"code":"rate_limit_exceeded"}}"#).class, Class::RateLimit);
    assert_eq!(
        failed(413, r#"{"error":{"code":"rate_limit_exceeded"}}"#).class,
        Class::RequestTooLarge
    );
}

#[test]
fn a_days_limit_is_a_quota_unless_it_refills_by_the_minute() {
    let limit = |message: &str| refused(429, message).class;
    assert_eq!(
        limit("Rate limit exceeded: free-models-per-day. Add 10 credits"),
        Class::QuotaExhausted
    );
    assert_eq!(limit("Limit of 200 requests per day reached."), Class::QuotaExhausted);
    assert_eq!(
        limit("requests per day (RPD): Limit 200. Please try again in 7m12s."),
        Class::RateLimit
    );
}

#[test]
fn keeps_the_status_that_came() {
    assert_eq!(failed(500, "").status, Some(500));
    let bad = answered(Endpoint::ChatCompletions, r#"{"error":{"code":429}}"#).unwrap();
    assert_eq!((bad.status, bad.class), (Some(200), Class::RateLimit));
}

#[test]
fn an_answer_is_an_answer() {
    let chat = Endpoint::ChatCompletions;
    for body in [
        json!({"choices": [{"index": 0, "message": {"content": "hi"}, "finish_reason": "stop"}]}),
        json!({"choices": [{"message": {"content": null}, "finish_reason": null}], "error": null}),
        json!({"choices": [{"message": {"content": "\u{e9}\n"}, "finish_reason": "content_filter"}]}),
        json!({"choices": [{}], "error": {"message": "", "type": "", "param": "", "code": 0}}),
        json!({"choices": [{}], "error": {}, "status": "completed"}),
        json!({"choices": [{}], "error": false, "status": "completed"}),
    ] {
        assert_eq!(answered(chat, &body.to_string()), None, "{body}");
    }
    assert_eq!(answered(Endpoint::Completions, r#"{"choices":[{"text":"a"}]}"#), None);
    assert_eq!(answered(Endpoint::Embeddings, r#"{"data":[{"embedding":[0.1]}]}"#), None);
}

#[test]
fn what_is_no_answer_is_a_failure() {
    let chat = |body: &str| answered(Endpoint::ChatCompletions, body).map(|verdict| verdict.class);
    for body in [
        "",
        "OK",
        "<html></html>",
        "{}",
        "[]",
        "null",
        r#"{"choices":[]}"#,
        r#"{"choices":null}"#,
        r#"{"choices":{"0":{}}}"#,
        r#"{"data":[]}"#,
        r#"{"message":"welcome"}"#,
        r#"{"error":"boom"}"#,
        r#"{"error":"boom","choices":[{}]}"#,
        r#"{"error":{"message":"boom"},"choices":[{}]}"#,
        r#"{"choices":[{"finish_reason":"error"}]}"#,
    ] {
        assert_eq!(chat(body), Some(Class::InternalServer), "{body}");
    }
    assert_eq!(chat(r#"{"choices":[{"mess"#), Some(Class::Connection));
    assert_eq!(
        answered(Endpoint::Embeddings, r#"{"choices":[{}]}"#).map(|verdict| verdict.class),
        Some(Class::InternalServer)
    );
}

#[test]
fn an_error_in_a_200_is_of_the_class_that_it_says() {
    for (error, class) in [
        (json!({"type": "invalid_request_error"}), Class::BadRequest),
        (json!({"type": "rate_limit_error"}), Class::RateLimit),
        (json!({"type": "overloaded_error"}), Class::ServiceUnavailable),
        (json!({"type": "authentication_error"}), Class::Authentication),
        (json!({"type": "permission_error"}), Class::Permission),
        (json!({"type": "not_found_error"}), Class::NotFound),
        (json!({"type": "timeout_error"}), Class::Timeout),
        (json!({"type": "server_error"}), Class::InternalServer),
        (json!({"code": "insufficient_quota"}), Class::QuotaExhausted),
        (json!({"code": "content_filter"}), Class::ContentPolicy),
        (json!({"code": 503}), Class::ServiceUnavailable),
        (json!({"code": "404"}), Class::NotFound),
        (json!({"message": "?"}), Class::InternalServer),
    ] {
        let body = json!({ "error": error }).to_string();
        let verdict = answered(Endpoint::ChatCompletions, &body).unwrap();
        assert_eq!(verdict.class, class, "{body}");
    }
}

#[test]
fn a_page_is_no_answer_before_it_is_read() {
    let head = |status: u16, name: &'static str, value: &'static str| {
        let headers =
            HeaderMap::from_iter([(name.parse().unwrap(), HeaderValue::from_static(value))]);
        let status = StatusCode::from_u16(status).unwrap();
        OpenAiChat.classify_ok_head(status, &headers).map(|verdict| verdict.class)
    };
    assert_eq!(head(200, "content-type", "Text/HTML; charset=utf-8"), Some(Class::InternalServer));
    assert_eq!(head(200, "content-length", "0"), Some(Class::InternalServer));
    assert_eq!(head(204, "x-a", "b"), Some(Class::InternalServer));
    for kind in ["application/json", "text/event-stream", "text/plain"] {
        assert_eq!(head(200, "content-type", kind), None);
    }
}

#[test]
fn an_error_is_told_in_the_providers_words_and_without_its_keys() {
    let body = json!({"error": {"message": "Incorrect API key provided: sk-abc123.", "type": "t", "code": 401}});
    let detail = OpenAiChat.error_detail(body.to_string().as_bytes());
    assert_eq!(detail.message.as_deref(), Some("Incorrect API key provided: [redacted]."));
    assert_eq!(detail.kind.as_deref(), Some("t"));
    assert_eq!(detail.code.as_deref(), Some("401"));
    assert_eq!(detail.param, None);
    assert_eq!(OpenAiChat.error_detail(b"<html>sk-abc123</html>").message, None);
}

#[test]
fn an_error_of_ours_is_an_openai_error_with_class_and_trail_beside() {
    let body = OpenAiChat.error_body(&ErrorReply {
        message: "Rate \"limit\"",
        kind: "requests",
        code: Some("rate_limit_exceeded"),
        param: None,
        class: Class::RateLimit,
        trail: Some("gpt-4/a=rate_limit@0ms+12ms"),
    });
    let body: Value = serde_json::from_slice(&body).unwrap();
    assert_eq!(
        body,
        json!({"error": {
            "message": "Rate \"limit\"",
            "type": "requests",
            "param": null,
            "code": "rate_limit_exceeded",
            "class": "rate_limit",
            "trail": "gpt-4/a=rate_limit@0ms+12ms",
        }})
    );
}

/// Bodies with the fields that are looked for, and in them what was not expected there.
fn body() -> impl Strategy<Value = String> {
    let key = prop::sample::select(vec![
        "error",
        "errors",
        "message",
        "code",
        "type",
        "param",
        "detail",
        "details",
        "status",
        "metadata",
        "raw",
        "innererror",
        "@type",
        "retryDelay",
        "violations",
        "quotaId",
        "choices",
        "data",
        "finish_reason",
    ]);
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<String>().prop_map(Value::from),
        Just(Value::from("type.googleapis.com/google.rpc.RetryInfo")),
        Just(Value::from("9.9s")),
        Just(Value::from(r#"{"error":{"message":"m"}}"#)),
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

proptest! {
    #[test]
    fn has_an_opinion_on_anything(
        body in prop_oneof![body().prop_map(String::into_bytes), any::<Vec<u8>>()],
        status in 300u16..1000,
    ) {
        let status = StatusCode::from_u16(status).unwrap();
        let verdict = OpenAiChat.classify_error(status, &HeaderMap::new(), &body, NOW);
        prop_assert_eq!(verdict.status, Some(status.as_u16()));
        for endpoint in [Endpoint::ChatCompletions, Endpoint::Embeddings] {
            OpenAiChat.classify_ok_body(endpoint, &HeaderMap::new(), &body, NOW);
        }
        OpenAiChat.error_detail(&body);
    }
}

#[test]
fn of_other_endpoints_any_object_or_list_without_an_error_is_an_answer() {
    for answer in ["{}", "[]", r#"{"text":"a"}"#, r#"{"data":{},"choices":1,"error":null}"#, " [1]"]
    {
        assert_eq!(answered(Endpoint::Other, answer), None, "{answer}");
    }
    let failed = |body| answered(Endpoint::Other, body).unwrap().class;
    assert_eq!(failed("1"), Class::InternalServer);
    assert_eq!(failed("no"), Class::InternalServer);
    assert_eq!(failed(r#"{"data":[1,"#), Class::Connection);
    assert_eq!(failed("[1,"), Class::Connection);
    let limited = r#"{"error":{"message":"slow down","code":"rate_limit_exceeded"}}"#;
    assert_eq!(failed(limited), Class::RateLimit);
}
