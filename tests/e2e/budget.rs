//! A storm stays a breeze: further attempts are in proportion to requests.

use secondwind_testkit::upstream::{Reply, Upstream};

use crate::gateway::Setup;

#[tokio::test]
async fn an_outage_costs_the_provider_no_more_than_its_share() {
    const REQUESTS: u64 = 200;
    let upstream = Upstream::start().await;
    upstream.always(Reply::status(500));
    let gateway = Setup::new()
        .with("gpt-4", "only", &upstream)
        .policy("retry: {num_retries: 3, budget: {ratio: 0.2, min_per_second: 0}}")
        .start()
        .await;
    let mut told_not_to_retry = 0;
    for _ in 0..REQUESTS {
        let answer = gateway.ask("gpt-4").await;
        assert_eq!(answer.status, 500);
        told_not_to_retry += u64::from(answer.header("x-should-retry") == "false");
    }
    assert_eq!(told_not_to_retry, REQUESTS);
    let attempts = upstream.attempts();
    assert!(
        attempts as f64 <= REQUESTS as f64 * 1.2,
        "{attempts} attempts for {REQUESTS} requests"
    );
    assert!(attempts > REQUESTS, "the budget was there and was not used: {attempts}");
}

#[tokio::test]
async fn a_fallback_draws_on_no_budget() {
    let (down, spare) = (Upstream::start().await, Upstream::start().await);
    down.always(Reply::status(500));
    let gateway = Setup::new()
        .with("gpt-4", "only", &down)
        .with("small", "spare", &spare)
        .router("fallbacks: [{gpt-4: [small]}]")
        // Or else it would soon rest, and nobody be sent there.
        .router("disable_cooldowns: true")
        .policy("retry: {budget: {ratio: 0, min_per_second: 0}}")
        .start()
        .await;
    for _ in 0..20 {
        let answer = gateway.ask("gpt-4").await;
        assert_eq!(answer.status, 200);
        assert_eq!(answer.trail(), ["gpt-4/only=internal_server", "small/spare=ok"]);
    }
}
