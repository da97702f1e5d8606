//! Answers that come whole.

use secondwind_testkit::upstream::{Reply, Upstream};
use serde_json::{Value, json};

use super::with;
use super::words::{claude, claude_says, gemini_says};
use crate::gateway::{CHAT, Setup, key_of, post, question};

#[tokio::test]
async fn a_fallback_to_claude_is_answered_in_the_callers_words() {
    let (gpt, claude) = (Upstream::start().await, Upstream::start().await);
    gpt.always(Reply::status(500));
    claude.always(claude_says("By the moon."));
    let setup = with(Setup::new().with("gpt-4", "east", &gpt), "claude", "c", "anthropic", &claude);
    let gateway =
        setup.router("num_retries: 0").router("fallbacks: [{gpt-4: [claude]}]").start().await;
    let answer = gateway.ask("gpt-4").await;
    assert_eq!(answer.status, 200);
    assert_eq!(answer.content(), "By the moon.");
    assert_eq!(answer.json()["object"], "chat.completion");
    assert_eq!(answer.json()["usage"]["total_tokens"], 18);
    assert_eq!(answer.header("content-type"), "application/json");
    assert_eq!(answer.header("content-length"), answer.body.len().to_string());
    assert_eq!(answer.trail(), ["gpt-4/east=internal_server", "claude/c=ok"]);

    let sent = &claude.requests()[0];
    assert_eq!(sent.path, "/v1/messages");
    assert_eq!(sent.json()["model"], "model-of-c");
    assert_eq!(sent.json()["messages"][0]["content"][0]["text"], "Who?");
    // Each provider gets its own key, and nothing of the other's.
    assert_eq!(sent.header("x-api-key"), Some(key_of("c").as_str()));
    assert_eq!(sent.header("anthropic-version"), Some("2023-06-01"));
    assert_eq!(sent.header("authorization"), None);
}

