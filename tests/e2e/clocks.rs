//! Clocks: of a connection, of an attempt, of the whole request.

use std::net::{Ipv4Addr, SocketAddr};
use std::time::Duration;

use secondwind_testkit::upstream::{Reply, Upstream};
use tokio::net::{TcpSocket, TcpStream};
use tokio::time::timeout;

use crate::gateway::Setup;

fn millis(millis: u64) -> Duration {
    Duration::from_millis(millis)
}

#[tokio::test]
async fn an_attempt_that_takes_too_long_is_made_again_and_then_told() {
    let east = Upstream::start().await;
    east.always(Reply::hang());
    let setup =
        Setup::new().with("gpt-4", "east", &east).router("timeout: 0.15").router("num_retries: 2");
    let answer = setup.start().await.ask("gpt-4").await;
    assert_eq!(answer.status, 504);
    assert_eq!(answer.class(), "timeout");
    assert_eq!(answer.error()["type"], "timeout_error");
    assert_eq!(answer.trail(), ["gpt-4/east=timeout"; 3]);
    assert_eq!(answer.header("x-should-retry"), "false");
    assert!((millis(450)..millis(1500)).contains(&answer.took), "{:?}", answer.took);
    east.until(|tally| tally.dropped == 3).await;
}

#[tokio::test]
async fn a_slow_answer_is_made_up_for_by_a_quick_one() {
    let east = Upstream::start().await;
    east.then(Reply::slow(Duration::from_secs(5)));
    let setup = Setup::new().with("gpt-4", "east", &east).router("timeout: 0.2");
    let answer = setup.start().await.ask("gpt-4").await;
    assert_eq!(answer.trail(), ["gpt-4/east=timeout", "gpt-4/east=ok"]);
}

#[tokio::test]
async fn one_that_hangs_is_left_for_its_sibling() {
    let (east, west) = (Upstream::start().await, Upstream::start().await);
    east.always(Reply::hang());
    let setup = Setup::new().and("gpt-4", "east", &east, ", order: 1").with("gpt-4", "west", &west);
    let answer = setup.router("timeout: 0.2").start().await.ask("gpt-4").await;
    assert_eq!(answer.trail(), ["gpt-4/east=timeout", "gpt-4/west=ok"]);
    assert!(answer.took < millis(1000), "{:?}", answer.took);
}

#[tokio::test]
async fn a_deployments_own_clock_counts_for_it_alone() {
    let (east, west) = (Upstream::start().await, Upstream::start().await);
    east.always(Reply::slow(millis(400)));
    west.always(Reply::slow(millis(400)));
    let setup = Setup::new().and("gpt-4", "east", &east, ", order: 1, timeout: 0.1");
    let answer = setup.with("gpt-4", "west", &west).start().await.ask("gpt-4").await;
    assert_eq!(answer.trail(), ["gpt-4/east=timeout", "gpt-4/west=ok"]);
}

#[tokio::test]
async fn no_place_eats_the_whole_deadline_while_another_is_left() {
    let (east, west, spare) =
        (Upstream::start().await, Upstream::start().await, Upstream::start().await);
    east.always(Reply::hang());
    let setup = Setup::new().and("gpt-4", "east", &east, ", order: 1").with("gpt-4", "west", &west);
    let answer = setup.policy("timeout: {total: 800ms}").start().await.ask("gpt-4").await;
    assert_eq!(answer.trail(), ["gpt-4/east=timeout", "gpt-4/west=ok"]);

    let setup = Setup::new().with("gpt-4", "east", &east).with("small", "spare", &spare);
    let setup = setup.router("fallbacks: [{gpt-4: [small]}]").policy("timeout: {total: 800ms}");
    let answer = setup.start().await.ask("gpt-4").await;
    assert_eq!(answer.trail(), ["gpt-4/east=timeout", "small/spare=ok"]);
}

#[tokio::test]
async fn the_whole_request_ends_with_its_deadline() {
    let east = Upstream::start().await;
    east.always(Reply::hang());
    let setup = Setup::new().with("gpt-4", "east", &east).policy("timeout: {total: 300ms}");
    let answer = setup.start().await.ask("gpt-4").await;
    assert_eq!(answer.status, 504);
    assert_eq!(answer.class(), "timeout");
    assert_eq!(answer.header("x-litellm-model-id"), "east");
    assert_eq!(answer.attempts(), 1);
    assert!((millis(300)..millis(900)).contains(&answer.took), "{:?}", answer.took);
    east.until(|tally| tally.dropped == 1).await;
}

#[tokio::test]
async fn retries_and_their_waits_end_with_the_deadline_and_the_real_failure_is_told() {
    let east = Upstream::start().await;
    east.always(Reply::status(500).after(millis(150)));
    let setup = Setup::new().backoff("{base: 20ms, max: 50ms}").with("gpt-4", "east", &east);
    let setup =
        setup.policy("retry: {num_retries: 100, budget: off}").policy("timeout: {total: 700ms}");
    let answer = setup.start().await.ask("gpt-4").await;
    assert_eq!(answer.status, 500, "{:?}", answer.trail());
    assert_eq!(answer.class(), "internal_server");
    assert!(answer.attempts() >= 3, "{:?}", answer.trail());
    assert!(answer.took < millis(1200), "{:?}", answer.took);
}

