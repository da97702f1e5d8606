//! What a fallback layer says to the others, and hears from them.

use std::sync::Arc;

use secondwind_policy::{Class, Policy};
use secondwind_testkit::contract::{Script, Step, scripted};
use tokio::time::Instant;
use tower::{Layer, ServiceExt, service_fn};

use super::{Ask, all_down, ask, layer, to};
use crate::TimeoutLayer;
use crate::classify::Verdict;
use crate::deadline::Deadline;
use crate::kind::Scoped;
use crate::policies::Policies;
use crate::retry::RetryLayer;
use crate::testing::{Failed, by_its_word, fail, failed, ms, prompt, secs};
use crate::trail::{Ended, Made, Stop};

fn scoped(group: &str) -> Scoped<Ask> {
    Scoped::new(ask(group), Instant::now())
}

fn groups(script: &Script<Scoped<Ask>, u32, Failed>) -> String {
    script.take_requests().into_iter().map(|scoped| scoped.request.group).collect()
}

#[tokio::test(start_paused = true)]
async fn each_group_has_the_retries_of_its_own_policy() {
    let retries = |n| prompt().num_retries(n);
    let policies = Policies::new(retries(0).build().unwrap())
        .with_group("a", retries(2).fallbacks(["b", "c"]).build().unwrap())
        .with_group("b", retries(1).build().unwrap());
    let (inner, script) = scripted();
    let retry = RetryLayer::new(retries(0).build().unwrap()).classify(by_its_word());
    let service = layer(policies).in_scope().layer(retry.in_scope().layer(inner));
    script.otherwise(|scoped: &Scoped<Ask>| all_down(&scoped.request.group));
    let request = scoped("a");
    let context = request.context.clone();
    assert_eq!(service.oneshot(request).await, Err(failed(Class::RateLimit)));
    assert_eq!(groups(&script), "aaabbc");

    let trail = context.trail();
    assert_eq!((trail.retries(), trail.fallbacks()), (3, 2));
    let made: Vec<_> = trail.attempts().iter().map(|attempt| attempt.made).collect();
    use Made::{Fallback, First, Retry};
    assert_eq!(made, [First, Retry, Retry, Fallback, Retry, Fallback]);
    assert!(trail.to_string().starts_with("a=rate_limit@0ms+0ms;a=rate_limit"));
    // The verdict on what the caller gets, not on what came last.
    assert_eq!(context.verdict(), Some(Verdict::new(Class::RateLimit)));
}

#[tokio::test(start_paused = true)]
async fn a_request_that_brings_fallbacks_goes_by_them_alone() {
    let policies = Policies::new(Policy::default())
        .with_group("a", to(&["b"]))
        .with_group("c", to(&["b"]))
        .with_group("x", Policy::default());
    for (asked, own, expected) in [
        ("a", to(&["c", "d"]).fallback().clone(), "acd"),
        ("a", to(&["c", "d"]).fallback().clone().at_most(1), "ac"),
        ("a", Policy::off().fallback().clone(), "a"),
        ("x", to(&["c"]).fallback().clone(), "xc"),
    ] {
        let (inner, script) = scripted();
        let service = layer(policies.clone()).in_scope().layer(inner);
        script.otherwise(|scoped: &Scoped<Ask>| all_down(&scoped.request.group));
        let request = scoped(asked);
        request.context.set_fallback(Some(Arc::new(own)));
        assert!(service.oneshot(request).await.is_err());
        assert_eq!(groups(&script), expected);
    }
}

#[tokio::test(start_paused = true)]
async fn the_error_has_the_class_of_the_group_that_was_asked_for() {
    let (inner, script) = scripted();
    let service = TimeoutLayer::total(Policy::default())
        .in_scope()
        .layer(layer(to(&["b"])).in_scope().layer(inner));
    script.otherwise(|scoped: &Scoped<Ask>| all_down(&scoped.request.group));
    let error = service.oneshot(scoped("a")).await.unwrap_err();
    assert_eq!(error.inner(), Some(&failed(Class::RateLimit)));
    assert_eq!(error.class(), Some(Class::RateLimit));
}

