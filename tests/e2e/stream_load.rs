//! Faults under load: two thousand streams, two hundred at a time, one in five of them broken.
//!
//! The budget is one of an operator who expects that many: half an attempt for each that is asked for.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use std::time::Duration;

use secondwind_testkit::faults::{Break, Fault, FaultServer, TEXT};
use tokio::task::JoinSet;
use tokio::time::Instant;

use crate::gateway::Setup;
use crate::strict::{Verdict, hear, with_usage};

const STREAMS: usize = 2_000;
const AT_ONCE: usize = 200;
/// Of the text, so that a debug build is done in time.
const SAID: usize = 20;

fn faults() -> Vec<Fault> {
    let long = Duration::from_secs(60);
    vec![
        Fault::at(4, Break::Cut),
        Fault::at(7, Break::Reset),
        Fault::ResetBeforeHead,
        Fault::at(12, Break::Error),
        Fault::at(1, Break::Stall(long)),
        Fault::Status(503),
        Fault::at(15, Break::End),
        Fault::at(10, Break::Mangled),
        Fault::SilenceAfterHead(long),
        Fault::Unmarked,
        Fault::at(19, Break::Garbage),
        Fault::CloseBeforeHead,
    ]
}

/// The interval that holds the true share with 95 % (Wilson).
fn wilson(good: usize, all: usize) -> (f64, f64) {
    let (n, z) = (all as f64, 1.96_f64);
    let p = good as f64 / n;
    let middle = p + z * z / (2.0 * n);
    let half = z * (p * (1.0 - p) / n + z * z / (4.0 * n * n)).sqrt();
    let whole = 1.0 + z * z / n;
    ((middle - half) / whole, (middle + half) / whole)
}

#[test]
fn the_interval_is_wilsons() {
    let (low, high) = wilson(90, 100);
    assert!((low - 0.8256).abs() < 5e-4 && (high - 0.9448).abs() < 5e-4, "{low} {high}");
    assert!(wilson(2000, 2000).0 > 0.998);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn answers_are_whole_while_one_stream_in_five_breaks() {
    let text: String = TEXT.split_inclusive(char::is_whitespace).take(SAID).collect();
    let (primary, spare) = (FaultServer::start().await, FaultServer::start().await);
    primary.says(&text).every(5, faults());
    spare.says(&text);
    let setup = Setup::new()
        .at("chat", "primary", &primary.base_url(), "")
        .at("other", "spare", &spare.base_url(), "")
        .router("fallbacks: [{chat: [other]}]")
        .policy("retry: {budget: {ratio: 0.5}}")
        .policy("timeout: {first_content: 2s, idle: 2s}")
        .policy("stream: {recovery: continue}");
    let gateway = setup.start().await;

    let (began, next) = (Instant::now(), Arc::new(AtomicUsize::new(0)));
    let mut callers = JoinSet::new();
    for _ in 0..AT_ONCE {
        let (next, text, address) = (Arc::clone(&next), text.clone(), gateway.address);
        callers.spawn(async move {
            let mut verdicts = Vec::new();
            while next.fetch_add(1, Relaxed) < STREAMS {
                let heard = hear(address, &with_usage("chat"), Duration::from_secs(20)).await;
                verdicts.push((heard.verdict(&text), heard.class().to_owned()));
            }
            verdicts
        });
    }
    let verdicts: Vec<_> = callers.join_all().await.into_iter().flatten().collect();
    let whole = verdicts.iter().filter(|(verdict, _)| *verdict == Verdict::Whole).count();
    let (low, high) = wilson(whole, STREAMS);
    let share = |part: f64| part * 100.0;
    println!(
        "{whole} of {STREAMS} streams whole: {:.2} % (95 %: {:.2} to {:.2} %) in {:?}; {} + {} attempts",
        share(whole as f64 / STREAMS as f64),
        share(low),
        share(high),
        began.elapsed(),
        primary.attempts().len(),
        spare.attempts().len(),
    );
    let mut others = BTreeMap::<String, usize>::new();
    for other in verdicts.iter().filter(|(verdict, _)| *verdict != Verdict::Whole) {
        *others.entry(format!("{other:?}")).or_default() += 1;
    }
    assert_eq!(verdicts.len(), STREAMS);
    assert!(whole * 1000 >= STREAMS * 999, "{others:#?}");
    let lies = verdicts.iter().filter(|(v, _)| matches!(v, Verdict::Lied(_) | Verdict::Hung));
    assert_eq!(lies.count(), 0, "{others:#?}");
}
