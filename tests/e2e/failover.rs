//! One place fails, another answers.

use std::collections::BTreeMap;

use secondwind_testkit::upstream::{Outcome, Reply, Upstream};

use crate::gateway::{Setup, question};

#[tokio::test]
async fn one_of_two_is_dead_and_callers_do_not_notice() {
    let (east, west) = (Upstream::start().await, Upstream::start().await);
    east.refuse().await;
    west.says("Here.");
    let setup = Setup::new().and("gpt-4", "east", &east, ", order: 1").and(
        "gpt-4",
        "west",
        &west,
        ", order: 2",
    );
    let gateway = setup.start().await;
    for n in 0..9 {
        let answer = gateway.ask("gpt-4").await;
        assert_eq!(answer.status, 200);
        assert_eq!(answer.content(), "Here.");
        // After the fourth failure nobody is sent there.
        let both = ["gpt-4/east=connection", "gpt-4/west=ok"];
        assert_eq!(answer.trail(), if n < 4 { &both[..] } else { &both[1..] });
    }
}

#[tokio::test]
async fn every_way_to_fail_leads_to_the_other_deployment() {
    let failures = [
        ("connection", Reply::reset()),
        ("connection", Reply::close()),
        ("connection", Reply::cut_after(0)),
        ("rate_limit", Reply::rate_limited(1)),
        ("quota_exhausted", Reply::quota_exhausted()),
        ("internal_server", Reply::status(500)),
        ("internal_server", Reply::status(502)),
        ("internal_server", Reply::status(504)),
        ("service_unavailable", Reply::overloaded()),
        ("service_unavailable", Reply::status(529)),
        ("timeout", Reply::status(408)),
        ("conflict", Reply::status(409)),
        ("authentication", Reply::status(401)),
        ("permission", Reply::status(403)),
        ("not_found", Reply::status(404)),
        ("internal_server", Reply::garbage()),
        ("connection", Reply::truncated()),
    ];
    for (class, reply) in failures {
        let (east, west) = (Upstream::start().await, Upstream::start().await);
        east.always(reply.clone());
        let setup =
            Setup::new().and("gpt-4", "east", &east, ", order: 1").with("gpt-4", "west", &west);
        let answer = setup.start().await.ask("gpt-4").await;
        assert_eq!(answer.status, 200, "{reply:?}");
        let trail = [format!("gpt-4/east={class}"), "gpt-4/west=ok".into()];
        assert_eq!(answer.trail(), trail, "{reply:?}");
    }
}

#[tokio::test]
async fn moving_to_a_healthy_deployment_takes_no_wait() {
    let (east, west) = (Upstream::start().await, Upstream::start().await);
    east.always(Reply::overloaded());
    let setup = Setup::new().backoff("{base: 30s, max: 60s}").policy("retry: {retry_after: 20s}");
    let setup = setup.and("gpt-4", "east", &east, ", order: 1").with("gpt-4", "west", &west);
    let answer = setup.start().await.ask("gpt-4").await;
    assert_eq!(answer.trail(), ["gpt-4/east=service_unavailable", "gpt-4/west=ok"]);
    assert!(answer.took.as_millis() < 1000, "{:?}", answer.took);
}

#[tokio::test]
async fn the_lowest_order_goes_first_and_the_others_are_spares() {
    let [first, second, third] =
        [Upstream::start().await, Upstream::start().await, Upstream::start().await];
    let setup = Setup::new().and("gpt-4", "third", &third, ", order: 3");
    let setup = setup.and("gpt-4", "first", &first, ", order: 1, weight: 0.01");
    let gateway = setup.and("gpt-4", "second", &second, ", order: 2, weight: 100").start().await;
    for _ in 0..10 {
        assert_eq!(gateway.ask("gpt-4").await.trail(), ["gpt-4/first=ok"]);
    }
    first.always(Reply::status(500));
    assert_eq!(
        gateway.ask("gpt-4").await.trail(),
        ["gpt-4/first=internal_server", "gpt-4/second=ok"]
    );
    second.always(Reply::status(500));
    let trail = gateway.ask("gpt-4").await.trail();
    assert_eq!(
        trail,
        ["gpt-4/first=internal_server", "gpt-4/second=internal_server", "gpt-4/third=ok"]
    );
}

#[tokio::test]
async fn each_deployment_gets_its_share_of_the_traffic() {
    let (east, west) = (Upstream::start().await, Upstream::start().await);
    let setup = Setup::new().and("gpt-4", "east", &east, ", weight: 9");
    let gateway = setup.and("gpt-4", "west", &west, ", weight: 1").start().await;
    for _ in 0..300 {
        assert_eq!(gateway.ask("gpt-4").await.status, 200);
    }
    // 270 and 30 are due; this is five standard deviations.
    assert!((244..=296).contains(&east.attempts()), "{}", east.attempts());
    assert_eq!(east.attempts() + west.attempts(), 300);
}

#[tokio::test]
async fn deployments_with_nothing_to_choose_between_them_share_evenly() {
    let (east, west) = (Upstream::start().await, Upstream::start().await);
    let gateway =
        Setup::new().with("gpt-4", "east", &east).with("gpt-4", "west", &west).start().await;
    for _ in 0..200 {
        gateway.ask("gpt-4").await;
    }
    assert!((64..=136).contains(&east.attempts()), "{}", east.attempts());
}

