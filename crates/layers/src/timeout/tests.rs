//! The clocks on a stopped clock.

use std::sync::Arc;
use std::time::Duration;

use secondwind_policy::{Class, Policy, PolicyBuilder, Reserve};
use secondwind_testkit::contract::{
    ContractProbe, Script, Scripted, Step, probe_with_permits, scripted,
};
use tokio::time::{Instant, sleep};
use tower::{Layer, Service, ServiceExt, service_fn};

use super::{Bound, Clock, Elapsed, TimeoutLayer};
use crate::context::Alternatives;
use crate::deadline::Deadline;
use crate::error::Error;
use crate::kind::Scoped;
use crate::policies::PolicyHandle;
use crate::retry::RetryLayer;
use crate::testing::{Failed, by_its_word, fail, failed, ms, prompt, scoped, secs};
use crate::trail::Ended;

type Inner<Req> = Scripted<Req, u32, Failed>;

fn inner<Req>() -> (Inner<Req>, Script<Req, u32, Failed>) {
    scripted()
}

fn policy(policy: PolicyBuilder) -> Policy {
    policy.build().unwrap()
}

fn elapsed<E>(error: &Error<E>) -> (Clock, Duration, Bound) {
    let elapsed = error.elapsed().expect("no clock ran out");
    (elapsed.clock(), elapsed.after(), elapsed.bound())
}

// === total ===

#[tokio::test(start_paused = true)]
async fn total_covers_the_wait_for_readiness() {
    let (inner, script) = inner::<String>();
    script.never_ready();
    let mut service = TimeoutLayer::total(policy(prompt().total_timeout(secs(7)))).layer(inner);
    let began = Instant::now();
    let ready = std::future::poll_fn(|cx| Service::<String>::poll_ready(&mut service, cx));
    ready.await.unwrap();
    assert_eq!(began.elapsed(), secs(0), "total is always ready itself");
    let error = service.call("ask".to_owned()).await.unwrap_err();
    assert_eq!(began.elapsed(), secs(7));
    assert_eq!(elapsed(&error), (Clock::Total, secs(7), Bound::Configured));
    assert_eq!(script.calls(), 0);
}

#[tokio::test(start_paused = true)]
async fn total_covers_readiness_and_answer_together() {
    let (inner, script) = inner::<String>();
    script.ready_after(secs(4)).then(Step::answer(1).after(secs(4)));
    let service = TimeoutLayer::total(policy(prompt().total_timeout(secs(7)))).layer(inner);
    let began = Instant::now();
    let error = service.oneshot("ask".to_owned()).await.unwrap_err();
    assert_eq!(began.elapsed(), secs(7));
    assert_eq!(error.to_string(), "the total clock ran out after 7s");
    assert_eq!((script.calls(), script.dropped()), (1, 1));
}

#[tokio::test(start_paused = true)]
async fn an_error_of_readiness_comes_out_of_the_call() {
    let (inner, script) = inner::<String>();
    script.ready_fails(failed(Class::Permission));
    let service = TimeoutLayer::total(Policy::default()).layer(inner);
    let error = service.oneshot("ask".to_owned()).await.unwrap_err();
    assert_eq!(error.inner(), Some(&failed(Class::Permission)));
}

#[tokio::test(start_paused = true)]
async fn total_keeps_the_contract_and_holds_no_permit_beyond_the_call() {
    let (inner, script) = inner::<String>();
    let (inner, probe) = probe_with_permits(inner, 1);
    let service = TimeoutLayer::total(policy(prompt().total_timeout(secs(7)))).layer(inner);
    script.otherwise(|_| Step::answer(1).after(secs(2)));
    // The third and the fourth in the queue run out of time, in turn or while they wait for it.
    let calls: Vec<_> =
        (0..4).map(|n: u32| tokio::spawn(service.clone().oneshot(n.to_string()))).collect();
    let mut answered = 0;
    for call in calls {
        answered += u32::from(call.await.unwrap().is_ok());
    }
    assert_eq!(answered, 3);
    drop(service);
    probe.assert_kept();
}