#[tokio::test]
async fn tools_go_there_and_back() {
    let claude_up = Upstream::start().await;
    let call =
        json!({"type": "tool_use", "id": "toolu_1", "name": "tide", "input": {"place": "Brest"}});
    claude_up.always(claude(&json!([call]), "tool_use"));
    let gateway = with(Setup::new(), "claude", "c", "anthropic", &claude_up).start().await;
    let mut asked = question("claude");
    let parameters = json!({"type": "object", "properties": {"place": {"type": "string"}}});
    asked["tools"] =
        json!([{"type": "function", "function": {"name": "tide", "parameters": parameters}}]);
    let answer = gateway.post(CHAT, asked.to_string()).await;
    let choice = &answer.json()["choices"][0];
    assert_eq!(choice["finish_reason"], "tool_calls");
    assert_eq!(choice["message"]["tool_calls"][0]["function"]["name"], "tide");
    assert_eq!(choice["message"]["tool_calls"][0]["function"]["arguments"], r#"{"place":"Brest"}"#);
    assert_eq!(claude_up.requests()[0].json()["tools"][0]["input_schema"], parameters);
}

#[tokio::test]
async fn a_caller_of_messages_is_answered_by_chat_completions() {
    let (claude, gpt) = (Upstream::start().await, Upstream::start().await);
    claude.always(Reply::json(
        529,
        r#"{"type":"error","error":{"type":"overloaded_error","message":"Overloaded"}}"#,
    ));
    gpt.says("By the moon.");
    let setup = with(Setup::new(), "claude", "c", "anthropic", &claude).with("gpt-4", "east", &gpt);
    let gateway =
        setup.router("num_retries: 0").router("fallbacks: [{claude: [gpt-4]}]").start().await;
    let asked = json!({"model": "claude", "max_tokens": 64, "system": "Be brief.",
        "messages": [{"role": "user", "content": "Why?"}]});
    let answer = gateway.send(messages(&asked)).await;
    assert_eq!(answer.status, 200, "{:?}", answer.json());
    assert_eq!(answer.json()["type"], "message");
    assert_eq!(answer.json()["content"][0]["text"], "By the moon.");
    assert_eq!(answer.json()["stop_reason"], "end_turn");
    assert_eq!(answer.trail(), ["claude/c=service_unavailable", "gpt-4/east=ok"]);
    let sent = &gpt.requests()[0];
    assert_eq!(sent.json()["messages"][0], json!({"role": "system", "content": "Be brief."}));
    for of_the_other in ["x-api-key", "anthropic-version", "anthropic-beta"] {
        assert_eq!(sent.header(of_the_other), None, "{of_the_other}");
    }
}

#[tokio::test]
async fn messages_pass_to_anthropic_as_they_are() {
    let claude = Upstream::start().await;
    claude.always(claude_says("So it is."));
    let gateway = with(Setup::new(), "claude", "c", "anthropic", &claude).start().await;
    let body = r#"{ "max_tokens":1,"model":"claude", "messages":[{"role":"user","content":[{"type":"text","text":"é","cache_control":{"type":"ephemeral"}}]}],"novelty":1.50}"#;
    let answer = gateway.send(messages_of(body)).await;
    assert_eq!(answer.json()["content"][0]["text"], "So it is.");
    let sent = &claude.requests()[0];
    assert_eq!(sent.body, body.replace(r#""claude""#, r#""model-of-c""#));
    assert_eq!(sent.header("anthropic-beta"), Some("tides-2026"));
}

#[tokio::test]
async fn an_error_is_told_in_the_callers_words() {
    let gpt = Upstream::start().await;
    gpt.always(Reply::rate_limited(7));
    let gateway = Setup::new().with("gpt-4", "east", &gpt).router("num_retries: 0").start().await;
    let asked = json!({"model": "gpt-4", "max_tokens": 9, "messages": [{"role": "user", "content": "Why?"}]});
    let answer = gateway.send(messages(&asked)).await;
    assert_eq!(answer.status, 429);
    assert_eq!(answer.json()["type"], "error");
    assert_eq!(answer.error()["type"], "rate_limit_error");
    assert_eq!(answer.class(), "rate_limit");
    assert_eq!(answer.header("retry-after"), "7");
    let answer = gateway.send(messages(&json!({"model": "nobody", "messages": []}))).await;
    assert_eq!((answer.status.as_u16(), &answer.json()["type"]), (404, &Value::from("error")));
}

#[tokio::test]
async fn responses_are_spoken_over_chat_completions_and_over_claude() {
    let (groq, claude) = (Upstream::start().await, Upstream::start().await);
    groq.says("By the moon.");
    claude.always(claude_says("By the moon."));
    let setup = with(Setup::new(), "llama", "g", "groq", &groq);
    let gateway = with(setup, "claude", "c", "anthropic", &claude).start().await;
    for model in ["llama", "claude"] {
        let asked = json!({"model": model, "input": "Why?"});
        let answer = gateway.post("/v1/responses", asked.to_string()).await;
        assert_eq!(answer.json()["object"], "response", "{model}");
        assert_eq!(answer.json()["output"][0]["content"][0]["text"], "By the moon.", "{model}");
    }
}

#[tokio::test]
async fn gemini_is_asked_in_its_own_words_and_at_its_own_address() {
    let gemini = Upstream::start().await;
    gemini.always(Reply::json(200, gemini_says("By the moon.").to_string()));
    let gateway = with(Setup::new(), "gemini", "g", "gemini", &gemini).start().await;
    let answer = gateway.ask("gemini").await;
    assert_eq!(answer.content(), "By the moon.");
    let sent = &gemini.requests()[0];
    assert_eq!(sent.path, "/v1/models/model-of-g:generateContent");
    assert_eq!(sent.json()["contents"][0]["parts"][0]["text"], "Who?");
    assert_eq!(sent.header("x-goog-api-key"), Some(key_of("g").as_str()));
}

#[tokio::test]
async fn what_is_no_answer_of_the_providers_api_is_a_failure() {
    let (claude, gpt) = (Upstream::start().await, Upstream::start().await);
    claude.always(Reply::json(200, r#"{"choices": []}"#));
    let setup = with(Setup::new(), "claude", "c", "anthropic", &claude).with("gpt-4", "east", &gpt);
    let gateway =
        setup.router("num_retries: 0").router("fallbacks: [{claude: [gpt-4]}]").start().await;
    let answer = gateway.ask("claude").await;
    assert_eq!(answer.trail(), ["claude/c=internal_server", "gpt-4/east=ok"]);
}

/// A `POST` as Anthropic's clients send it.
pub(super) fn messages(asked: &Value) -> http::Request<http_body_util::Full<bytes::Bytes>> {
    messages_of(asked.to_string())
}

fn messages_of(body: impl Into<bytes::Bytes>) -> http::Request<http_body_util::Full<bytes::Bytes>> {
    let mut request = post("/v1/messages", body);
    let headers = request.headers_mut();
    headers.insert("x-api-key", "a caller's own".parse().unwrap());
    headers.insert("anthropic-version", "2023-06-01".parse().unwrap());
    headers.insert("anthropic-beta", "tides-2026".parse().unwrap());
    request
}