#[tokio::test(start_paused = true)]
async fn a_verdict_in_the_context_wins_over_the_layers_classifier() {
    let inner = service_fn(|scoped: Scoped<Ask>| async move {
        match scoped.request.group.as_str() {
            "a" => scoped.context.judge(Verdict::new(Class::InternalServer)),
            _ => scoped.context.judge(crate::classify::Opinion::Success),
        }
        Ok::<u32, Failed>(scoped.request.group.len() as u32)
    });
    let service = layer(to(&["other"])).in_scope().layer(inner);
    assert_eq!(service.oneshot(scoped("a")).await, Ok(5));
}

#[tokio::test(start_paused = true)]
async fn no_fallback_is_begun_after_the_deadline() {
    let (inner, script) = scripted();
    let service = layer(to(&["b"])).in_scope().layer(inner);
    script.otherwise(|scoped: &Scoped<Ask>| all_down(&scoped.request.group).after(secs(5)));
    for (deadline, expected) in [(5, "a"), (6, "ab")] {
        let request = scoped("a");
        request.context.shorten_deadline(Deadline::at(Instant::now() + secs(deadline)));
        service.clone().oneshot(request).await.unwrap_err();
        assert_eq!(groups(&script), expected);
    }
}

#[tokio::test(start_paused = true)]
async fn the_first_outcome_is_returned_when_the_deadline_comes_during_a_fallback() {
    for readiness in [false, true] {
        let (inner, script) = scripted();
        let service = TimeoutLayer::total(prompt().total_timeout(secs(10)).build().unwrap())
            .in_scope()
            .layer(layer(to(&["b"])).in_scope().layer(inner));
        script.otherwise(|scoped: &Scoped<Ask>| match scoped.request.group.as_str() {
            "a" => fail(Class::RateLimit).after(secs(1)),
            _ => Step::hang(),
        });
        if readiness {
            script.ready_after(ms(0)).never_ready();
        }
        let began = Instant::now();
        let error = service.oneshot(scoped("a")).await.unwrap_err();
        assert_eq!(began.elapsed(), secs(10));
        assert_eq!(error.inner(), Some(&failed(Class::RateLimit)));
        assert_eq!(error.class(), Some(Class::RateLimit));
    }
}

#[tokio::test(start_paused = true)]
async fn a_fallback_that_the_clock_of_its_attempt_cuts_at_the_deadline_hides_nothing() {
    let policy = prompt().num_retries(0).total_timeout(secs(10)).fallbacks(["b"]).build().unwrap();
    let (inner, script) = scripted();
    let retry = RetryLayer::new(policy.clone()).classify(by_its_word()).in_scope();
    let attempt = TimeoutLayer::attempt(policy.clone()).in_scope();
    let service = TimeoutLayer::total(policy.clone())
        .in_scope()
        .layer(layer(policy).in_scope().layer(retry.layer(attempt.layer(inner))));
    script.otherwise(|scoped: &Scoped<Ask>| match scoped.request.group.as_str() {
        "a" => fail(Class::RateLimit).after(secs(1)),
        _ => Step::hang(),
    });
    let began = Instant::now();
    let error = service.oneshot(scoped("a")).await.unwrap_err().flatten();
    assert_eq!(began.elapsed(), secs(10));
    assert_eq!(error.inner(), Some(&failed(Class::RateLimit)));
    assert_eq!(error.trail().to_string(), "a=rate_limit@0ms+1000ms;b=timeout@1000ms+9000ms");
}

/// Whether an attempt is told that another group is left for it after a timeout.
async fn told_of_a_fallback(policies: impl Into<Policies>, group: &'static str) -> Vec<bool> {
    let (inner, script) = scripted();
    let service = layer(policies.into()).in_scope().layer(
        tower::ServiceBuilder::new()
            .map_request(|scoped: Scoped<Ask>| scoped.context.alternatives().fallback)
            .service(inner),
    );
    script.otherwise(|_: &bool| fail(Class::Connection));
    service.oneshot(scoped(group)).await.unwrap_err();
    script.take_requests()
}

