//! What a trail tells.

use std::time::Duration;

use secondwind_policy::Class;
use tokio::time::Instant;

use super::{Ended, Made, Stop, Trail};
use crate::classify::Verdict;
use crate::context::Context;
use crate::testing::ms;

/// A trail of attempts at these deployments, 10 ms each; all but the last one failed.
fn trail(group: &str, deployments: &[&str]) -> Trail {
    let began = Instant::now();
    let context = Context::new(began);
    context.enter_group(group.into(), None, None);
    for (n, deployment) in deployments.iter().enumerate() {
        context.enter_deployment((*deployment).into(), Default::default(), None);
        let start = began + ms(15) * n as u32;
        context.begin_attempt(start, None, Duration::ZERO, true);
        let last = n + 1 == deployments.len();
        let verdict = Verdict::new(Class::RateLimit).with_status(429);
        let ended = if last { Ended::Answered } else { Ended::Again };
        context.end_attempt(start + ms(10), (!last).then_some(&verdict), ended);
    }
    context.trail()
}

#[tokio::test(start_paused = true)]
async fn is_compact() {
    let trail = trail("gpt-4", &["azure-1", "openai-1"]);
    assert_eq!(trail.to_string(), "gpt-4/azure-1=rate_limit@0ms+10ms;gpt-4/openai-1=ok@15ms+10ms");
    assert_eq!((trail.retries(), trail.fallbacks()), (1, 0));
    assert_eq!(trail.last_class(), None);
    assert!(!trail.is_plain());
    assert_eq!(trail.attempts()[0].status, Some(429));
}

#[tokio::test(start_paused = true)]
async fn fits_into_a_header() {
    for attempts in [1, 10, 40, 500] {
        let text = trail("a-group-with-quite-a-name", &vec!["deployment"; attempts]).to_string();
        assert!(text.len() <= 2048, "{}", text.len());
        assert!(http::HeaderValue::from_str(&text).is_ok());
        let (told, note) = text.rsplit_once(";+").unwrap_or((&text, "0 more"));
        let left_out: usize = note.strip_suffix(" more").unwrap().parse().unwrap();
        assert_eq!(told.split(';').count() + left_out, attempts);
    }
}

#[tokio::test(start_paused = true)]
async fn names_cannot_forge_entries() {
    let text = trail("a;b=ok@0ms", &["line\r\nbreak, \"quoted\" ümlaut"]).to_string();
    assert_eq!(text, "a_b_ok_0ms/line__break___quoted___mlaut=ok@0ms+10ms");
    let long = trail(&"g".repeat(1000), &["d"]).to_string();
    assert!(long.starts_with(&format!("{}/d=", "g".repeat(64))));
}

#[tokio::test(start_paused = true)]
async fn tells_why_each_attempt_was_made() {
    let context = Context::new(Instant::now());
    let made = |context: &Context| context.trail().attempts().last().unwrap().made;
    context.enter_group("a".into(), None, None);
    context.begin_attempt(Instant::now(), None, Duration::ZERO, true);
    assert_eq!(made(&context), Made::First);
    context.begin_attempt(Instant::now(), Some(Made::Repeat), Duration::ZERO, true);
    assert_eq!(made(&context), Made::Repeat);
    context.begin_attempt(Instant::now(), None, Duration::ZERO, true);
    assert_eq!(made(&context), Made::Retry);
    // Its group again is no other group.
    context.enter_group("a".into(), None, None);
    context.enter_group("b".into(), None, None);
    context.begin_attempt(Instant::now(), None, Duration::ZERO, true);
    assert_eq!(made(&context), Made::Fallback);
    assert_eq!((context.trail().retries(), context.trail().fallbacks()), (1, 1));
    assert_eq!(context.trail().to_string(), "a=cut@0ms;a=cut@0ms;a=cut@0ms;b=cut@0ms");
}

#[test]
fn every_reason_has_a_word() {
    let all = [
        Stop::NotRetried,
        Stop::Exhausted,
        Stop::Budget,
        Stop::Deadline,
        Stop::HintTooLong,
        Stop::NotReplayable,
        Stop::NotIdempotent,
        Stop::ToldNotTo,
        Stop::Fallback,
        Stop::NotReady,
    ];
    let mut words = all.map(Stop::name).to_vec();
    words.sort_unstable();
    words.dedup();
    assert_eq!(words.len(), all.len());
}
