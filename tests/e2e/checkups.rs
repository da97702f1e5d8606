//! Background checks of the deployments, as an operator sees them.

use secondwind_testkit::upstream::{Reply, Upstream};

use crate::gateway::Setup;

#[tokio::test]
async fn health_tells_what_the_last_check_came_to() {
    let [east, west, spare] =
        [Upstream::start().await, Upstream::start().await, Upstream::start().await];
    east.always(Reply::status(401));
    let gateway = Setup::new()
        .with("gpt-4", "east", &east)
        .with("gpt-4", "west", &west)
        .with("gpt-4", "spare", &spare)
        .edited("{id: spare}", "{id: spare, disable_background_health_check: true}")
        .general("background_health_checks: true, health_check_interval: 100ms")
        .start()
        .await;
    let health = loop {
        let health = gateway.get("/health").await.json();
        let told = health.to_string();
        if told.contains("authentication") && told.contains(r#""outcome":"ok""#) {
            break health;
        }
    };
    assert_eq!((&health["healthy_count"], &health["unhealthy_count"]), (&2.into(), &1.into()));
    let ill = &health["unhealthy_endpoints"][0];
    assert_eq!(
        (&ill["model_id"], &ill["last_check"]["outcome"]),
        (&"east".into(), &"authentication".into())
    );
    assert!(ill["last_check"]["took_ms"].is_u64() && ill["last_check"]["seconds_ago"].is_u64());
    assert_eq!(spare.attempts(), 0);
    // Nobody had to find out.
    for _ in 0..10 {
        assert_eq!(gateway.ask("gpt-4").await.attempts(), 1);
    }
    let metrics = gateway.get("/metrics").await;
    let metrics = String::from_utf8_lossy(&metrics.body);
    assert!(
        !metrics.contains(r#"deployment="east",class="authentication""#),
        "no request: {metrics}"
    );
}
