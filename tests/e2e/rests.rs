//! Deployments that ask to be left alone for a while.

use std::time::Duration;

use http_body_util::BodyExt;
use secondwind_testkit::upstream::{Reply, Upstream};
use tokio::time::Instant;

use crate::gateway::{Answer, CHAT, Setup, post, question, streamed};

/// What callers are told where every deployment rests and nobody was asked.
fn assert_all_rest(answer: &Answer, status: u16, retry_after: std::ops::RangeInclusive<u64>) {
    assert_eq!(answer.status, status, "{answer:?}");
    assert_eq!(answer.error()["type"], "all_deployments_in_cooldown");
    let after: u64 = answer.header("retry-after").parse().unwrap();
    assert!(retry_after.contains(&after), "{after}");
    assert_eq!(answer.header("x-should-retry"), "", "coming back then is welcome");
    assert_eq!(answer.header("x-litellm-model-group"), "gpt-4");
    assert_eq!(answer.header("x-litellm-attempted-retries"), "0");
    assert!(answer.trail().is_empty());
}

#[tokio::test]
async fn a_lone_deployment_is_waited_for_as_long_as_it_asked() {
    let east = Upstream::start().await;
    east.then(Reply::rate_limited(1));
    let gateway = Setup::new().with("gpt-4", "east", &east).start().await;
    let answer = gateway.ask("gpt-4").await;
    assert_eq!(answer.trail(), ["gpt-4/east=rate_limit", "gpt-4/east=ok"]);
    let [first, second] = &east.requests()[..] else { panic!() };
    let waited = second.at - first.at;
    assert!(waited >= Duration::from_secs(1), "{waited:?}");
    assert!(waited < Duration::from_millis(1400), "{waited:?}");
}

#[tokio::test]
async fn milliseconds_are_understood_too() {
    for (name, value) in
        [("retry-after-ms", "300"), ("x-ms-retry-after-ms", "300"), ("retry-after", "0.3")]
    {
        let east = Upstream::start().await;
        east.then(Reply::status(429).header(name, value));
        let answer = Setup::new().with("gpt-4", "east", &east).start().await.ask("gpt-4").await;
        assert_eq!(answer.status, 200);
        let [first, second] = &east.requests()[..] else { panic!() };
        let waited = second.at - first.at;
        assert!((300..600).contains(&waited.as_millis()), "{name}: {waited:?}");
    }
}

#[tokio::test]
async fn with_a_sibling_nobody_waits_and_the_next_request_passes_the_resting_one_over() {
    let (east, west) = (Upstream::start().await, Upstream::start().await);
    east.then(Reply::rate_limited(2));
    let setup = Setup::new().and("gpt-4", "east", &east, ", order: 1").with("gpt-4", "west", &west);
    let gateway = setup.start().await;
    let answer = gateway.ask("gpt-4").await;
    assert_eq!(answer.trail(), ["gpt-4/east=rate_limit", "gpt-4/west=ok"]);
    assert!(answer.took < Duration::from_millis(800), "{:?}", answer.took);
    for _ in 0..5 {
        assert_eq!(gateway.ask("gpt-4").await.trail(), ["gpt-4/west=ok"]);
    }
    assert_eq!(east.attempts(), 1);
    tokio::time::sleep(Duration::from_millis(2100)).await;
    assert_eq!(gateway.ask("gpt-4").await.trail(), ["gpt-4/east=ok"]);
}

#[tokio::test]
async fn a_wait_that_is_too_long_is_told_at_once() {
    let east = Upstream::start().await;
    east.always(Reply::rate_limited(100));
    let answer = Setup::new().with("gpt-4", "east", &east).start().await.ask("gpt-4").await;
    assert_eq!(answer.status, 429);
    assert_eq!(answer.header("retry-after"), "100");
    assert_eq!(answer.class(), "rate_limit");
    assert_eq!(answer.trail(), ["gpt-4/east=rate_limit"]);
    assert!(answer.took < Duration::from_millis(800), "{:?}", answer.took);
}

