//! Answers of Gemini's, whole and in pieces, for callers of OpenAI's Chat Completions.

use proptest::prelude::*;
use proptest::sample::select;

use super::accumulate::{completion, events};
use super::streams::{cut, translated};
use super::*;

const PAIR: OpenAiToGemini = OpenAiToGemini;

/// An answer with one candidate of `parts`.
fn answer(parts: Value, reason: &str) -> Value {
    json!({"candidates": [{"content": {"role": "model", "parts": parts}, "finishReason": reason, "index": 0}],
        "usageMetadata": {"promptTokenCount": 5, "candidatesTokenCount": 7, "totalTokenCount": 15,
            "thoughtsTokenCount": 3, "cachedContentTokenCount": 2},
        "modelVersion": "theirs", "responseId": "r1"})
}

/// An answer as its stream, with every text cut at `at`: each event is a whole answer.
fn as_pieces(answer: &Value, at: &[usize], alone: bool) -> Vec<u8> {
    let mut out = Vec::new();
    let whole = |candidate: Value| with(answer, json!({"candidates": [candidate]}));
    let candidate = &answer["candidates"][0];
    let mut pieces = Vec::new();
    for part in candidate["content"]["parts"].as_array().unwrap() {
        match part["text"].as_str() {
            Some(text) => pieces
                .extend(cut(text, at).into_iter().map(|piece| with(part, json!({"text": piece})))),
            None => pieces.push(part.clone()),
        }
    }
    let last = if alone { None } else { pieces.pop() };
    for piece in pieces {
        let content = json!({"role": "model", "parts": [piece]});
        sse::data(&mut out, &whole(json!({"content": content, "index": 0})));
    }
    let mut end = json!({"finishReason": candidate["finishReason"]});
    if let Some(last) = last {
        end["content"] = json!({"role": "model", "parts": [last]});
    }
    sse::data(&mut out, &whole(end));
    out
}

fn answers() -> impl Strategy<Value = Value> {
    let text = "[a-z\"\\\\\n é😀]{0,12}";
    let args = || prop::collection::btree_map("[a-z]{1,3}", text, 0..3);
    let part = prop_oneof![
        text.prop_map(|text| json!({"text": text})),
        text.prop_map(|text| json!({"text": text, "thought": true})),
        ("[a-z]{1,5}", args())
            .prop_map(|(name, args)| json!({"functionCall": {"name": name, "args": args}})),
        ("[a-z]{1,5}", args()).prop_map(|(id, args)| {
            json!({"functionCall": {"id": id, "name": "f", "args": args}, "thoughtSignature": "c2ln"})
        }),
        Just(json!({"functionCall": {"name": "f"}})),
        Just(json!({"executableCode": {"code": "1 + 1"}})),
    ];
    let reasons = select(vec!["STOP", "MAX_TOKENS", "SAFETY", "SOMETHING_NEW"]);
    (prop::collection::vec(part, 0..5), reasons)
        .prop_map(|(parts, reason)| answer(parts.into(), reason))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(500))]

    #[test]
    fn a_stream_of_geminis_tells_what_the_whole_answer_says(
        answer in answers(),
        at in prop::collection::vec(0..12usize, 0..6),
        alone in any::<bool>(),
    ) {
        let request = json!({"stream_options": {"include_usage": true}});
        let told = translated(&PAIR, &request, &as_pieces(&answer, &at, alone));
        prop_assert_eq!(completion(&told), answered(&PAIR, &answer));
    }
}

#[test]
fn answers_with_geminis_reason_and_cost() {
    for (reason, finish) in [
        ("STOP", "stop"),
        ("MAX_TOKENS", "length"),
        ("SAFETY", "content_filter"),
        ("RECITATION", "content_filter"),
        ("LANGUAGE", "content_filter"),
        ("BLOCKLIST", "content_filter"),
        ("PROHIBITED_CONTENT", "content_filter"),
        ("SPII", "content_filter"),
        ("MODEL_ARMOR", "content_filter"),
        ("IMAGE_SAFETY", "content_filter"),
    ] {
        let said = answered(&PAIR, &answer(json!([{"text": "Hi"}]), reason));
        assert_eq!(said["choices"][0]["finish_reason"], finish, "{reason}");
        assert_eq!(
            said["usage"],
            json!({"prompt_tokens": 5, "completion_tokens": 10, "total_tokens": 15,
                "prompt_tokens_details": {"cached_tokens": 2},
                "completion_tokens_details": {"reasoning_tokens": 3}})
        );
    }
    let called = answered(&PAIR, &answer(json!([{"functionCall": {"name": "f"}}]), "STOP"));
    assert_eq!(called["choices"][0]["finish_reason"], "tool_calls");
}

#[test]
fn tells_geminis_calls_apart_and_carries_their_signatures() {
    let call = json!({"functionCall": {"name": "f", "args": {"b": 1.0, "a": 2}}});
    let signed = with(&call, json!({"thoughtSignature": "c2ln"}));
    let said = answered(&PAIR, &answer(json!([signed, call]), "STOP"));
    let calls = &said["choices"][0]["message"]["tool_calls"];
    assert_eq!(calls[0]["extra_content"], json!({"google": {"thought_signature": "c2ln"}}));
    assert_eq!((&calls[0]["id"], &calls[1]["id"]), (&json!("call_r1_0_0"), &json!("call_r1_0_1")));
    assert!(calls[1].get("extra_content").is_none());
    // What the caller sends back is what Gemini said.
    let back = json!([
        {"role": "user", "content": "Hi"},
        said["choices"][0]["message"],
        {"role": "tool", "tool_call_id": "call_r1_0_1", "content": "2"},
    ]);
    let asked = sent(&PAIR, &json!({"messages": back}));
    assert_eq!(asked["contents"][1]["parts"][0]["thoughtSignature"], "c2ln");
    assert_eq!(asked["contents"][2]["parts"][0]["functionResponse"]["id"], "call_r1_0_1");
}

