//! What each kind of failure is worth: another try, another place, another group, or nothing.

use secondwind_testkit::upstream::{Reply, Upstream};

use crate::gateway::Setup;

/// Two deployments in their order, and a group for each kind of fallback.
struct Cast {
    east: Upstream,
    west: Upstream,
    spare: Upstream,
    long: Upstream,
    prudent: Upstream,
}

impl Cast {
    async fn new() -> Self {
        let start = Upstream::start;
        Self {
            east: start().await,
            west: start().await,
            spare: start().await,
            long: start().await,
            prudent: start().await,
        }
    }

    /// A lone deployment.
    fn one(&self) -> Setup {
        Setup::new().with("gpt-4", "east", &self.east)
    }

    fn two(&self) -> Setup {
        Setup::new().and("gpt-4", "east", &self.east, ", order: 1").and(
            "gpt-4",
            "west",
            &self.west,
            ", order: 2",
        )
    }

    fn fallbacks(&self, setup: Setup) -> Setup {
        setup
            .with("small", "spare", &self.spare)
            .with("long", "long-1", &self.long)
            .with("prudent", "prudent-1", &self.prudent)
            .router("fallbacks: [{gpt-4: [small]}]")
            .router("context_window_fallbacks: [{gpt-4: [long]}]")
            .router("content_policy_fallbacks: [{gpt-4: [prudent]}]")
    }
}

#[tokio::test]
async fn what_a_key_or_an_account_lacks_is_not_tried_again_in_its_place() {
    for reply in
        [Reply::status(401), Reply::status(403), Reply::status(404), Reply::quota_exhausted()]
    {
        let cast = Cast::new().await;
        cast.east.always(reply.clone());
        let gateway = cast.one().start().await;
        let answer = gateway.ask("gpt-4").await;
        assert_eq!(cast.east.attempts(), 1, "{reply:?}");
        assert_eq!(answer.attempts(), 1, "{reply:?}");
        assert_eq!(answer.header("x-litellm-attempted-retries"), "0");
    }
}

#[tokio::test]
async fn a_sibling_may_have_what_a_deployment_lacks() {
    for (status, reply) in [
        (401, Reply::status(401)),
        (403, Reply::status(403)),
        (404, Reply::status(404)),
        (429, Reply::quota_exhausted()),
    ] {
        let cast = Cast::new().await;
        cast.east.always(reply.clone());
        let gateway = cast.two().start().await;
        let answer = gateway.ask("gpt-4").await;
        assert_eq!(answer.status, 200, "{reply:?}");
        assert_eq!([cast.east.attempts(), cast.west.attempts()], [1, 1], "{reply:?}");

        // It is not sent there again.
        assert_eq!(gateway.ask("gpt-4").await.trail(), ["gpt-4/west=ok"], "{reply:?}");

        // Where the sibling lacks it, too, that is the end.
        cast.west.always(reply.clone());
        let gateway = cast.two().start().await;
        let answer = gateway.ask("gpt-4").await;
        assert_eq!(answer.status, status, "{reply:?}");
        assert_eq!(answer.attempts(), 2, "{reply:?}");
        // And the one that is left still says so itself.
        let answer = gateway.ask("gpt-4").await;
        assert_eq!(answer.status, status, "{reply:?}");
        assert_eq!(answer.attempts(), 1, "{reply:?}");
    }
}

#[tokio::test]
async fn moving_on_counts_against_the_number_of_retries() {
    let cast = Cast::new().await;
    for upstream in [&cast.east, &cast.west, &cast.spare] {
        upstream.always(Reply::status(401));
    }
    for (retries, attempts) in [(0, 1), (1, 2), (2, 3)] {
        let setup = cast.two().and("gpt-4", "spare", &cast.spare, ", order: 3");
        let gateway = setup.router(&format!("num_retries: {retries}")).start().await;
        let answer = gateway.ask("gpt-4").await;
        assert_eq!(answer.status, 401);
        assert_eq!(answer.attempts(), attempts, "{retries} retries");
    }
}

