//! When attempts are made, and what comes of them.

use secondwind_policy::{Class, Policy};
use secondwind_testkit::contract::Step;
use tokio::time::Instant;

use super::{ask, in_context, lone, send};
use crate::classify::{Reach, Verdict};
use crate::testing::{Failed, fail, fail_with_hint, failed, ms, prompt, scoped, secs};
use crate::trail::{Ended, Made, Stop};

#[tokio::test(start_paused = true)]
async fn an_answer_is_returned_at_once() {
    let (mut service, script, probe) = lone(Policy::builder());
    script.then(Step::answer(1).after(ms(30)));
    let began = Instant::now();
    assert_eq!(ask(&mut service).await, Ok(1));
    assert_eq!(began.elapsed(), ms(30));
    assert_eq!(script.requests(), ["ask"]);
    probe.assert_kept();
}

#[tokio::test(start_paused = true)]
async fn waits_within_the_backoff_and_alike_with_the_same_seed() {
    let mut seen = Vec::new();
    for _ in 0..2 {
        let (mut service, script, _) = lone(Policy::builder().num_retries(4));
        script.otherwise(|_| fail(Class::Connection));
        assert_eq!(ask(&mut service).await, Err(failed(Class::Connection)));
        let times = script.times();
        assert_eq!(times.len(), 5);
        for (times, most) in times.windows(2).zip([2, 4, 8, 16]) {
            let wait = times[1] - times[0];
            assert!(wait <= secs(most), "{wait:?} of at most {most} s");
        }
        seen.push(times);
    }
    assert_eq!(seen[0], seen[1]);
}

#[tokio::test(start_paused = true)]
async fn waits_differently_with_a_context_of_another_seed() {
    let mut seen = Vec::new();
    for seed in [1, 2] {
        let (inner, script) = secondwind_testkit::contract::scripted();
        let layer = crate::RetryLayer::new(Policy::default()).in_scope();
        let mut service =
            tower::Layer::layer(&layer.classify(crate::testing::by_its_word()), inner);
        script.otherwise(|_| fail(Class::Connection));
        let request = scoped("ask");
        request.context.set_seed(seed);
        send(&mut service, request).await.unwrap_err();
        seen.push(script.times());
    }
    assert_ne!(seen[0], seen[1]);
}

#[tokio::test(start_paused = true)]
async fn waits_as_long_as_the_server_asked_and_at_most_a_tenth_longer() {
    let (mut service, script, probe) = lone(prompt());
    script.then(fail_with_hint(Class::RateLimit, secs(2))).then(Step::answer(2));
    assert_eq!(ask(&mut service).await, Ok(2));
    let waited = script.times()[1];
    assert!(waited >= secs(2) && waited <= ms(2200), "{waited:?}");
    probe.assert_kept();
}

#[tokio::test(start_paused = true)]
async fn waits_at_least_retry_after() {
    let (mut service, script, _) = lone(prompt().retry_after(secs(5)));
    script.otherwise(|_| fail(Class::Connection));
    ask(&mut service).await.unwrap_err();
    assert_eq!(script.times(), [secs(0), secs(5), secs(10)]);
}

#[tokio::test(start_paused = true)]
async fn returns_the_last_failure_when_the_retries_are_spent() {
    let (mut service, script, probe) = lone(prompt());
    script
        .then(fail(Class::Connection))
        .then(fail(Class::RateLimit))
        .then(fail(Class::InternalServer));
    assert_eq!(ask(&mut service).await, Err(failed(Class::InternalServer)));
    assert_eq!(script.left(), 0);
    probe.assert_kept();
}

#[tokio::test(start_paused = true)]
async fn does_not_wait_for_too_long_a_hint() {
    let (mut service, script, _) = lone(prompt());
    script.then(fail_with_hint(Class::RateLimit, secs(61)));
    let began = Instant::now();
    ask(&mut service).await.unwrap_err();
    assert_eq!(began.elapsed(), secs(0));
    assert_eq!(script.calls(), 1);
}

