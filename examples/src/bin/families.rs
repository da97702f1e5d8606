//! Fallbacks that cross families: a group on OpenAI's Chat Completions falls back to one on Anthropic's Messages. The caller hears
//! its own API, whoever answers.
//!
//! cargo run -p secondwind-examples --bin families

use std::error::Error;
use std::sync::Arc;

use bytes::Bytes;
use http::HeaderMap;
use http_body_util::BodyExt;
use secondwind::llm::dialect::{Anthropic, Endpoint, OpenAi, OpenAiChat};
use secondwind::llm::peek::peek;
use secondwind::router::{Call, GroupSetup, Request, Router, Setup, Target};
use secondwind::{Context, Policy};
use secondwind_testkit::upstream::{Reply, Upstream};
use tokio::time::Instant;
use tower::ServiceExt;

/// What Claude says.
const MESSAGE: &str = r#"{"id": "msg_1", "type": "message", "role": "assistant", "model": "claude-x", "stop_reason": "end_turn",
    "stop_sequence": null, "content": [{"type": "text", "text": "By the moon."}], "usage": {"input_tokens": 9, "output_tokens": 4}}"#;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error>> {
    let (gpt, claude) = (Upstream::start().await, Upstream::start().await);
    gpt.always(Reply::quota_exhausted());
    claude.always(Reply::json(200, MESSAGE));

    let of_gpt = Target::new("gpt", &OpenAi, "gpt-4o", gpt.base_url().parse()?);
    let at = format!("http://{}", claude.addr()).parse()?;
    let of_claude = Target::new("claude", &Anthropic, "claude-sonnet-4-5", at);
    let policy = Arc::new(Policy::builder().fallbacks(["claude"]).build()?);
    let router = Router::new(Setup::new([
        GroupSetup { policy, ..GroupSetup::new("gpt-4", [of_gpt]) },
        GroupSetup::new("claude", [of_claude]),
    ]))?;

    let body =
        Bytes::from(r#"{"model": "gpt-4", "messages": [{"role": "user", "content": "Why?"}]}"#);
    let peeked = peek(&body)?;
    // The caller speaks Chat Completions.
    let call = Call::new(&OpenAiChat, Endpoint::ChatCompletions, HeaderMap::new(), body, peeked);
    let context = Context::new(Instant::now());
    let answer = router.oneshot(Request::new(call, "gpt-4".into(), context.clone())).await?;
    let answer = answer.into_body().collect().await?.to_bytes();
    println!("{}\n{}", context.trail(), String::from_utf8_lossy(&answer));
    assert!(answer.starts_with(br#"{"id":"msg_1","object":"chat.completion""#));
    assert_eq!(claude.requests()[0].path, "/v1/messages");
    Ok(())
}
