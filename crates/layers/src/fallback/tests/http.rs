//! HTTP requests, with their context among the extensions.

use bytes::Bytes;
use http::{Request, Response};
use secondwind_policy::Policy;
use secondwind_testkit::contract::{Script, Step, scripted};
use tower::{Layer, Service, ServiceExt};

use crate::classify::HttpClassify;
use crate::fallback::{FallbackLayer, retarget_fn};
use crate::kind::PolicyOverride;
use crate::retry::RetryLayer;
use crate::testing::{Failed, failed, prompt};
use crate::trail::Trail;
use crate::{Context, TimeoutLayer};

type Ask = Request<Bytes>;
type Answer = Response<&'static str>;

/// Here a group is a path.
fn layer(
    policy: Policy,
) -> FallbackLayer<impl crate::fallback::Retarget<Ask> + Clone, crate::Http, HttpClassify> {
    let retarget = retarget_fn(
        |ask: &Ask| ask.uri().path(),
        |ask: &mut Ask, group| *ask.uri_mut() = group.parse().unwrap(),
    );
    FallbackLayer::http(policy, retarget)
}

fn get(path: &str) -> Ask {
    Request::get(path).header("x-caller", "kept").body(Bytes::from_static(b"body")).unwrap()
}

fn status(status: u16) -> Step<Answer, Failed> {
    Step::answer(Response::builder().status(status).body("").unwrap())
}

fn paths(script: &Script<Ask, Answer, Failed>) -> Vec<String> {
    let requests = script.take_requests();
    for ask in &requests {
        assert_eq!(ask.headers()["x-caller"], "kept");
        assert_eq!(ask.body(), "body");
    }
    requests.into_iter().map(|ask| ask.uri().path().to_owned()).collect()
}

fn trail(answer: &Answer) -> String {
    answer.extensions().get::<Trail>().map(ToString::to_string).unwrap_or_default()
}

#[tokio::test(start_paused = true)]
async fn the_answer_tells_the_trail() {
    let policy = prompt().num_retries(1).fallbacks(["/b"]).build().unwrap();
    let (inner, script) = scripted();
    script.then(status(503)).then(status(500)).then(status(200));
    let service = layer(policy.clone()).layer(RetryLayer::http(policy).layer(inner));
    let answer = service.oneshot(get("/a")).await.unwrap();
    assert_eq!(answer.status(), 200);
    let expected = "/a=service_unavailable@0ms+0ms;/a=internal_server@0ms+0ms;/b=ok@0ms+0ms";
    assert_eq!(trail(&answer), expected);
    assert_eq!(paths(&script), ["/a", "/a", "/b"]);
}

#[tokio::test(start_paused = true)]
async fn an_answer_at_the_first_attempt_has_nothing_to_tell() {
    let policy = prompt().fallbacks(["/b"]).build().unwrap();
    let (inner, script) = scripted();
    script.then(status(200));
    let service = layer(policy.clone()).layer(RetryLayer::http(policy).layer(inner));
    let answer = service.oneshot(get("/a")).await.unwrap();
    assert!(answer.extensions().is_empty());
}

#[tokio::test(start_paused = true)]
async fn the_trail_is_told_whatever_the_end() {
    for ready_fails in [false, true] {
        let policy = prompt().num_retries(0).fallbacks(["/b"]).build().unwrap();
        let (inner, script) = scripted();
        if ready_fails {
            script.ready_after(std::time::Duration::ZERO);
            script.ready_fails(failed(secondwind_policy::Class::Connection));
        }
        script.then(status(503)).then(status(500));
        let service = layer(policy.clone()).layer(RetryLayer::http(policy).layer(inner));
        let answer = service.oneshot(get("/a")).await.unwrap();
        assert_eq!(answer.status(), 503);
        assert!(trail(&answer).starts_with("/a=service_unavailable@0ms+0ms"), "{}", trail(&answer));
    }
}

