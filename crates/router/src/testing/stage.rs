//! A router with providers behind it, and a caller in front.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::{HeaderMap, Response};
use http_body_util::BodyExt;
use secondwind_layers::{Context, Error};
use secondwind_llm::dialect::{Dialect, Endpoint, OpenAiChat};
use secondwind_llm::peek::peek;
use secondwind_policy::{Policy, PolicyBuilder};
use tokio::time::{Instant, timeout};
use tower::ServiceExt;

use super::{Heard, Provider, Shape};
use crate::client::memory::Network;
use crate::strategy::SimpleShuffle;
use crate::{Body, Call, Checks, GroupSetup, Request, RouteError, Router, Setup, Target};

/// Longer than any clock: who waits for this hangs.
const HANGS: Duration = Duration::from_secs(24 * 3600);

/// A router, and the providers behind it.
pub(crate) struct Stage {
    router: Router,
    /// Where the providers are: another may take the place of one of them.
    pub(crate) network: Network,
    providers: Vec<(&'static str, Provider)>,
    pub(crate) began: Instant,
}

/// What is asked.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Asking {
    pub(crate) dialect: &'static dyn Dialect,
    pub(crate) endpoint: Endpoint,
    pub(crate) body: &'static str,
    pub(crate) num_retries: Option<u32>,
}

/// What the caller got.
#[derive(Debug)]
pub(crate) struct Reply {
    pub(crate) context: Context,
    /// The pieces of the body, and how many seconds after the beginning they came.
    pub(crate) pieces: Vec<(f64, Bytes)>,
    /// The body broke off.
    pub(crate) broken: bool,
    /// How many seconds after the beginning it was over.
    pub(crate) over: f64,
}

type Outcome = Result<Response<Body>, Error<Error<RouteError>>>;

// === impl Stage ===

impl Stage {
    /// A group of providers, in their order, and one more in a group to fall back to. Those whose name ends with a
    /// `+` go on from what was said.
    pub(crate) fn new(
        policy: PolicyBuilder,
        here: &[&'static str],
        spare: &[&'static str],
    ) -> Self {
        Self::speaking(&OpenAiChat, policy, here, spare)
    }

    /// The same of providers that speak `dialect`.
    pub(crate) fn speaking(
        dialect: &'static dyn Dialect,
        policy: PolicyBuilder,
        here: &[&'static str],
        spare: &[&'static str],
    ) -> Self {
        let spares = spare.iter().map(|_| "spare").take(1);
        let policy = Arc::new(policy.fallbacks(spares).build().unwrap());
        let network = Network::default();
        let mut providers = Vec::new();
        let mut group = |name: &str, ids: &[&'static str], policy: &Arc<Policy>| {
            let target = |(order, id): (u32, &&'static str)| {
                let host = id.trim_end_matches('+');
                providers.push((host, Provider::at(&network, host)));
                let at = format!("http://{host}/v1").parse().unwrap();
                let (assistant_prefill, policy) = (id.ends_with('+'), Arc::clone(policy));
                let target = Target::new(host, dialect, "m", at);
                Target { order, policy, assistant_prefill, ..target }
            };
            let targets = (0..).zip(ids).map(target).collect();
            GroupSetup { name: name.into(), policy: Arc::clone(policy), targets, listed: true }
        };
        let groups =
            vec![group("g", here, &policy), group("spare", spare, &Arc::new(Policy::default()))];
        let setup = Setup {
            groups,
            aliases: Vec::new(),
            strategy: Arc::new(SimpleShuffle),
            checks: Checks::default(),
        };
        let router = Router::over(&network, setup).unwrap();
        Self { router, network, providers, began: Instant::now() }
    }

    /// The provider called `name`.
    pub(crate) fn at(&self, name: &str) -> &Provider {
        &self.providers.iter().find(|(known, _)| *known == name).unwrap().1
    }

    /// How many requests each provider got: `a2 b1`.
    pub(crate) fn asked(&self) -> String {
        let asked = self.providers.iter().map(|(name, at)| (name, at.asked().len()));
        let asked = asked.filter(|(_, times)| *times > 0);
        asked.map(|(name, times)| format!("{name}{times}")).collect::<Vec<_>>().join(" ")
    }

    /// Whether the provider called `name` rests.
    pub(crate) fn rests(&self, name: &str) -> bool {
        let states = self.router.deployments();
        states.iter().any(|state| *state.id == *name && state.resting.is_some())
    }

    /// Asks, and comes back with the head.
    pub(crate) async fn head(&self, asking: &Asking) -> (Context, Outcome) {
        let context = Context::new(Instant::now());
        context.set_num_retries(asking.num_retries);
        let body = Bytes::from_static(asking.body.as_bytes());
        let peek = peek(&body).unwrap();
        let Asking { dialect, endpoint, .. } = *asking;
        let call = Call::new(dialect, endpoint, HeaderMap::new(), body, peek);
        let request = Request::new(call, "g".into(), context.clone());
        let outcome = timeout(HANGS, self.router.clone().oneshot(request)).await;
        (context, outcome.expect("hangs before the head"))
    }

    /// Asks, and hears the answer out.
    pub(crate) async fn ask_for(&self, asking: &Asking) -> Reply {
        let (context, outcome) = self.head(asking).await;
        let mut body = outcome.expect("an answer").into_body();
        let mut pieces = Vec::new();
        let broken = loop {
            match timeout(HANGS, body.frame()).await.expect("hangs") {
                None => break false,
                Some(Err(_)) => break true,
                Some(Ok(frame)) => {
                    pieces.extend(frame.into_data().ok().map(|data| (self.elapsed(), data)));
                }
            }
        };
        Reply { context, pieces, broken, over: self.elapsed() }
    }

    /// Asks for a chat.
    pub(crate) async fn ask(&self) -> Reply {
        self.ask_for(&Asking::default()).await
    }

    /// Seconds since the beginning.
    pub(crate) fn elapsed(&self) -> f64 {
        self.began.elapsed().as_secs_f64()
    }
}

// === impl Asking ===

impl Default for Asking {
    fn default() -> Self {
        let body =
            r#"{"model": "g", "stream": true, "messages": [{"role": "user", "content": "?"}]}"#;
        let endpoint = Endpoint::ChatCompletions;
        Self { dialect: &OpenAiChat, endpoint, body, num_retries: None }
    }
}

// === impl Reply ===

impl Reply {
    pub(crate) fn bytes(&self) -> Vec<u8> {
        self.pieces.iter().flat_map(|(_, bytes)| bytes.clone()).collect()
    }

    /// What the caller makes of a chat.
    pub(crate) fn heard(&self) -> Heard {
        Heard::of(&self.bytes(), &Shape::CHAT)
    }

    /// When the comments came.
    pub(crate) fn comments(&self) -> Vec<f64> {
        let comments = self.pieces.iter().filter(|(_, bytes)| bytes.starts_with(b":"));
        comments.map(|(at, _)| *at).collect()
    }

    pub(crate) fn trail(&self) -> String {
        self.context.trail().to_string()
    }
}