#[test]
fn takes_no_generation_of_geminis_that_went_wrong_for_an_answer() {
    for given in [
        json!({}),
        json!({"error": {"code": 503, "message": "Overloaded", "status": "UNAVAILABLE"}}),
        json!([{"error": {"code": 503}}]),
        json!({"candidates": [], "promptFeedback": {}}),
        json!({"candidates": [{"content": {"parts": [{"text": "Half"}]}}]}),
        answer(json!([{"functionCall": {"args": {}}}]), "STOP"),
        answer(json!([{"functionCall": {"name": "f", "args": [1]}}]), "STOP"),
        answer(json!([]), "MALFORMED_FUNCTION_CALL"),
        answer(json!([]), "UNEXPECTED_TOOL_CALL"),
        answer(json!([{"text": "Half"}]), "OTHER"),
    ] {
        assert!(PAIR.answer(given.to_string().as_bytes(), CREATED).is_err(), "{given}");
    }
}

#[test]
fn a_blocked_prompt_is_refused_in_a_stream_as_in_a_whole_answer() {
    for (feedback, refusal) in [
        (json!({"blockReason": "SAFETY"}), "The prompt was blocked: SAFETY"),
        (json!({"blockReason": "OTHER", "blockReasonMessage": "No."}), "No."),
    ] {
        let given = json!({"promptFeedback": feedback, "usageMetadata": {"promptTokenCount": 5},
            "modelVersion": "theirs", "responseId": "r1"});
        let whole = answered(&PAIR, &given);
        assert_eq!(whole["choices"][0]["message"]["refusal"], refusal);
        assert_eq!(whole["choices"][0]["finish_reason"], "content_filter");
        let mut stream = Vec::new();
        sse::data(&mut stream, &given);
        for n in [1, 2] {
            let request = json!({"stream_options": {"include_usage": true}, "n": n});
            assert_eq!(completion(&translated(&PAIR, &request, &stream)), whole);
        }
    }
}

#[test]
fn several_answers_end_with_the_last_of_them() {
    let piece = |index: u64, text: &str, reason: Value| json!({"candidates": [{"index": index, "content": {"parts": [{"text": text}]}, "finishReason": reason}]});
    let mut given = Vec::new();
    for (index, text, reason) in [
        (0, "a", Value::Null),
        (1, "b", Value::Null),
        (0, "c", json!("STOP")),
        (1, "d", json!("MAX_TOKENS")),
    ] {
        sse::data(&mut given, &piece(index, text, reason));
    }
    let told = translated(&PAIR, &json!({"n": 2}), &given);
    let mut texts = [String::new(), String::new()];
    let mut ends = Vec::new();
    let mut told = events(&told);
    assert_eq!(told.pop().unwrap().1, "[DONE]");
    for (_, data) in told {
        let chunk: Value = serde_json::from_str(&data).unwrap();
        let said = &chunk["choices"][0];
        let index = usize::try_from(said["index"].as_u64().unwrap()).unwrap();
        texts[index].push_str(said["delta"]["content"].as_str().unwrap_or_default());
        ends.extend(said["finish_reason"].as_str().map(str::to_owned));
    }
    assert_eq!((texts, ends), (["ac".into(), "bd".into()], vec!["stop".into(), "length".into()]));
}

#[test]
fn says_nothing_for_pieces_of_gemini_that_cannot_be() {
    let text = |reason: Value| json!({"candidates": [{"content": {"parts": [{"text": "x"}]}, "finishReason": reason}]});
    let blocked = json!({"promptFeedback": {"blockReason": "SAFETY"}});
    let second = json!({"candidates": [{"index": 1, "content": {"parts": [{"text": "x"}]}}]});
    for (before, event) in [
        (vec![], json!("{")),
        (vec![], json!([])),
        (vec![], second),
        (vec![], text(json!("MALFORMED_FUNCTION_CALL"))),
        (vec![text(Value::Null)], text(json!("OTHER"))),
        (vec![text(Value::Null)], blocked),
    ] {
        let mut stream = PAIR.stream(b"{}", CREATED);
        for event in &before {
            stream.event(None, event.to_string().as_bytes(), &mut Vec::new()).unwrap();
        }
        let mut out = Vec::new();
        let error = stream.event(None, event.to_string().as_bytes(), &mut out).unwrap_err();
        assert!(matches!(error, Malformed::Event(_)) && out.is_empty(), "{before:?} {event}");
    }
    let data = br#"{"error":{"code":503,"message":"Overloaded","status":"UNAVAILABLE"}}"#;
    let mut out = Vec::new();
    let error = PAIR.stream(b"{}", CREATED).event(None, data, &mut out).unwrap_err();
    assert_eq!((error, out.is_empty()), (Malformed::Error(Bytes::from_static(data)), true));
}
