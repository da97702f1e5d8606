//! Groups whose names have a `*`, and names that stand for more than a group.

use std::fmt::Write as _;

use secondwind_testkit::upstream::{Reply, Upstream};
use serde_json::{Value, json};

use crate::gateway::{CHAT, Gateway, Setup, key_of, question, streamed};

/// The names by which a provider was asked, in order.
fn asked(upstream: &Upstream) -> Vec<String> {
    let model = |body: &[u8]| {
        let body: Value = serde_json::from_slice(body).unwrap();
        body["model"].as_str().unwrap().to_owned()
    };
    upstream.requests().iter().map(|request| model(&request.body)).collect()
}

#[tokio::test]
async fn what_the_star_stands_for_is_the_models_name_at_the_provider() {
    let [all, llamas, one] =
        [Upstream::start().await, Upstream::start().await, Upstream::start().await];
    let gateway = Setup::new()
        .with("'*'", "all", &all)
        .edited("model-of-all", "at/*")
        .with("local/*-llama", "llamas", &llamas)
        .edited("model-of-llamas", "llama-*-instruct")
        .with("local/tiny-llama", "one", &one)
        .start()
        .await;
    for (model, group) in [
        ("gpt-4o", "*"),
        ("local/large-llama", "local/*-llama"),
        ("local/tiny-llama", "local/tiny-llama"),
        ("local/large", "*"),
    ] {
        let answer = gateway.ask(model).await;
        assert_eq!(answer.status, 200, "{model}");
        assert_eq!(answer.header("x-litellm-model-group"), group);
    }
    assert_eq!(asked(&all), ["at/gpt-4o", "at/local/large"]);
    assert_eq!(asked(&llamas), ["llama-large-instruct"]);
    assert_eq!(asked(&one), ["model-of-one"]);
}

#[tokio::test]
async fn a_group_with_a_star_may_have_one_model_for_all() {
    let east = Upstream::start().await;
    let gateway = Setup::new().with("gpt-*", "east", &east).start().await;
    assert_eq!(gateway.ask("gpt-4o").await.status, 200);
    assert_eq!(gateway.ask("gpt-5").await.status, 200);
    assert_eq!(gateway.ask("claude").await.status, 404);
    assert_eq!(asked(&east), ["model-of-east", "model-of-east"]);
}

