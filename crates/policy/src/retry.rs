//! What is sent again in the same group, how often, and after which wait.

use std::time::Duration;

use crate::backoff::Backoff;
use crate::budget::BudgetPolicy;
use crate::class::{Class, ClassSet};
use crate::counts::Counts;
use crate::error::Findings;
use crate::inherit::Setting;
use crate::partial::PartialRetry;

#[cfg(test)]
mod tests;

/// What is sent again in the same group, how often, and after which wait.
#[derive(Clone, Debug, PartialEq)]
pub struct RetryPolicy {
    pub(crate) on: bool,
    pub(crate) num_retries: u32,
    pub(crate) counts: Counts,
    pub(crate) retry_after: Duration,
    pub(crate) backoff: Backoff,
    pub(crate) max_retry_after: Duration,
    pub(crate) budget: Option<BudgetPolicy>,
    pub(crate) prefer_sibling: ClassSet,
    pub(crate) max_replay_bytes: u64,
    pub(crate) non_idempotent: bool,
    pub(crate) idempotency_key: bool,
    /// `most_of(None)`, since it is asked of every request.
    most: u32,
}

impl Default for RetryPolicy {
    fn default() -> RetryPolicy {
        RetryPolicy {
            on: true,
            num_retries: 2,
            counts: Counts::default(),
            retry_after: Duration::ZERO,
            backoff: Backoff::default(),
            max_retry_after: Duration::from_secs(60),
            budget: Some(BudgetPolicy::default()),
            prefer_sibling: ClassSet::ALL,
            max_replay_bytes: 16 * 1024 * 1024,
            non_idempotent: false,
            idempotency_key: false,
            most: 2,
        }
    }
}

impl RetryPolicy {
    /// No retries, whatever a request asks for.
    pub(crate) fn off() -> RetryPolicy {
        RetryPolicy { on: false, num_retries: 0, most: 0, ..RetryPolicy::default() }
    }

    /// The number of retries of one request within one group, for classes that are retried by
    /// default and have no count of their own. Default 2, so three attempts in all.
    #[must_use]
    pub fn num_retries(&self) -> u32 {
        self.num_retries
    }

    /// The counts that were set for single classes. Default: none.
    #[must_use]
    pub fn counts(&self) -> &Counts {
        &self.counts
    }

    /// The least wait before a retry. Default 0.
    #[must_use]
    pub fn retry_after(&self) -> Duration {
        self.retry_after
    }

    /// How the wait before a retry grows.
    #[must_use]
    pub fn backoff(&self) -> &Backoff {
        &self.backoff
    }

    /// The longest wait that is waited for when a server asks for it; a longer one makes the
    /// request move on at once. Default 60 s; 0 never waits because a server asked.
    #[must_use]
    pub fn max_retry_after(&self) -> Duration {
        self.max_retry_after
    }

    /// The budget that all further attempts in a group draw on. `None`: no limit.
    #[must_use]
    pub fn budget(&self) -> Option<&BudgetPolicy> {
        self.budget.as_ref()
    }

    /// Whether a request that failed with `class` goes to an untried deployment of the same group
    /// rather than waiting for the one that failed. Default: after every class.
    #[must_use]
    pub fn prefer_sibling(&self, class: Class) -> bool {
        self.prefer_sibling.contains(class)
    }

    /// How much of a request's body is kept so that it can be sent again, in bytes. A larger body
    /// is sent once and not retried. Default 16 MiB.
    #[must_use]
    pub fn max_replay_bytes(&self) -> u64 {
        self.max_replay_bytes
    }

    /// Whether a request that may have been processed is repeated even if its method is not
    /// idempotent (RFC 9110, 9.2.2) and it carries no idempotency key. Default no.
    #[must_use]
    pub fn non_idempotent(&self) -> bool {
        self.non_idempotent
    }

    /// Whether an idempotency key is made for requests that carry none. Default no.
    #[must_use]
    pub fn idempotency_key(&self) -> bool {
        self.idempotency_key
    }

