//! Which groups are tried, in which order, and what the caller gets.

use secondwind_policy::{Class, Policy};
use secondwind_testkit::contract::{Step, probe, scripted};
use tokio::time::sleep;
use tower::{Layer, Service, ServiceExt};

use super::{Ask, all_down, ask, asked, layer, lone, to};
use crate::kind::ReplayWith;
use crate::policies::{Policies, PolicyHandle};
use crate::testing::{fail, failed, ms, secs};

#[tokio::test(start_paused = true)]
async fn goes_through_the_groups_in_order_until_one_answers() {
    let (service, script) = lone(to(&["b", "c", "d"]), |group| match group {
        "c" => Step::answer(3),
        _ => fail(Class::Connection),
    });
    assert_eq!(service.oneshot(ask("a")).await, Ok(3));
    assert_eq!(asked(&script), ["a", "b", "c"]);
}

#[tokio::test(start_paused = true)]
async fn an_answer_of_the_group_that_was_asked_for_is_all() {
    let (mut service, script) = lone(to(&["b"]), |_| Step::answer(1));
    for _ in 0..2 {
        assert_eq!(service.ready().await.unwrap().call(ask("a")).await, Ok(1));
    }
    assert_eq!(asked(&script), ["a", "a"]);
}

#[tokio::test(start_paused = true)]
async fn when_all_fail_the_caller_gets_the_outcome_of_the_group_it_asked_for() {
    let (service, script) = lone(to(&["b", "c"]), all_down);
    assert_eq!(service.oneshot(ask("a")).await, Err(failed(Class::RateLimit)));
    assert_eq!(asked(&script), ["a", "b", "c"]);
}

#[tokio::test(start_paused = true)]
async fn every_fallback_is_made_of_the_original_request() {
    let (service, script) = lone(to(&["b", "c"]), all_down);
    service.oneshot(ask("a")).await.unwrap_err();
    let notes: Vec<_> = script.take_requests().into_iter().map(|ask| ask.notes).collect();
    assert_eq!(notes, [vec![], vec!["a to b".to_owned()], vec!["a to c".to_owned()]]);
}

#[tokio::test(start_paused = true)]
async fn no_group_is_tried_twice() {
    let (service, script) = lone(to(&["b", "a", "b", "c"]), all_down);
    service.oneshot(ask("a")).await.unwrap_err();
    assert_eq!(asked(&script), ["a", "b", "c"]);
}

#[tokio::test(start_paused = true)]
async fn not_more_groups_than_the_policy_allows() {
    for (max, expected) in [(2, "abc"), (1, "ab"), (0, "a")] {
        let policy = Policy::builder().fallbacks(["b", "c", "d"]).max_fallbacks(max);
        let (service, script) = lone(policy.build().unwrap(), all_down);
        service.oneshot(ask("a")).await.unwrap_err();
        assert_eq!(asked(&script).concat(), expected);
    }
}

#[tokio::test(start_paused = true)]
async fn five_groups_by_default() {
    let (service, script) = lone(to(&["b", "c", "d", "e", "f", "g", "h"]), all_down);
    service.oneshot(ask("a")).await.unwrap_err();
    assert_eq!(asked(&script).concat(), "abcdef");
}

#[tokio::test(start_paused = true)]
async fn groups_name_groups_of_their_own() {
    let policies = Policies::new(to(&[]))
        .with_group("a", to(&["b", "x"]))
        .with_group("b", to(&["c", "a"]))
        .with_group("c", to(&["d", "x"]));
    let (service, script) = lone(policies, all_down);
    assert_eq!(service.oneshot(ask("a")).await, Err(failed(Class::RateLimit)));
    // What a group names for itself follows what those before it named.
    assert_eq!(asked(&script).concat(), "abxcd");
}

#[tokio::test(start_paused = true)]
async fn a_group_without_fallbacks_ends_no_list_but_its_own() {
    let policies = Policies::new(Policy::off()).with_group("a", to(&["b", "c"]));
    let (service, script) = lone(policies, all_down);
    service.oneshot(ask("a")).await.unwrap_err();
    assert_eq!(asked(&script).concat(), "abc");
}

#[tokio::test(start_paused = true)]
async fn a_group_without_a_policy_has_that_of_everybody() {
    let policies = Policies::new(to(&["small"])).with_group("a", to(&["b"]));
    let (service, script) = lone(policies, all_down);
    service.oneshot(ask("a")).await.unwrap_err();
    assert_eq!(asked(&script), ["a", "b", "small"]);
    let (service, script) = lone(to(&["small"]), all_down);
    service.oneshot(ask("anything")).await.unwrap_err();
    assert_eq!(asked(&script), ["anything", "small"]);
}