#[tokio::test(start_paused = true)]
async fn a_clone_that_waits_for_readiness_is_not_stuck_behind_one_that_nobody_polls() {
    let (inner, script) = inner::<String>();
    let (inner, probe) = probe_with_permits(inner, 1);
    let mut service = TimeoutLayer::total(Policy::default()).layer(inner);
    script.otherwise(|_| Step::answer(1).after(secs(2)));
    let first = tokio::spawn(service.ready().await.unwrap().call("first".to_owned()));
    tokio::task::yield_now().await;
    // Made while the permit is out; `service` itself is not asked again.
    let second = tokio::spawn(service.ready().await.unwrap().call("second".to_owned()));
    let third = tokio::spawn(service.ready().await.unwrap().call("third".to_owned()));
    let began = Instant::now();
    for call in [first, second, third] {
        assert!(call.await.unwrap().is_ok());
    }
    assert_eq!(began.elapsed(), secs(6));
    drop(service);
    probe.assert_kept();
}

#[tokio::test(start_paused = true)]
async fn total_begins_with_the_call_and_not_when_it_is_polled() {
    let (inner, script) = inner::<String>();
    script.then(Step::hang());
    let mut service = TimeoutLayer::total(policy(prompt().total_timeout(secs(7)))).layer(inner);
    let began = Instant::now();
    let call = service.ready().await.unwrap().call("ask".to_owned());
    sleep(secs(5)).await;
    call.await.unwrap_err();
    assert_eq!(began.elapsed(), secs(7));
}

#[tokio::test(start_paused = true)]
async fn the_deadline_is_in_the_context_and_can_only_be_shortened() {
    let layer =
        |seconds| TimeoutLayer::total(policy(prompt().total_timeout(secs(seconds)))).in_scope();
    for (outer, inner, already, expected, bound) in [
        (5, 9, None, 5, Bound::Deadline),
        (9, 5, None, 5, Bound::Configured),
        (9, 5, Some(3), 3, Bound::Deadline),
    ] {
        let seen = service_fn(|request: Scoped<String>| async move {
            std::future::pending::<()>().await;
            drop(request);
            Ok::<u32, Failed>(1)
        });
        let service = layer(outer).layer(layer(inner).layer(seen));
        let request = scoped("ask");
        let context = request.context.clone();
        let began = Instant::now();
        if let Some(already) = already {
            context.shorten_deadline(Deadline::at(began + secs(already)));
        }
        let error = service.oneshot(request).await.unwrap_err().flatten();
        assert_eq!(began.elapsed(), secs(expected));
        assert_eq!(elapsed(&error), (Clock::Total, secs(expected), bound));
        assert_eq!(context.deadline(), Some(Deadline::at(began + secs(expected))));
    }
}

#[tokio::test(start_paused = true)]
async fn a_deadline_holds_where_the_clock_itself_is_off() {
    let (inner, script) = inner::<Scoped<String>>();
    script.then(Step::hang());
    let service = TimeoutLayer::total(Policy::off()).in_scope().layer(inner);
    let request = scoped("ask");
    request.context.shorten_deadline(Deadline::at(Instant::now() + secs(3)));
    let error = service.oneshot(request).await.unwrap_err();
    assert_eq!(elapsed(&error), (Clock::Total, secs(3), Bound::Deadline));
    assert_eq!(error.to_string(), "the total clock ran out after 3s, at the request's deadline");
}

// === attempt ===

#[tokio::test(start_paused = true)]
async fn an_attempt_has_the_time_that_the_policy_gives_it() {
    let (inner, script) = inner::<String>();
    script.otherwise(|_| Step::hang());
    let mut service = TimeoutLayer::attempt(policy(prompt().attempt_timeout(secs(3)))).layer(inner);
    for _ in 0..2 {
        let began = Instant::now();
        let call = service.ready().await.unwrap().call("ask".to_owned());
        let error = call.await.unwrap_err();
        assert_eq!(began.elapsed(), secs(3));
        assert_eq!(elapsed(&error), (Clock::Attempt, secs(3), Bound::Configured));
        assert_eq!(error.class(), Some(Class::Timeout));
    }
    assert_eq!(script.dropped(), 2);
}

