//! What has no counterpart in another API, and what is no request in the caller's own.

use secondwind_testkit::upstream::Upstream;
use serde_json::{Value, json};

use super::whole::messages;
use super::with;
use super::words::claude_says;
use crate::gateway::{CHAT, Setup, question};

fn with_seed(model: &str) -> String {
    let mut asked = question(model);
    asked["seed"] = 7.into();
    asked.to_string()
}

#[tokio::test]
async fn a_parameter_that_one_has_no_word_for_goes_to_a_sibling_that_has() {
    let (claude, gpt) = (Upstream::start().await, Upstream::start().await);
    let setup = with(Setup::new(), "mixed", "c", "anthropic", &claude).with("mixed", "east", &gpt);
    let setup = setup.edited("api_key: sk-canary-c", "order: 1, api_key: sk-canary-c");
    let gateway = setup.router("num_retries: 0").start().await;
    let answer = gateway.post(CHAT, with_seed("mixed")).await;
    // Whatever the retries: nobody was asked before.
    assert_eq!(answer.trail(), ["mixed/c=unsupported_params", "mixed/east=ok"]);
    assert_eq!((claude.attempts(), gpt.attempts()), (0, 1));
}

#[tokio::test]
async fn a_parameter_that_nobody_has_a_word_for_is_refused_by_its_name_or_dropped_where_that_is_allowed()
 {
    let (claude, gpt) = (Upstream::start().await, Upstream::start().await);
    claude.always(claude_says("By the moon."));
    let setup = || with(Setup::new(), "claude", "c", "anthropic", &claude);
    let gateway = setup().start().await;
    let answer = gateway.post(CHAT, with_seed("claude")).await;
    assert_eq!(answer.status, 400);
    assert_eq!(answer.class(), "unsupported_params");
    assert_eq!(answer.error()["param"], "seed");
    assert_eq!(claude.attempts(), 0);

    let fallback = setup().with("gpt-4", "east", &gpt).router("fallbacks: [{claude: [gpt-4]}]");
    let answer = fallback.start().await.post(CHAT, with_seed("claude")).await;
    assert_eq!(answer.trail(), ["claude/c=unsupported_params", "gpt-4/east=ok"]);

    let mut asked: Value = serde_json::from_str(&with_seed("claude")).unwrap();
    asked["drop_params"] = true.into();
    let answer = gateway.post(CHAT, asked.to_string()).await;
    assert_eq!(answer.content(), "By the moon.");
    assert_eq!(claude.requests()[0].json().get("seed"), None);
    assert_eq!(claude.requests()[0].json().get("drop_params"), None);

    let dropping = setup().edited("api_key: sk", "drop_params: true, api_key: sk").start().await;
    let answer = dropping.post(CHAT, with_seed("claude")).await;
    assert_eq!(answer.content(), "By the moon.");
}

#[tokio::test]
async fn what_is_no_request_is_refused_by_the_name_of_its_field() {
    let (claude, gpt) = (Upstream::start().await, Upstream::start().await);
    let setup = with(Setup::new(), "claude", "c", "anthropic", &claude).with("gpt-4", "east", &gpt);
    let gateway = setup.start().await;
    for (field, edit) in [
        ("messages[0].role", json!([{"role": "wizard", "content": "Who?"}])),
        ("messages", json!([])),
        (
            "messages[1].tool_calls[0].function.arguments",
            json!([{"role": "user", "content": "Who?"},
            {"role": "assistant", "tool_calls": [{"id": "1", "type": "function", "function": {"name": "f", "arguments": "{"}}]}]),
        ),
    ] {
        let asked = json!({"model": "claude", "messages": edit});
        let answer = gateway.post(CHAT, asked.to_string()).await;
        assert_eq!(
            (answer.status.as_u16(), answer.class().as_str()),
            (400, "bad_request"),
            "{field}"
        );
        assert_eq!(answer.error()["param"], field, "{:?}", answer.error());
    }
    let asked = json!({"model": "gpt-4", "messages": [{"role": "user", "content": "Why?"}]});
    let answer = gateway.send(messages(&asked)).await;
    // Messages must have a `max_tokens`.
    assert_eq!(answer.status, 400);
    assert_eq!(answer.json()["type"], "error");
    assert_eq!((claude.attempts(), gpt.attempts()), (0, 0));
}

#[tokio::test]
async fn what_no_deployment_of_a_group_offers_is_refused() {
    let claude = Upstream::start().await;
    let gateway = with(Setup::new(), "claude", "c", "anthropic", &claude).start().await;
    let asked = json!({"model": "claude", "input": "tides"});
    let answer = gateway.post("/v1/embeddings", asked.to_string()).await;
    assert_eq!((answer.status.as_u16(), answer.class().as_str()), (400, "unsupported_params"));
    assert_eq!(claude.attempts(), 0);
}
