use bytes::Bytes;
use secondwind_policy::Class;
use serde_json::{Value, json};

use super::Gemini;
use crate::dialect::ErrorReply;
use crate::stream::wire::{data, events};
use crate::stream::{AtEnd, Follow, Seen, Spliced, StreamDialect, Transcript, Usage, Way};

fn see(follow: &mut dyn Follow, chunk: &Value) -> Seen {
    follow.see(&events(&Bytes::from(data(chunk)))[0])
}

fn parts(parts: Value) -> Value {
    let mut chunk = json!({"candidates": [{"index": 0, "content": {"role": "model"}}],
        "usageMetadata": {"promptTokenCount": 4, "candidatesTokenCount": 1, "totalTokenCount": 5},
        "modelVersion": "m", "responseId": "first"});
    chunk["candidates"][0]["content"]["parts"] = parts;
    chunk
}

fn finished(mut chunk: Value) -> Value {
    chunk["candidates"][0]["finishReason"] = "STOP".into();
    chunk
}

fn said(text: &str) -> Transcript {
    let mut follow = Gemini.follow();
    see(&mut *follow, &parts(json!([{"text": text}])));
    follow.into_transcript()
}

#[test]
fn only_what_somebody_can_read_or_act_on_is_content() {
    for chunk in [
        json!({"usageMetadata": {"promptTokenCount": 4}}),
        json!({"candidates": []}),
        json!({"candidates": [{"content": {"role": "model"}}]}),
        parts(json!([{"text": ""}])),
        parts(json!([{"text": "", "thoughtSignature": "x"}])),
    ] {
        assert_eq!(see(&mut *Gemini.follow(), &chunk), Seen::Preamble, "{chunk}");
    }
    for (part, text) in [
        (json!({"text": "x"}), true),
        (json!({"text": "x", "thoughtSignature": "x"}), true),
        (json!({"text": "x", "thought": true}), false),
        (json!({"functionCall": {"name": "f", "args": {}}}), false),
        (json!({"inlineData": {"mimeType": "image/png", "data": ""}}), false),
        (json!({"executableCode": {"code": "1"}}), false),
    ] {
        let mut follow = Gemini.follow();
        assert_eq!(see(&mut *follow, &parts(json!([part]))), Seen::Content, "{part}");
        assert_eq!(follow.transcript().resumable, text, "{part}");
        assert_eq!(follow.transcript().text, if text { "x" } else { "" });
        assert_eq!(follow.at_end(), AtEnd::Broken);
    }
}

#[test]
fn a_finish_reason_is_the_end() {
    let mut follow = Gemini.follow();
    assert_eq!(see(&mut *follow, &finished(parts(json!([{"text": "x"}])))), Seen::Terminal);
    assert_eq!(follow.at_end(), AtEnd::Complete);
    assert_eq!(see(&mut *follow, &json!({"usageMetadata": {"promptTokenCount": 7}})), Seen::After);
    assert_eq!(follow.transcript().usage, Some(Usage { input: 7, output: 1 }));
}

#[test]
fn an_error_is_of_the_class_that_its_status_says() {
    for (code, status, class) in [
        (503, "UNAVAILABLE", Class::ServiceUnavailable),
        (429, "RESOURCE_EXHAUSTED", Class::RateLimit),
        (500, "INTERNAL", Class::InternalServer),
        (504, "DEADLINE_EXCEEDED", Class::Timeout),
        (400, "INVALID_ARGUMENT", Class::BadRequest),
        (400, "FAILED_PRECONDITION", Class::BadRequest),
        (401, "UNAUTHENTICATED", Class::Authentication),
        (403, "PERMISSION_DENIED", Class::Permission),
        (404, "NOT_FOUND", Class::NotFound),
        (409, "ABORTED", Class::Conflict),
        (499, "CANCELLED", Class::InternalServer),
    ] {
        let error = json!({"error": {"code": code, "message": "x", "status": status}});
        for chunk in [error.clone(), json!([error])] {
            let Seen::Error(verdict) = see(&mut *Gemini.follow(), &chunk) else {
                panic!("{chunk}")
            };
            assert_eq!(verdict.class, class, "{chunk}");
        }
    }
    let day = json!({"error": {"code": 429, "message": "x", "status": "RESOURCE_EXHAUSTED",
        "details": [{"@type": "type.googleapis.com/google.rpc.QuotaFailure",
            "violations": [{"quotaId": "GenerateRequestsPerDayPerProjectPerModel-FreeTier"}]}]}});
    let Seen::Error(verdict) = see(&mut *Gemini.follow(), &day) else { panic!("{day}") };
    assert_eq!(verdict.class, Class::QuotaExhausted);
}

#[test]
fn a_refused_prompt_is_no_answer() {
    let chunk = json!({"promptFeedback": {"blockReason": "SAFETY"}});
    let Seen::Error(verdict) = see(&mut *Gemini.follow(), &chunk) else { panic!("{chunk}") };
    assert_eq!(verdict.class, Class::ContentPolicy);
}