#[tokio::test(start_paused = true)]
async fn the_trail_is_told_where_a_retry_finds_nobody_ready() {
    let (inner, script) = scripted();
    script.ready_after(std::time::Duration::ZERO);
    script.ready_fails(failed(secondwind_policy::Class::Connection));
    script.then(status(503));
    let service = RetryLayer::http(prompt().build().unwrap()).layer(inner);
    let answer: Answer = service.oneshot(get("/a")).await.unwrap();
    assert_eq!(trail(&answer), "-=service_unavailable@0ms+0ms");
}

#[tokio::test(start_paused = true)]
async fn the_layer_that_made_the_context_tells_the_trail() {
    let policy = prompt().num_retries(1).fallbacks(["/b"]).build().unwrap();
    let (inner, script) = scripted();
    script.otherwise(|ask: &Ask| match ask.uri().path() {
        "/a" => status(503),
        _ => status(200),
    });
    let service = TimeoutLayer::total(policy.clone())
        .http()
        .layer(layer(policy.clone()).layer(RetryLayer::http(policy.clone()).layer(inner.clone())));
    let answer = service.oneshot(get("/a")).await.unwrap();
    assert!(trail(&answer).ends_with(";/b=ok@0ms+0ms"));

    // The clock of an attempt makes none, wherever it stands.
    let service =
        TimeoutLayer::attempt(policy.clone()).http().layer(RetryLayer::http(policy).layer(inner));
    let answer = service.oneshot(get("/a")).await.unwrap();
    assert!(trail(&answer).starts_with("-=service_unavailable"));
}

#[tokio::test(start_paused = true)]
async fn the_clock_of_an_attempt_makes_no_context() {
    let (inner, script) = scripted::<Ask, Answer, Failed>();
    script.then(status(200));
    let service = TimeoutLayer::attempt(Policy::default()).http().layer(inner);
    service.oneshot(get("/a")).await.unwrap();
    assert!(script.take_requests()[0].extensions().get::<Context>().is_none());
}

#[tokio::test(start_paused = true)]
async fn a_policy_among_the_extensions_wins() {
    let policy = prompt().num_retries(0).fallbacks(["/b", "/c"]).build().unwrap();
    let (inner, script) = scripted();
    script.otherwise(|_| status(503));
    let mut service = layer(policy.clone()).layer(RetryLayer::http(policy).layer(inner));
    let mut ask = get("/a");
    let own = prompt().num_retries(1).fallbacks(["/c"]).build().unwrap();
    ask.extensions_mut().insert(PolicyOverride(own.into()));
    service.ready().await.unwrap().call(ask).await.unwrap();
    assert_eq!(paths(&script), ["/a", "/a", "/c", "/c"]);
    service.ready().await.unwrap().call(get("/a")).await.unwrap();
    assert_eq!(paths(&script), ["/a", "/b", "/c"]);
}

#[tokio::test(start_paused = true)]
async fn what_is_not_idempotent_is_not_retried_and_may_fall_back() {
    let policy = prompt().fallbacks(["/b"]).build().unwrap();
    let (inner, script) = scripted();
    script.otherwise(|_| status(503));
    let mut service = layer(policy.clone()).layer(RetryLayer::http(policy).layer(inner));
    let mut ask = get("/a");
    *ask.method_mut() = http::Method::POST;
    service.ready().await.unwrap().call(ask).await.unwrap();
    assert_eq!(paths(&script), ["/a", "/b"]);

    let mut ask = get("/a");
    *ask.method_mut() = http::Method::POST;
    ask.headers_mut().insert("idempotency-key", "1".parse().unwrap());
    service.ready().await.unwrap().call(ask).await.unwrap();
    assert_eq!(paths(&script), ["/a", "/a", "/a", "/b", "/b", "/b"]);
}

#[tokio::test(start_paused = true)]
async fn a_body_over_the_limit_is_sent_once_and_the_trail_says_so() {
    let policy = prompt().max_replay_bytes(3).fallbacks(["/b"]).build().unwrap();
    let (inner, script) = scripted();
    script.otherwise(|_| status(503));
    let service = layer(policy.clone()).layer(RetryLayer::http(policy).layer(inner));
    let answer = service.oneshot(get("/a")).await.unwrap();
    assert_eq!(paths(&script), ["/a"]);
    assert_eq!(trail(&answer), "/a=service_unavailable@0ms+0ms!not_replayable");
}
