//! What follows a failure: one pure function, with the time, the budget and chance as values.

use std::time::Duration;

use secondwind_policy::{Class, Harm, RetryPolicy};
use tokio::time::Instant;

use super::backoff::full_jitter;
use super::counts::Counts;
use crate::classify::{Reach, Verdict};
use crate::context::Alternatives;
use crate::deadline::Deadline;
use crate::trail::Stop;

/// All that the decision rests on.
#[derive(Clone, Copy, Debug)]
pub struct Situation<'a> {
    /// What the failure means.
    pub verdict: &'a Verdict,
    /// The policy for retries.
    pub policy: &'a RetryPolicy,
    /// The number of retries that the request itself asked for.
    pub requested: Option<u32>,
    /// What is used up already.
    pub counts: &'a Counts,
    /// Whether the attempt that failed was itself a repeat of one that was never sent.
    pub repeated: bool,
    /// Where else the request could go.
    pub alternatives: Alternatives,
    /// Whether the request can be sent again.
    pub replayable: bool,
    /// Whether the request may be processed twice.
    pub idempotent: bool,
    /// Whether the budget has a token.
    pub budget: bool,
    /// The time.
    pub now: Instant,
    /// The moment by which all must be over.
    pub deadline: Option<Deadline>,
    /// A random number from 0 to 1, exclusive.
    pub random: f64,
}

/// What follows a failure.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Next {
    /// Another attempt in this place at once. It neither counts nor costs: the one before was never sent.
    Repeat,
    /// Another attempt in this place, after a wait.
    Again {
        /// How long to wait.
        wait: Duration,
    },
    /// Another attempt, rather in another place of the group.
    MoveOn {
        /// When this place may be tried again for this request; `None`: not for this request.
        not_before: Option<Instant>,
    },
    /// No further attempt in this group.
    Stop(Stop),
}

/// Decides what follows a failure.
///
/// The rules, in the order in which they are asked:
///
/// 1. What cannot be sent again is not.
/// 2. What surely never reached the server is repeated at once, once, whatever the counts say.
/// 3. What may have been processed and is not idempotent is not sent again.
/// 4. A class with no retries, or none left, ends here; but where the failure speaks of this place's
///    account or key, or the server asked not to be tried again, an untried sibling is tried.
/// 5. After a timeout with no untried sibling, another group is the better bet, unless retries after
///    timeouts were asked for in so many words.
/// 6. An empty budget ends it.
/// 7. The wait is the longest of the policy's `retry_after`, full jitter, and the server's hint plus up to
///    a tenth. A hint that is longer than `max_retry_after`, or than what remains, is not waited for.
/// 8. With a sibling, and where the policy prefers one, the layer gives way.
/// 9. No wait is begun that cannot end before the deadline.
#[must_use]
pub fn decide(situation: &Situation<'_>) -> Next {
    let Situation {
        verdict,
        policy,
        counts,
        alternatives,
        now,
        ..
    } = *situation;
    let class = verdict.class;
    if matches!(class, Class::Cancelled | Class::Interrupted) {
        return Next::Stop(Stop::NotRetried);
    }
    if !situation.replayable {
        return Next::Stop(Stop::NotReplayable);
    }
    if situation
        .deadline
        .is_some_and(|deadline| deadline.passed(now))
    {
        return Next::Stop(Stop::Deadline);
    }
    if verdict.reach == Reach::NotSent && !situation.repeated {
        return Next::Repeat;
    }
    if !situation.idempotent && !policy.non_idempotent() && verdict.reach != Reach::NotSent {
        return Next::Stop(Stop::NotIdempotent);
    }

    let allowed = allowed(situation);
    let told_not_to = verdict.should_retry == Some(false);
    if allowed == 0 || told_not_to {
        return elsewhere(situation, told_not_to && allowed > 0);
    }
    if !counts.is_left(class, allowed) {
        return Next::Stop(Stop::Exhausted);
    }
    if class == Class::Timeout
        && !alternatives.untried
        && alternatives.fallback
        && policy.explicit(class).is_none()
    {
        return Next::Stop(Stop::Fallback);
    }
    if !situation.budget {
        return Next::Stop(Stop::Budget);
    }

    let wait = wait(situation);
    let remaining = situation
        .deadline
        .map_or(Duration::MAX, |deadline| deadline.remaining(now));
    if verdict
        .hint
        .is_some_and(|hint| hint > policy.max_retry_after() || hint >= remaining)
    {
        return if alternatives.untried {
            Next::MoveOn {
                not_before: now.checked_add(wait),
            }
        } else {
            Next::Stop(Stop::HintTooLong)
        };
    }
    if alternatives.untried && policy.prefer_sibling(class) {
        return Next::MoveOn {
            not_before: now.checked_add(wait),
        };
    }
    if wait >= remaining {
        return Next::Stop(Stop::Deadline);
    }
    if alternatives.siblings && policy.prefer_sibling(class) {
        return Next::MoveOn {
            not_before: now.checked_add(wait),
        };
    }
    Next::Again { wait }
}

/// How many retries a failure like this one gets in its place.
pub(super) fn allowed(situation: &Situation<'_>) -> u32 {
    let Situation {
        verdict,
        policy,
        requested,
        ..
    } = *situation;
    let class = verdict.class;
    let allowed = policy.allowed(class, requested);
    // `x-should-retry: true` opens what the class alone would not, but only where a repeat can help at
    // all, and never against an explicit count.
    let may_help = matches!(verdict.status, Some(408 | 409 | 429 | 500..=599));
    if allowed == 0
        && verdict.should_retry == Some(true)
        && may_help
        && policy.explicit(class).is_none()
    {
        return requested.unwrap_or_else(|| policy.num_retries());
    }
    allowed
}

/// No retry in place: perhaps an untried sibling, which may have another key or another account. It
/// counts against `num_retries`.
fn elsewhere(situation: &Situation<'_>, told_not_to: bool) -> Next {
    let Situation {
        verdict,
        policy,
        counts,
        ..
    } = *situation;
    let stop = Next::Stop(if told_not_to {
        Stop::ToldNotTo
    } else {
        Stop::NotRetried
    });
    let worth_it = told_not_to
        || (verdict.class.facts().harm == Harm::LongRest
            && policy.explicit(verdict.class) != Some(0));
    if !worth_it || !situation.alternatives.untried {
        return stop;
    }
    let most = situation.requested.unwrap_or_else(|| policy.num_retries());
    if counts.total() >= most {
        return stop;
    }
    if !situation.budget {
        return Next::Stop(Stop::Budget);
    }
    Next::MoveOn { not_before: None }
}

/// How long to wait before the next attempt in this place.
fn wait(situation: &Situation<'_>) -> Duration {
    let Situation {
        verdict,
        policy,
        counts,
        random,
        ..
    } = *situation;
    let retry = counts.total().saturating_add(1);
    let backoff = policy.backoff();
    let jitter = if verdict.reach == Reach::Reused && retry == 1 {
        Duration::ZERO
    } else {
        full_jitter(
            backoff.base(),
            backoff.factor(),
            backoff.max(),
            retry,
            random,
        )
    };
    // Positive jitter only: nobody comes back before the server said, and not all at once.
    let hint = verdict.hint.map_or(Duration::ZERO, |hint| {
        hint.saturating_add(
            Duration::try_from_secs_f64(hint.as_secs_f64() * 0.1 * random).unwrap_or_default(),
        )
    });
    policy.retry_after().max(jitter).max(hint)
}
