//! Where the next attempt goes.

use secondwind_policy::{Class as C, PolicyBuilder};

use super::Then::{self, Again, MoveOn, MoveOnForGood};
use super::{after, check};
use crate::classify::Reach;
use crate::testing::secs;
use crate::trail::Stop;

#[test]
fn moves_as_the_table_says() {
    let stop = Then::Stop;
    let count = |class, retries| move |policy: PolicyBuilder| policy.retries(class, retries);
    let num = |retries| move |policy: PolicyBuilder| policy.num_retries(retries);
    let stay = |policy: PolicyBuilder| policy.prefer_sibling([]);
    check(vec![
        // Siblings.
        ("untried", after(C::RateLimit).untried(), MoveOn(1000)),
        ("untried, with a hint", after(C::RateLimit).untried().hint(secs(3)), MoveOn(3150)),
        ("tried siblings", after(C::RateLimit).siblings(), MoveOn(1000)),
        ("it would rather stay", after(C::RateLimit).untried().by(stay), Again(1000)),
        ("it would rather stay, tried", after(C::RateLimit).siblings().by(stay), Again(1000)),
        (
            "prefers siblings after timeouts only",
            after(C::RateLimit).untried().by(|policy| policy.prefer_sibling([C::Timeout])),
            Again(1000),
        ),
        (
            "untried, but the counts are spent",
            after(C::RateLimit).untried().used(C::RateLimit, 2),
            stop(Stop::Exhausted),
        ),
        // Another place may be able to ask it.
        ("unasked", after(C::UnsupportedParams).reach(Reach::Unasked), stop(Stop::NotRetried)),
        (
            "unasked, untried, whatever the counts and the budget",
            after(C::UnsupportedParams).reach(Reach::Unasked).untried().by(num(0)).no_budget(),
            MoveOnForGood,
        ),
        // Another account may do.
        ("authentication", after(C::Authentication), stop(Stop::NotRetried)),
        ("authentication, untried", after(C::Authentication).untried(), MoveOnForGood),
        ("permission, untried", after(C::Permission).untried(), MoveOnForGood),
        ("not_found, untried", after(C::NotFound).untried(), MoveOnForGood),
        ("quota_exhausted, untried", after(C::QuotaExhausted).untried(), MoveOnForGood),
        (
            "authentication, it would rather stay",
            after(C::Authentication).untried().by(stay),
            MoveOnForGood,
        ),
        ("authentication, all tried", after(C::Authentication).siblings(), stop(Stop::NotRetried)),
        (
            "authentication counts against num_retries",
            after(C::Authentication).untried().used(C::RateLimit, 2),
            stop(Stop::NotRetried),
        ),
        (
            "authentication counts against the request's wish",
            after(C::Authentication).untried().requested(3).used(C::RateLimit, 2),
            MoveOnForGood,
        ),
        (
            "authentication, 0 in so many words",
            after(C::Authentication).untried().by(count(C::Authentication, 0)),
            stop(Stop::NotRetried),
        ),
        (
            "permission, authentication's 0",
            after(C::Permission).untried().by(count(C::Authentication, 0)),
            stop(Stop::NotRetried),
        ),
        (
            "authentication, the request wants none",
            after(C::Authentication).untried().requested(0),
            stop(Stop::NotRetried),
        ),
        (
            "authentication by its count",
            after(C::Authentication).by(count(C::Authentication, 1)),
            Again(1000),
        ),
        (
            "authentication by its count, untried",
            after(C::Authentication).untried().by(count(C::Authentication, 1)),
            MoveOn(1000),
        ),
        (
            "authentication, no budget",
            after(C::Authentication).untried().no_budget(),
            stop(Stop::Budget),
        ),
        // The server's own word.
        ("told not to", after(C::RateLimit).told(false, 429), stop(Stop::ToldNotTo)),
        ("told not to, untried", after(C::RateLimit).told(false, 429).untried(), MoveOnForGood),
        (
            "told not to, all tried",
            after(C::RateLimit).told(false, 429).siblings(),
            stop(Stop::ToldNotTo),
        ),
        (
            "told not to, untried, spent",
            after(C::RateLimit).told(false, 429).untried().used(C::RateLimit, 2),
            stop(Stop::Exhausted),
        ),
        (
            "told not to, by a count of its own",
            after(C::RateLimit).told(false, 429).untried().by(num(0)).by(count(C::RateLimit, 1)),
            MoveOnForGood,
        ),
        (
            "told not to, untried, no budget",
            after(C::RateLimit).told(false, 429).untried().no_budget(),
            stop(Stop::Budget),
        ),
        (
            "told not to, bad_request",
            after(C::BadRequest).told(false, 400).untried(),
            stop(Stop::NotRetried),
        ),
        ("told to, 429", after(C::QuotaExhausted).told(true, 429), Again(1000)),
        ("told to, 500", after(C::ContentPolicy).told(true, 500), Again(1000)),
        (
            "told to, spent",
            after(C::QuotaExhausted).told(true, 429).used(C::RateLimit, 2),
            stop(Stop::Exhausted),
        ),
        ("told to, 400", after(C::BadRequest).told(true, 400), stop(Stop::NotRetried)),
        ("told to, 402", after(C::QuotaExhausted).told(true, 402), stop(Stop::NotRetried)),
        (
            "told to, against a 0 in so many words",
            after(C::QuotaExhausted).told(true, 429).by(count(C::QuotaExhausted, 0)),
            stop(Stop::NotRetried),
        ),
        (
            "told to, against DefaultRetries",
            after(C::RateLimit)
                .told(true, 429)
                .by(|policy| policy.default_retries(0))
                .by(count(C::Timeout, 1)),
            stop(Stop::NotRetried),
        ),
        (
            "told to, within DefaultRetries",
            after(C::QuotaExhausted)
                .told(true, 429)
                .by(|policy| policy.default_retries(1))
                .used(C::RateLimit, 1),
            stop(Stop::Exhausted),
        ),
        (
            "told to, the request wants more than none",
            after(C::QuotaExhausted).told(true, 429).by(num(0)).requested(1),
            Again(1000),
        ),
        (
            "told to, the request wants none",
            after(C::QuotaExhausted).told(true, 429).requested(0),
            stop(Stop::NotRetried),
        ),
        // Another group.
        ("timeout", after(C::Timeout), Again(1000)),
        ("timeout, another group", after(C::Timeout).fallback(), stop(Stop::Fallback)),
        (
            "timeout, another group, tried siblings",
            after(C::Timeout).fallback().siblings(),
            stop(Stop::Fallback),
        ),
        ("timeout, another group, untried", after(C::Timeout).fallback().untried(), MoveOn(1000)),
        (
            "timeout, another group, by its count",
            after(C::Timeout).fallback().by(count(C::Timeout, 1)),
            Again(1000),
        ),
        (
            "timeout, another group, the request's wish is no count for timeouts",
            after(C::Timeout).fallback().requested(3),
            stop(Stop::Fallback),
        ),
        (
            "timeout, another group, spent",
            after(C::Timeout).fallback().used(C::RateLimit, 2),
            stop(Stop::Exhausted),
        ),
        ("rate_limit, another group", after(C::RateLimit).fallback(), Again(1000)),
    ]);
}
