//! The gateway's own router, inside a program.
//!
//! You see two model groups: `large` with two deployments, and `small`, to which `large` falls back. The first
//! question meets a deployment that is overloaded and is answered by its sibling. Then the sibling is out of
//! money, and the second question is answered by `small`.
//!
//! ```text
//! cargo run -p secondwind-examples --bin llm_router
//!
//! large/a=service_unavailable@0ms+1ms;large/b=ok@1ms+0ms
//! large/a=service_unavailable@0ms+0ms;large/b=quota_exhausted@0ms+0ms;small/c=ok@1ms+0ms
//! ```

use std::error::Error;
use std::sync::Arc;

use bytes::Bytes;
use http::HeaderMap;
use http::uri::InvalidUri;
use secondwind::llm::dialect::{Endpoint, OpenAiChat};
use secondwind::llm::peek::peek;
use secondwind::router::strategy::SimpleShuffle;
use secondwind::router::{Call, Checks, GroupSetup, Request, Router, Setup, Target};
use secondwind::{Class, Context, Policy, Trail};
use secondwind_testkit::upstream::{Reply, Upstream};
use tokio::time::Instant;
use tower::ServiceExt;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error>> {
    let a = Upstream::start().await;
    let b = Upstream::start().await;
    let c = Upstream::start().await;
    let group = |name: &str, policy, targets| GroupSetup {
        name: name.to_owned(),
        policy,
        targets,
        listed: true,
    };
    let large = Arc::new(Policy::builder().fallbacks(["small"]).build()?);
    let small = Arc::new(Policy::default());
    let in_large = vec![target("a", &a, 1, &large)?, target("b", &b, 2, &large)?];
    let in_small = vec![target("c", &c, 1, &small)?];
    let groups = vec![group("large", large, in_large), group("small", small, in_small)];
    let (aliases, strategy) = (Vec::new(), Arc::new(SimpleShuffle));
    // A Tower service: always ready, cheap to clone.
    let router = Router::new(Setup { groups, aliases, strategy, checks: Checks::default() })?;

    a.always(Reply::overloaded());
    let trail = ask(router.clone()).await?;
    assert_eq!(trail.attempts()[0].class, Some(Class::ServiceUnavailable));
    assert_eq!((trail.retries(), trail.fallbacks()), (1, 0));

    b.always(Reply::quota_exhausted());
    let trail = ask(router).await?;
    assert_eq!(trail.attempts()[1].class, Some(Class::QuotaExhausted));
    assert_eq!((trail.retries(), trail.fallbacks()), (1, 1));
    // Each provider is asked for the model by the name that it has there.
    assert_eq!(c.requests()[0].model(), "model-of-c");
    Ok(())
}

/// A deployment: one place that can answer for a group. Those of the lowest order come first.
fn target(id: &str, at: &Upstream, order: u32, policy: &Arc<Policy>) -> Result<Target, InvalidUri> {
    let target = Target::new(id, &OpenAiChat, format!("model-of-{id}"), at.base_url().parse()?);
    let (api_key, policy) = (Some("a key".to_owned()), Arc::clone(policy));
    Ok(Target { api_key, order, policy, ..target })
}

/// Asks the group `large`, and tells what became of it.
async fn ask(router: Router) -> Result<Trail, Box<dyn Error>> {
    let body =
        Bytes::from(r#"{"model": "large", "messages": [{"role": "user", "content": "Hi"}]}"#);
    let peek = peek(&body)?;
    let group = peek.model.as_str().into();
    let endpoint = Endpoint::ChatCompletions;
    let call = Call::new(&OpenAiChat, endpoint, HeaderMap::new(), body, peek);
    let context = Context::new(Instant::now());
    let answer = router.oneshot(Request::new(call, group, context.clone())).await?;
    println!("{}", context.trail());
    assert_eq!(answer.status(), 200);
    Ok(context.trail())
}
