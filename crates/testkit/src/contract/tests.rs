use std::future::poll_fn;
use std::mem;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::task::Poll;
use std::time::Duration;

use tokio::time::{Instant, timeout};
use tower_service::Service;

use super::*;

type Plays = Scripted<&'static str, u16, &'static str>;

#[tokio::test(start_paused = true)]
async fn plays_its_steps_in_order_and_records_the_calls() {
    let (mut service, script) = script();
    script
        .then(Step::answer(200))
        .then(Step::fail("refused").after(secs(2)))
        .then(Step::answer(201).after(secs(3)));

    assert_eq!(send(&mut service, "a").await, Ok(200));
    assert_eq!(send(&mut service.clone(), "b").await, Err("refused"));
    assert_eq!(script.left(), 1);
    assert_eq!(send(&mut service, "c").await, Ok(201));

    assert_eq!(script.calls(), 3);
    assert_eq!(script.requests(), ["a", "b", "c"]);
    assert_eq!(script.times(), [secs(0), secs(0), secs(2)]);
    assert_eq!((script.in_flight(), script.dropped(), script.left()), (0, 0, 0));
    assert_eq!(script.clone().take_requests(), ["a", "b", "c"]);
    assert_eq!(script.requests(), [""; 0]);
}

#[tokio::test(start_paused = true)]
async fn tells_how_many_calls_were_dropped() {
    let (mut service, script) = script();
    script.then(Step::hang()).then(Step::answer(200).after(secs(5)));

    let hanging = send(&mut service, "a");
    assert!(timeout(secs(60), hanging).await.is_err());
    assert_eq!((script.in_flight(), script.dropped()), (0, 1));
    let slow = service.call("b");
    assert_eq!((script.in_flight(), script.dropped()), (1, 1));
    assert_eq!(slow.await, Ok(200));
    assert_eq!((script.in_flight(), script.dropped()), (0, 1));
}

#[tokio::test]
async fn goes_on_with_the_default_when_the_steps_are_used_up() {
    let (mut service, script) = script();
    script.then(Step::answer(1)).otherwise(|request| match *request {
        "bad" => Step::fail("bad"),
        _ => Step::answer(2),
    });
    assert_eq!(send(&mut service, "bad").await, Ok(1));
    assert_eq!(send(&mut service, "bad").await, Err("bad"));
    assert_eq!(send(&mut service, "good").await, Ok(2));
}

#[tokio::test]
#[should_panic(expected = "call 1 was not expected")]
async fn panics_at_a_call_that_is_not_in_the_script() {
    let (mut service, _script) = script();
    let _ = send(&mut service, "a").await;
}

#[tokio::test(start_paused = true)]
async fn becomes_ready_when_the_script_says() {
    let (mut service, script) = script();
    script.ready_after(secs(3)).ready_fails("closed").otherwise(|_| Step::answer(200));

    let began = Instant::now();
    assert_eq!(send(&mut service, "a").await, Ok(200));
    assert_eq!(began.elapsed(), secs(3));
    assert_eq!(script.times(), [secs(3)]);
    assert_eq!(ready(&mut service).await, Err("closed"));
    assert_eq!(ready(&mut service).await, Ok(()));
    script.never_ready();
    assert!(timeout(secs(60), ready(&mut service)).await.is_err());
    assert!(timeout(secs(60), ready(&mut service.clone())).await.is_err());
}

#[tokio::test]
async fn lets_a_ready_service_be_called() {
    let (service, probe) = probe(steady());
    let mut service = service;
    for _ in 0..2 {
        assert_eq!(send(&mut service, "a").await, Ok(200));
    }
    assert_eq!((probe.polls(), probe.calls(), probe.clones()), (2, 2, 0));
    assert_eq!((probe.unused(), probe.most_permits_held()), (0, 1));
    probe.assert_kept();
}

