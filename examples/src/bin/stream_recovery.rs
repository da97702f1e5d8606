//! A streamed answer that outlives the provider that began it.
//!
//! You see a Tower service whose answer's body goes on where it broke: the first provider's connection is cut after 20
//! words, another is asked the same, and only what the caller does not have yet is put behind. No gateway is needed.
//!
//! ```text
//! cargo run -p secondwind-examples --bin stream_recovery
//!
//! 1 beginning, 60 words, 1 end
//! chat/east=interrupted@0ms+105ms;chat/west=ok@105ms+308ms
//! ```

use std::error::Error;

use bytes::Bytes;
use http::HeaderMap;
use http_body_util::BodyExt;
use secondwind::Context;
use secondwind::llm::dialect::{Endpoint, OpenAiChat};
use secondwind::llm::peek::peek;
use secondwind::llm::sse::Framer;
use secondwind::router::{Call, GroupSetup, Request, Router, Setup, Target};
use secondwind_testkit::faults::{Break, Fault, FaultServer, TEXT};
use tokio::time::Instant;
use tower::ServiceExt;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error>> {
    let (east, west) = (FaultServer::start().await, FaultServer::start().await);
    east.always(Fault::at(20, Break::Cut));

    let first = Target::new("east", &OpenAiChat, "gpt-4o", east.base_url().parse()?);
    let second = Target::new("west", &OpenAiChat, "gpt-4o", west.base_url().parse()?);
    // Of a policy's streams, `recovery: continue` is the default.
    let group = GroupSetup::new("chat", [first, Target { order: 1, ..second }]);
    let router = Router::new(Setup::new([group]))?;

    let body =
        r#"{"model": "chat", "stream": true, "messages": [{"role": "user", "content": "Hi"}]}"#;
    let body = Bytes::from(body);
    let peeked = peek(&body)?;
    let call = Call::new(&OpenAiChat, Endpoint::ChatCompletions, HeaderMap::new(), body, peeked);
    let context = Context::new(Instant::now());
    let answer = router.oneshot(Request::new(call, "chat".into(), context.clone())).await?;

    let (mut text, mut beginnings, mut ends) = (String::new(), 0, 0);
    let (mut body, mut framer) = (answer.into_body(), Framer::new());
    while let Some(frame) = body.frame().await {
        framer.push(frame?.into_data().unwrap_or_default());
        while let Some(event) = framer.next_event()? {
            let Some(data) = event.data().filter(|data| *data != b"[DONE]") else { continue };
            let chunk: serde_json::Value = serde_json::from_slice(data)?;
            let choice = &chunk["choices"][0];
            text.push_str(choice["delta"]["content"].as_str().unwrap_or_default());
            beginnings += usize::from(choice["delta"]["role"].is_string());
            ends += usize::from(choice["finish_reason"].is_string());
        }
    }
    println!("{beginnings} beginning, {} words, {ends} end", text.split_whitespace().count());
    println!("{}", context.trail());
    // Every word once and in order.
    assert_eq!((text.as_str(), beginnings, ends), (TEXT, 1, 1));
    assert_eq!((east.attempts().len(), west.attempts().len()), (1, 1));
    Ok(())
}
