//! Builds a policy in Rust, in the order in which one would say it.

use std::time::Duration;

use crate::Policy;
use crate::breaker::WhenAllOpen;
use crate::class::Class;
use crate::error::Invalid;
use crate::inherit::Setting;
use crate::partial::{
    PartialBackoff, PartialBreaker, PartialBudget, PartialFallback, PartialPolicy, PartialQueue,
    PartialRetry, PartialStream, PartialTimeout,
};
use crate::stream::Recovery;
use crate::timeout::Reserve;
use crate::written::Written;

#[cfg(test)]
mod tests;

/// Builds a [`Policy`] from the defaults and what is said in between.
///
/// ```
/// use std::time::Duration;
/// use secondwind_policy::{Class, Policy};
///
/// let policy = Policy::builder()
///     .num_retries(3)
///     .retries(Class::Timeout, 5)
///     .total_timeout(Duration::from_secs(120))
///     .fallbacks(["backup"])
///     .build()?;
/// assert_eq!(policy.retry().allowed(Class::Timeout, None), 5);
/// # Ok::<(), secondwind_policy::Invalid>(())
/// ```
#[derive(Clone, Debug, Default)]
#[must_use = "a builder does nothing until `build` is called"]
pub struct PolicyBuilder {
    retry: PartialRetry,
    timeout: PartialTimeout,
    fallback: PartialFallback,
    breaker: PartialBreaker,
    breaker_off: bool,
    stream: PartialStream,
    queue: PartialQueue,
}

impl PolicyBuilder {
    // --- retry ---

    /// Retries a request so many times within one group: see
    /// [`RetryPolicy::num_retries`](crate::RetryPolicy::num_retries).
    pub fn num_retries(mut self, retries: u32) -> Self {
        self.retry.num_retries = Setting::Set(retries.into());
        self
    }

    /// Retries failures of `class` so many times, whatever the general number.
    pub fn retries(mut self, class: Class, retries: u32) -> Self {
        self.retry.counts.set(class, retries);
        self
    }

    /// Retries failures of the classes that are retried by default so many times, where they have
    /// no count of their own: LiteLLM's `DefaultRetries`.
    pub fn default_retries(mut self, retries: u32) -> Self {
        self.retry.counts.set_default(retries);
        self
    }

    /// Waits at least so long before a retry.
    pub fn retry_after(mut self, least: Duration) -> Self {
        self.retry.retry_after = time(least);
        self
    }

    /// Waits before retry `n` for up to `min(max, base · factorⁿ)`.
    pub fn backoff(mut self, base: Duration, factor: f64, max: Duration) -> Self {
        let factor = Setting::Set(factor.into());
        self.retry.backoff =
            Setting::Set(PartialBackoff { base: time(base), factor, max: time(max) });
        self
    }

    /// Waits at most so long when a server asks for it, and moves on at once where it asks for
    /// more.
    pub fn max_retry_after(mut self, longest: Duration) -> Self {
        self.retry.max_retry_after = time(longest);
        self
    }

    /// Allows `ratio` further attempts a request and `min_per_second` free ones a second, counted
    /// over `window`.
    pub fn budget(mut self, ratio: f64, min_per_second: u32, window: Duration) -> Self {
        self.retry.budget = Setting::Set(PartialBudget {
            ratio: Setting::Set(ratio.into()),
            min_per_second: Setting::Set(min_per_second.into()),
            window: time(window),
        });
        self
    }

    /// Allows any number of further attempts.
    pub fn no_budget(mut self) -> Self {
        self.retry.budget = Setting::Off;
        self
    }

    /// Prefers an untried deployment to waiting after these classes only; an empty list: never.
    pub fn prefer_sibling(mut self, after: impl IntoIterator<Item = Class>) -> Self {
        self.retry.prefer_sibling = classes(after);
        self
    }

    /// Keeps at most so many bytes of a request's body to send them again.
    pub fn max_replay_bytes(mut self, bytes: u64) -> Self {
        self.retry.max_replay_bytes = Setting::Set(bytes.into());
        self
    }

    /// Repeats even what is not idempotent and may have been processed.
    pub fn non_idempotent(mut self, repeat: bool) -> Self {
        self.retry.non_idempotent = Some(repeat);
        self
    }

    // --- timeout ---

    /// Gives a connection so long to be ready.
    pub fn connect_timeout(mut self, time_limit: Duration) -> Self {
        self.timeout.connect = time(time_limit);
        self
    }

    /// Gives a connection as long as it wants.
    pub fn no_connect_timeout(mut self) -> Self {
        self.timeout.connect = Setting::Off;
        self
    }

    /// Gives each attempt so long.
    pub fn attempt_timeout(mut self, time_limit: Duration) -> Self {
        self.timeout.attempt = time(time_limit);
        self
    }

    /// Gives the request so long, over all attempts, waits and fallbacks.
    pub fn total_timeout(mut self, time_limit: Duration) -> Self {
        self.timeout.total = time(time_limit);
        self
    }

    /// Sets no deadline.
    pub fn no_total_timeout(mut self) -> Self {
        self.timeout.total = Setting::Off;
        self
    }

    /// Leaves so much of the deadline for the attempts that could follow.
    pub fn reserve(mut self, reserve: Reserve) -> Self {
        self.timeout.reserve = reserve.into();
        self
    }

    /// Waits so long for the first content of each attempt's answer.
    pub fn first_content_timeout(mut self, time_limit: Duration) -> Self {
        self.timeout.first_content = time(time_limit);
        self
    }