    /// The count that was set for `class`, by its own key or by the more general one that it falls
    /// back to ([`Facts::policy_key_else`](crate::Facts::policy_key_else)); `DefaultRetries` is
    /// not looked at.
    #[must_use]
    pub fn explicit(&self, class: Class) -> Option<u32> {
        let own = self.counts.get(class);
        own.or_else(|| self.explicit(class.facts().policy_key_else?))
    }

    /// How many retries a failure of `class` gets within one request and one group. `requested` is
    /// the number that the request itself asked for.
    #[must_use]
    pub fn allowed(&self, class: Class, requested: Option<u32>) -> u32 {
        if !self.on || requested == Some(0) {
            return 0;
        }
        let retried = class.facts().retried;
        let default = self.counts.default_retries().filter(|_| retried);
        match self.explicit(class).or(default) {
            Some(0) => 0,
            Some(count) => requested.unwrap_or(count),
            None if retried => requested.unwrap_or(self.num_retries),
            None => 0,
        }
    }

    /// The most retries that a request can get in one group, whatever goes wrong: 0 means that
    /// nothing is ever sent again, and so nothing need be kept for it.
    #[must_use]
    pub fn most(&self, requested: Option<u32>) -> u32 {
        if requested.is_none() { self.most } else { self.most_of(requested) }
    }

    fn most_of(&self, requested: Option<u32>) -> u32 {
        Class::ALL.iter().map(|class| self.allowed(*class, requested)).max().unwrap_or(0)
    }
}

impl PartialRetry {
    pub(crate) fn lay_on(&self, onto: &mut RetryPolicy, findings: &mut Findings) {
        if !onto.on {
            *onto = RetryPolicy::default();
        }
        let zero = Some(Duration::ZERO);
        findings.lay("retry.num_retries", &self.num_retries, &mut onto.num_retries, Some(0));
        self.counts.lay_on(&mut onto.counts, "retry.counts", findings);
        findings.lay("retry.retry_after", &self.retry_after, &mut onto.retry_after, zero);
        match &self.backoff {
            Setting::Unset => {}
            Setting::Off => onto.backoff = Backoff::off(),
            Setting::Set(backoff) => backoff.lay_on(&mut onto.backoff, findings),
        }
        let longest = &mut onto.max_retry_after;
        findings.lay("retry.max_retry_after", &self.max_retry_after, longest, None);
        match &self.budget {
            Setting::Unset => {}
            Setting::Off => onto.budget = None,
            Setting::Set(budget) => budget.lay_on(onto.budget.get_or_insert_default(), findings),
        }
        let none = Some(ClassSet::EMPTY);
        let siblings = &mut onto.prefer_sibling;
        findings.lay("retry.prefer_sibling", &self.prefer_sibling, siblings, none);
        let bytes = &mut onto.max_replay_bytes;
        findings.lay("retry.max_replay_bytes", &self.max_replay_bytes, bytes, Some(0));
        onto.non_idempotent = self.non_idempotent.unwrap_or(onto.non_idempotent);
        if self.idempotency_key == Some(true) {
            let message = "is not available yet; leave it out, or write false";
            findings.add("retry.idempotency_key", message);
        }
        onto.most = onto.most_of(None);
    }
}

impl From<&RetryPolicy> for PartialRetry {
    fn from(retry: &RetryPolicy) -> PartialRetry {
        PartialRetry {
            num_retries: Setting::Set(retry.num_retries.into()),
            counts: retry.counts().into(),
            retry_after: Setting::Set(retry.retry_after.into()),
            backoff: Setting::Set(retry.backoff().into()),
            max_retry_after: Setting::Set(retry.max_retry_after.into()),
            budget: retry.budget().map_or(Setting::Off, |budget| Setting::Set(budget.into())),
            prefer_sibling: retry.prefer_sibling.into(),
            max_replay_bytes: Setting::Set(retry.max_replay_bytes.into()),
            non_idempotent: Some(retry.non_idempotent),
            idempotency_key: Some(retry.idempotency_key),
        }
    }
}

impl From<&RetryPolicy> for Setting<PartialRetry> {
    fn from(retry: &RetryPolicy) -> Setting<PartialRetry> {
        if retry.on { Setting::Set(retry.into()) } else { Setting::Off }
    }
}