#[tokio::test(start_paused = true)]
async fn an_attempt_leaves_what_the_policy_reserves_where_something_could_follow() {
    let untried = Alternatives { untried: true, siblings: true, ..Alternatives::default() };
    let fallback = Alternatives { fallback: true, ..Alternatives::default() };
    let again = Alternatives::default();
    let rows = [
        // (reserve, attempt, remaining, alternatives) → (after, bound)
        (Reserve::Share, None, 20, untried, 15, Bound::Reserve),
        (Reserve::Share, None, 20, fallback, 15, Bound::Reserve),
        (Reserve::Share, None, 100, untried, 85, Bound::Reserve),
        (Reserve::Share, None, 20, again, 20, Bound::Deadline),
        (Reserve::Fixed(secs(8)), None, 20, untried, 12, Bound::Reserve),
        (Reserve::Fixed(secs(15)), None, 20, untried, 10, Bound::Reserve),
        (Reserve::Off, None, 20, untried, 20, Bound::Deadline),
        (Reserve::Share, Some(5), 20, untried, 5, Bound::Configured),
        (Reserve::Share, Some(30), 20, untried, 20, Bound::Deadline),
        (Reserve::Share, Some(20), 20, again, 20, Bound::Configured),
    ];
    for (reserve, attempt, remaining, alternatives, after, bound) in rows {
        let (inner, script) = inner::<Scoped<String>>();
        script.then(Step::hang());
        let mut made = prompt().reserve(reserve);
        if let Some(attempt) = attempt {
            made = made.attempt_timeout(secs(attempt));
        }
        let service = TimeoutLayer::attempt(policy(made)).in_scope().layer(inner);
        let request = scoped("ask");
        request.context.shorten_deadline(Deadline::at(Instant::now() + secs(remaining)));
        request.context.enter_deployment("a".into(), alternatives, None);
        request.context.set_fallback_left(alternatives.fallback);
        let error = service.oneshot(request).await.unwrap_err();
        let row = format!("{reserve:?}, {attempt:?} of {remaining}, {alternatives:?}");
        assert_eq!(elapsed(&error), (Clock::Attempt, secs(after), bound), "{row}");
    }
}

#[tokio::test(start_paused = true)]
async fn an_attempt_leaves_time_for_retries_that_were_asked_for_and_the_last_one_gets_all() {
    let made = prompt().retries(Class::Timeout, 1).total_timeout(secs(20));
    let made = PolicyHandle::from(policy(made));
    let (inner, script) = inner();
    script.otherwise(|_: &Scoped<String>| Step::hang());
    let service = TimeoutLayer::total(made.clone()).in_scope().layer(
        RetryLayer::new(made.clone())
            .classify(by_its_word())
            .in_scope()
            .layer(TimeoutLayer::attempt(made).in_scope().layer(inner)),
    );
    let began = Instant::now();
    let error = service.oneshot(scoped("ask")).await.unwrap_err();
    assert_eq!(began.elapsed(), secs(20));
    assert_eq!(script.times(), [secs(0), secs(15)]);
    assert_eq!(error.trail().attempts()[1].duration, Some(secs(5)));
    // The attempt that had its time says more than the one that was cut by the deadline.
    let error = error.flatten();
    assert_eq!(elapsed(&error), (Clock::Attempt, secs(15), Bound::Reserve));
    assert!(error.to_string().ends_with("to leave time for another attempt"));
}

#[tokio::test(start_paused = true)]
async fn nothing_is_reserved_for_a_sibling_that_no_retry_is_left_for() {
    let made = PolicyHandle::from(policy(prompt().retries(Class::Timeout, 0)));
    let (inner, script) = inner();
    script.then(Step::hang());
    let service = RetryLayer::new(made.clone())
        .classify(by_its_word())
        .in_scope()
        .layer(TimeoutLayer::attempt(made).in_scope().layer(inner));
    let request: Scoped<String> = scoped("ask");
    let context = request.context.clone();
    context.shorten_deadline(Deadline::at(Instant::now() + secs(20)));
    let untried = Alternatives { untried: true, siblings: true, ..Alternatives::default() };
    context.enter_deployment("a".into(), untried, None);
    let error = service.oneshot(request).await.unwrap_err();
    assert_eq!(elapsed(&error), (Clock::Attempt, secs(20), Bound::Deadline));
}

#[tokio::test(start_paused = true)]
async fn an_attempt_passes_readiness_through() {
    let (inner, script) = inner::<String>();
    script.ready_after(secs(9)).then(Step::answer(1).after(secs(2)));
    let mut service = TimeoutLayer::attempt(policy(prompt().attempt_timeout(secs(3)))).layer(inner);
    let began = Instant::now();
    let call = service.ready().await.unwrap().call("ask".to_owned());
    assert_eq!(began.elapsed(), secs(9));
    assert_eq!(call.await.unwrap(), 1);
    script.ready_fails(failed(Class::Permission));
    let error = service.ready().await.unwrap_err();
    assert_eq!(error.inner(), Some(&failed(Class::Permission)));
}

