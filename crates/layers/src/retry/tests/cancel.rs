//! What is left when the caller goes away.

use std::time::Duration;

use secondwind_policy::Class;
use secondwind_testkit::contract::{Step, probe_with_permits, scripted};
use tokio::time::{Instant, timeout};
use tower::Layer;

use super::{layer, send};
use crate::retry::Budget;
use crate::testing::{fail, ms, prompt, scoped};

/// Two failures and an answer, with every kind of waiting between them:
/// attempt 100 ms, wait 200 ms, readiness 100 ms, and the same again, and an attempt of 100 ms.
async fn dropped_after(drop_after: Duration) -> (bool, usize, f64) {
    let (inner, script) = scripted();
    let (inner, probe) = probe_with_permits(inner, 1);
    let budget = Budget::new(0.0, 1, Duration::from_secs(10), Instant::now());
    let before = budget.balance(Instant::now());
    let layer = layer(prompt().retry_after(ms(200))).budget(budget.clone()).in_scope();
    let mut service = layer.layer(inner);
    script.ready_after(ms(0)).ready_after(ms(100)).ready_after(ms(100));
    script
        .then(fail(Class::Connection).after(ms(100)))
        .then(fail(Class::Connection).after(ms(100)))
        .then(Step::answer(1).after(ms(100)));

    let request = scoped("ask");
    let answered = timeout(drop_after, send(&mut service, request)).await.is_ok();
    assert_eq!(script.in_flight(), 0, "an attempt lives on after {drop_after:?}");
    drop(service);
    probe.assert_kept();
    (answered, script.calls(), before - budget.balance(Instant::now()))
}

#[tokio::test(start_paused = true)]
async fn a_dropped_call_leaves_no_permit_and_spends_only_what_it_used() {
    let mut answered = 0;
    for step in 0..=40 {
        let after = ms(25 * step + 5);
        let (done, calls, spent) = dropped_after(after).await;
        answered += usize::from(done);
        let retries = calls - 1;
        assert!(
            (spent - retries as f64).abs() < 1e-9,
            "dropped after {after:?}: {spent} tokens spent on {retries} retries"
        );
        if done {
            assert_eq!(calls, 3);
        }
    }
    // The answer comes after 900 ms.
    assert_eq!(answered, 5);
}