#[tokio::test]
async fn retries_and_health_are_those_of_the_group() {
    let [east, west] = [Upstream::start().await, Upstream::start().await];
    east.always(Reply::status(500));
    let gateway = Setup::new()
        .and("any/*", "east", &east, ", order: 1")
        .edited("model-of-east", "*")
        .and("any/*", "west", &west, ", order: 2")
        .edited("model-of-west", "*")
        .start()
        .await;
    for n in 0..8 {
        let answer = gateway.ask(&format!("any/model-{n}")).await;
        let trail: &[_] = match n {
            0..4 => &["any/*/east=internal_server", "any/*/west=ok"],
            // Four different models failed: the place rests for all.
            _ => &["any/*/west=ok"],
        };
        assert_eq!(answer.trail(), trail, "{n}");
    }
    assert_eq!(asked(&east), ["model-0", "model-1", "model-2", "model-3"]);
    let metrics = gateway.get("/metrics").await;
    let metrics = String::from_utf8_lossy(&metrics.body);
    assert!(metrics.contains(r#"secondwind_requests_total{group="any/*",outcome="ok"} 8"#));
    assert!(!metrics.contains("model-"), "callers make no labels: {metrics}");
}

#[tokio::test]
async fn callers_can_smuggle_nothing_into_a_name() {
    let east = Upstream::start().await;
    let gateway =
        Setup::new().with("'*'", "east", &east).edited("model-of-east", "*").start().await;
    let long = "m".repeat(300);
    for model in ["a b", "../admin", "a?key=1", "a#b", "a%2fb", "*", "a\u{0}b", "é", &long] {
        let answer = gateway.ask(model).await;
        assert_eq!(
            (answer.status.as_u16(), answer.class().as_str()),
            (404, "not_found"),
            "{model}"
        );
    }
    assert_eq!(east.requests().len(), 0);
}

#[tokio::test]
async fn an_address_with_a_star_is_that_of_the_model() {
    let azure = Upstream::start().await;
    let base = azure.base_url();
    let host = base.trim_end_matches("/v1");
    let gateway = Setup::new()
        .at("azure/*", "azure", host, ", api_version: '2024-10-21'")
        .edited("openai/model-of-azure", "azure/*")
        .start()
        .await;
    gateway.ask("azure/gpt-4o").await;
    let paths: Vec<_> = azure.requests().iter().map(|request| request.path.clone()).collect();
    assert_eq!(paths, ["/openai/deployments/gpt-4o/chat/completions?api-version=2024-10-21"]);
    for model in ["azure/gpt-4o/extensions", "azure/", "azure/a:b"] {
        let answer = gateway.ask(model).await;
        assert_eq!(answer.status.as_u16(), 400, "{model}: {:?}", answer.error());
    }
    assert_eq!(azure.requests().len(), 1);
}

#[tokio::test]
async fn an_api_that_has_the_model_in_its_path_has_it_there() {
    let gemini = Upstream::start().await;
    let setup = Setup::new().at("gemini/*", "g", &gemini.base_url(), "").router("num_retries: 0");
    let gateway = setup.edited("openai/model-of-g", "gemini/*").start().await;
    gateway.ask("gemini/flash").await;
    gateway.post(CHAT, streamed("gemini/pro:x/../y").to_string()).await;
    gateway.post(CHAT, streamed("gemini/pro:x/y").to_string()).await;
    let paths: Vec<_> = gemini.requests().iter().map(|request| request.path.clone()).collect();
    assert_eq!(
        paths,
        [
            "/v1/models/flash:generateContent",
            "/v1/models/pro%3Ax%2Fy:streamGenerateContent?alt=sse",
        ]
    );
}

/// Two groups, the second with a `*`.
async fn with_any(router: &str, east: &Upstream, any: &Upstream) -> Gateway {
    let setup = Setup::new().with("gpt-4", "east", east).with("any/*", "any", any);
    setup.edited("model-of-any", "*").router(router).start().await
}

#[tokio::test]
async fn a_fallback_may_be_a_model_that_a_group_with_a_star_covers() {
    let [east, any] = [Upstream::start().await, Upstream::start().await];
    east.always(Reply::status(401));
    any.then(Reply::status(500));
    let setup = Setup::new().with("gpt-4", "east", &east).with("any/*", "any", &any);
    let gateway = setup
        .edited("model-of-any", "*")
        .router("fallbacks: [{gpt-4: [any/one, any/two]}]")
        .router("num_retries: 0")
        .start()
        .await;
    let answer = gateway.ask("gpt-4").await;
    assert_eq!(
        answer.trail(),
        ["gpt-4/east=authentication", "any/one/any=internal_server", "any/two/any=ok"]
    );
    assert_eq!(asked(&any), ["one", "two"]);
}

#[tokio::test]
async fn a_callers_own_fallback_may_be_one_too() {
    let [east, any] = [Upstream::start().await, Upstream::start().await];
    east.always(Reply::status(401));
    let gateway = with_any("num_retries: 2", &east, &any).await;
    let mut body = question("gpt-4");
    body["fallbacks"] = json!(["any/one"]);
    let answer = gateway.post(CHAT, body.to_string()).await;
    assert_eq!(answer.status, 200);
    assert_eq!(asked(&any), ["one"]);
    assert_eq!(answer.header("x-litellm-model-group"), "any/*");
}

#[tokio::test]
async fn a_name_that_is_configured_beside_the_star_has_a_policy_of_its_own() {
    let [east, any] = [Upstream::start().await, Upstream::start().await];
    any.always(Reply::status(500));
    let policies = "model_group_retry_policy: {any/one: {InternalServerErrorRetries: 3}, any/*: \
                    {InternalServerErrorRetries: 1}}";
    let gateway = with_any(policies, &east, &any).await;
    assert_eq!(gateway.ask("any/one").await.attempts(), 4);
    assert_eq!(gateway.ask("any/other").await.attempts(), 2);
    assert_eq!(asked(&any), ["one", "one", "one", "one", "other", "other"]);
}

#[tokio::test]
async fn a_fallback_may_be_one_deployment() {
    let [east, first, reserved] =
        [Upstream::start().await, Upstream::start().await, Upstream::start().await];
    east.always(Reply::status(401));
    let gateway = Setup::new()
        .with("gpt-4", "east", &east)
        .with("pool", "first", &first)
        .with("pool", "reserved", &reserved)
        .router("fallbacks: [{gpt-4: [reserved]}]")
        .start()
        .await;
    for _ in 0..10 {
        let answer = gateway.ask("gpt-4").await;
        assert_eq!(answer.trail().last().unwrap(), "reserved/reserved=ok");
        assert_eq!(answer.header("x-litellm-model-id"), "reserved");
        assert_eq!(answer.header("x-litellm-model-api-base"), "127.0.0.1");
    }
    assert_eq!((first.requests().len(), reserved.requests().len()), (0, 10));
    let bearer = format!("Bearer {}", key_of("reserved"));
    assert!(reserved.requests().iter().all(|sent| sent.headers["authorization"] == bearer));
    // It is the same place as in its group, and told of once.
    reserved.always(Reply::status(429).header("retry-after", "300"));
    gateway.ask("gpt-4").await;
    assert_eq!(gateway.ask("pool").await.trail(), ["pool/first=ok"]);
    let health = gateway.get("/health").await.json();
    assert_eq!(health["unhealthy_count"], 2);
    assert_eq!(health["unhealthy_endpoints"][1]["model_id"], "reserved", "{health}");
    let mut told = String::new();
    for model in gateway.get("/v1/models").await.json()["data"].as_array().unwrap() {
        write!(told, "{} ", model["id"].as_str().unwrap()).unwrap();
    }
    assert_eq!(told, "gpt-4 pool ");
}

#[tokio::test]
async fn patterns_are_told_among_the_models_and_what_they_cover_is_one() {
    let [east, any] = [Upstream::start().await, Upstream::start().await];
    let gateway = with_any("num_retries: 2", &east, &any).await;
    let models = gateway.get("/v1/models").await.json();
    assert_eq!(
        (&models["data"][0]["id"], &models["data"][1]["id"]),
        (&json!("gpt-4"), &json!("any/*"))
    );
    assert_eq!(gateway.get("/v1/models/any/one").await.json()["id"], "any/one");
    assert_eq!(gateway.get("/v1/models/none").await.status, 404);
}