#[tokio::test]
async fn a_failure_that_is_the_accounts_falls_back() {
    for reply in
        [Reply::status(401), Reply::status(403), Reply::status(404), Reply::quota_exhausted()]
    {
        let cast = Cast::new().await;
        cast.east.always(reply.clone());
        let answer = cast.fallbacks(cast.one()).start().await.ask("gpt-4").await;
        assert_eq!(answer.trail()[1..], ["small/spare=ok"], "{reply:?}");
    }
}

#[tokio::test]
async fn a_mistake_of_the_callers_is_told_at_once_and_tried_nowhere_else() {
    for status in [400, 422, 405, 418] {
        let cast = Cast::new().await;
        cast.east.always(Reply::status(status));
        let gateway = cast.fallbacks(cast.two()).start().await;
        let answer = gateway.ask("gpt-4").await;
        assert_eq!(answer.status, status);
        assert_eq!(answer.class(), "bad_request");
        assert_eq!(answer.trail(), ["gpt-4/east=bad_request"]);
        let others = [&cast.west, &cast.spare, &cast.long, &cast.prudent];
        assert!(others.iter().all(|upstream| upstream.attempts() == 0));
    }
}

#[tokio::test]
async fn too_large_for_one_may_not_be_too_large_for_another_group() {
    let cast = Cast::new().await;
    cast.east.always(Reply::status(413));
    let answer = cast.two().start().await.ask("gpt-4").await;
    assert_eq!(answer.status, 413);
    assert_eq!(answer.trail(), ["gpt-4/east=request_too_large"]);
    let answer = cast.fallbacks(cast.two()).start().await.ask("gpt-4").await;
    assert_eq!(answer.trail(), ["gpt-4/east=request_too_large", "small/spare=ok"]);
}

#[tokio::test]
async fn a_prompt_that_does_not_fit_goes_to_a_group_where_it_does() {
    let cast = Cast::new().await;
    cast.east.always(Reply::context_window());
    let answer = cast.fallbacks(cast.two()).start().await.ask("gpt-4").await;
    assert_eq!(answer.trail(), ["gpt-4/east=context_window", "long/long-1=ok"]);
    assert_eq!(cast.spare.attempts() + cast.west.attempts(), 0);
}

#[tokio::test]
async fn a_prompt_that_does_not_fit_takes_the_general_fallbacks_where_there_are_no_others() {
    let cast = Cast::new().await;
    cast.east.always(Reply::context_window());
    let setup =
        cast.one().with("small", "spare", &cast.spare).router("fallbacks: [{gpt-4: [small]}]");
    let answer = setup.start().await.ask("gpt-4").await;
    assert_eq!(answer.trail(), ["gpt-4/east=context_window", "small/spare=ok"]);
}

#[tokio::test]
async fn what_was_refused_for_its_content_goes_only_where_it_may() {
    let cast = Cast::new().await;
    cast.east.always(Reply::content_policy());
    let answer = cast.fallbacks(cast.two()).start().await.ask("gpt-4").await;
    assert_eq!(answer.trail(), ["gpt-4/east=content_policy", "prudent/prudent-1=ok"]);
    assert_eq!(cast.spare.attempts() + cast.west.attempts(), 0);

    let setup =
        cast.one().with("small", "spare", &cast.spare).router("fallbacks: [{gpt-4: [small]}]");
    let answer = setup.router("default_fallbacks: [small]").start().await.ask("gpt-4").await;
    assert_eq!(answer.status, 400);
    assert_eq!(answer.error()["code"], "content_policy_violation");
    assert_eq!(answer.class(), "content_policy");
    assert_eq!(cast.spare.attempts(), 0);
}

