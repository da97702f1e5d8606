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
/// 0. What was not asked here, since it cannot be, is asked of an untried sibling: it is the first attempt
///    still, and neither counts nor costs.
/// 1. Where nothing is ever retried, nothing is; and what cannot be sent again is not.
/// 2. What surely never reached the server is repeated at once, once, whatever the counts say.
/// 3. What may have been processed and is not idempotent is not sent again.
/// 4. A class with no retries ends here; but where the failure speaks of this place's account or key, an
///    untried sibling is tried. That counts against `num_retries`.
/// 5. A server that asked not to be tried again is not: an untried sibling is, or nobody.
/// 6. A class with no retries left ends here.
/// 7. After a timeout with no untried sibling, another group is the better bet, unless retries after
///    timeouts were asked for in so many words.
/// 8. An empty budget ends it.
/// 9. The wait is the longest of the policy's `retry_after`, full jitter, and the server's hint plus up to
///    a tenth. A hint that is longer than `max_retry_after`, or than what remains, is not waited for.
/// 10. With a sibling, and where the policy prefers one, the layer gives way.
/// 11. No wait is begun that cannot end before the deadline.
#[must_use]
pub fn decide(situation: &Situation<'_>) -> Next {
    let Situation { verdict, policy, counts, alternatives, now, .. } = *situation;
    let class = verdict.class;
    if verdict.reach == Reach::Unasked {
        return match alternatives.untried {
            true => Next::MoveOn { not_before: None },
            false => Next::Stop(Stop::NotRetried),
        };
    }
    let never = matches!(class, Class::Cancelled | Class::Interrupted);
    if never || policy.most(situation.requested) == 0 {
        return Next::Stop(Stop::NotRetried);
    }
    if !situation.replayable {
        return Next::Stop(Stop::NotReplayable);
    }
    if (situation.deadline).is_some_and(|deadline| deadline.passed(now)) {
        return Next::Stop(Stop::Deadline);
    }
    if verdict.reach == Reach::NotSent && !situation.repeated {
        return Next::Repeat;
    }
    let may_be_done = !matches!(verdict.reach, Reach::NotSent | Reach::Unconnected);
    if !situation.idempotent && !policy.non_idempotent() && may_be_done {
        return Next::Stop(Stop::NotIdempotent);
    }

    let allowed = allowed(situation);
    if allowed == 0 {
        return elsewhere(situation);
    }
    let told_not_to = verdict.should_retry == Some(false);
    if told_not_to && !alternatives.untried {
        return Next::Stop(Stop::ToldNotTo);
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
    if told_not_to {
        return Next::MoveOn { not_before: None };
    }

    let wait = wait(situation);
    let not_before = now.checked_add(wait);
    let remaining = (situation.deadline).map_or(Duration::MAX, |deadline| deadline.remaining(now));
    let too_long = |hint| hint > policy.max_retry_after() || hint >= remaining;
    if verdict.hint.is_some_and(too_long) {
        return if alternatives.untried {
            Next::MoveOn { not_before }
        } else {
            Next::Stop(Stop::HintTooLong)
        };
    }
    let prefers_sibling = policy.prefer_sibling(class);
    if alternatives.untried && prefers_sibling {
        return Next::MoveOn { not_before };
    }
    if wait >= remaining {
        return Next::Stop(Stop::Deadline);
    }
    if alternatives.siblings && prefers_sibling {
        return Next::MoveOn { not_before };
    }
    Next::Again { wait }
}

/// How many retries a failure like this one gets.
pub(super) fn allowed(situation: &Situation<'_>) -> u32 {
    let Situation { verdict, policy, requested, .. } = *situation;
    let class = verdict.class;
    let allowed = policy.allowed(class, requested);
    // `x-should-retry: true` opens what the class alone would not, but only where a repeat can help at
    // all, and never against a count that was set.
    let may_help = matches!(verdict.status, Some(408 | 409 | 429 | 500..=599));
    if allowed > 0
        || verdict.should_retry != Some(true)
        || !may_help
        || policy.explicit(class).is_some()
    {
        return allowed;
    }
    match policy.counts().default_retries() {
        Some(0) => 0,
        default => requested.unwrap_or(default.unwrap_or_else(|| policy.num_retries())),
    }
}

/// No retry in place: perhaps an untried sibling, which may have another key or another account.
fn elsewhere(situation: &Situation<'_>) -> Next {
    let Situation { verdict, policy, counts, .. } = *situation;
    let worth_it = verdict.class.facts().harm == Harm::LongRest
        && policy.explicit(verdict.class) != Some(0)
        && counts.total() < most_moves(situation);
    if !worth_it || !situation.alternatives.untried {
        return Next::Stop(Stop::NotRetried);
    }
    if !situation.budget {
        return Next::Stop(Stop::Budget);
    }
    Next::MoveOn { not_before: None }
}

/// What a move after a class with no retries counts against.
pub(super) fn most_moves(situation: &Situation<'_>) -> u32 {
    (situation.requested).unwrap_or_else(|| situation.policy.num_retries())
}

/// How long to wait before the next attempt in this place.
fn wait(situation: &Situation<'_>) -> Duration {
    let Situation { verdict, policy, counts, random, .. } = *situation;
    let retry = counts.total().saturating_add(1);
    let backoff = policy.backoff();
    let jitter = if verdict.reach == Reach::Reused && retry == 1 {
        Duration::ZERO
    } else {
        full_jitter(backoff.base(), backoff.factor(), backoff.max(), retry, random)
    };
    // Positive jitter only: nobody comes back before the server said, and not all at once.
    let hint = verdict.hint.map_or(Duration::ZERO, |hint| {
        let tenth = Duration::try_from_secs_f64(hint.as_secs_f64() * 0.1 * random);
        hint.saturating_add(tenth.unwrap_or_default())
    });
    policy.retry_after().max(jitter).max(hint)
}