#[tokio::test]
async fn a_wait_past_the_deadline_is_not_begun() {
    let east = Upstream::start().await;
    east.always(Reply::rate_limited(3));
    let setup = Setup::new().with("gpt-4", "east", &east).policy("timeout: {total: 2s}");
    let answer = setup.start().await.ask("gpt-4").await;
    assert_eq!(answer.status, 429);
    assert_eq!(answer.header("retry-after"), "3");
    assert!(answer.took < Duration::from_millis(800), "{:?}", answer.took);
}

#[tokio::test]
async fn where_all_rest_for_longer_than_is_waited_callers_are_told_until_when() {
    let (east, west) = (Upstream::start().await, Upstream::start().await);
    east.always(Reply::rate_limited(100));
    west.always(Reply::rate_limited(80));
    let gateway =
        Setup::new().with("gpt-4", "east", &east).with("gpt-4", "west", &west).start().await;
    let answer = gateway.ask("gpt-4").await;
    assert_eq!(answer.status, 429);
    assert_eq!(answer.attempts(), 2);
    for _ in 0..3 {
        assert_all_rest(&gateway.ask("gpt-4").await, 429, 79..=80);
    }
    assert_eq!(east.attempts() + west.attempts(), 2, "nobody was asked");
}

#[tokio::test]
async fn where_not_all_rest_for_a_rate_limit_the_group_is_unavailable() {
    let (east, west) = (Upstream::start().await, Upstream::start().await);
    east.always(Reply::rate_limited(100));
    west.always(Reply::overloaded().header("retry-after", "90"));
    let gateway =
        Setup::new().with("gpt-4", "east", &east).with("gpt-4", "west", &west).start().await;
    gateway.ask("gpt-4").await;
    assert_all_rest(&gateway.ask("gpt-4").await, 503, 89..=90);
}

#[tokio::test]
async fn a_request_without_retries_does_not_wait_for_a_resting_deployment() {
    let east = Upstream::start().await;
    east.always(Reply::rate_limited(5));
    let setup = Setup::new().with("gpt-4", "east", &east).router("num_retries: 0");
    let gateway = setup.start().await;
    gateway.ask("gpt-4").await;
    assert_all_rest(&gateway.ask("gpt-4").await, 429, 4..=5);
    assert_eq!(east.attempts(), 1);
}

#[tokio::test]
async fn a_request_with_a_retry_left_waits_for_the_first_to_be_back() {
    let east = Upstream::start().await;
    east.then(Reply::rate_limited(1).after(Duration::from_millis(50)));
    let setup = Setup::new().with("gpt-4", "east", &east).router("num_retries: 1");
    let gateway = setup.start().await;
    let first = gateway.ask("gpt-4");
    let second = async {
        tokio::time::sleep(Duration::from_millis(200)).await;
        gateway.ask("gpt-4").await
    };
    let (first, second) = tokio::join!(first, second);
    assert_eq!([first.status, second.status], [200, 200]);
    assert_eq!(second.trail(), ["gpt-4/east=ok"]);
    assert!(second.took >= Duration::from_millis(700), "{:?}", second.took);
    assert_eq!(east.attempts(), 3);
}

#[tokio::test]
async fn all_resting_goes_to_the_fallback_at_once() {
    let (east, spare) = (Upstream::start().await, Upstream::start().await);
    east.always(Reply::rate_limited(2));
    let setup = Setup::new().with("gpt-4", "east", &east).with("small", "spare", &spare);
    let gateway =
        setup.router("fallbacks: [{gpt-4: [small]}]").router("num_retries: 0").start().await;
    assert_eq!(gateway.ask("gpt-4").await.trail(), ["gpt-4/east=rate_limit", "small/spare=ok"]);
    let answer = gateway.ask("gpt-4").await;
    assert_eq!(answer.trail(), ["small/spare=ok"]);
    assert_eq!(answer.header("x-litellm-attempted-fallbacks"), "1");
    assert!(answer.took < Duration::from_millis(500), "{:?}", answer.took);

    // The group that was asked for rests, and the other fails: that is what is told.
    spare.always(Reply::status(500));
    let answer = gateway.ask("gpt-4").await;
    assert_eq!(answer.status, 429);
    assert_eq!(answer.error()["type"], "all_deployments_in_cooldown");
}

