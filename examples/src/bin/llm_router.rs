//! The gateway's own router, inside a program.
//!
//! You see two model groups: `large` with two deployments, and `small`, to which `large` falls back. The first
//! question meets a deployment that is overloaded and is answered by its sibling. Then the sibling is out of
//! money, and the second question is answered by `small`.
//!
//! ```text
//! cargo run -p secondwind-examples --bin llm_router
//!
//! 200 OK: large/a=service_unavailable@0ms+1ms;large/b=ok@1ms+0ms
//! 200 OK: large/a=service_unavailable@0ms+0ms;large/b=quota_exhausted@0ms+0ms;small/c=ok@1ms+0ms
//! ```

use std::error::Error;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::HeaderMap;
use secondwind::llm::dialect::{Endpoint, OpenAiChat};
use secondwind::llm::peek::peek;
use secondwind::router::strategy::SimpleShuffle;
use secondwind::router::{Call, GroupSetup, Request, Router, Setup, Target};
use secondwind::{Class, Context, Policy, Trail};
use secondwind_testkit::upstream::{Reply, Upstream};
use tokio::time::Instant;
use tower::ServiceExt;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error>> {
    let (a, b, c) = (
        Upstream::start().await,
        Upstream::start().await,
        Upstream::start().await,
    );
    let small = Policy::builder().non_idempotent(true).backoff(
        Duration::from_millis(1),
        2.0,
        Duration::from_millis(10),
    );
    let large = small.clone().fallbacks(["small"]);
    let groups = vec![
        group("large", large.build()?, &[("a", &a), ("b", &b)])?,
        group("small", small.build()?, &[("c", &c)])?,
    ];
    let setup = Setup {
        groups,
        aliases: Vec::new(),
        strategy: Arc::new(SimpleShuffle),
    };
    // A Tower service: always ready, cheap to clone.
    let router = Router::new(setup)?;

    a.always(Reply::overloaded());
    let trail = ask(router.clone()).await?;
    assert_eq!(trail.attempts()[0].class, Some(Class::ServiceUnavailable));
    assert_eq!((trail.retries(), trail.fallbacks()), (1, 0));

    b.always(Reply::quota_exhausted());
    let trail = ask(router).await?;
    assert_eq!(trail.attempts()[1].class, Some(Class::QuotaExhausted));
    assert_eq!((trail.retries(), trail.fallbacks()), (1, 1));
    // Each provider is asked for the model by the name that it has there.
    assert!(
        c.requests()
            .iter()
            .all(|request| request.model() == "model-of-c")
    );
    Ok(())
}

/// A group of deployments; the first is tried first.
fn group(
    name: &str,
    policy: Policy,
    upstreams: &[(&str, &Upstream)],
) -> Result<GroupSetup, Box<dyn Error>> {
    let policy = Arc::new(policy);
    let target = |(order, (id, upstream)): (u32, &(&str, &Upstream))| {
        Ok(Target {
            id: (*id).into(),
            dialect: &OpenAiChat,
            model: format!("model-of-{id}"),
            api_base: upstream.base_url().parse()?,
            api_key: Some(format!("the key to {id}")),
            organization: None,
            weight: 1.0,
            order,
            policy: Arc::clone(&policy),
        })
    };
    let targets = (0..)
        .zip(upstreams)
        .map(target)
        .collect::<Result<_, Box<dyn Error>>>()?;
    Ok(GroupSetup {
        name: name.to_owned(),
        policy: Arc::clone(&policy),
        targets,
    })
}

/// Asks the group `large`, and tells what became of it.
async fn ask(router: Router) -> Result<Trail, Box<dyn Error>> {
    let body =
        Bytes::from(r#"{"model": "large", "messages": [{"role": "user", "content": "Hi"}]}"#);
    let peek = peek(&body)?;
    let group = peek.model.as_str().into();
    let call = Call {
        endpoint: Endpoint::ChatCompletions,
        headers: HeaderMap::new(),
        body,
        peek,
    };
    let context = Context::new(Instant::now());
    let answer = router
        .oneshot(Request::new(call, group, context.clone()))
        .await?;
    println!("{}: {}", answer.status(), context.trail());
    assert_eq!(answer.status(), 200);
    Ok(context.trail())
}
