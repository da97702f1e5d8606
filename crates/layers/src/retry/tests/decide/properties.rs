//! What holds after any failures under any policy.

use std::time::Duration;

use proptest::prelude::*;
use proptest::sample::select;
use secondwind_policy::{Class, Policy};
use tokio::time::Instant;

use crate::classify::{Reach, Verdict};
use crate::context::Alternatives;
use crate::deadline::Deadline;
use crate::retry::decide::{allowed, most_moves};
use crate::retry::{Counts, Next, Situation, decide};
use crate::testing::{ms, secs};

#[derive(Clone, Debug)]
struct Failure {
    verdict: Verdict,
    alternatives: Alternatives,
    budget: bool,
    random: f64,
    took: Duration,
}

fn classes() -> impl Strategy<Value = Class> {
    select(Class::ALL)
}

fn durations(most: u64) -> impl Strategy<Value = Duration> {
    (0..most).prop_map(ms)
}

fn policies() -> impl Strategy<Value = Policy> {
    let counted: Vec<_> = Class::ALL[..Class::COUNT - 2].to_vec();
    (
        0..5_u32,
        prop::collection::vec((select(counted), 0..7_u32), 0..5),
        prop::option::of(0..5_u32),
        durations(3000),
        durations(90_000),
        prop::option::of(prop::collection::vec(classes(), 0..4)),
        any::<bool>(),
    )
        .prop_map(|(num, counts, default, least, longest, prefer, repeat)| {
            let mut policy = Policy::builder()
                .num_retries(num)
                .retry_after(least)
                .max_retry_after(longest)
                .non_idempotent(repeat);
            for (class, count) in counts {
                policy = policy.retries(class, count);
            }
            if let Some(default) = default {
                policy = policy.default_retries(default);
            }
            if let Some(prefer) = prefer {
                policy = policy.prefer_sibling(prefer);
            }
            policy.build().unwrap()
        })
}

fn failures() -> impl Strategy<Value = Failure> {
    let alternatives =
        (any::<bool>(), any::<bool>(), any::<bool>()).prop_map(|(untried, tried, fallback)| {
            Alternatives { untried, siblings: untried || tried, fallback, again: false }
        });
    (
        classes(),
        prop::option::of(durations(100_000)),
        prop::option::of(any::<bool>()),
        prop::option::of(select(&[400_u16, 408, 409, 429, 500, 503][..])),
        select(&[Reach::Unknown, Reach::Reused, Reach::NotSent][..]),
        alternatives,
        prop::bool::weighted(0.9),
        0.0..1.0,
        durations(2000),
    )
        .prop_map(
            |(class, hint, should_retry, status, reach, alternatives, budget, random, took)| {
                let mut verdict = Verdict::new(class).with_reach(reach);
                (verdict.hint, verdict.should_retry, verdict.status) = (hint, should_retry, status);
                Failure { verdict, alternatives, budget, random, took }
            },
        )
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    #[test]
    fn keeps_its_promises_after_any_failures(
        policy in policies(),
        requested in prop::option::of(0..5_u32),
        idempotent in any::<bool>(),
        total in prop::option::of(durations(120_000)),
        script in prop::collection::vec(failures(), 40),
    ) {
        let retry = policy.retry();
        let began = Instant::now();
        let deadline = total.and_then(|total| Deadline::after(began, total));
        let moves = requested.unwrap_or_else(|| retry.num_retries());
        let most = retry.most(requested).max(moves);

        let (mut now, mut counts, mut repeated) = (began, Counts::default(), false);
        let mut attempts = 1;
        for Failure { verdict, alternatives, budget, random, took } in script {
            now += took;
            let situation = Situation {
                verdict: &verdict,
                policy: retry,
                requested,
                counts: &counts,
                repeated,
                alternatives,
                replayable: true,
                idempotent,
                budget,
                now,
                deadline,
                random,
            };
            let next = decide(&situation);
            let (allowed, most_moves) = (allowed(&situation), most_moves(&situation));
            if next != Next::Repeat {
                attempts += 1;
            }
            match next {
                Next::Repeat => {
                    prop_assert!(!repeated, "repeated twice in a row");
                    prop_assert_eq!(verdict.reach, Reach::NotSent);
                }
                Next::Again { wait } => {
                    let in_time = deadline.is_none_or(|deadline| !deadline.passed(now + wait));
                    prop_assert!(in_time, "waits to the deadline or beyond");
                    let asked = verdict.hint.unwrap_or_default();
                    prop_assert!(wait >= asked, "a hint was shortened");
                    prop_assert!(asked <= retry.max_retry_after(), "too long a hint is waited for");
                    prop_assert!(wait >= retry.retry_after());
                    prop_assert!(wait <= (asked + asked / 10).max(secs(60)), "waits too long");
                    prop_assert!(budget, "spends what is not there");
                    now += wait;
                }
                Next::MoveOn { not_before } => {
                    prop_assert!(alternatives.siblings, "gives way to nobody");
                    prop_assert!(budget, "spends what is not there");
                    if let (Some(at), Some(hint)) = (not_before, verdict.hint) {
                        prop_assert!(at >= now + hint, "a hint was shortened");
                    }
                }
                Next::Stop(_) => break,
            }
            if matches!(next, Next::Again { .. } | Next::MoveOn { .. }) {
                prop_assert!(idempotent || retry.non_idempotent() || verdict.reach == Reach::NotSent);
                if allowed > 0 {
                    counts.spend(verdict.class, allowed);
                } else {
                    counts.spend_any(most_moves);
                }
            }
            repeated = next == Next::Repeat;
            prop_assert!(attempts <= 1 + most, "{} attempts, {} retries", attempts, most);
            prop_assert!(deadline.is_none_or(|deadline| !deadline.passed(now)));
        }
    }
}