#[tokio::test]
async fn the_least_bad_is_asked_where_the_policy_says_so() {
    let east = Upstream::start().await;
    east.then(Reply::rate_limited(100));
    let setup =
        Setup::new().with("gpt-4", "east", &east).policy("breaker: {when_all_open: least_bad}");
    let gateway = setup.start().await;
    assert_eq!(gateway.ask("gpt-4").await.status, 429);
    assert_eq!(gateway.ask("gpt-4").await.trail(), ["gpt-4/east=ok"]);
}

#[tokio::test]
async fn without_a_breaker_only_the_request_that_was_told_waits() {
    let east = Upstream::start().await;
    east.then(Reply::rate_limited(100));
    let setup = Setup::new().with("gpt-4", "east", &east).router("disable_cooldowns: true");
    let gateway = setup.start().await;
    assert_eq!(gateway.ask("gpt-4").await.status, 429);
    assert_eq!(gateway.ask("gpt-4").await.trail(), ["gpt-4/east=ok"]);
}

#[tokio::test]
async fn a_rate_limit_without_a_hint_rests_for_the_cooldown_time() {
    let (east, west) = (Upstream::start().await, Upstream::start().await);
    east.then(Reply::status(429));
    let setup = Setup::new().and("gpt-4", "east", &east, ", order: 1").with("gpt-4", "west", &west);
    let gateway = setup.router("cooldown_time: 1").start().await;
    let began = Instant::now();
    assert_eq!(gateway.ask("gpt-4").await.trail(), ["gpt-4/east=rate_limit", "gpt-4/west=ok"]);
    assert_eq!(gateway.ask("gpt-4").await.trail(), ["gpt-4/west=ok"]);
    tokio::time::sleep_until(began + Duration::from_millis(1200)).await;
    assert_eq!(gateway.ask("gpt-4").await.trail(), ["gpt-4/east=ok"]);
}

#[tokio::test]
async fn the_last_one_standing_rests_only_if_it_asked_to() {
    let (east, west) = (Upstream::start().await, Upstream::start().await);
    east.always(Reply::status(429));
    west.always(Reply::status(429));
    let setup = Setup::new().with("gpt-4", "east", &east).with("gpt-4", "west", &west);
    let gateway = setup.router("num_retries: 1").start().await;
    for _ in 0..3 {
        let answer = gateway.ask("gpt-4").await;
        assert_eq!(answer.status, 429);
        assert_eq!(answer.error()["code"], "rate_limit_exceeded", "the provider's own word");
    }
}

#[tokio::test]
async fn a_mistake_of_the_callers_rests_nobody() {
    let east = Upstream::start().await;
    let unknown = r#"{"error": {"message": "No such File object: file-1", "code": null}}"#;
    for reply in [Reply::status(400), Reply::status(422), Reply::status(404).body(unknown)] {
        east.then(reply.header("retry-after", "100"));
    }
    let gateway = Setup::new().with("gpt-4", "east", &east).start().await;
    for status in [400, 422, 404, 200] {
        assert_eq!(gateway.ask("gpt-4").await.status, status);
    }
}