#[tokio::test(start_paused = true)]
async fn each_class_has_its_list() {
    let policy = || {
        Policy::builder()
            .fallbacks(["general"])
            .context_window_fallbacks(["long"])
            .content_policy_fallbacks(["lenient"])
    };
    let rows: [(&str, &[&str]); 8] = [
        ("connection", &["general"]),
        ("timeout", &["general"]),
        ("authentication", &["general"]),
        ("request_too_large", &["general"]),
        ("context_window", &["long"]),
        ("content_policy", &["lenient"]),
        ("bad_request", &[]),
        ("conflict", &[]),
    ];
    let by_name = |name: &str| name.parse().map_or(Step::answer(1), fail);
    for (class, groups) in rows {
        let (service, script) = lone(policy().build().unwrap(), by_name);
        let answered = service.oneshot(ask(class)).await.is_ok();
        assert_eq!(asked(&script)[1..], *groups, "{class}");
        assert_eq!(answered, !groups.is_empty());
    }
    // Without lists of their own the one goes to the general list, the other nowhere.
    for (class, groups) in [("context_window", vec!["general"]), ("content_policy", vec![])] {
        let policy = Policy::builder().fallbacks(["general"]).build().unwrap();
        let (service, script) = lone(policy, by_name);
        let _ = service.oneshot(ask(class)).await;
        assert_eq!(asked(&script)[1..], groups, "{class}");
    }
    // The policy has the last word on who falls back.
    for (class, groups) in [("bad_request", vec!["general"]), ("connection", vec![])] {
        let policy = policy().fallback_on([Class::BadRequest]).build().unwrap();
        let (service, script) = lone(policy, by_name);
        let _ = service.oneshot(ask(class)).await;
        assert_eq!(asked(&script)[1..], groups, "{class}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_group_that_fails_in_another_way_leads_to_another_list() {
    let policy =
        Policy::builder().fallbacks(["general"]).context_window_fallbacks(["long", "longer"]);
    let (service, script) = lone(policy.build().unwrap(), |group| match group {
        "a" => fail(Class::ContextWindow),
        "long" => fail(Class::Connection),
        "longer" => fail(Class::BadRequest),
        _ => Step::answer(1),
    });
    // A request that is wrong is wrong everywhere.
    assert_eq!(service.oneshot(ask("a")).await, Err(failed(Class::ContextWindow)));
    assert_eq!(asked(&script), ["a", "long", "longer"]);
}

#[tokio::test(start_paused = true)]
async fn a_group_that_the_request_cannot_go_to_is_passed_over() {
    let policy = Policy::builder().fallbacks(["no-such-1", "b", "no-such-2", "c"]).max_fallbacks(2);
    let (service, script) = lone(policy.build().unwrap(), all_down);
    service.oneshot(ask("a")).await.unwrap_err();
    assert_eq!(asked(&script), ["a", "b", "c"]);
}

#[tokio::test(start_paused = true)]
async fn a_request_that_cannot_be_sent_again_stays() {
    let (inner, script) = scripted();
    let layer = layer(to(&["b"])).kind(ReplayWith::new(|_: &Ask| None));
    script.otherwise(|ask: &Ask| all_down(&ask.group));
    let service = layer.layer(inner);
    assert_eq!(service.oneshot(ask("a")).await, Err(failed(Class::RateLimit)));
    assert_eq!(asked(&script), ["a"]);
}

#[tokio::test(start_paused = true)]
async fn a_call_keeps_the_policies_that_it_began_with() {
    let handle = PolicyHandle::from(Policies::from(to(&["b"])).with_group("b", to(&["c"])));
    let (service, script) = lone(handle.clone(), |group| all_down(group).after(secs(1)));
    let under_way = tokio::spawn(service.clone().oneshot(ask("a")));
    sleep(ms(1500)).await;
    handle.store(Policy::off());
    under_way.await.unwrap().unwrap_err();
    assert_eq!(asked(&script).concat(), "abc");
    service.oneshot(ask("a")).await.unwrap_err();
    assert_eq!(asked(&script).concat(), "a");
}

#[tokio::test(start_paused = true)]
async fn keeps_the_contract_of_readiness() {
    let (inner, script) = scripted();
    let (inner, probe) = probe(inner);
    let mut service = layer(to(&["b", "c"])).layer(inner);
    script.otherwise(|ask: &Ask| all_down(&ask.group));
    for _ in 0..2 {
        service.ready().await.unwrap().call(ask("a")).await.unwrap_err();
    }
    assert_eq!((probe.calls(), probe.unused()), (6, 0));
    probe.assert_kept();
}

#[tokio::test(start_paused = true)]
async fn readiness_and_its_errors_pass_through_before_the_first_group() {
    let (mut service, script) = lone(to(&["b"]), |_| Step::answer(1));
    script.ready_after(secs(2)).ready_fails(failed(Class::Permission));
    service.ready().await.unwrap().call(ask("a")).await.unwrap();
    assert_eq!(script.times(), [secs(2)]);
    assert_eq!(service.ready().await.unwrap_err(), failed(Class::Permission));
}

#[tokio::test(start_paused = true)]
async fn the_first_outcome_wins_over_an_error_of_readiness() {
    let (service, script) = lone(to(&["b"]), all_down);
    script.ready_after(ms(0)).ready_fails(failed(Class::Permission));
    assert_eq!(service.oneshot(ask("a")).await, Err(failed(Class::RateLimit)));
}

#[tokio::test(start_paused = true)]
async fn dropping_the_call_drops_the_attempt_in_flight() {
    let (inner, script) = scripted();
    let (inner, probe) = probe(inner);
    let service = layer(to(&["b"])).layer(inner);
    script.otherwise(|ask: &Ask| all_down(&ask.group).after(secs(1)));
    for (after, dropped) in [(500, 1), (1500, 2), (2500, 2)] {
        let _ = tokio::time::timeout(ms(after), service.clone().oneshot(ask("a"))).await;
        assert_eq!((script.dropped(), script.in_flight()), (dropped, 0));
        assert_eq!(probe.permits_held(), 0);
    }
}
