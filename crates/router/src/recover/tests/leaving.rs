//! A caller who leaves takes the upstream request along, in whatever state it is.

use http_body_util::BodyExt;
use tokio::time::sleep;

use super::{policy, secs};
use crate::testing::{Asking, Script, Stage};

/// Long enough for whoever has something to do at once.
const MOMENT: std::time::Duration = std::time::Duration::from_millis(1);

/// Asks, leaves after `after` seconds, and looks whether the provider called `at` is let go of at once.
async fn leaves(stage: &Stage, after: u64, at: &str) {
    let asking = Asking::default();
    let hears = async {
        let (_, outcome) = stage.head(&asking).await;
        let mut body = outcome.unwrap().into_body();
        while body.frame().await.is_some() {}
        unreachable!("it is over before the caller leaves");
    };
    tokio::select! {
        () = hears => {}
        () = sleep(secs(after)) => {}
    }
    assert_eq!(stage.at(at).left(), []);
    sleep(MOMENT).await;
    let left: Vec<_> = stage.at(at).left().iter().map(|at| *at - stage.began).collect();
    assert_eq!(left.len(), 1, "{at} goes on for nobody");
    assert!(left[0] >= secs(after) && left[0] <= secs(after) + MOMENT);
}

#[tokio::test(start_paused = true)]
async fn before_the_head() {
    let stage = Stage::new(policy(), &["a"], &[]);
    stage.at("a").will(Script::default().stall());
    leaves(&stage, 5, "a").await;
}

#[tokio::test(start_paused = true)]
async fn while_the_answer_is_to_prove_itself() {
    let stage = Stage::new(policy(), &["a"], &[]);
    stage.at("a").will(Script::words(&[]).pings(secs(1), 99));
    leaves(&stage, 5, "a").await;
}

#[tokio::test(start_paused = true)]
async fn while_signs_of_life_are_all_there_is() {
    let stage = Stage::new(policy().keepalive(secs(2)), &["a"], &[]);
    stage.at("a").will(Script::default().stall());
    leaves(&stage, 5, "a").await;
}

#[tokio::test(start_paused = true)]
async fn while_the_stream_flows() {
    let stage = Stage::new(policy(), &["a"], &[]);
    stage.at("a").will(Script::words(&["One"]).pings(secs(1), 99));
    leaves(&stage, 5, "a").await;
}

#[tokio::test(start_paused = true)]
async fn while_another_is_asked() {
    let stage = Stage::new(policy(), &["a", "b"], &[]);
    stage.at("a").will(Script::words(&["One"]).wait(secs(2)).cut());
    stage.at("b").will(Script::default().stall());
    leaves(&stage, 5, "b").await;
}

#[tokio::test(start_paused = true)]
async fn while_another_has_not_proved_itself() {
    let stage = Stage::new(policy(), &["a", "b"], &[]);
    stage.at("a").will(Script::words(&["One"]).wait(secs(2)).cut());
    stage.at("b").will(Script::words(&[]).stall());
    leaves(&stage, 5, "b").await;
}

#[tokio::test(start_paused = true)]
async fn while_another_repeats_what_was_said() {
    let stage = Stage::new(policy(), &["a", "b"], &[]);
    stage.at("a").will(Script::words(&["One", " two"]).wait(secs(2)).cut());
    stage.at("b").will(Script::words(&["One"]).stall());
    leaves(&stage, 5, "b").await;
}

#[tokio::test(start_paused = true)]
async fn while_another_carries_on() {
    let stage = Stage::new(policy(), &["a", "b+"], &[]);
    stage.at("a").will(Script::words(&["One"]).wait(secs(2)).cut());
    stage.at("b").will(Script::words(&[" two"]).stall());
    leaves(&stage, 5, "b").await;
}
