use std::sync::Arc;

use secondwind_policy::{Class, Policy};

use super::*;

fn secs(secs: u64) -> Duration {
    Duration::from_secs(secs)
}

fn health() -> (Arc<Health>, Instant) {
    let now = Instant::now();
    (Arc::new(Health::new(now)), now)
}

fn enter(health: &Arc<Health>, at: Instant) -> Option<Ticket> {
    Ticket::new(health, None, at)
}

fn down(health: &Health, at: Instant) {
    let policy = Policy::default();
    for _ in 0..4 {
        let verdict = Verdict::new(Class::Connection);
        health.failed(&verdict, policy.breaker(), Outlook::Others, (at, at), 0.5);
    }
}

#[tokio::test(start_paused = true)]
async fn rests_as_long_as_the_hint_and_no_longer() {
    let (health, now) = health();
    assert_eq!(health.standing(now), Standing::Up);
    health.rest(now, secs(2), true);
    let resting = Resting { until: now + secs(2), for_rate_limit: true };
    assert_eq!(health.standing(now + secs(1)), Standing::Resting(resting));
    assert_eq!(health.standing(now + secs(2)), Standing::Up);
}

#[tokio::test(start_paused = true)]
async fn a_rest_ends_at_the_very_moment_that_was_asked_for() {
    let (health, origin) = health();
    let now = origin + Duration::from_nanos(1_234_567);
    health.rest(now, secs(5), false);
    assert_eq!(health.resting(now).unwrap().until - now, secs(5));
}

#[tokio::test(start_paused = true)]
async fn a_shorter_hint_does_not_shorten_a_rest() {
    let (health, now) = health();
    health.rest(now, secs(9), false);
    health.rest(now, secs(1), true);
    let resting = Resting { until: now + secs(9), for_rate_limit: false };
    assert_eq!(health.resting(now), Some(resting));
}

#[tokio::test(start_paused = true)]
async fn an_absurd_hint_does_not_bury_a_deployment() {
    let (health, now) = health();
    health.rest(now, Duration::MAX, true);
    assert_eq!(health.resting(now + secs(600)), None);
}

#[tokio::test(start_paused = true)]
async fn one_probe_at_a_time_is_let_through() {
    let (health, now) = health();
    down(&health, now);
    assert!(enter(&health, now + secs(4)).is_none());
    let later = now + secs(5);
    let probe = enter(&health, later);
    assert!(probe.is_some());
    assert_eq!(health.standing(later), Standing::OnTrial);
    assert!(enter(&health, later).is_none());
    // Whoever gives up gives the slot back.
    drop(probe);
    let _probe = enter(&health, later).unwrap();
    health.succeeded(later, later);
    assert_eq!(health.standing(later), Standing::Up);
    assert!(enter(&health, later).is_some());
}

#[tokio::test(start_paused = true)]
async fn the_slot_of_a_probe_that_failed_is_free_again() {
    let (health, now) = health();
    down(&health, now);
    let later = now + secs(5);
    let probe = enter(&health, later).unwrap();
    down(&health, later);
    drop(probe);
    assert_eq!(health.resting(later).unwrap().until, later + secs(10));
    assert_eq!(health.standing(later + secs(10)), Standing::Trial);
}

#[tokio::test(start_paused = true)]
async fn visits_are_counted_while_they_last() {
    let (health, now) = health();
    let visits: Vec<_> = (0..5).map(|_| enter(&health, now).unwrap()).collect();
    let forced = Ticket::anyway(&health, None, now);
    assert_eq!(health.load().in_flight(), 6);
    drop(visits);
    assert_eq!(health.load().in_flight(), 1);
    drop(forced);
    assert_eq!(health.load().in_flight(), 0);
}

#[tokio::test(start_paused = true)]
async fn two_that_fail_at_once_do_not_both_go() {
    let now = Instant::now();
    let policy = Policy::default();
    let all = [Arc::new(Health::new(now)), Arc::new(Health::new(now))];
    let peers = Peers::new(all.clone());
    for _ in 0..9 {
        for health in &all {
            let verdict = Verdict::new(Class::InternalServer);
            peers.failed(health, &verdict, policy.breaker(), false, (now, now));
        }
    }
    assert_eq!(all.iter().filter(|health| health.is_open(now)).count(), 1);
    // With another group to go to both may rest.
    for health in &all {
        let verdict = Verdict::new(Class::InternalServer);
        peers.failed(health, &verdict, policy.breaker(), true, (now, now));
    }
    assert_eq!(all.iter().filter(|health| health.is_open(now)).count(), 0);
}

#[tokio::test(start_paused = true)]
async fn a_new_configuration_takes_over_what_is_known() {
    let now = Instant::now();
    let registry = Registry::default();
    let (a, b) = ("a".into(), "b".into());
    let before = registry.health(&a, 1, now);
    let other = registry.health(&b, 1, now);
    let policy = Policy::default();
    for health in [&before, &other] {
        let refused = Verdict::new(Class::Authentication);
        health.failed(&refused, policy.breaker(), Outlook::Others, (now, now), 0.5);
    }
    let (same, changed) = (registry.health(&a, 1, now), registry.health(&b, 2, now));
    assert!(Arc::ptr_eq(&before, &same));
    assert!(same.resting(now).is_some());
    assert_eq!(changed.standing(now), Standing::Up, "another key may be a good one");

    drop((before, same));
    registry.sweep();
    assert!(registry.health(&a, 1, now).is_open(now), "nobody used it any more");
}

#[test]
fn of_many_threads_one_gets_to_probe() {
    let now = Instant::now();
    let health = Arc::new(Health::new(now));
    down(&health, now);
    let later = now + secs(5);
    for _ in 0..200 {
        let enter = || {
            std::thread::spawn({
                let health = Arc::clone(&health);
                move || enter(&health, later)
            })
        };
        let threads: Vec<_> = (0..4).map(|_| enter()).collect();
        let tickets: Vec<_> = threads.into_iter().map(|thread| thread.join().unwrap()).collect();
        assert_eq!(tickets.iter().flatten().count(), 1);
    }
    assert_eq!(health.load().in_flight(), 0);
}
