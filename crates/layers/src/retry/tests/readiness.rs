//! Which service is called, and when it is ready.

use std::time::Duration;

use secondwind_policy::Class;
use secondwind_testkit::contract::{Step, probe_with_permits, scripted};
use tokio::time::{Instant, sleep};
use tower::limit::ConcurrencyLimit;
use tower::{Layer, ServiceExt};

use super::{ask, in_context, layer, lone, send};
use crate::context::Alternatives;
use crate::kind::Scoped;
use crate::testing::{Failed, fail, failed, ms, prompt, scoped, secs};
use crate::trail::{Ended, Stop};

#[tokio::test(start_paused = true)]
async fn the_ready_service_is_used_and_cloned_once_for_all_calls() {
    let (mut service, script, probe) = lone(prompt());
    script.otherwise(|_| Step::answer(1));
    for calls in 1..4 {
        ask(&mut service).await.unwrap();
        assert_eq!((probe.calls(), probe.clones(), probe.unused()), (calls, 1, 0));
    }
    probe.assert_kept();
}

#[tokio::test(start_paused = true)]
async fn every_attempt_is_made_by_a_ready_service() {
    let (mut service, script, probe) = lone(prompt());
    script.otherwise(|_| fail(Class::Connection));
    ask(&mut service).await.unwrap_err();
    assert_eq!((probe.calls(), probe.unused()), (3, 0));
    probe.assert_kept();
}

#[tokio::test(start_paused = true)]
async fn readiness_and_its_errors_pass_through_before_the_first_attempt() {
    let (mut service, script, probe) = lone(prompt());
    script.ready_after(secs(3)).then(Step::answer(1));
    let began = Instant::now();
    assert_eq!(ask(&mut service).await, Ok(1));
    assert_eq!(began.elapsed(), secs(3));

    script.ready_fails(failed(Class::Permission));
    assert_eq!(ask(&mut service).await, Err(failed(Class::Permission)));
    assert_eq!(script.calls(), 1);
    probe.assert_kept();
}

#[tokio::test(start_paused = true)]
async fn the_last_failure_wins_over_a_service_that_does_not_become_ready() {
    let (mut service, script, probe) = in_context(prompt().total_timeout(secs(10)));
    script.ready_after(ms(0)).never_ready().then(fail(Class::RateLimit));
    let request = scoped("ask");
    let context = request.context.clone();
    let began = Instant::now();
    assert_eq!(send(&mut service, request).await, Err(failed(Class::RateLimit)));
    assert_eq!(began.elapsed(), secs(10));
    assert_eq!(context.trail().attempts().len(), 1);
    assert_eq!(context.trail().attempts()[0].ended, Some(Ended::Stopped(Stop::NotReady)));
    assert_eq!(context.verdict().map(|verdict| verdict.class), Some(Class::RateLimit));
    drop(service);
    probe.assert_kept();
}

#[tokio::test(start_paused = true)]
async fn the_last_failure_wins_over_an_error_of_readiness() {
    let (mut service, script, probe) = in_context(prompt());
    script.ready_after(ms(0)).ready_fails(failed(Class::Permission)).then(fail(Class::RateLimit));
    let request = scoped("ask");
    let context = request.context.clone();
    assert_eq!(send(&mut service, request).await, Err(failed(Class::RateLimit)));
    assert_eq!(context.trail().attempts()[0].ended, Some(Ended::Stopped(Stop::NotReady)));
    probe.assert_kept();
}

#[tokio::test(start_paused = true)]
async fn readiness_is_waited_for_before_a_retry() {
    let (mut service, script, probe) = lone(prompt().retry_after(secs(1)));
    script.ready_after(ms(0)).ready_after(secs(4));
    script.then(fail(Class::RateLimit)).then(Step::answer(1));
    assert_eq!(ask(&mut service).await, Ok(1));
    assert_eq!(script.times(), [secs(0), secs(5)]);
    probe.assert_kept();
}

#[tokio::test(start_paused = true)]
async fn no_permit_is_held_across_a_wait() {
    let (inner, script) = scripted::<String, _, _>();
    let (inner, probe) = probe_with_permits(inner, 1);
    let service = layer(prompt().retry_after(secs(5))).layer(inner);
    script
        .then(fail(Class::Connection).after(ms(100)))
        .then(Step::answer(1).after(ms(100)))
        .then(Step::answer(2).after(ms(100)));

    let slow = tokio::spawn(service.clone().oneshot("slow".to_owned()));
    sleep(ms(50)).await;
    assert_eq!(probe.permits_held(), 1);
    sleep(secs(1)).await;
    assert_eq!(probe.permits_held(), 0);
    // Another request gets in while the first one waits.
    assert_eq!(service.oneshot("quick".to_owned()).await, Ok(1));
    assert_eq!(slow.await.unwrap(), Ok(2));
    assert_eq!(script.requests(), ["slow", "quick", "slow"]);
    probe.assert_kept();
}

#[tokio::test(start_paused = true)]
async fn works_over_a_concurrency_limit_of_one() {
    let (inner, script) = scripted::<String, _, _>();
    let service = layer(prompt().retry_after(secs(1))).layer(ConcurrencyLimit::new(inner, 1));
    script.otherwise(|request| match request.as_str() {
        "good" => Step::answer(1).after(ms(10)),
        _ => fail(Class::Connection).after(ms(10)),
    });
    let requests = ["bad", "good", "bad", "good", "bad"].map(|request| {
        let service = service.clone();
        tokio::spawn(async move { service.oneshot(request.to_owned()).await.is_ok() })
    });
    for (n, request) in requests.into_iter().enumerate() {
        assert_eq!(request.await.unwrap(), n % 2 == 1);
    }
    // Three with two retries, two without.
    assert_eq!(script.calls(), 11);
}

#[tokio::test(start_paused = true)]
async fn no_permit_is_held_while_a_place_is_waited_for_on_entry() {
    let (inner, script) = scripted::<Scoped<String>, _, _>();
    let (inner, probe) = probe_with_permits(inner, 1);
    let mut service = layer(prompt()).in_scope().layer(inner);
    script.then(Step::<u32, Failed>::answer(1));
    let request = scoped("ask");
    let context = request.context.clone();
    let until = Instant::now() + secs(3);
    context.enter_deployment("azure-1".into(), Alternatives::default(), Some(until));
    service.ready().await.unwrap();
    assert_eq!(probe.permits_held(), 1);
    let answer = tokio::spawn(tower::Service::call(&mut service, request));
    sleep(Duration::from_secs(1)).await;
    assert_eq!(probe.permits_held(), 0);
    assert_eq!(answer.await.unwrap(), Ok(1));
    assert_eq!(script.times(), [secs(3)]);
    assert_eq!(context.trail().attempts()[0].waited, secs(3));
    probe.assert_kept();
}
