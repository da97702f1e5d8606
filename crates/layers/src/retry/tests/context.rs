//! What a retry layer says to the others, and hears from them.

use secondwind_policy::{Class, Policy};
use secondwind_testkit::contract::{Step, scripted};
use tokio::time::Instant;
use tower::{Layer, service_fn};

use super::{in_context, layer, send};
use crate::TimeoutLayer;
use crate::classify::{Opinion, Verdict};
use crate::context::{Alternatives, Context, MoveOn};
use crate::deadline::Deadline;
use crate::kind::Scoped;
use crate::retry::{Budget, RetryLayer};
use crate::testing::{by_its_word, fail, fail_with_hint, failed, ms, prompt, scoped, secs};
use crate::trail::{Ended, Made};

const UNTRIED: Alternatives =
    Alternatives { untried: true, siblings: true, fallback: false, again: false };
const TRIED: Alternatives =
    Alternatives { untried: false, siblings: true, fallback: false, again: false };

#[tokio::test(start_paused = true)]
async fn gives_way_to_a_sibling_at_once_and_says_when_this_place_may_be_tried_again() {
    let (mut service, script, _) = in_context(prompt());
    script.then(fail_with_hint(Class::RateLimit, secs(2)).after(ms(10)));
    let request = scoped("ask");
    let context = request.context.clone();
    let now = Instant::now();
    let budget = Budget::new(0.0, 1, secs(10), now);
    context.enter_group("gpt-4".into(), None, Some(budget.clone()));
    context.enter_deployment("azure-1".into(), UNTRIED, None);
    assert_eq!(send(&mut service, request).await, Err(failed_with_hint()));
    assert_eq!(now.elapsed(), ms(10));

    let Some(MoveOn { not_before: Some(at) }) = context.take_move_on() else { panic!("it stays") };
    assert!(at >= now + ms(2010) && at <= now + ms(2210));
    assert_eq!(context.take_move_on(), None);
    assert_eq!(context.counts().used(Class::RateLimit), 1);
    // The token is for the sibling's attempt.
    assert_eq!(budget.balance(Instant::now()), 9.0);
    assert_eq!(context.trail().attempts()[0].ended, Some(Ended::MovedOn));
    assert_eq!(context.trail().to_string(), "gpt-4/azure-1=rate_limit@0ms+10ms");
}

fn failed_with_hint() -> crate::testing::Failed {
    crate::testing::Failed(Verdict::new(Class::RateLimit).with_hint(secs(2)))
}

#[tokio::test(start_paused = true)]
async fn two_places_share_the_counts_of_their_group() {
    let (mut service, script, _) = in_context(prompt().retry_after(secs(1)));
    script.otherwise(|_| fail(Class::Connection));
    let request = scoped("ask");
    let context = request.context.clone();
    context.enter_group("gpt-4".into(), None, None);

    context.enter_deployment("a".into(), UNTRIED, None);
    send(&mut service, request.clone()).await.unwrap_err();
    let a_again = context.take_move_on().unwrap().not_before;
    context.enter_deployment("b".into(), TRIED, None);
    send(&mut service, request.clone()).await.unwrap_err();
    assert!(context.take_move_on().is_some());
    // Everybody was tried: back to the first one, which does the waiting.
    context.enter_deployment("a".into(), TRIED, a_again);
    send(&mut service, request).await.unwrap_err();
    assert!(context.take_move_on().is_none());

    assert_eq!(script.times(), [secs(0), secs(0), secs(1)]);
    assert_eq!(context.counts().total(), 2);
    let trail = context.trail();
    let made: Vec<_> = trail.attempts().iter().map(|attempt| attempt.made).collect();
    assert_eq!(made, [Made::First, Made::Move, Made::Move]);
    assert_eq!(trail.retries(), 2);
}

#[tokio::test(start_paused = true)]
async fn waits_on_entry_until_the_place_may_be_tried_again() {
    let (mut service, script, probe) = in_context(prompt());
    script.then(fail(Class::Connection)).then(Step::answer(1));
    let request = scoped("ask");
    let until = Instant::now() + secs(3);
    request.context.enter_deployment("a".into(), Alternatives::default(), Some(until));
    assert_eq!(send(&mut service, request).await, Ok(1));
    // On entry only: the retry waits for nobody.
    assert_eq!(script.times(), [secs(3), secs(3)]);
    probe.assert_kept();
}

#[tokio::test(start_paused = true)]
async fn does_not_wait_on_entry_for_a_moment_that_has_passed() {
    let (mut service, script, _) = in_context(prompt());
    script.then(Step::answer(1));
    let request = scoped("ask");
    request.context.enter_deployment("a".into(), Alternatives::default(), Some(Instant::now()));
    send(&mut service, request).await.unwrap();
    assert_eq!(script.times(), [secs(0)]);
}