#[tokio::test]
async fn a_group_without_fallbacks_of_its_own_takes_the_default_ones() {
    let cast = Cast::new().await;
    cast.east.always(Reply::status(500));
    let setup = cast.one().with("small", "spare", &cast.spare).router("num_retries: 0");
    let answer = setup.router("default_fallbacks: [small]").start().await.ask("gpt-4").await;
    assert_eq!(answer.trail(), ["gpt-4/east=internal_server", "small/spare=ok"]);
}

#[tokio::test]
async fn a_class_has_the_count_that_was_set_for_it() {
    let cast = Cast::new().await;
    cast.east.always(Reply::status(500));
    let counts = "retry_policy: {InternalServerErrorRetries: 4, BadRequestErrorRetries: 1, RateLimitErrorRetries: 0}";
    let gateway = cast.one().router("num_retries: 2").router(counts).start().await;
    assert_eq!(gateway.ask("gpt-4").await.attempts(), 5);
    cast.east.always(Reply::status(400));
    assert_eq!(gateway.ask("gpt-4").await.attempts(), 2);
    cast.east.always(Reply::status(429));
    assert_eq!(gateway.ask("gpt-4").await.attempts(), 1);
    cast.east.always(Reply::reset());
    assert_eq!(gateway.ask("gpt-4").await.attempts(), 3);
}

#[tokio::test]
async fn no_retries_means_one_attempt_in_the_group() {
    for reply in [Reply::status(500), Reply::reset(), Reply::rate_limited(1), Reply::garbage()] {
        let cast = Cast::new().await;
        cast.east.always(reply.clone());
        let gateway = cast.two().router("num_retries: 0").start().await;
        assert_eq!(gateway.ask("gpt-4").await.attempts(), 1, "{reply:?}");
        assert_eq!(cast.west.attempts(), 0, "{reply:?}");
    }
}

#[tokio::test]
async fn a_provider_that_asks_not_to_be_tried_again_is_not() {
    let cast = Cast::new().await;
    cast.east.always(Reply::status(500).header("x-should-retry", "false"));
    assert_eq!(cast.one().start().await.ask("gpt-4").await.attempts(), 1);
    let answer = cast.two().start().await.ask("gpt-4").await;
    assert_eq!(answer.trail(), ["gpt-4/east=internal_server", "gpt-4/west=ok"]);
    let answer = cast.fallbacks(cast.one()).start().await.ask("gpt-4").await;
    assert_eq!(answer.trail(), ["gpt-4/east=internal_server", "small/spare=ok"]);
}

#[tokio::test]
async fn a_redirect_is_no_answer_and_is_not_followed() {
    let cast = Cast::new().await;
    let reply = Reply::status(307)
        .header("location", &format!("http://{}/v1/chat/completions", cast.spare.addr()));
    cast.east.always(reply);
    let answer = cast.one().router("num_retries: 1").start().await.ask("gpt-4").await;
    assert_eq!(answer.status, 502);
    assert_eq!(answer.header("location"), "");
    assert_eq!([cast.east.attempts(), cast.spare.attempts()], [2, 0]);
}

#[tokio::test]
async fn retries_after_a_move_go_to_whoever_may_be_tried_first() {
    let cast = Cast::new().await;
    for upstream in [&cast.east, &cast.west] {
        upstream.always(Reply::status(500));
    }
    let answer = cast.two().router("num_retries: 5").start().await.ask("gpt-4").await;
    assert_eq!(answer.attempts(), 6);
    assert_eq!(answer.trail()[..2], ["gpt-4/east=internal_server", "gpt-4/west=internal_server"]);
    assert!(cast.east.attempts() >= 1 && cast.west.attempts() >= 1);
}

#[tokio::test]
async fn a_short_patience_with_hints_does_not_cut_the_backoff_short() {
    let cast = Cast::new().await;
    for upstream in [&cast.east, &cast.west] {
        upstream.always(Reply::status(500));
    }
    let setup = cast
        .two()
        .backoff("{base: 30ms, max: 60ms}")
        .policy("retry: {num_retries: 4, max_retry_after: 0}");
    assert_eq!(setup.start().await.ask("gpt-4").await.attempts(), 5);
}
