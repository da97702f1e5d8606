//! Whose policy holds, and whose budget.

use std::sync::Arc;

use secondwind_policy::{Class, Policy};
use secondwind_testkit::contract::{Step, scripted};
use tokio::time::{Instant, sleep};
use tower::{Layer, ServiceExt};

use super::{ask, in_context, layer, lone, send};
use crate::kind::ReplayWith;
use crate::policies::PolicyHandle;
use crate::retry::{Budget, RetryLayer};
use crate::testing::{by_its_word, fail, failed, ms, prompt, scoped, secs};
use crate::trail::{Ended, Stop};

#[tokio::test(start_paused = true)]
async fn clones_share_one_budget() {
    // Ten retries in ten seconds, and nothing for the requests.
    let layer = layer(prompt().num_retries(3).budget(0.0, 1, secs(10)));
    let (inner, script) = scripted::<String, _, _>();
    let services = [layer.layer(inner.clone()), layer.clone().layer(inner)];
    script.otherwise(|_| fail(Class::Connection));
    for n in 0..8 {
        let service = services[n % 2].clone();
        service.oneshot("ask".to_owned()).await.unwrap_err();
    }
    assert_eq!(script.calls(), 8 + 10);
}

#[tokio::test(start_paused = true)]
async fn every_request_deposits_for_the_retries_of_others() {
    let (mut service, script, _) = lone(prompt().num_retries(1).budget(0.5, 0, secs(10)));
    script.otherwise(|request| match request.as_str() {
        "good" => Step::answer(1),
        _ => fail(Class::Connection),
    });
    for _ in 0..4 {
        send(&mut service, "good".to_owned()).await.unwrap();
    }
    // Four halves, and a half of each of these: the fifth finds no more than that.
    for calls in [4 + 2, 4 + 4, 4 + 6, 4 + 8, 4 + 9] {
        send(&mut service, "bad".to_owned()).await.unwrap_err();
        assert_eq!(script.calls(), calls);
    }
}

#[tokio::test(start_paused = true)]
async fn a_budget_of_the_context_is_drawn_on_and_not_paid_into() {
    let (mut service, script, _) = in_context(prompt());
    script.otherwise(|_| fail(Class::Connection));
    let now = Instant::now();
    let budget = Budget::new(1.0, 0, secs(10), now);
    budget.deposit(now);
    for (calls, left) in [(2, 0.0), (3, 0.0)] {
        let request = scoped("ask");
        let context = request.context.clone();
        context.enter_group("gpt-4".into(), None, Some(budget.clone()));
        send(&mut service, request).await.unwrap_err();
        assert_eq!((script.calls(), budget.balance(Instant::now())), (calls, left));
        let trail = context.trail();
        let last = trail.attempts().last().unwrap();
        assert_eq!(last.ended, Some(Ended::Stopped(Stop::Budget)));
    }
}

#[tokio::test(start_paused = true)]
async fn a_new_policy_holds_for_the_next_request_only() {
    let handle = PolicyHandle::from(prompt().retry_after(secs(1)).build().unwrap());
    let (inner, script) = scripted::<String, _, _>();
    let layer = RetryLayer::new(handle.clone()).classify(by_its_word());
    let mut service = layer.layer(inner);
    script.otherwise(|_| fail(Class::Connection));

    let under_way = tokio::spawn(service.clone().oneshot("first".to_owned()));
    sleep(ms(500)).await;
    handle.store(prompt().num_retries(0).build().unwrap());
    under_way.await.unwrap().unwrap_err();
    assert_eq!(script.calls(), 3);
    ask(&mut service).await.unwrap_err();
    assert_eq!(script.calls(), 4);
}

#[tokio::test(start_paused = true)]
async fn a_new_policy_with_the_same_budget_keeps_what_was_spent() {
    let policy = |retries| prompt().num_retries(retries).budget(0.0, 1, secs(10)).build().unwrap();
    let handle = PolicyHandle::from(policy(10));
    let (inner, script) = scripted::<String, _, _>();
    let mut service = RetryLayer::new(handle.clone()).classify(by_its_word()).layer(inner);
    script.otherwise(|_| fail(Class::Connection));
    ask(&mut service).await.unwrap_err();
    assert_eq!(script.calls(), 1 + 10);
    handle.store(policy(9));
    ask(&mut service).await.unwrap_err();
    assert_eq!(script.calls(), 11 + 1);
    // Other numbers: another budget.
    handle.store(prompt().num_retries(9).budget(0.0, 2, secs(10)).build().unwrap());
    ask(&mut service).await.unwrap_err();
    assert_eq!(script.calls(), 12 + 10);
}

