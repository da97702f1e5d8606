use std::time::Duration;

use serde_json::{Value, json};

use super::Said;

#[test]
fn reads_the_wait_in_a_body_as_protobuf_does() {
    let vectors = include_str!("../../../../tests/vectors/retry_info.json");
    let vectors: Value = serde_json::from_str(vectors).unwrap();
    let rows = vectors["rows"].as_array().unwrap();
    let mut ran = 0;
    for row in rows {
        ran += 1;
        let body = match &row["body"] {
            Value::String(text) => text.clone(),
            body => body.to_string(),
        };
        let wanted = row["expect_ms"].as_u64().map(Duration::from_millis);
        assert_eq!(Said::read(body.as_bytes()).retry_info(), wanted, "{}", row["id"]);
    }
    println!("{ran} rows");
    assert_eq!(Some(ran), vectors["count"].as_u64());
}

#[test]
fn finds_the_words_whatever_the_shape() {
    for (body, message, code) in [
        (json!({"error": {"message": "m", "code": "c"}}), "m", Some("c")),
        (json!({"error": "m", "code": "c"}), "m", Some("c")),
        (json!([{"error": {"message": "m", "code": 429}}]), "m", Some("429")),
        (json!({"object": "error", "message": "m", "code": "c"}), "m", Some("c")),
        (json!({"detail": "m"}), "m", None),
        (json!({"detail": [{"msg": "m", "type": "missing"}]}), "m", None),
        (json!({"message": {"detail": [{"msg": "m", "type": "missing"}]}}), "m", None),
        (json!({"success": false, "errors": [{"code": 7, "message": "m"}]}), "m", Some("7")),
    ] {
        let said = Said::of(&body);
        assert_eq!((said.message(), said.code()), (Some(message), code), "{body}");
    }
}

#[test]
fn hears_the_provider_behind_a_router_of_providers() {
    let raw = json!({"error": {"message": "Inner", "code": "context_length_exceeded"}}).to_string();
    let said = Said::of(&json!({"error": {"message": "Outer", "metadata": {"raw": raw}}}));
    assert_eq!(said.message(), Some("Outer"));
    assert_eq!(said.texts(), ["outer", "inner"]);
    assert_eq!(said.codes(), ["context_length_exceeded"]);
}

#[test]
fn makes_nothing_of_what_says_nothing() {
    for body in ["{}", "[]", "null", "3", r#"["boom"]"#, r#"{"error":null}"#, r#"{"error":""}"#] {
        let said = Said::read(body.as_bytes());
        assert!(said.is_silent(), "{body}");
        assert_eq!(said.status(), None);
    }
    let cut = Said::read(b"{\"error\": {\"message\": \"This mod\xff");
    assert!(cut.page().is_some() && cut.texts().is_empty());
}
