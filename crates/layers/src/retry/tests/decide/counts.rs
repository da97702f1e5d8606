//! What is sent again at all, and how often.

use secondwind_policy::{Class as C, PolicyBuilder};

use super::Then::{self, Again, Repeat};
use super::{after, check};
use crate::classify::Reach;
use crate::testing::ms;
use crate::trail::Stop;

#[test]
fn counts_as_the_table_says() {
    let stop = Then::Stop;
    let count = |class, retries| move |policy: PolicyBuilder| policy.retries(class, retries);
    let num = |retries| move |policy: PolicyBuilder| policy.num_retries(retries);
    check(vec![
        // What is never sent again.
        ("cancelled", after(C::Cancelled).untried(), stop(Stop::NotRetried)),
        ("interrupted", after(C::Interrupted).untried(), stop(Stop::NotRetried)),
        ("gone body", after(C::RateLimit).not_replayable().untried(), stop(Stop::NotReplayable)),
        (
            "gone body, never sent",
            after(C::Connection).not_replayable().reach(Reach::NotSent),
            stop(Stop::NotReplayable),
        ),
        ("too late", after(C::RateLimit).remaining(ms(0)).untried(), stop(Stop::Deadline)),
        (
            "too late, never sent",
            after(C::Connection).remaining(ms(0)).reach(Reach::NotSent),
            stop(Stop::Deadline),
        ),
        // What was never sent.
        ("never sent", after(C::Connection).reach(Reach::NotSent), Repeat),
        (
            "never sent, counts spent",
            after(C::Connection).reach(Reach::NotSent).used(C::Connection, 2),
            Repeat,
        ),
        (
            "never sent, this class not retried",
            after(C::Connection).reach(Reach::NotSent).by(count(C::Connection, 0)),
            Repeat,
        ),
        ("never sent, no budget", after(C::Connection).reach(Reach::NotSent).no_budget(), Repeat),
        (
            "never sent, not idempotent",
            after(C::Connection).reach(Reach::NotSent).not_idempotent(),
            Repeat,
        ),
        ("never sent, untried", after(C::Connection).reach(Reach::NotSent).untried(), Repeat),
        ("twice never sent", after(C::Connection).reach(Reach::NotSent).repeated(), Again(1000)),
        (
            "twice never sent, not idempotent",
            after(C::Connection).reach(Reach::NotSent).repeated().not_idempotent(),
            Again(1000),
        ),
        (
            "never sent, no retries wanted",
            after(C::Connection).reach(Reach::NotSent).by(num(0)),
            stop(Stop::NotRetried),
        ),
        (
            "never sent, one attempt asked for",
            after(C::Connection).reach(Reach::NotSent).requested(0),
            stop(Stop::NotRetried),
        ),
        // What had no connection.
        ("no connection", after(C::Connection).reach(Reach::Unconnected), Again(1000)),
        (
            "no connection, not idempotent",
            after(C::Connection).reach(Reach::Unconnected).not_idempotent(),
            Again(1000),
        ),
        (
            "no connection, counts spent",
            after(C::Connection).reach(Reach::Unconnected).used(C::Connection, 2),
            stop(Stop::Exhausted),
        ),
        // What may have been processed.
        ("not idempotent", after(C::RateLimit).not_idempotent(), stop(Stop::NotIdempotent)),
        (
            "not idempotent, untried",
            after(C::RateLimit).not_idempotent().untried(),
            stop(Stop::NotIdempotent),
        ),
        (
            "not idempotent, allowed",
            after(C::RateLimit).not_idempotent().by(|policy| policy.non_idempotent(true)),
            Again(1000),
        ),
        // Counts.
        ("first", after(C::RateLimit), Again(1000)),
        ("second", after(C::RateLimit).used(C::RateLimit, 1), Again(2000)),
        ("third", after(C::RateLimit).used(C::RateLimit, 2), stop(Stop::Exhausted)),
        (
            "a count beyond num_retries",
            after(C::Timeout).by(count(C::Timeout, 5)).by(num(3)).used(C::Timeout, 4),
            Again(16_000),
        ),
        (
            "a count beyond num_retries, spent",
            after(C::Timeout).by(count(C::Timeout, 5)).by(num(3)).used(C::Timeout, 5),
            stop(Stop::Exhausted),
        ),
        (
            "a count below num_retries, spent",
            after(C::Timeout).by(count(C::Timeout, 1)).used(C::Timeout, 1),
            stop(Stop::Exhausted),
        ),
        (
            "counts are kept by class",
            after(C::RateLimit)
                .by(count(C::RateLimit, 3))
                .by(count(C::Timeout, 2))
                .used(C::Timeout, 2),
            Again(4000),
        ),
        (
            "never more than the largest count",
            after(C::RateLimit)
                .by(count(C::RateLimit, 3))
                .by(count(C::Timeout, 2))
                .used(C::Timeout, 2)
                .used(C::RateLimit, 1),
            stop(Stop::Exhausted),
        ),
        (
            "the largest count that applied",
            after(C::RateLimit).by(count(C::Timeout, 5)).used(C::Timeout, 4),
            Again(16_000),
        ),
        (
            "the largest count that applied, spent",
            after(C::RateLimit).by(count(C::Timeout, 5)).used(C::Timeout, 5),
            stop(Stop::Exhausted),
        ),
        (
            "a count that did not apply",
            after(C::RateLimit).by(count(C::Timeout, 5)).used(C::Connection, 2),
            stop(Stop::Exhausted),
        ),
        (
            "count 0",
            after(C::RateLimit).by(count(C::RateLimit, 0)).untried(),
            stop(Stop::NotRetried),
        ),
        (
            "count 0 against the request's wish",
            after(C::RateLimit).by(count(C::RateLimit, 0)).requested(4),
            stop(Stop::NotRetried),
        ),
        ("the request wants none", after(C::RateLimit).requested(0), stop(Stop::NotRetried)),
        (
            "the request wants none, whatever is set",
            after(C::RateLimit).requested(0).by(count(C::RateLimit, 5)),
            stop(Stop::NotRetried),
        ),
        (
            "the request's wish replaces a count",
            after(C::RateLimit).requested(1).by(count(C::RateLimit, 5)).used(C::RateLimit, 1),
            stop(Stop::Exhausted),
        ),
        (
            "the request wants more",
            after(C::RateLimit).requested(4).used(C::RateLimit, 3),
            Again(8000),
        ),
        (
            "DefaultRetries",
            after(C::RateLimit).by(|policy| policy.default_retries(1)).used(C::RateLimit, 1),
            stop(Stop::Exhausted),
        ),
        ("bad_request", after(C::BadRequest).untried(), stop(Stop::NotRetried)),
        (
            "bad_request, by its count",
            after(C::BadRequest).by(count(C::BadRequest, 1)),
            Again(1000),
        ),
        (
            "DefaultRetries is not for bad_request",
            after(C::BadRequest).by(|policy| policy.default_retries(3)),
            stop(Stop::NotRetried),
        ),
        (
            "service_unavailable by internal_server's count",
            after(C::ServiceUnavailable)
                .by(count(C::InternalServer, 1))
                .used(C::ServiceUnavailable, 1),
            stop(Stop::Exhausted),
        ),
        (
            "permission by authentication's count",
            after(C::Permission).by(count(C::Authentication, 1)),
            Again(1000),
        ),
    ]);
}
