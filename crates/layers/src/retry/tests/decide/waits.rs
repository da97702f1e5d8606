//! How long is waited, and when no wait is worth it.

use std::time::Duration;

use secondwind_policy::{Class as C, PolicyBuilder};

use super::Then::{self, Again, MoveOn, MoveOnForGood};
use super::{after, check};
use crate::classify::Reach;
use crate::testing::{ms, secs};
use crate::trail::Stop;

#[test]
fn waits_as_the_table_says() {
    let stop = Then::Stop;
    let num = |retries| move |policy: PolicyBuilder| policy.num_retries(retries);
    let stay = |policy: PolicyBuilder| policy.prefer_sibling([]);
    check(vec![
        // Waits.
        ("capped", after(C::RateLimit).by(num(9)).used(C::RateLimit, 8), Again(30_000)),
        (
            "at least retry_after",
            after(C::RateLimit).by(|policy| policy.retry_after(secs(5))),
            Again(5000),
        ),
        ("a hint, and up to a tenth", after(C::RateLimit).hint(secs(3)), Again(3150)),
        ("a hint below the backoff", after(C::RateLimit).hint(ms(500)), Again(1000)),
        ("a hint of nothing", after(C::RateLimit).hint(ms(0)), Again(1000)),
        ("the longest hint", after(C::RateLimit).hint(secs(60)), Again(63_000)),
        ("too long a hint", after(C::RateLimit).hint(ms(60_001)), stop(Stop::HintTooLong)),
        (
            "too long a hint, untried",
            after(C::RateLimit).hint(secs(100)).untried(),
            MoveOn(105_000),
        ),
        (
            "too long a hint, untried, though it would rather stay",
            after(C::RateLimit).hint(secs(100)).untried().by(stay),
            MoveOn(105_000),
        ),
        (
            "too long a hint, tried siblings",
            after(C::RateLimit).hint(secs(100)).siblings(),
            stop(Stop::HintTooLong),
        ),
        (
            "an absurd hint, untried",
            after(C::RateLimit).hint(Duration::MAX).untried(),
            MoveOnForGood,
        ),
        (
            "a hint beyond the deadline",
            after(C::RateLimit).hint(secs(5)).remaining(secs(5)),
            stop(Stop::HintTooLong),
        ),
        (
            "a hint beyond the deadline, untried",
            after(C::RateLimit).hint(secs(5)).remaining(secs(4)).untried(),
            MoveOn(5250),
        ),
        (
            "a hint that fits, but not with its jitter",
            after(C::RateLimit).hint(secs(4)).remaining(ms(4100)),
            stop(Stop::Deadline),
        ),
        ("beyond the deadline", after(C::RateLimit).remaining(ms(1000)), stop(Stop::Deadline)),
        ("just before it", after(C::RateLimit).remaining(ms(1001)), Again(1000)),
        ("beyond it, untried", after(C::RateLimit).remaining(ms(500)).untried(), MoveOn(1000)),
        (
            "beyond it, tried siblings",
            after(C::RateLimit).remaining(ms(500)).siblings(),
            stop(Stop::Deadline),
        ),
        ("reused", after(C::Connection).reach(Reach::Reused), Again(0)),
        (
            "reused, second",
            after(C::Connection).reach(Reach::Reused).used(C::Connection, 1),
            Again(2000),
        ),
        (
            "reused, at least retry_after",
            after(C::Connection).reach(Reach::Reused).by(|policy| policy.retry_after(secs(5))),
            Again(5000),
        ),
        (
            "reused, not idempotent",
            after(C::Connection).reach(Reach::Reused).not_idempotent(),
            stop(Stop::NotIdempotent),
        ),
        // The budget.
        ("no budget", after(C::RateLimit).no_budget(), stop(Stop::Budget)),
        ("no budget, untried", after(C::RateLimit).no_budget().untried(), stop(Stop::Budget)),
        (
            "no budget, spent anyway",
            after(C::RateLimit).no_budget().used(C::RateLimit, 2),
            stop(Stop::Exhausted),
        ),
    ]);
}