#[tokio::test(start_paused = true)]
async fn tells_whether_another_group_is_left_after_a_timeout() {
    assert_eq!(told_of_a_fallback(to(&["b", "c"]), "a").await, [true, true, false]);
    assert_eq!(told_of_a_fallback(to(&[]), "a").await, [false]);
    // Itself is no other group.
    assert_eq!(told_of_a_fallback(to(&["a"]), "a").await, [false]);
    let policy = || Policy::builder().content_policy_fallbacks(["b"]);
    assert_eq!(told_of_a_fallback(policy().build().unwrap(), "a").await, [false]);
    let policy = policy().fallbacks(["b"]).fallback_on([Class::RateLimit]).build().unwrap();
    assert_eq!(told_of_a_fallback(policy, "a").await, [false]);
    let policy = Policy::builder().fallbacks(["b", "c", "d"]).max_fallbacks(1).build().unwrap();
    assert_eq!(told_of_a_fallback(policy, "a").await, [true, false]);
    // What the next group names for itself counts, be it everybody's list.
    let policies = Policies::new(to(&["small"])).with_group("a", to(&["b"]));
    assert_eq!(told_of_a_fallback(policies, "a").await, [true, true, false]);
    let policies = Policies::new(to(&[])).with_group("a", to(&["b"])).with_group("b", to(&["c"]));
    assert_eq!(told_of_a_fallback(policies, "a").await, [true, true, false]);
}

#[tokio::test(start_paused = true)]
async fn a_timeout_that_no_group_is_left_for_is_retried() {
    let policy = prompt().content_policy_fallbacks(["b"]).build().unwrap();
    let (inner, script) = scripted();
    let retry = RetryLayer::new(policy.clone()).classify(by_its_word()).in_scope();
    let service = layer(policy).in_scope().layer(retry.layer(inner));
    script.otherwise(|_: &Scoped<Ask>| fail(Class::Timeout));
    service.oneshot(scoped("a")).await.unwrap_err();
    assert_eq!(groups(&script), "aaa");
}

#[tokio::test(start_paused = true)]
async fn a_timeout_goes_straight_to_the_fallback() {
    let policy = prompt().fallbacks(["b"]).build().unwrap();
    let (inner, script) = scripted();
    let retry = RetryLayer::new(policy.clone()).classify(by_its_word()).in_scope();
    let service = layer(policy).in_scope().layer(retry.layer(inner));
    script.otherwise(|_: &Scoped<Ask>| fail(Class::Timeout));
    let request = scoped("a");
    let context = request.context.clone();
    service.oneshot(request).await.unwrap_err();
    // With nowhere else to go, the last group retries.
    assert_eq!(groups(&script), "abbb");
    let ended = context.trail().attempts()[0].ended;
    assert_eq!(ended, Some(Ended::Stopped(Stop::Fallback)));
}

#[tokio::test(start_paused = true)]
async fn the_requests_own_policy_holds_in_every_group() {
    let policies = Policies::new(Policy::off()).with_group("b", to(&["never"]));
    let (inner, script) = scripted();
    let service = layer(policies).in_scope().layer(inner);
    script.otherwise(|scoped: &Scoped<Ask>| all_down(&scoped.request.group));
    let own = Policy::builder().fallbacks(["b", "c", "d"]).max_fallbacks(2).build().unwrap();
    let request = Scoped { policy: Some(Arc::new(own)), ..scoped("a") };
    service.oneshot(request).await.unwrap_err();
    assert_eq!(groups(&script), "abc");
}

#[tokio::test(start_paused = true)]
async fn the_deadline_and_the_wish_of_the_request_go_along_and_the_counts_do_not() {
    let policy = prompt().num_retries(5).fallbacks(["b"]).build().unwrap();
    let (inner, script) = scripted();
    let retry = RetryLayer::new(policy.clone()).classify(by_its_word()).in_scope();
    let service = layer(policy).in_scope().layer(retry.layer(inner));
    script.otherwise(|scoped: &Scoped<Ask>| all_down(&scoped.request.group));
    let request = scoped("a");
    request.context.set_num_retries(Some(1));
    service.oneshot(request).await.unwrap_err();
    assert_eq!(groups(&script), "aabb");
}