#[tokio::test]
async fn an_attempt_that_the_deadline_cuts_does_not_hide_what_went_wrong_before_it() {
    let (east, west) = (Upstream::start().await, Upstream::start().await);
    east.always(Reply::overloaded());
    west.always(Reply::hang());
    let setup = Setup::new().and("gpt-4", "east", &east, ", order: 1").with("gpt-4", "west", &west);
    let answer = setup.policy("timeout: {total: 400ms}").start().await.ask("gpt-4").await;
    assert_eq!(answer.trail(), ["gpt-4/east=service_unavailable", "gpt-4/west=timeout"]);
    assert_eq!(answer.status, 503);
    assert_eq!(answer.class(), "service_unavailable");
    // It is the first one's error that is told, and so it is told whose it is.
    assert_eq!(answer.header("x-litellm-model-id"), "east");
}

#[tokio::test]
async fn a_fallback_that_the_deadline_cuts_does_not_hide_what_went_wrong_before_it() {
    let (east, spare) = (Upstream::start().await, Upstream::start().await);
    east.always(Reply::overloaded());
    spare.always(Reply::hang());
    let setup = Setup::new().with("gpt-4", "east", &east).with("small", "spare", &spare);
    let setup = setup.router("fallbacks: [{gpt-4: [small]}]").router("num_retries: 0");
    let answer = setup.policy("timeout: {total: 400ms}").start().await.ask("gpt-4").await;
    assert_eq!(answer.status, 503);
    assert_eq!(answer.trail(), ["gpt-4/east=service_unavailable", "small/spare=timeout"]);
}

#[tokio::test]
async fn a_body_that_trickles_is_cut_by_the_clock_of_the_attempt() {
    let (east, west) = (Upstream::start().await, Upstream::start().await);
    east.always(Reply::stall_after(1));
    let setup = Setup::new().and("gpt-4", "east", &east, ", order: 1").with("gpt-4", "west", &west);
    let answer = setup.router("timeout: 0.2").start().await.ask("gpt-4").await;
    assert_eq!(answer.trail(), ["gpt-4/east=timeout", "gpt-4/west=ok"]);
    east.until(|tally| tally.dropped == 1).await;
}

#[tokio::test]
async fn after_a_timeout_a_fallback_is_the_better_bet() {
    let (east, spare) = (Upstream::start().await, Upstream::start().await);
    east.always(Reply::hang());
    let group = |setup: Setup| {
        let setup = setup.with("gpt-4", "east", &east).with("small", "spare", &spare);
        setup.router("fallbacks: [{gpt-4: [small]}]").router("timeout: 0.1")
    };
    let answer = group(Setup::new()).start().await.ask("gpt-4").await;
    assert_eq!(answer.trail(), ["gpt-4/east=timeout", "small/spare=ok"]);
    let asked_for = Setup::new().router("retry_policy: {TimeoutErrorRetries: 1}");
    let answer = group(asked_for).start().await.ask("gpt-4").await;
    assert_eq!(answer.trail(), ["gpt-4/east=timeout", "gpt-4/east=timeout", "small/spare=ok"]);
}

/// An address that takes no connection and refuses none: its queue is full.
pub(crate) async fn unreachable() -> (SocketAddr, Vec<TcpStream>, tokio::net::TcpListener) {
    let socket = TcpSocket::new_v4().unwrap();
    socket.bind((Ipv4Addr::LOCALHOST, 0).into()).unwrap();
    let listener = socket.listen(1).unwrap();
    let address = listener.local_addr().unwrap();
    let mut queued = Vec::new();
    while let Ok(connected) = timeout(millis(200), TcpStream::connect(address)).await {
        queued.push(connected.unwrap());
    }
    (address, queued, listener)
}

#[tokio::test]
async fn a_connection_that_is_not_made_in_time_is_a_timeout() {
    let west = Upstream::start().await;
    let (address, _queued, _listener) = unreachable().await;
    let setup = Setup::new().at("gpt-4", "east", &format!("http://{address}/v1"), ", order: 1");
    let setup = setup.with("gpt-4", "west", &west).policy("timeout: {connect: 150ms}");
    let answer = setup.start().await.ask("gpt-4").await;
    assert_eq!(answer.trail(), ["gpt-4/east=timeout", "gpt-4/west=ok"]);
    assert!(answer.took < millis(1000), "{:?}", answer.took);

    let setup = Setup::new().at("gpt-4", "east", &format!("http://{address}/v1"), "");
    let setup = setup.router("num_retries: 0").policy("timeout: {connect: 150ms}");
    let answer = setup.start().await.ask("gpt-4").await;
    assert_eq!(answer.status, 504);
    let message = answer.error()["message"].as_str().unwrap().to_owned();
    assert!(message.contains("connect clock"), "{message}");
}
