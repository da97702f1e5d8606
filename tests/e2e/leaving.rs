//! Those who leave: callers who go away, and a gateway that is asked to stop.

use std::time::Duration;

use secondwind_testkit::upstream::{Reply, Upstream};
use serde_json::Value;
use tokio::net::TcpStream;
use tokio::time::{Instant, timeout};

use crate::gateway::{Answer, CHAT, Gateway, Setup, post, question, streamed};

/// A caller asks, and leaves once the provider has the question.
async fn ask_and_leave(gateway: &Gateway, upstream: &Upstream, question: Value) -> Duration {
    let mut caller = gateway.caller().await;
    let request = post(CHAT, question.to_string());
    let asking = tokio::spawn(caller.sender.send_request(request));
    upstream.until(|tally| tally.in_flight > 0).await;
    let left = Instant::now();
    caller.leave();
    timeout(Duration::from_secs(5), upstream.until(|tally| tally.dropped > 0)).await.unwrap();
    asking.abort();
    left.elapsed()
}

#[tokio::test]
async fn a_caller_who_goes_away_takes_the_question_along() {
    let upstream = Upstream::start().await;
    upstream.always(Reply::hang());
    let gateway = Setup::new().with("gpt-4", "only", &upstream).start().await;
    let took = ask_and_leave(&gateway, &upstream, question("gpt-4")).await;
    assert!(took < Duration::from_millis(500), "{took:?}");
    assert_eq!(upstream.attempts(), 1);
}

#[tokio::test]
async fn a_caller_who_leaves_a_stream_takes_it_along() {
    let upstream = Upstream::start().await;
    upstream.always(Reply::stall_after(2));
    let gateway = Setup::new().with("gpt-4", "only", &upstream).start().await;
    let took = ask_and_leave(&gateway, &upstream, streamed("gpt-4")).await;
    assert!(took < Duration::from_millis(500), "{took:?}");
}

#[tokio::test]
async fn a_caller_who_leaves_during_a_wait_is_not_asked_for_again() {
    let upstream = Upstream::start().await;
    upstream.always(Reply::status(500));
    let gateway =
        Setup::new().with("gpt-4", "only", &upstream).router("retry_after: 1").start().await;
    let mut caller = gateway.caller().await;
    let asking =
        tokio::spawn(caller.sender.send_request(post(CHAT, question("gpt-4").to_string())));
    upstream.until(|tally| tally.attempts == 1).await;
    caller.leave();
    // Longer than the wait: an attempt would have come by now.
    tokio::time::sleep(Duration::from_millis(1300)).await;
    assert_eq!(upstream.attempts(), 1);
    asking.abort();
}

#[tokio::test]
async fn who_is_being_served_is_served_to_the_end() {
    let upstream = Upstream::start().await;
    upstream.always(Reply::slow(Duration::from_millis(300)));
    let gateway = Setup::new().with("gpt-4", "only", &upstream).start().await;
    let mut caller = gateway.caller().await;
    let began = Instant::now();
    let asking = caller.sender.send_request(post(CHAT, question("gpt-4").to_string()));
    let asking = tokio::spawn(asking);
    upstream.until(|tally| tally.in_flight > 0).await;

    let Gateway { address, stop, serving, .. } = gateway;
    stop.send(()).unwrap();
    let answer = Answer::of(asking.await.unwrap().unwrap(), began).await;
    assert_eq!(answer.status, 200);
    timeout(Duration::from_secs(5), serving).await.unwrap().unwrap().unwrap();
    assert!(TcpStream::connect(address).await.is_err(), "it still listens");
}