#[tokio::test]
async fn catches_a_call_without_readiness() {
    let (mut service, probe) = probe(steady());
    assert!(panics(|| service.call("a")));

    ready(&mut service).await.unwrap();
    // A clone is not as ready as its original.
    assert!(panics(|| service.clone().call("a")));
    assert_eq!(service.call("a").await, Ok(200));
    // Readiness is used up by a call.
    assert!(panics(|| service.call("a")));

    assert_eq!((probe.violations(), probe.calls(), probe.clones()), (3, 1, 1));
    assert!(panics(|| probe.assert_kept()));
}

#[tokio::test(start_paused = true)]
async fn readiness_that_fails_or_is_pending_is_none() {
    let (service, script) = script();
    let (mut service, probe) = probe(service);
    script.ready_fails("closed").ready_after(secs(1));
    assert_eq!(ready(&mut service).await, Err("closed"));
    assert_eq!(probe.permits_held(), 0);
    assert!(panics(|| service.call("a")));

    let pending = poll_fn(|cx| Poll::Ready(service.poll_ready(cx).is_pending())).await;
    assert!(pending);
    assert!(panics(|| service.call("a")));
}

#[tokio::test]
async fn the_taken_clone_may_be_called_and_the_one_left_behind_may_not() {
    let (mut service, probe) = probe(steady());
    ready(&mut service).await.unwrap();
    let clone = service.clone();
    let mut taken = mem::replace(&mut service, clone);
    assert_eq!(taken.call("a").await, Ok(200));
    assert!(panics(|| service.call("a")));
    assert_eq!(probe.violations(), 1);
}

#[tokio::test]
async fn a_permit_is_held_from_readiness_to_the_end_of_the_response() {
    let (mut service, probe) = probe(steady());
    ready(&mut service).await.unwrap();
    ready(&mut service).await.unwrap();
    assert_eq!(probe.permits_held(), 1);
    let mut response = Box::pin(service.call("a"));
    drop(service);
    assert_eq!(probe.permits_held(), 1);
    response.as_mut().await.unwrap();
    assert_eq!((probe.permits_held(), probe.unused()), (0, 0));
}

#[tokio::test]
async fn a_permit_comes_back_when_the_response_or_the_readied_clone_is_dropped() {
    let (mut service, probe) = probe(steady());
    ready(&mut service).await.unwrap();
    drop(service.call("a"));
    assert_eq!((probe.permits_held(), probe.unused()), (0, 0));
    ready(&mut service).await.unwrap();
    drop(service);
    assert_eq!((probe.permits_held(), probe.unused()), (0, 1));
    probe.assert_kept();
}

#[tokio::test(start_paused = true)]
async fn without_a_permit_nobody_is_ready_until_one_comes_back() {
    let (mut first, probe) = probe_with_permits(steady(), 1);
    let mut second = first.clone();
    let mut third = first.clone();
    ready(&mut first).await.unwrap();
    assert!(timeout(secs(60), ready(&mut second)).await.is_err());

    let release = async {
        tokio::task::yield_now().await;
        drop(first.call("a"));
    };
    let (readied, ()) = tokio::join!(timeout(secs(60), ready(&mut third)), release);
    readied.unwrap().unwrap();
    assert_eq!((probe.permits_held(), probe.most_permits_held()), (1, 1));
    drop(third);
    ready(&mut second).await.unwrap();
}

fn script() -> (Plays, Script<&'static str, u16, &'static str>) {
    scripted()
}

/// Answers every call with 200.
fn steady() -> Plays {
    let (service, script) = script();
    script.otherwise(|_| Step::answer(200));
    service
}

async fn ready<S>(service: &mut S) -> Result<(), S::Error>
where
    S: Service<&'static str>,
{
    poll_fn(|cx| service.poll_ready(cx)).await
}

async fn send<S>(service: &mut S, request: &'static str) -> Result<S::Response, S::Error>
where
    S: Service<&'static str>,
{
    ready(service).await?;
    service.call(request).await
}

fn panics<T>(act: impl FnOnce() -> T) -> bool {
    catch_unwind(AssertUnwindSafe(act)).is_err()
}

fn secs(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}