// === both ===

#[tokio::test(start_paused = true)]
async fn an_answer_at_the_last_moment_is_an_answer() {
    let made = PolicyHandle::from(policy(prompt().attempt_timeout(secs(3)).total_timeout(secs(3))));
    for (after, good) in [(secs(3), true), (ms(3001), false)] {
        let (inner, script) = inner::<String>();
        script.otherwise(move |_| Step::answer(1).after(after));
        let total = TimeoutLayer::total(made.clone()).layer(inner.clone());
        assert_eq!(total.oneshot("ask".to_owned()).await.is_ok(), good);
        let attempt = TimeoutLayer::attempt(made.clone()).layer(inner);
        assert_eq!(attempt.oneshot("ask".to_owned()).await.is_ok(), good);
    }
}

#[tokio::test(start_paused = true)]
async fn a_clock_that_is_off_has_the_same_type_and_never_runs_out() {
    let (inner, script) = inner::<String>();
    script.otherwise(|_| Step::answer(1).after(secs(100_000)));
    let on = policy(prompt().attempt_timeout(secs(1)).total_timeout(secs(1)));
    let mut total = TimeoutLayer::total(on.clone()).layer(inner.clone());
    let mut attempt = TimeoutLayer::attempt(on).layer(inner.clone());
    assert!(total.clone().oneshot("ask".to_owned()).await.is_err());
    assert!(attempt.clone().oneshot("ask".to_owned()).await.is_err());
    total = TimeoutLayer::total(Policy::off()).layer(inner.clone());
    attempt = TimeoutLayer::attempt(Policy::off()).layer(inner);
    assert!(total.oneshot("ask".to_owned()).await.is_ok());
    assert!(attempt.oneshot("ask".to_owned()).await.is_ok());
}

#[tokio::test(start_paused = true)]
async fn new_policies_hold_for_the_next_call() {
    let handle =
        PolicyHandle::from(policy(prompt().attempt_timeout(secs(5)).total_timeout(secs(5))));
    let (inner, script) = inner::<String>();
    script.otherwise(|_| Step::hang());
    let total = TimeoutLayer::total(handle.clone()).layer(inner.clone());
    let attempt = TimeoutLayer::attempt(handle.clone()).layer(inner);
    let took = |call: tokio::task::JoinHandle<_>| async move {
        let began = Instant::now();
        let result: Result<u32, Error<Failed>> = call.await.unwrap();
        result.unwrap_err();
        began.elapsed()
    };
    let (mut before_total, mut before_attempt) = (total.clone(), attempt.clone());
    let under_way = [
        tokio::spawn(before_total.ready().await.unwrap().call("ask".to_owned())),
        tokio::spawn(before_attempt.ready().await.unwrap().call("ask".to_owned())),
    ];
    handle.store(policy(prompt().attempt_timeout(secs(2)).total_timeout(secs(2))));
    for call in under_way {
        took(call).await;
    }
    assert_eq!(script.times()[0].as_secs(), 0);
    assert_eq!(took(tokio::spawn(total.oneshot("ask".to_owned()))).await, secs(2));
    assert_eq!(took(tokio::spawn(attempt.oneshot("ask".to_owned()))).await, secs(2));
}

#[tokio::test(start_paused = true)]
async fn the_requests_own_policy_wins() {
    let (inner, script) = inner::<Scoped<String>>();
    script.otherwise(|_| Step::hang());
    let own = policy(prompt().attempt_timeout(secs(2)).total_timeout(secs(4)));
    let total = TimeoutLayer::total(Policy::default()).in_scope().layer(inner.clone());
    let attempt = TimeoutLayer::attempt(Policy::default()).in_scope().layer(inner);
    let request = || Scoped { policy: Some(Arc::new(own.clone())), ..scoped("ask") };
    let error = total.oneshot(request()).await.unwrap_err();
    assert_eq!(elapsed(&error), (Clock::Total, secs(4), Bound::Configured));
    let error = attempt.clone().oneshot(request()).await.unwrap_err();
    assert_eq!(elapsed(&error), (Clock::Attempt, secs(2), Bound::Configured));
    let request = scoped("ask");
    request.context.set_policy(Some(Arc::new(own)));
    let error = attempt.oneshot(request).await.unwrap_err();
    assert_eq!(elapsed(&error), (Clock::Attempt, secs(2), Bound::Configured));
}

