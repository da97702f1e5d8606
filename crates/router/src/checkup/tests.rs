use std::time::Duration;

use secondwind_policy::Policy;
use serde_json::{Value, json};
use tokio::task::JoinHandle;

use super::*;
use crate::client::memory::Network;
use crate::pattern::Pattern;
use crate::strategy::SimpleShuffle;
use crate::testing::{Provider, Script};
use crate::{Checks, DeploymentState, GroupSetup, Limits, Router, Setup, Target};

const ANSWER: &str =
    r#"{"choices":[{"message":{"role":"assistant","content":"Hi"},"finish_reason":"stop"}]}"#;
const VECTORS: &str =
    r#"{"object":"list","data":[{"object":"embedding","index":0,"embedding":[0.5]}]}"#;
const EVERY: Duration = Duration::from_secs(300);

fn how() -> Checkup {
    let endpoint = Endpoint::ChatCompletions;
    Checkup { endpoint, model: None, timeout: Duration::from_secs(60) }
}

fn target(id: &str) -> Target {
    let at = format!("http://{id}/v1").parse().unwrap();
    Target { checkup: Some(how()), ..Target::new(id, &OpenAiChat, format!("model-of-{id}"), at) }
}

/// A router with deployments in one group that are checked, and their providers.
struct Checking {
    router: Router,
    providers: Vec<Provider>,
    checking: JoinHandle<()>,
}

impl Checking {
    fn of(targets: Vec<Target>) -> Self {
        Self::named("g", targets, 4)
    }

    fn named(name: &str, targets: Vec<Target>, at_once: usize) -> Self {
        let network = Network::default();
        let providers =
            targets.iter().map(|target| Provider::at(&network, target.api_base.host().unwrap()));
        let providers = providers.collect();
        let policy = Arc::new(Policy::default());
        let groups = vec![GroupSetup { name: name.into(), policy, targets, listed: true }];
        let (strategy, checks) = (Arc::new(SimpleShuffle), Checks::default());
        let setup = Setup { groups, aliases: Vec::new(), strategy, checks };
        let router = Router::over(&network, setup).unwrap();
        let checking = tokio::spawn(router.checkups(EVERY, at_once));
        Self { router, providers, checking }
    }

    fn state(&self, nth: usize) -> DeploymentState {
        self.router.deployments().swap_remove(nth)
    }

    /// When a provider has been asked so often.
    async fn asked(&self, nth: usize, times: usize) -> Vec<Value> {
        loop {
            let asked = self.providers[nth].asked();
            if asked.len() >= times {
                return asked;
            }
            sleep(Duration::from_millis(100)).await;
        }
    }

    async fn settled(&self) {
        sleep(Duration::from_millis(100)).await;
    }
}

#[tokio::test(start_paused = true)]
async fn each_deployment_is_asked_something_tiny_now_and_then() {
    let vectors = Checkup { endpoint: Endpoint::Embeddings, ..how() };
    let unchecked = Target { checkup: None, ..target("c") };
    let embeds = Target { checkup: Some(vectors), ..target("b") };
    let checking = Checking::of(vec![target("a"), embeds, unchecked]);
    for _ in 0..50 {
        checking.providers[0].will(Script::json(200, ANSWER));
        checking.providers[1].will(Script::json(200, VECTORS));
    }
    let began = Instant::now();
    sleep(EVERY * 10).await;
    let [a, b, c] = [0, 1, 2].map(|nth| checking.providers[nth].asked());
    assert!((9..=11).contains(&a.len()) && (9..=11).contains(&b.len()), "{} {}", a.len(), b.len());
    assert_eq!(c.len(), 0);
    let hi = json!([{"role": "user", "content": "Hi"}]);
    assert_eq!(a[0], json!({"model": "model-of-a", "messages": hi, "max_tokens": 1}));
    assert_eq!(b[0], json!({"model": "model-of-b", "input": "Hi"}));
    let checked = checking.state(0).checked.unwrap();
    assert_eq!(checked.failed, None);
    assert!(checked.at - began > EVERY * 8);
    assert_eq!(checking.state(2).checked, None);
}

#[tokio::test(start_paused = true)]
async fn checks_that_fail_count_as_any_failure_does() {
    let checking = Checking::of(vec![target("a"), Target { checkup: None, ..target("b") }]);
    for _ in 0..4 {
        checking.providers[0].will(Script::json(500, "{}"));
    }
    checking.asked(0, 3).await;
    checking.settled().await;
    assert!(checking.state(0).resting.is_none());
    assert_eq!(checking.state(0).checked.unwrap().failed, Some(Class::InternalServer));
    checking.asked(0, 4).await;
    checking.settled().await;
    assert!(checking.state(0).resting.is_some(), "four in a row");
}

