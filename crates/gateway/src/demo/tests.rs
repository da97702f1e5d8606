use std::time::Duration;

use secondwind_policy::Class;

use super::*;
use crate::demo::tally::Failure;

#[tokio::test]
async fn the_trails_tell_of_every_request_that_the_providers_got() {
    let simulated = Simulated::start().await.unwrap();
    let gateway = Gateway::start(&simulated).await.unwrap();
    let traffic = Traffic {
        length: Duration::from_secs(1),
        direct: simulated.direct_to(),
        gateway: gateway.address(),
    };
    let mut shown = 0;
    let totals = traffic.send(&simulated, |_, _| shown += 1).await;
    gateway.stop().await;

    assert!(shown >= 5, "{shown}");
    let sent = usize::try_from(traffic::PACE).unwrap();
    for tally in [&totals.direct, &totals.gateway] {
        assert_eq!((tally.sent, tally.done()), (sent, sent));
    }
    // One that failed as a connection may not have arrived.
    let told = totals.gateway.attempts;
    let refused = totals.gateway.failures.get(&Failure::Class(Class::Connection));
    let refused = refused.map_or(0, tally::Fates::seen);
    let arrived: usize = simulated.behind().map(providers::Provider::attempts).sum();
    assert!(
        (told - refused..=told).contains(&arrived),
        "{told} told, {refused} refused, {arrived} arrived"
    );
}