#[tokio::test]
async fn an_alias_is_another_name_for_its_group() {
    let east = Upstream::start().await;
    let setup =
        Setup::new().with("gpt-4", "east", &east).router("model_group_alias: {best: gpt-4}");
    let answer = setup.start().await.ask("best").await;
    assert_eq!(answer.trail(), ["gpt-4/east=ok"]);
    assert_eq!(answer.header("x-litellm-model-group"), "gpt-4");
    assert_eq!(east.requests()[0].model(), "model-of-east");
}

#[tokio::test]
async fn a_group_that_is_spent_hands_over_to_its_fallback() {
    let (east, spare) = (Upstream::start().await, Upstream::start().await);
    east.always(Reply::status(500));
    let setup = Setup::new().with("gpt-4", "east", &east).with("small", "spare", &spare);
    let setup = setup.router("num_retries: 1").router("fallbacks: [{gpt-4: [small]}]");
    let answer = setup.start().await.ask("gpt-4").await;
    assert_eq!(answer.status, 200);
    let trail = ["gpt-4/east=internal_server", "gpt-4/east=internal_server", "small/spare=ok"];
    assert_eq!(answer.trail(), trail);
    assert_eq!(answer.header("x-litellm-model-group"), "small");
    assert_eq!(answer.header("x-litellm-attempted-retries"), "1");
    assert_eq!(answer.header("x-litellm-attempted-fallbacks"), "1");
}

#[tokio::test]
async fn fallbacks_of_fallbacks_are_tried_in_their_order_and_none_twice() {
    let mut ups = BTreeMap::new();
    let mut setup = Setup::new().router("num_retries: 0");
    for name in ["a", "b", "c", "d"] {
        let up = Upstream::start().await;
        up.always(Reply::status(500));
        setup = setup.with(name, &format!("{name}-1"), &up);
        ups.insert(name, up);
    }
    let gateway = setup.router("fallbacks: [{a: [b, c]}, {b: [a, d]}, {c: [a]}]").start().await;
    let answer = gateway.ask("a").await;
    let trail =
        ["a/a-1", "b/b-1", "c/c-1", "d/d-1"].map(|place| format!("{place}=internal_server"));
    assert_eq!(answer.trail(), trail);
    assert_eq!(answer.header("x-litellm-attempted-fallbacks"), "3");
    ups["d"].always(Reply::ok());
    assert_eq!(gateway.ask("a").await.trail()[3], "d/d-1=ok");
}

#[tokio::test]
async fn no_more_fallbacks_are_made_than_allowed() {
    let mut setup = Setup::new().router("num_retries: 0").router("max_fallbacks: 1");
    let up = Upstream::start().await;
    up.always(Reply::status(500));
    for name in ["a", "b", "c"] {
        setup = setup.with(name, &format!("{name}-1"), &up);
    }
    let answer = setup.router("fallbacks: [{a: [b, c]}]").start().await.ask("a").await;
    assert_eq!(answer.trail(), ["a/a-1=internal_server", "b/b-1=internal_server"]);
}

#[tokio::test]
async fn a_fallback_group_has_retries_of_its_own() {
    let (east, spare) = (Upstream::start().await, Upstream::start().await);
    east.always(Reply::status(500));
    spare.then(Reply::status(500)).then(Reply::status(500)).then(Reply::status(500));
    let setup = Setup::new().with("gpt-4", "east", &east).with("small", "spare", &spare);
    let setup = setup.router("num_retries: 1").router("fallbacks: [{gpt-4: [small]}]");
    let setup = setup.router("model_group_retry_policy: {small: {InternalServerErrorRetries: 3}}");
    let answer = setup.start().await.ask("gpt-4").await;
    assert_eq!(answer.status, 200);
    assert_eq!(east.attempts(), 2);
    assert_eq!(spare.attempts(), 4);
    assert_eq!(answer.header("x-litellm-attempted-retries"), "4");
}

#[tokio::test]
async fn the_fallback_is_sent_the_original_question() {
    let (east, spare) = (Upstream::start().await, Upstream::start().await);
    east.always(Reply::status(500));
    let setup = Setup::new().with("gpt-4", "east", &east).with("small", "spare", &spare);
    let gateway = setup.router("fallbacks: [{gpt-4: [small]}]").start().await;
    gateway.ask("gpt-4").await;
    let mut expected = question("model-of-spare");
    assert_eq!(spare.requests()[0].json(), expected);
    expected["model"] = "model-of-east".into();
    assert!(east.requests().iter().all(|request| request.json() == expected));
}

#[tokio::test]
async fn a_mixture_of_failures_is_invisible_to_callers() {
    let (east, west) = (Upstream::start().await, Upstream::start().await);
    let replies = [Reply::reset(), Reply::overloaded(), Reply::garbage(), Reply::status(500)];
    for reply in replies.iter().cycle().take(60) {
        east.then(reply.clone());
    }
    let setup = Setup::new().with("gpt-4", "east", &east).with("gpt-4", "west", &west);
    // It would rest for most of them.
    let gateway = setup.router("disable_cooldowns: true").start().await;
    for _ in 0..100 {
        let answer = gateway.ask("gpt-4").await;
        assert_eq!(answer.status, 200, "{:?}", answer.trail());
    }
    assert!(east.attempts() - east.count(Outcome::Ok) > 10);
}