#[tokio::test(start_paused = true)]
async fn a_check_is_the_probe_that_ends_a_rest() {
    let checking = Checking::of(vec![target("a"), Target { checkup: None, ..target("b") }]);
    checking.providers[0].will(Script::json(401, "{}")).will(Script::json(200, ANSWER));
    checking.asked(0, 1).await;
    checking.settled().await;
    assert!(checking.state(0).resting.unwrap() > Duration::from_secs(1700));
    // The next check comes long before the rest is over.
    checking.asked(0, 2).await;
    checking.settled().await;
    let state = checking.state(0);
    assert_eq!((state.resting, state.checked.unwrap().failed), (None, None));
}

#[tokio::test(start_paused = true)]
async fn who_asked_to_be_left_alone_is() {
    let checking = Checking::of(vec![target("a"), Target { checkup: None, ..target("b") }]);
    let head = "HTTP/1.1 429 No\r\nretry-after: 600\r\ncontent-length: 0\r\n\r\n";
    checking.providers[0].will(Script::default().write(head));
    checking.asked(0, 1).await;
    sleep(Duration::from_secs(595)).await;
    assert_eq!(checking.providers[0].asked().len(), 1);
    // Soon after that, sooner or later by chance.
    checking.asked(0, 2).await;
}

#[tokio::test(start_paused = true)]
async fn a_check_that_takes_too_long_is_a_timeout() {
    let checking = Checking::of(vec![target("a"), Target { checkup: None, ..target("b") }]);
    checking.providers[0].will(Script::default().stall());
    checking.asked(0, 1).await;
    sleep(Duration::from_secs(61)).await;
    let checked = checking.state(0).checked.unwrap();
    assert_eq!((checked.failed, checked.took.as_secs()), (Some(Class::Timeout), 60));
    assert_eq!(checking.providers[0].left().len(), 1, "it is let go of");
}

#[tokio::test(start_paused = true)]
async fn the_last_one_standing_stays_however_its_checks_fail() {
    let checking = Checking::of(vec![target("a")]);
    checking.asked(0, 8).await;
    checking.settled().await;
    assert_eq!(checking.state(0).resting, None);
}

#[tokio::test(start_paused = true)]
async fn only_a_few_are_checked_at_once_and_none_once_it_is_stopped() {
    let ids: Vec<String> = (0..40).map(|n| format!("d{n}")).collect();
    let checking = Checking::named("g", ids.iter().map(|id| target(id)).collect(), 3);
    for provider in &checking.providers {
        for _ in 0..9 {
            provider.will(
                Script::default().wait(Duration::from_secs(20)).then(Script::json(200, ANSWER)),
            );
        }
    }
    let load = || {
        let asked: usize = checking.providers.iter().map(|at| at.asked().len()).sum();
        let checked =
            checking.router.deployments().iter().filter(|it| it.checked.is_some()).count();
        (asked, checked)
    };
    for _ in 0..280 {
        sleep(Duration::from_secs(1)).await;
        let (asked, checked) = load();
        assert!(asked <= checked + 3, "{asked} {checked}");
    }
    assert!(load().0 > 20, "{:?}", load());
    checking.checking.abort();
    checking.settled().await;
    let before = load().0;
    sleep(EVERY * 3).await;
    assert_eq!(load().0, before);
}

#[tokio::test(start_paused = true)]
async fn a_group_with_a_star_is_checked_for_one_model() {
    let wild = |id: &str, model: Option<&str>| {
        let checkup = Some(Checkup { model: model.map(str::to_owned), ..how() });
        let at = format!("http://{id}/v1").parse().unwrap();
        let pattern = Pattern::new("any/*");
        Target { pattern, checkup, ..Target::new(id, &OpenAiChat, "*", at) }
    };
    let targets = vec![wild("a", Some("small")), wild("b", None)];
    let checking = Checking::named("any/*", targets, 4);
    assert_eq!(checking.asked(0, 1).await[0]["model"], "small");
    sleep(EVERY * 3).await;
    assert_eq!(checking.providers[1].asked().len(), 0);
}

#[tokio::test(start_paused = true)]
async fn one_that_is_busy_is_not_checked() {
    let limits = Limits { max_parallel_requests: Some(1), ..Limits::default() };
    let checking = Checking::of(vec![Target { limits, ..target("a") }]);
    checking.providers[0].will(Script::default().stall());
    let body = Bytes::from_static(br#"{"model": "g", "messages": []}"#);
    let call = Call::new(
        &OpenAiChat,
        Endpoint::ChatCompletions,
        HeaderMap::new(),
        body.clone(),
        peek(&body).unwrap(),
    );
    let request = Request::new(call, "g".into(), Context::new(Instant::now()));
    let asking = tokio::spawn(checking.router.clone().call(request));
    sleep(EVERY - Duration::from_secs(1)).await;
    assert_eq!(checking.providers[0].asked().len(), 1);
    asking.abort();
    assert!(checking.asked(0, 2).await[1].get("max_tokens").is_some());
}
