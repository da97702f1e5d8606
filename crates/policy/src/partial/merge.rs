//! Lays one partial section over another, value by value.

use super::{
    PartialBackoff, PartialBreaker, PartialBudget, PartialFallback, PartialQueue, PartialRetry,
    PartialStream, PartialTimeout,
};
use crate::allowed::PartialAllowedFails;
use crate::counts::PartialCounts;
use crate::inherit::Section;
use crate::{
    Backoff, BreakerPolicy, BudgetPolicy, FallbackPolicy, QueuePolicy, RetryPolicy, StreamPolicy,
    TimeoutPolicy,
};

impl Section for PartialRetry {
    fn merge(&mut self, over: &Self) {
        self.num_retries.replace(&over.num_retries);
        self.counts.merge(&over.counts);
        self.retry_after.replace(&over.retry_after);
        self.backoff.merge(&over.backoff);
        self.max_retry_after.replace(&over.max_retry_after);
        self.budget.merge(&over.budget);
        self.prefer_sibling.replace(&over.prefer_sibling);
        self.max_replay_bytes.replace(&over.max_replay_bytes);
        self.non_idempotent = over.non_idempotent.or(self.non_idempotent);
        self.idempotency_key = over.idempotency_key.or(self.idempotency_key);
    }

    fn after_off() -> Self {
        PartialRetry { counts: PartialCounts::off(), ..PartialRetry::from(&RetryPolicy::default()) }
    }
}

impl Section for PartialBackoff {
    fn merge(&mut self, over: &Self) {
        self.base.replace(&over.base);
        self.factor.replace(&over.factor);
        self.max.replace(&over.max);
    }

    fn after_off() -> Self {
        PartialBackoff::from(&Backoff::off())
    }
}

impl Section for PartialBudget {
    fn merge(&mut self, over: &Self) {
        self.ratio.replace(&over.ratio);
        self.min_per_second.replace(&over.min_per_second);
        self.window.replace(&over.window);
    }

    fn after_off() -> Self {
        PartialBudget::from(&BudgetPolicy::default())
    }
}

impl Section for PartialTimeout {
    fn merge(&mut self, over: &Self) {
        self.connect.replace(&over.connect);
        self.attempt.replace(&over.attempt);
        self.total.replace(&over.total);
        self.reserve.replace(&over.reserve);
        self.first_content.replace(&over.first_content);
        self.idle.replace(&over.idle);
        self.content_idle.replace(&over.content_idle);
        self.stream_total.replace(&over.stream_total);
        self.stream.replace(&over.stream);
    }

    fn after_off() -> Self {
        PartialTimeout::from(&TimeoutPolicy::off())
    }
}

impl Section for PartialFallback {
    fn merge(&mut self, over: &Self) {
        self.max.replace(&over.max);
        self.classes.replace(&over.classes);
        self.to.replace(&over.to);
        self.context_window.replace(&over.context_window);
        self.content_policy.replace(&over.content_policy);
    }

    fn after_off() -> Self {
        PartialFallback::from(&FallbackPolicy::default())
    }
}

impl Section for PartialBreaker {
    fn merge(&mut self, over: &Self) {
        self.cooldown_time.replace(&over.cooldown_time);
        self.when_all_open.replace(&over.when_all_open);
        self.allowed_fails.replace(&over.allowed_fails);
        self.allowed_fails_policy.merge(&over.allowed_fails_policy);
    }

    fn after_off() -> Self {
        PartialBreaker {
            allowed_fails_policy: PartialAllowedFails::off(),
            ..PartialBreaker::from(&BreakerPolicy::default())
        }
    }
}

impl Section for PartialQueue {
    fn merge(&mut self, over: &Self) {
        self.max.replace(&over.max);
    }

    fn after_off() -> Self {
        PartialQueue::from(&QueuePolicy::default())
    }
}

impl Section for PartialStream {
    fn merge(&mut self, over: &Self) {
        self.recovery.replace(&over.recovery);
        self.keepalive.replace(&over.keepalive);
        self.max_recoveries.replace(&over.max_recoveries);
        self.max_held_bytes.replace(&over.max_held_bytes);
    }

    fn after_off() -> Self {
        PartialStream::from(&StreamPolicy::off())
    }
}