#[tokio::test(start_paused = true)]
async fn the_requests_own_policy_wins_over_the_contexts_and_that_over_the_layers() {
    let (mut service, script, _) = in_context(prompt().num_retries(1));
    script.otherwise(|_| fail(Class::Connection));
    let policy = |retries| Some(Arc::new(prompt().num_retries(retries).build().unwrap()));

    send(&mut service, scoped("the layer's")).await.unwrap_err();
    assert_eq!(script.calls(), 2);

    let request = scoped("the context's");
    request.context.set_policy(policy(2));
    send(&mut service, request).await.unwrap_err();
    assert_eq!(script.calls(), 2 + 3);

    let mut request = scoped("its own");
    request.context.set_policy(policy(2));
    request.policy = policy(3);
    send(&mut service, request).await.unwrap_err();
    assert_eq!(script.calls(), 5 + 4);
}

#[tokio::test(start_paused = true)]
async fn a_request_says_how_many_retries_it_wants() {
    let (mut service, script, _) = in_context(prompt().retries(Class::Connection, 4));
    script.otherwise(|_| fail(Class::Connection));
    for (wanted, calls) in [(Some(0), 1), (Some(1), 2), (None, 5)] {
        let before = script.calls();
        let request = scoped("ask");
        request.context.set_num_retries(wanted);
        send(&mut service, request).await.unwrap_err();
        assert_eq!(script.calls() - before, calls);
    }
}

#[tokio::test(start_paused = true)]
async fn with_the_policy_off_everything_passes_through() {
    let (inner, script) = scripted();
    let mut service =
        RetryLayer::new(Policy::off()).classify(by_its_word()).in_scope().layer(inner);
    script.then(Step::answer(1)).then(fail(Class::Connection));
    assert_eq!(send(&mut service, scoped("good")).await, Ok(1));
    let request = scoped("bad");
    let context = request.context.clone();
    assert_eq!(send(&mut service, request).await, Err(failed(Class::Connection)));
    let trail = context.trail();
    assert_eq!(trail.attempts()[0].ended, Some(Ended::Stopped(Stop::NotRetried)));
    assert!(trail.attempts()[0].replayable, "nobody asked whether it could be sent again");

    let (inner, script) = scripted::<String, _, _>();
    let mut service = RetryLayer::new(Policy::off()).classify(by_its_word()).layer(inner);
    script.then(fail(Class::Connection));
    send(&mut service, "lone".to_owned()).await.unwrap_err();
    assert_eq!(script.calls(), 1);
}

#[tokio::test(start_paused = true)]
async fn what_cannot_be_sent_again_passes_through_once_and_the_trail_says_so() {
    let (inner, script) = scripted();
    let layer = RetryLayer::new(prompt().build().unwrap()).classify(by_its_word());
    let mut service = layer.kind(ReplayWith::new(|_: &String| None)).in_scope().layer(inner);
    script.otherwise(|_| fail(Class::Connection));
    let request = scoped("ask");
    let context = request.context.clone();
    send(&mut service, request).await.unwrap_err();
    assert_eq!(script.calls(), 1);
    let trail = context.trail();
    assert!(!trail.attempts()[0].replayable);
    assert_eq!(trail.attempts()[0].ended, Some(Ended::Stopped(Stop::NotReplayable)));
    assert_eq!(trail.to_string(), "-=connection@0ms+0ms!not_replayable");
}

#[tokio::test(start_paused = true)]
async fn what_turns_out_not_to_be_kept_ends_with_the_failure() {
    use std::sync::atomic::{AtomicU32, Ordering::Relaxed};
    static COPIES: AtomicU32 = AtomicU32::new(0);
    let once = |request: &String| (COPIES.fetch_add(1, Relaxed) == 0).then(|| request.clone());

    let (inner, script) = scripted();
    let layer = RetryLayer::new(prompt().build().unwrap()).classify(by_its_word());
    let mut service = layer.kind(ReplayWith::new(once)).in_scope().layer(inner);
    script.otherwise(|_| fail(Class::Connection));
    let request = scoped("ask");
    let context = request.context.clone();
    assert_eq!(send(&mut service, request).await, Err(failed(Class::Connection)));
    assert_eq!(script.calls(), 1);
    let ended = context.trail().attempts()[0].ended;
    assert_eq!(ended, Some(Ended::Stopped(Stop::NotReplayable)));
}
