//! What no provider is asked about: each refusal in OpenAI's error shape, and nobody harmed.

use secondwind_testkit::upstream::Upstream;

use crate::gateway::{Answer, CHAT, Gateway, Setup, post, question};

async fn gateway() -> (Gateway, Upstream) {
    let upstream = Upstream::start().await;
    let gateway = Setup::new()
        .with("gpt-4", "only", &upstream)
        .with("small", "other", &upstream)
        .max_body_bytes(1000)
        .start()
        .await;
    (gateway, upstream)
}

/// The message, from an error object that has all that OpenAI's have.
fn refused(answer: &Answer, status: u16) -> String {
    let body = answer.json();
    assert_eq!(answer.status, status, "{body}");
    assert_eq!(answer.header("content-type"), "application/json");
    assert!(!answer.header("x-litellm-call-id").is_empty());
    for key in ["message", "type", "code", "param"] {
        assert!(body["error"].get(key).is_some(), "no `{key}` in {body}");
    }
    body["error"]["message"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn a_body_that_cannot_be_routed_is_refused_with_the_reason() {
    let (gateway, upstream) = gateway().await;
    for body in [
        "",
        "nothing",
        "[]",
        "{",
        r#"{"messages": []}"#,
        r#"{"model": 4}"#,
        r#"{"model": "gpt-4", "model": "small"}"#,
        r#"{"model": "gpt-4", "stream": "yes"}"#,
    ] {
        let answer = gateway.post(CHAT, body).await;
        assert!(!refused(&answer, 400).is_empty(), "{body}");
    }
    assert_eq!(gateway.ask("gpt-4").await.status, 200);
    assert_eq!(upstream.attempts(), 1);
}

#[tokio::test]
async fn an_unknown_model_is_answered_with_the_known_ones() {
    let (gateway, upstream) = gateway().await;
    let message = refused(&gateway.ask("gpt-5").await, 404);
    for name in ["gpt-5", "gpt-4", "small"] {
        assert!(message.contains(name), "{message}");
    }
    assert_eq!(upstream.attempts(), 0);
}

#[tokio::test]
async fn a_body_over_the_limit_is_refused_said_or_unsaid() {
    let (gateway, upstream) = gateway().await;
    let long = format!(r#"{{"model": "gpt-4", "messages": "{}"}}"#, "x".repeat(2000));
    refused(&gateway.post(CHAT, long.clone()).await, 413);

    // In pieces, so that the length shows only on the way.
    let text = format!(
        "POST {CHAT} HTTP/1.1\r\nhost: gateway\r\ncontent-type: application/json\r\n\
         transfer-encoding: chunked\r\nconnection: close\r\n\r\n{:x}\r\n{long}\r\n0\r\n\r\n",
        long.len()
    );
    assert!(raw(&gateway, &text).await.starts_with("HTTP/1.1 413 "));
    assert_eq!(upstream.attempts(), 0);
}

#[tokio::test]
async fn another_content_type_path_or_method_is_refused() {
    let (gateway, upstream) = gateway().await;
    let mut form = post(CHAT, question("gpt-4").to_string());
    form.headers_mut().insert("content-type", "text/plain".parse().unwrap());
    refused(&gateway.send(form).await, 415);
    refused(&gateway.post("/v2/elsewhere", "{}").await, 404);
    refused(&gateway.get("/v1/embeddings").await, 405);
    assert_eq!(upstream.attempts(), 0);
}

#[tokio::test]
async fn without_the_key_nobody_is_asked_and_nothing_is_read() {
    let upstream = Upstream::start().await;
    let gateway =
        Setup::new().with("gpt-4", "only", &upstream).master_key("sk-master-1234").start().await;
    for key in
        [None, Some("Bearer sk-master-123"), Some("Bearer sk-master-12345"), Some("sk-master-1234")]
    {
        // Not even JSON: whoever has no key is not told so.
        let mut request = post(CHAT, "not json");
        if let Some(key) = key {
            request.headers_mut().insert("authorization", key.parse().unwrap());
        }
        let answer = gateway.send(request).await;
        refused(&answer, 401);
        assert_eq!(answer.json()["error"]["code"], "invalid_api_key");
    }
    refused(&gateway.get("/v1/models").await, 401);
    assert_eq!(gateway.get("/health/readiness").await.status, 200);

    let mut request = post(CHAT, question("gpt-4").to_string());
    request.headers_mut().insert("authorization", "Bearer sk-master-1234".parse().unwrap());
    assert_eq!(gateway.send(request).await.status, 200);
    assert_eq!(upstream.attempts(), 1);
}

#[tokio::test]
async fn a_head_that_is_too_large_harms_only_its_sender() {
    let (gateway, _upstream) = gateway().await;
    let long = "x".repeat(200 * 1024);
    let text = format!("POST {CHAT} HTTP/1.1\r\nhost: gateway\r\nx-long: {long}\r\n\r\n");
    let answer = raw(&gateway, &text).await;
    assert!(answer.is_empty() || answer.starts_with("HTTP/1.1 431 "), "{answer}");
    assert_eq!(gateway.ask("gpt-4").await.status, 200);
}

#[tokio::test]
async fn the_models_are_the_groups() {
    let (gateway, _upstream) = gateway().await;
    let models = gateway.get("/v1/models").await.json();
    let names: Vec<&str> = models["data"]
        .as_array()
        .unwrap()
        .iter()
        .map(|model| model["id"].as_str().unwrap())
        .collect();
    assert_eq!(names, ["gpt-4", "small"]);
    assert_eq!(gateway.get("/v1/models/small").await.json()["id"], "small");
    refused(&gateway.get("/v1/models/large").await, 404);
}

/// What comes back for bytes as they are.
async fn raw(gateway: &Gateway, text: &str) -> String {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    let mut socket = tokio::net::TcpStream::connect(gateway.address).await.unwrap();
    // The gateway may hang up before it has read all of it.
    let _ = socket.write_all(text.as_bytes()).await;
    let mut answer = Vec::new();
    let _ = socket.read_to_end(&mut answer).await;
    String::from_utf8_lossy(&answer).into_owned()
}