#[test]
fn what_is_no_chunk_is_malformed() {
    for (text, maybe_content) in [
        ("data: {\"candidates\":[{\"content\":{\"parts\":[{\"te\n\n", true),
        ("data: {\"candidates\":[{\"content\":{\"parts\":[7]}}]}\n\n", true),
        ("data: ,\n\n", false),
    ] {
        let seen = Gemini.follow().see(&events(&Bytes::from_static(text.as_bytes()))[0]);
        assert_eq!(seen, Seen::Malformed { maybe_content }, "{text}");
    }
}

#[test]
fn a_prefill_is_the_last_content() {
    let resumed = |request: &Value, text: &str| {
        let body = Gemini.resume(request.to_string().as_bytes(), &said(text), Way::Prefill)?;
        Some(serde_json::from_slice::<Value>(&body).unwrap()["contents"].clone())
    };
    let hi = json!({"role": "user", "parts": [{"text": "Hi"}]});
    let contents = json!([hi, {"role": "model", "parts": [{"text": "Hel"}]}]);
    assert_eq!(resumed(&json!({"contents": [hi]}), "Hel"), Some(contents.clone()));
    assert_eq!(resumed(&json!({"contents": [hi]}), ""), None);
    let twice = json!([{"text": "Hel"}, {"text": "lo"}]);
    assert_eq!(resumed(&json!({ "contents": contents }), "lo").unwrap()[1]["parts"], twice);
}

#[test]
fn only_one_plain_text_can_be_gone_on_with() {
    let resumable = |config: &Value| {
        Gemini.resumable(json!({"contents": [], "generationConfig": config}).to_string().as_bytes())
    };
    for config in [
        json!({}),
        json!({"candidateCount": 1, "responseMimeType": "text/plain", "responseModalities": ["TEXT"]}),
    ] {
        assert!(resumable(&config), "{config}");
    }
    for config in [
        json!({"candidateCount": 2}),
        json!({"candidate_count": 2}),
        json!({"responseMimeType": "application/json"}),
        json!({"response_mime_type": "application/json"}),
        json!({"responseSchema": {"type": "OBJECT"}}),
        json!({"responseJsonSchema": {"type": "object"}}),
        json!({"responseLogprobs": true}),
        json!({"responseModalities": ["TEXT", "IMAGE"]}),
    ] {
        assert!(!resumable(&config), "{config}");
    }
    assert!(!Gemini.resumable(b"[]"));
}

#[test]
fn an_error_is_an_event_and_no_finish() {
    let error = ErrorReply {
        message: "too much",
        kind: "rate_limit_error",
        code: None,
        param: None,
        class: Class::RateLimit,
        trail: None,
    };
    let event = &events(&Gemini.error_event(&error, &said("x")))[0];
    let told: Value = serde_json::from_slice(event.data().unwrap()).unwrap();
    assert_eq!(told["error"]["code"], 429);
    assert_eq!(told["error"]["status"], "RESOURCE_EXHAUSTED");
    assert_eq!(told["error"]["message"], "too much");
    assert!(matches!(Gemini.follow().see(event), Seen::Error(_)));
}

#[test]
fn a_whole_answer_is_a_stream_that_says_the_same() {
    let (one, two) = (parts(json!([{"text": "Hel"}])), finished(parts(json!([{"text": "lo"}]))));
    for (answer, text) in [(two.clone(), "lo"), (json!([one, two]), "Hello")] {
        let stream = Gemini.as_stream(answer.to_string().as_bytes()).unwrap();
        let mut follow = Gemini.follow();
        for event in events(&stream) {
            follow.see(&event);
        }
        assert_eq!(follow.transcript().text, text);
        assert_eq!(follow.at_end(), AtEnd::Complete);
    }
    for none in [one.clone(), json!([two, one]), json!({"error": {"code": 500}}), json!([])] {
        assert_eq!(Gemini.as_stream(none.to_string().as_bytes()), None, "{none}");
    }
}

#[test]
fn a_call_may_follow_the_text_and_thoughts_stay_behind() {
    let given = |text: &str, way: Way, all: Value| {
        let mut second = finished(parts(all));
        second["responseId"] = "second".into();
        let event = &events(&Bytes::from(data(&second)))[0];
        let mut splice = Gemini.splice(&said(text), way);
        match splice.event(event, &Gemini.follow().see(event)) {
            Spliced::Give(text) => {
                serde_json::from_slice::<Value>(events(&text)[0].data().unwrap()).ok()
            }
            Spliced::Nothing | Spliced::Differs => None,
        }
    };
    let call = json!({"functionCall": {"name": "f"}});
    let thought = json!({"text": "Hm", "thought": true});
    let chunk = given("Let", Way::Afresh, json!([thought, {"text": "Let us"}, call])).unwrap();
    assert_eq!(chunk["candidates"][0]["content"]["parts"], json!([{"text": " us"}, call]));
    assert_eq!(chunk["responseId"], "first");
    assert_eq!(chunk["usageMetadata"]["candidatesTokenCount"], 1);
    assert_eq!(given("Let", Way::Afresh, json!([call])), None);

    let chunk = given("Let", Way::Prefill, json!([{"text": " us"}])).unwrap();
    assert_eq!(
        chunk["usageMetadata"],
        json!({"promptTokenCount": 4, "candidatesTokenCount": 2, "totalTokenCount": 6})
    );
}