#[tokio::test]
async fn those_who_waited_do_not_all_come_back_at_the_same_moment() {
    let east = Upstream::start().await;
    east.then(Reply::rate_limited(2));
    let gateway = Setup::new().with("gpt-4", "east", &east).router("num_retries: 1").start().await;
    let first = gateway.ask("gpt-4");
    let others = async {
        tokio::time::sleep(Duration::from_millis(100)).await;
        let mut waiting = Vec::new();
        for _ in 0..20 {
            let mut caller = gateway.caller().await;
            let request = post(CHAT, question("gpt-4").to_string());
            waiting.push(tokio::spawn(async move {
                caller.sender.send_request(request).await.unwrap().status()
            }));
        }
        for answer in waiting {
            assert_eq!(answer.await.unwrap(), 200);
        }
    };
    tokio::join!(first, others);
    let arrivals: Vec<_> = east.requests()[1..].iter().map(|request| request.at).collect();
    let spread = *arrivals.iter().max().unwrap() - *arrivals.iter().min().unwrap();
    assert!(spread > Duration::from_millis(60), "{spread:?}");
}

#[tokio::test]
async fn with_one_of_two_always_down_and_one_retry_no_request_fails() {
    let (east, west) = (Upstream::start().await, Upstream::start().await);
    east.always(Reply::status(500));
    let setup = Setup::new().with("gpt-4", "east", &east).with("gpt-4", "west", &west);
    let gateway = setup.router("num_retries: 1").start().await;
    for n in 0..1000 {
        let answer = gateway.ask("gpt-4").await;
        assert_eq!(answer.status, 200, "request {n}: {:?}", answer.trail());
    }
    // Four failures, and a probe now and then.
    assert!((4..9).contains(&east.attempts()), "{}", east.attempts());
}

#[tokio::test]
async fn a_limit_that_is_used_up_is_heeded_before_the_429() {
    let (east, west) = (Upstream::start().await, Upstream::start().await);
    let last = Reply::ok().header("ratelimit-remaining", "0");
    east.then(last.header("ratelimit-reset", "30"));
    let setup = Setup::new().and("gpt-4", "east", &east, ", order: 1").with("gpt-4", "west", &west);
    let gateway = setup.start().await;
    assert_eq!(gateway.ask("gpt-4").await.trail(), ["gpt-4/east=ok"]);
    for _ in 0..5 {
        assert_eq!(gateway.ask("gpt-4").await.trail(), ["gpt-4/west=ok"]);
    }
    assert_eq!(east.attempts(), 1);
}

#[tokio::test]
async fn more_requests_than_a_deployment_takes_wait_for_each_other() {
    let east = Upstream::start().await;
    east.always(Reply::slow(Duration::from_millis(300)));
    let setup = Setup::new().and("gpt-4", "east", &east, ", max_parallel_requests: 2");
    let gateway = setup.start().await;
    let began = Instant::now();
    let ask = || gateway.ask("gpt-4");
    let answers = tokio::join!(ask(), ask(), ask(), ask(), ask());
    for answer in [answers.0, answers.1, answers.2, answers.3, answers.4] {
        assert_eq!(answer.status, 200);
    }
    assert!(began.elapsed() >= Duration::from_millis(900), "{:?}", began.elapsed());
}

#[tokio::test]
async fn streams_that_break_count_at_their_end() {
    let (east, west) = (Upstream::start().await, Upstream::start().await);
    east.always(Reply::reset_after(3));
    let setup = Setup::new().and("gpt-4", "east", &east, ", order: 1").with("gpt-4", "west", &west);
    let gateway = setup.router("num_retries: 0").start().await;
    for _ in 0..4 {
        let mut caller = gateway.caller().await;
        let asked = caller.sender.send_request(post(CHAT, streamed("gpt-4").to_string()));
        let answer = asked.await.unwrap();
        assert_eq!(answer.status(), 200, "its head was fine");
        let _ = answer.into_body().collect().await;
    }
    assert_eq!(gateway.ask("gpt-4").await.trail(), ["gpt-4/west=ok"]);
    assert_eq!(east.attempts(), 4);
}