#[tokio::test(start_paused = true)]
async fn begins_no_wait_that_would_not_end_before_the_deadline() {
    let (mut service, script, _) =
        lone(prompt().retry_after(secs(3)).num_retries(9).total_timeout(secs(8)));
    script.otherwise(|_| fail(Class::Connection).after(secs(1)));
    let began = Instant::now();
    ask(&mut service).await.unwrap_err();
    // 1 s, a wait of 3 s, 1 s; another wait would end at the deadline.
    assert_eq!(began.elapsed(), secs(5));
    assert_eq!(script.calls(), 2);
}

#[tokio::test(start_paused = true)]
async fn the_last_real_failure_wins_over_an_attempt_that_the_deadline_cuts() {
    let (mut service, script, probe) = lone(prompt().total_timeout(secs(10)));
    script.then(fail(Class::RateLimit).after(secs(1))).then(Step::hang());
    let began = Instant::now();
    assert_eq!(ask(&mut service).await, Err(failed(Class::RateLimit)));
    assert_eq!(began.elapsed(), secs(10));
    assert_eq!(script.dropped(), 1);
    probe.assert_kept();
}

#[tokio::test(start_paused = true)]
async fn an_answer_at_the_very_deadline_is_an_answer() {
    let (mut service, script, _) = lone(prompt().total_timeout(secs(10)));
    script.then(fail(Class::RateLimit)).then(Step::answer(3).after(secs(10)));
    assert_eq!(ask(&mut service).await, Ok(3));
}

#[tokio::test(start_paused = true)]
async fn the_first_attempt_is_not_cut_by_this_layer() {
    let (mut service, script, _) = lone(prompt().total_timeout(secs(10)));
    script.then(Step::answer(3).after(secs(20)));
    assert_eq!(ask(&mut service).await, Ok(3));
}

#[tokio::test(start_paused = true)]
async fn what_was_never_sent_is_repeated_at_once_and_does_not_count() {
    let (mut service, script, probe) = in_context(prompt().retry_after(secs(1)).num_retries(1));
    let never_sent = Failed(Verdict::new(Class::Connection).with_reach(Reach::NotSent));
    script
        .then(Step::fail(never_sent))
        .then(Step::fail(never_sent))
        .then(Step::fail(never_sent))
        .then(fail(Class::Connection));
    let request = scoped("ask");
    let context = request.context.clone();
    send(&mut service, request).await.unwrap_err();
    // Repeated, then counted as the one retry, then repeated again: twice never in a row.
    assert_eq!(script.times(), [secs(0), secs(0), secs(1), secs(1)]);
    let trail = context.trail();
    let made: Vec<_> = trail.attempts().iter().map(|attempt| attempt.made).collect();
    assert_eq!(made, [Made::First, Made::Repeat, Made::Retry, Made::Repeat]);
    assert_eq!(trail.retries(), 1);
    probe.assert_kept();
}

#[tokio::test(start_paused = true)]
async fn the_trail_tells_what_happened_and_when() {
    let (mut service, script, _) = in_context(prompt().retry_after(secs(1)).num_retries(1));
    script
        .then(Step::fail(Failed(Verdict::new(Class::RateLimit).with_status(429))).after(ms(12)))
        .then(fail(Class::InternalServer).after(ms(20)));
    let request = scoped("ask");
    let context = request.context.clone();
    send(&mut service, request).await.unwrap_err();

    let trail = context.trail();
    let [first, second] = trail.attempts() else { panic!("{trail:?}") };
    assert_eq!((first.start, first.duration), (ms(0), Some(ms(12))));
    assert_eq!((first.class, first.status), (Some(Class::RateLimit), Some(429)));
    assert_eq!((first.waited, first.ended), (ms(0), Some(Ended::Again)));
    assert_eq!((second.start, second.duration), (ms(1012), Some(ms(20))));
    assert_eq!((second.waited, second.made), (secs(1), Made::Retry));
    assert_eq!(second.ended, Some(Ended::Stopped(Stop::Exhausted)));
    assert_eq!(trail.to_string(), "-=rate_limit@0ms+12ms;-=internal_server@1012ms+20ms");
}