#[tokio::test(start_paused = true)]
async fn a_failure_tells_what_the_layers_below_made_of_it() {
    let made = PolicyHandle::from(policy(prompt().num_retries(1)));
    let (inner, script) = inner();
    script.otherwise(|_: &Scoped<String>| fail(Class::RateLimit));
    let service = TimeoutLayer::total(made.clone())
        .in_scope()
        .layer(RetryLayer::new(made).classify(by_its_word()).in_scope().layer(inner));
    let error = service.oneshot(scoped("ask")).await.unwrap_err();
    assert_eq!(error.class(), Some(Class::RateLimit));
    assert_eq!(error.inner(), Some(&failed(Class::RateLimit)));
    assert_eq!(error.trail().retries(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_failure_before_an_attempt_that_was_cut_has_its_own_class() {
    let made = PolicyHandle::from(policy(prompt().total_timeout(secs(5))));
    let (inner, script) = inner();
    script.then(fail(Class::RateLimit)).then(Step::hang());
    let service = TimeoutLayer::total(made.clone())
        .in_scope()
        .layer(RetryLayer::new(made).classify(by_its_word()).in_scope().layer(inner));
    let request: Scoped<String> = scoped("ask");
    let error = service.oneshot(request).await.unwrap_err();
    assert_eq!(error.inner(), Some(&failed(Class::RateLimit)));
    assert_eq!(error.class(), Some(Class::RateLimit));
    assert_eq!(error.trail().attempts()[1].ended, Some(Ended::Abandoned));
}

// === connect ===

/// What hyper-util asks of a connector.
fn assert_connector<S>(service: S) -> S
where
    S: Service<String, Future: Unpin + Send, Error: Into<tower::BoxError>> + Clone + Send,
{
    service
}

#[tokio::test(start_paused = true)]
async fn connect_bounds_a_connector_and_names_itself() {
    let (inner, script) = inner::<String>();
    script.then(Step::answer(1).after(secs(5))).then(Step::hang()).then(fail(Class::Connection));
    let mut service = assert_connector(TimeoutLayer::connect(Policy::default()).layer(inner));
    let mut dial = async || service.ready().await.unwrap().call("host".to_owned()).await;
    assert_eq!(dial().await.unwrap(), 1);
    let error = dial().await.unwrap_err();
    assert_eq!(elapsed(&error), (Clock::Connect, secs(5), Bound::Configured));
    assert_eq!(error.to_string(), "the connect clock ran out after 5s");
    let error = dial().await.unwrap_err();
    assert_eq!(error.to_string(), "connection failed");
    let boxed = error.into_inner().unwrap().into_inner();
    assert_eq!(boxed.downcast_ref(), Some(&failed(Class::Connection)));
}

#[tokio::test(start_paused = true)]
async fn connect_can_be_off() {
    let (inner, script) = inner::<String>();
    script.then(Step::answer(1).after(secs(500)));
    let service = TimeoutLayer::connect(policy(prompt().no_connect_timeout())).layer(inner);
    assert_eq!(service.oneshot("host".to_owned()).await.unwrap(), 1);
}

// === dropping ===

#[tokio::test(start_paused = true)]
async fn dropping_the_call_drops_what_is_inside() {
    let (inner, script) = inner::<String>();
    script.otherwise(|_| Step::hang());
    let (inner, probe): (ContractProbe<_>, _) = probe_with_permits(inner, 1);
    let made = PolicyHandle::from(policy(prompt().attempt_timeout(secs(9)).total_timeout(secs(9))));
    let service = TimeoutLayer::total(made.clone()).layer(TimeoutLayer::attempt(made).layer(inner));
    let call = tokio::time::timeout(secs(1), service.clone().oneshot("ask".to_owned()));
    call.await.unwrap_err();
    assert_eq!((script.dropped(), probe.permits_held()), (1, 0));
}

#[test]
fn a_clock_that_ran_out_is_found_among_the_causes_of_an_error() {
    let clock = Elapsed::new(Clock::Attempt, secs(2), Bound::Configured);
    let error = Error::<Error<Failed>>::from_inner(Error::from_elapsed(clock));
    assert_eq!(crate::classify::elapsed_in(&error), Some(&clock));
    let error = Error::<Failed>::from_inner(failed(Class::Timeout));
    assert_eq!(crate::classify::elapsed_in(&error), None);
}
