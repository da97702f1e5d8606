//! A caller who goes away takes the question along within 50 ms, whatever is under way.

use std::time::Duration;

use secondwind_testkit::faults::{Attempt, Break, Fault, FaultServer};
use serde_json::Value;
use tokio::time::{Instant, sleep, timeout};

use crate::gateway::{CHAT, Gateway, Setup, post, question, streamed};

const LONG: Duration = Duration::from_secs(60);

/// What is promised. The middle one of five tries counts: others may have the machine for a moment.
const PROMISED: Duration = Duration::from_millis(50);
const TRIES: usize = 5;

/// A caller asks, and leaves once `ready` says so of the provider's attempts; how long the last of them took to be
/// dropped.
async fn leave(
    gateway: &Gateway,
    provider: &FaultServer,
    question: &Value,
    ready: fn(&Attempt) -> bool,
) -> Duration {
    let mut caller = gateway.caller().await;
    let seen = provider.attempts().len();
    let response = tokio::spawn(caller.sender.send_request(post(CHAT, question.to_string())));
    let under_way =
        |attempts: &[Attempt]| attempts.len() > seen && attempts.last().is_some_and(ready);
    let under_way = timeout(Duration::from_secs(10), provider.until(under_way)).await;
    assert!(under_way.is_ok(), "it never came to that: {:?}", provider.attempts().last());
    // So that what was written has been read.
    sleep(Duration::from_millis(20)).await;
    let left = Instant::now();
    caller.leave();
    let gone = |attempts: &[Attempt]| attempts.iter().all(|attempt| !attempt.is_open());
    let gone = timeout(Duration::from_secs(10), provider.until(gone)).await;
    let gone = gone.unwrap_or_else(|_| panic!("still there: {:?}", provider.attempts()));
    response.abort();
    gone.last().unwrap().left.expect("left, not played to its end") - left
}

async fn leave_often(
    gateway: &Gateway,
    provider: &FaultServer,
    question: &Value,
    ready: fn(&Attempt) -> bool,
) {
    let mut took = Vec::new();
    for _ in 0..TRIES {
        took.push(leave(gateway, provider, question, ready).await);
    }
    took.sort_unstable();
    println!("dropped after {took:?}");
    assert!(took[TRIES / 2] <= PROMISED, "{took:?}");
}

async fn alone(fault: Fault) -> (FaultServer, Gateway) {
    let provider = FaultServer::start().await;
    provider.pace(Duration::from_millis(20)).always(fault);
    let gateway = Setup::new().at("chat", "only", &provider.base_url(), "").start().await;
    (provider, gateway)
}

fn asked(_: &Attempt) -> bool {
    true
}

fn spoke(attempt: &Attempt) -> bool {
    attempt.spoke.is_some()
}

fn broke(attempt: &Attempt) -> bool {
    attempt.broke.is_some()
}

#[tokio::test]
async fn before_there_is_a_head() {
    let (provider, gateway) = alone(Fault::Silence(LONG)).await;
    leave_often(&gateway, &provider, &question("chat"), asked).await;
    leave_often(&gateway, &provider, &streamed("chat"), asked).await;
}

#[tokio::test]
async fn within_json() {
    let (provider, gateway) = alone(Fault::at(30, Break::Stall(LONG))).await;
    leave_often(&gateway, &provider, &question("chat"), broke).await;
}

#[tokio::test]
async fn before_the_first_word() {
    let (provider, gateway) = alone(Fault::SlowFirstWord(LONG)).await;
    leave_often(&gateway, &provider, &streamed("chat"), asked).await;
}

#[tokio::test]
async fn between_two_words() {
    let (provider, gateway) = alone(Fault::None).await;
    leave_often(&gateway, &provider, &streamed("chat"), spoke).await;
}

#[tokio::test]
async fn while_a_stream_stalls() {
    let (provider, gateway) = alone(Fault::at(5, Break::Stall(LONG))).await;
    leave_often(&gateway, &provider, &streamed("chat"), broke).await;
}

/// A stream that is cut, and one that is to carry it on.
async fn carried_on(spare: Fault, recovery: &str) -> (FaultServer, FaultServer, Gateway) {
    let (primary, other) = (FaultServer::start().await, FaultServer::start().await);
    primary.always(Fault::at(10, Break::Cut));
    other.pace(Duration::from_millis(20)).always(spare);
    let setup = Setup::new()
        .at("chat", "primary", &primary.base_url(), "")
        .at("other", "spare", &other.base_url(), "")
        .router("fallbacks: [{chat: [other]}]")
        .policy(&format!("stream: {{recovery: {recovery}}}"));
    let gateway = setup.start().await;
    (primary, other, gateway)
}

#[tokio::test]
async fn while_another_is_asked_to_carry_on() {
    let (_primary, spare, gateway) = carried_on(Fault::Silence(LONG), "continue").await;
    leave_often(&gateway, &spare, &streamed("chat"), asked).await;
}

#[tokio::test]
async fn while_what_another_says_is_compared() {
    let (_primary, spare, gateway) = carried_on(Fault::None, "continue").await;
    leave_often(&gateway, &spare, &streamed("chat"), spoke).await;
}

#[tokio::test]
async fn while_an_answer_is_held_until_it_is_whole() {
    let (_primary, spare, gateway) = carried_on(Fault::None, "buffer").await;
    leave_often(&gateway, &spare, &streamed("chat"), spoke).await;
}

#[tokio::test]
async fn during_a_wait_nobody_is_asked_any_more() {
    for question in [question("chat"), streamed("chat")] {
        let provider = FaultServer::start().await;
        provider.always(Fault::Status(500));
        let setup = Setup::new().at("chat", "only", &provider.base_url(), "");
        let gateway = setup.router("retry_after: 1").start().await;
        let mut caller = gateway.caller().await;
        let response = tokio::spawn(caller.sender.send_request(post(CHAT, question.to_string())));
        provider.until(|attempts| attempts.iter().any(|attempt| attempt.ended.is_some())).await;
        caller.leave();
        // Longer than the wait: an attempt would have come by now.
        sleep(Duration::from_millis(1300)).await;
        assert_eq!(provider.attempts().len(), 1);
        response.abort();
    }
}