    /// Allows so long a silence in an answer's body.
    pub fn idle_timeout(mut self, time_limit: Duration) -> Self {
        self.timeout.idle = time(time_limit);
        self
    }

    /// Allows any silence in an answer's body.
    pub fn no_idle_timeout(mut self) -> Self {
        self.timeout.idle = Setting::Off;
        self
    }

    /// Allows so long between two pieces of a stream's content.
    pub fn content_idle_timeout(mut self, time_limit: Duration) -> Self {
        self.timeout.content_idle = time(time_limit);
        self
    }

    /// Allows any time between two pieces of a stream's content.
    pub fn no_content_idle_timeout(mut self) -> Self {
        self.timeout.content_idle = Setting::Off;
        self
    }

    /// Gives a stream so long from its first content to its end.
    pub fn stream_total_timeout(mut self, time_limit: Duration) -> Self {
        self.timeout.stream_total = time(time_limit);
        self
    }

    // --- fallback ---

    /// Falls back to these groups, in this order.
    pub fn fallbacks<G: Into<String>>(mut self, groups: impl IntoIterator<Item = G>) -> Self {
        self.fallback.to = names(groups);
        self
    }

    /// Falls back to these groups where a prompt does not fit.
    pub fn context_window_fallbacks<G: Into<String>>(
        mut self,
        groups: impl IntoIterator<Item = G>,
    ) -> Self {
        self.fallback.context_window = names(groups);
        self
    }

    /// Falls back to these groups where a provider refused the content.
    pub fn content_policy_fallbacks<G: Into<String>>(
        mut self,
        groups: impl IntoIterator<Item = G>,
    ) -> Self {
        self.fallback.content_policy = names(groups);
        self
    }

    /// Tries at most so many fallback groups for a request.
    pub fn max_fallbacks(mut self, groups: u32) -> Self {
        self.fallback.max = Setting::Set(groups.into());
        self
    }

    /// Falls back after these classes only.
    pub fn fallback_on(mut self, after: impl IntoIterator<Item = Class>) -> Self {
        self.fallback.classes = classes(after);
        self
    }

    // --- breaker ---

    /// Rests a deployment for so long where the server does not say.
    pub fn cooldown_time(mut self, rest: Duration) -> Self {
        self.breaker.cooldown_time = time(rest);
        self
    }

    /// Rests a deployment after more than so many failures in a minute.
    pub fn allowed_fails(mut self, failures: u32) -> Self {
        self.breaker.allowed_fails = Setting::Set(failures.into());
        self
    }

    /// Rests a deployment after more than so many failures of `class` in a minute.
    pub fn allowed_fails_of(mut self, class: Class, failures: u32) -> Self {
        self.breaker.allowed_fails_policy.set(class, failures);
        self
    }

    /// Does this when every deployment of a group rests.
    pub fn when_all_open(mut self, choice: WhenAllOpen) -> Self {
        self.breaker.when_all_open = Setting::Set(choice.into());
        self
    }

    /// Never rests a deployment.
    pub fn no_breaker(mut self) -> Self {
        self.breaker_off = true;
        self
    }

    // --- stream ---

    /// Carries on a stream that broke in this way.
    pub fn recovery(mut self, recovery: Recovery) -> Self {
        self.stream.recovery = recovery.into();
        self
    }

    /// Gives a caller who waits for a stream a sign of life so often.
    pub fn keepalive(mut self, every: Duration) -> Self {
        self.stream.keepalive = time(every);
        self
    }

    /// Carries on a stream so often at most.
    pub fn max_recoveries(mut self, recoveries: u32) -> Self {
        self.stream.max_recoveries = Setting::Set(recoveries.into());
        self
    }

    /// Holds back at most so many bytes of an answer until it proves itself.
    pub fn max_held_bytes(mut self, bytes: u64) -> Self {
        self.stream.max_held_bytes = Setting::Set(bytes.into());
        self
    }

    // --- queue ---

    /// Lets so many requests of a group wait where every deployment has as many as it takes; 0 for none.
    pub fn max_queue(mut self, requests: u32) -> Self {
        self.queue.max = Setting::Set(requests.into());
        self
    }

    // --- done ---

    /// The policy.
    ///
    /// # Errors
    ///
    /// All that is wrong with it, if it cannot be: see [`Policy::with`].
    pub fn build(self) -> Result<Policy, Invalid> {
        Policy::default().with(&self.into_partial())
    }

    /// Only what was said, to be laid over another policy with [`Policy::with`].
    #[must_use]
    pub fn into_partial(self) -> PartialPolicy {
        let breaker = if self.breaker_off { Setting::Off } else { said(self.breaker) };
        PartialPolicy {
            retry: said(self.retry),
            timeout: said(self.timeout),
            fallback: said(self.fallback),
            breaker,
            stream: said(self.stream),
            queue: said(self.queue),
            ..PartialPolicy::default()
        }
    }
}

fn time(time: Duration) -> Setting<Written<Duration>> {
    Setting::Set(time.into())
}

fn classes(classes: impl IntoIterator<Item = Class>) -> Setting<Vec<Written<Class>>> {
    Setting::Set(classes.into_iter().map(Written::from).collect())
}

fn names<G: Into<String>>(groups: impl IntoIterator<Item = G>) -> Setting<Vec<String>> {
    Setting::Set(groups.into_iter().map(Into::into).collect())
}

/// A section of which something was said; one that was not mentioned stays unset.
fn said<T: Default + PartialEq>(section: T) -> Setting<T> {
    if section == T::default() { Setting::Unset } else { Setting::Set(section) }
}