#[tokio::test(start_paused = true)]
async fn a_verdict_in_the_context_wins_over_the_layers_classifier() {
    let inner = service_fn(|request: Scoped<String>| async move {
        match request.request.as_str() {
            // The classifier would take both for what they are.
            "a failed answer" => request.context.judge(Verdict::new(Class::InternalServer)),
            _ => request.context.judge(Opinion::Success),
        }
        match request.request.as_str() {
            "a failed answer" => Ok(1),
            _ => Err(failed(Class::Connection)),
        }
    });
    let mut service = layer(prompt()).in_scope().layer(inner);

    let request = scoped("a failed answer");
    let context = request.context.clone();
    assert_eq!(send(&mut service, request).await, Ok(1));
    assert_eq!(context.trail().attempts().len(), 3);
    assert_eq!(context.trail().last_class(), Some(Class::InternalServer));

    let request = scoped("a good error");
    let context = request.context.clone();
    assert_eq!(send(&mut service, request).await, Err(failed(Class::Connection)));
    assert_eq!(context.trail().attempts().len(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_verdict_of_an_attempt_before_is_not_taken_for_the_next_one() {
    let (mut service, script, _) = in_context(prompt());
    script.then(fail(Class::RateLimit)).then(Step::answer(1));
    let request = scoped("ask");
    let context = request.context.clone();
    assert_eq!(send(&mut service, request).await, Ok(1));
    assert_eq!(context.verdict(), None);
    assert_eq!(context.trail().last_class(), None);
}

#[tokio::test(start_paused = true)]
async fn the_deadline_of_the_context_holds() {
    let (mut service, script, _) = in_context(prompt().retry_after(secs(3)).num_retries(9));
    script.otherwise(|_| fail(Class::Connection));
    let request = scoped("ask");
    request.context.shorten_deadline(Deadline::at(Instant::now() + secs(8)));
    send(&mut service, request).await.unwrap_err();
    assert_eq!(script.times(), [secs(0), secs(3), secs(6)]);
}

#[tokio::test(start_paused = true)]
async fn the_last_real_failure_wins_over_an_attempt_that_its_own_clock_cuts_at_the_deadline() {
    let policy = prompt().total_timeout(secs(10)).build().unwrap();
    let (inner, script) = scripted();
    let attempt = TimeoutLayer::attempt(policy.clone()).in_scope();
    let retry = RetryLayer::new(policy).classify(by_its_word()).in_scope();
    let mut service = retry.layer(attempt.layer(inner));
    script.then(fail(Class::RateLimit).after(secs(1))).then(Step::hang());

    let request = scoped("ask");
    let context = request.context.clone();
    context.shorten_deadline(Deadline::at(Instant::now() + secs(10)));
    let began = Instant::now();
    std::future::poll_fn(|cx| tower::Service::<Scoped<String>>::poll_ready(&mut service, cx))
        .await
        .unwrap();
    let error = tower::Service::call(&mut service, request).await.unwrap_err();
    assert_eq!(began.elapsed(), secs(10));
    assert_eq!(error.inner(), Some(&failed(Class::RateLimit)));
    assert_eq!(context.verdict(), Some(Verdict::new(Class::RateLimit)));
    let trail = context.trail();
    assert_eq!(trail.attempts()[1].ended, Some(Ended::Abandoned));
    assert_eq!(trail.to_string(), "-=rate_limit@0ms+1000ms;-=timeout@1000ms+9000ms");
}

#[tokio::test(start_paused = true)]
async fn a_lone_attempt_that_the_deadline_cuts_is_a_timeout() {
    let policy = Policy::default();
    let (inner, script) = scripted::<Scoped<String>, u32, _>();
    let attempt = TimeoutLayer::attempt(policy.clone()).in_scope();
    let retry = RetryLayer::new(policy).classify(by_its_word()).in_scope();
    let mut service = retry.layer(attempt.layer(inner));
    script.then(Step::<u32, crate::testing::Failed>::hang());
    let request = scoped("ask");
    request.context.shorten_deadline(Deadline::at(Instant::now() + secs(10)));
    std::future::poll_fn(|cx| tower::Service::<Scoped<String>>::poll_ready(&mut service, cx))
        .await
        .unwrap();
    let error = tower::Service::call(&mut service, request).await.unwrap_err();
    assert_eq!(error.class(), Some(Class::Timeout));
}

#[test]
fn a_retry_may_be_spent_on_something_that_is_no_attempt() {
    let context = Context::new(Instant::now());
    assert!(context.spend_retry(2));
    assert!(context.spend_retry(2));
    assert!(!context.spend_retry(2));
    context.set_num_retries(Some(3));
    assert!(context.spend_retry(2));
    context.enter_group("other".into(), None, None);
    assert!(context.spend_retry(2));
}
