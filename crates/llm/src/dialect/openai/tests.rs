use std::time::SystemTime;

use http::{HeaderMap, StatusCode};
use proptest::prelude::*;
use secondwind_policy::Class;

use super::OpenAi;
use crate::dialect::{Dialect, Endpoint};

const NOW: SystemTime = SystemTime::UNIX_EPOCH;

fn answered(endpoint: Endpoint, body: &str) -> Option<Class> {
    let verdict = OpenAi.classify_ok_body(endpoint, &HeaderMap::new(), body.as_bytes(), NOW);
    verdict.map(|verdict| verdict.class)
}

#[test]
fn a_response_that_failed_is_of_the_class_that_it_says() {
    for (error, class) in [
        (r#"{"code":"rate_limit_exceeded","message":"Slow down."}"#, Class::RateLimit),
        (r#"{"code":"server_error","message":"Oops."}"#, Class::InternalServer),
        (r#"{"code":"invalid_prompt","message":"No."}"#, Class::ContentPolicy),
        (r#"{"code":"insufficient_quota","message":"No."}"#, Class::QuotaExhausted),
        ("null", Class::InternalServer),
    ] {
        let body =
            format!(r#"{{"object":"response","status":"failed","error":{error},"output":[]}}"#);
        assert_eq!(answered(Endpoint::Responses, &body), Some(class), "{body}");
    }
}

#[test]
fn a_response_that_is_incomplete_is_an_answer() {
    for status in ["completed", "incomplete", "in_progress"] {
        let body =
            format!(r#"{{"object":"response","status":"{status}","error":null,"output":[]}}"#);
        assert_eq!(answered(Endpoint::Responses, &body), None, "{body}");
    }
    for (body, class) in [
        ("{}", Class::InternalServer),
        ("", Class::InternalServer),
        (r#"{"choices":[{}]}"#, Class::InternalServer),
        (r#"{"status":"completed","outp"#, Class::Connection),
        (r#"{"error":{"code":"rate_limit_exceeded"}}"#, Class::RateLimit),
    ] {
        assert_eq!(answered(Endpoint::Responses, body), Some(class), "{body}");
    }
}

#[test]
fn a_chat_completion_is_an_answer_where_one_was_asked_for() {
    assert_eq!(answered(Endpoint::ChatCompletions, r#"{"choices":[{}]}"#), None);
    let response = r#"{"status":"completed","output":[]}"#;
    assert_eq!(answered(Endpoint::ChatCompletions, response), Some(Class::InternalServer));
}

proptest! {
    #[test]
    fn has_an_opinion_on_anything(body in any::<Vec<u8>>(), status in 300u16..1000) {
        let status = StatusCode::from_u16(status).unwrap();
        let verdict = OpenAi.classify_error(status, &HeaderMap::new(), &body, NOW);
        prop_assert_eq!(verdict.status, Some(status.as_u16()));
        OpenAi.classify_ok_body(Endpoint::Responses, &HeaderMap::new(), &body, NOW);
        OpenAi.error_detail(&body);
    }
}
