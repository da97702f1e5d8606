//! A policy as it is written: any of its values, to be laid over another policy.

use std::time::Duration;

use serde::de::IgnoredAny;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::Policy;
use crate::allowed::PartialAllowedFails;
use crate::breaker::WhenAllOpen;
use crate::class::Class;
use crate::counts::PartialCounts;
use crate::error::Findings;
use crate::inherit::Setting;
use crate::stream::Recovery;
use crate::timeout::Reserve;
use crate::written::Written;

mod merge;
#[cfg(test)]
mod tests;

/// Any of the values of a [`Policy`]: what one group or one deployment has of its own.
///
/// Value by value, what is unset keeps what lies beneath, `"off"` switches off, and anything else
/// replaces. Keys that do not exist are errors; values that make no sense are reported by
/// [`Policy::with`], all at once. It is read from self-describing formats (JSON, YAML, TOML …).
///
/// ```
/// use secondwind_policy::{PartialPolicy, Policy};
///
/// let group: PartialPolicy = serde_json::from_str(r#"{"timeout": {"attempt": "20s"}}"#)?;
/// let policy = Policy::default().with(&group)?;
/// assert_eq!(policy.timeout().attempt().map(|t| t.as_secs()), Some(20));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(
    feature = "schema",
    derive(schemars::JsonSchema),
    schemars(
        rename = "Policy",
        description = "What is wanted of retries, fallbacks, timeouts and breakers. Every value may \
        be left out: it then keeps what lies beneath, or its default."
    )
)]
#[serde(default, deny_unknown_fields, expecting = "a map with the values of a policy")]
#[non_exhaustive]
pub struct PartialPolicy {
    /// What is sent again in the same group, how often, and after which wait. Off: every group
    /// gets one attempt, whatever a request asks for.
    #[serde(skip_serializing_if = "Setting::is_unset")]
    pub retry: Setting<PartialRetry>,
    /// The clocks. Off: none of them runs.
    #[serde(skip_serializing_if = "Setting::is_unset")]
    pub timeout: Setting<PartialTimeout>,
    /// Where a request goes once its group is spent. Off: nowhere.
    #[serde(skip_serializing_if = "Setting::is_unset")]
    pub fallback: Setting<PartialFallback>,
    /// When a deployment that fails is left alone for a while. Off: never.
    #[serde(skip_serializing_if = "Setting::is_unset")]
    pub breaker: Setting<PartialBreaker>,
    /// Who waits where every deployment of a group has as many requests as it takes. Off: nobody.
    #[serde(skip_serializing_if = "Setting::is_unset")]
    pub queue: Setting<PartialQueue>,
    /// A second request while the first is slow. Not available yet.
    #[serde(skip_serializing_if = "Setting::is_unset")]
    pub hedge: Setting<NotYet>,
    /// What becomes of a stream that breaks.
    #[serde(skip_serializing_if = "Setting::is_unset")]
    pub stream: Setting<PartialStream>,
}

/// Any of the values of a [`RetryPolicy`](crate::RetryPolicy).
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(
    feature = "schema",
    derive(schemars::JsonSchema),
    schemars(
        rename = "Retry",
        description = "What is sent again in the same group, how often, and after which wait."
    )
)]
#[serde(default, deny_unknown_fields, expecting = "a map with the values of `retry`, or \"off\"")]
#[non_exhaustive]
pub struct PartialRetry {
    /// The number of retries of one request within one group, for classes that are retried by
    /// default and have no count of their own.
    #[serde(skip_serializing_if = "Setting::is_unset")]
    #[cfg_attr(feature = "schema", schemars(extend("default" = 2)))]
    pub num_retries: Setting<Written<u32>>,
    /// Counts of retries for single classes, by our names or LiteLLM's. Off: those that lie beneath
    /// are dropped.
    #[serde(skip_serializing_if = "PartialCounts::is_unset")]
    #[cfg_attr(feature = "schema", schemars(extend("default" = {})))]
    pub counts: PartialCounts,
    /// The least wait before a retry.
    #[serde(skip_serializing_if = "Setting::is_unset")]
    #[cfg_attr(feature = "schema", schemars(extend("default" = "0s")))]
    pub retry_after: Setting<Written<Duration>>,
    /// How the wait before a retry grows. Off: no wait of our own.
    #[serde(skip_serializing_if = "Setting::is_unset")]
    pub backoff: Setting<PartialBackoff>,
    /// The longest wait that is waited for when a server asks for it; a longer one makes the
    /// request move on at once. 0 never waits because a server asked.
    #[serde(skip_serializing_if = "Setting::is_unset")]
    #[cfg_attr(feature = "schema", schemars(
        with = "Option<Written<Duration>>",
        extend("default" = "1m")
    ))]
    pub max_retry_after: Setting<Written<Duration>>,
    /// The budget that all further attempts in a group draw on. Off: no limit.
    #[serde(skip_serializing_if = "Setting::is_unset")]
    pub budget: Setting<PartialBudget>,
    /// The classes after which an untried deployment of the group is preferred to waiting for the
    /// one that failed. Off or empty: none.
    #[serde(skip_serializing_if = "Setting::is_unset")]
    #[cfg_attr(feature = "schema", schemars(extend("default" = crate::ClassSet::ALL)))]
    pub prefer_sibling: Setting<Vec<Written<Class>>>,
    /// How much of a request's body is kept so that it can be sent again, in bytes. A larger body
    /// is sent once and not retried.
    #[serde(skip_serializing_if = "Setting::is_unset")]
    #[cfg_attr(feature = "schema", schemars(extend("default" = 16_777_216)))]
    pub max_replay_bytes: Setting<Written<u64>>,
    /// Whether a request that may have been processed is repeated even if its method is not
    /// idempotent and it carries no idempotency key.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "schema", schemars(extend("default" = false)))]
    pub non_idempotent: Option<bool>,
    /// Whether an idempotency key is made for requests that carry none. Not available yet.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "schema", schemars(extend("default" = false)))]
    pub idempotency_key: Option<bool>,
}

/// Any of the values of a [`Backoff`](crate::Backoff).
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(
    feature = "schema",
    derive(schemars::JsonSchema),
    schemars(
        rename = "Backoff",
        description = "Exponential backoff with full jitter: the wait before retry n (the first is 1) \
        is drawn evenly from 0 to min(max, base · factorⁿ)."
    )
)]
#[serde(default, deny_unknown_fields, expecting = "a map with the values of `backoff`, or \"off\"")]
#[non_exhaustive]
pub struct PartialBackoff {
    /// Where the waits start; 0 for no wait of our own.
    #[serde(skip_serializing_if = "Setting::is_unset")]
    #[cfg_attr(feature = "schema", schemars(extend("default" = "1s")))]
    pub base: Setting<Written<Duration>>,
    /// By how much the ceiling of the wait grows with each retry; at least 1.
    #[serde(skip_serializing_if = "Setting::is_unset")]
    #[cfg_attr(feature = "schema", schemars(
        with = "Option<f64>", range(min = 1.0),
        extend("default" = 2.0)
    ))]
    pub factor: Setting<Written<f64>>,
    /// The ceiling that no wait exceeds; not below `base`.
    #[serde(skip_serializing_if = "Setting::is_unset")]
    #[cfg_attr(feature = "schema", schemars(
        with = "Option<Written<Duration>>",
        extend("default" = "1m")
    ))]
    pub max: Setting<Written<Duration>>,
}

/// Any of the values of a [`BudgetPolicy`](crate::BudgetPolicy).
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(
    feature = "schema",
    derive(schemars::JsonSchema),
    schemars(
        rename = "Budget",
        description = "A token budget that keeps a group's retries from turning an outage into a \
        storm."
    )
)]
#[serde(default, deny_unknown_fields, expecting = "a map with the values of `budget`, or \"off\"")]
#[non_exhaustive]
pub struct PartialBudget {
    /// How many further attempts each request pays for; from 0 to 1000.
    #[serde(skip_serializing_if = "Setting::is_unset")]
    #[cfg_attr(feature = "schema", schemars(
        with = "Option<f64>", range(min = 0.0, max = 1000.0),
        extend("default" = 0.2)
    ))]
    pub ratio: Setting<Written<f64>>,
    /// How many further attempts a second are free.
    #[serde(skip_serializing_if = "Setting::is_unset")]
    #[cfg_attr(feature = "schema", schemars(extend("default" = 10)))]
    pub min_per_second: Setting<Written<u32>>,
    /// For how long a deposit is good; from 1 s to 60 s.
    #[serde(skip_serializing_if = "Setting::is_unset")]
    #[cfg_attr(feature = "schema", schemars(
        with = "Option<Written<Duration>>",
        extend("default" = "10s")
    ))]
    pub window: Setting<Written<Duration>>,
}

/// Any of the values of a [`TimeoutPolicy`](crate::TimeoutPolicy).
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(
    feature = "schema",
    derive(schemars::JsonSchema),
    schemars(
        rename = "Timeout",
        description = "The clocks of a request and of its attempts. A clock of 0 is refused; off \
        switches it off."
    )
)]
#[serde(default, deny_unknown_fields, expecting = "a map with the values of `timeout`, or \"off\"")]
#[non_exhaustive]
pub struct PartialTimeout {
    /// From dialing until the connection is ready, TLS included.
    #[serde(skip_serializing_if = "Setting::is_unset")]
    #[cfg_attr(feature = "schema", schemars(extend("default" = "5s")))]
    pub connect: Setting<Written<Duration>>,
    /// From the beginning of an attempt until its first content (stream) or its end; not longer
    /// than `total`.
    #[serde(skip_serializing_if = "Setting::is_unset")]
    #[cfg_attr(feature = "schema", schemars(extend("default" = "off")))]
    pub attempt: Setting<Written<Duration>>,
    /// The deadline: from the request's arrival until its first content (stream) or its end, over
    /// all retries, waits and fallbacks.
    #[serde(skip_serializing_if = "Setting::is_unset")]
    #[cfg_attr(feature = "schema", schemars(extend("default" = "10m")))]
    pub total: Setting<Written<Duration>>,
    /// What an attempt leaves of the deadline for those that could follow it, where `attempt` is
    /// off. `share`: a quarter of what remains, at most 15 s.
    #[serde(skip_serializing_if = "Setting::is_unset")]
    #[cfg_attr(feature = "schema", schemars(extend("default" = "share")))]
    pub reserve: Setting<Written<Reserve>>,
    /// From an attempt's beginning until the first content of its answer.
    #[serde(skip_serializing_if = "Setting::is_unset")]
    #[cfg_attr(feature = "schema", schemars(extend("default" = "off")))]
    pub first_content: Setting<Written<Duration>>,
    /// The longest silence in an answer's body, signs of life included.
    #[serde(skip_serializing_if = "Setting::is_unset")]
    #[cfg_attr(feature = "schema", schemars(extend("default" = "1m")))]
    pub idle: Setting<Written<Duration>>,
    /// The longest time between two pieces of a stream's content.
    #[serde(skip_serializing_if = "Setting::is_unset")]
    #[cfg_attr(feature = "schema", schemars(extend("default" = "5m")))]
    pub content_idle: Setting<Written<Duration>>,
    /// From a stream's first content until its end.
    #[serde(skip_serializing_if = "Setting::is_unset")]
    #[cfg_attr(feature = "schema", schemars(extend("default" = "off")))]
    pub stream_total: Setting<Written<Duration>>,
    /// `first_content` and `content_idle` of answers that are streams, where the one is off and the other at its
    /// default.
    #[serde(skip_serializing_if = "Setting::is_unset")]
    #[cfg_attr(feature = "schema", schemars(extend("default" = "off")))]
    pub stream: Setting<Written<Duration>>,
}

/// Any of the values of a [`FallbackPolicy`](crate::FallbackPolicy).
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(
    feature = "schema",
    derive(schemars::JsonSchema),
    schemars(rename = "Fallback", description = "Where a request goes once its group is spent.")
)]
#[serde(
    default,
    deny_unknown_fields,
    expecting = "a map with the values of `fallback`, or \"off\""
)]
#[non_exhaustive]
pub struct PartialFallback {
    /// How many fallback groups a request tries at most.
    #[serde(skip_serializing_if = "Setting::is_unset")]
    #[cfg_attr(feature = "schema", schemars(extend("default" = 5)))]
    pub max: Setting<Written<u32>>,
    /// The classes that fall back, in place of what the table of classes says.
    #[serde(skip_serializing_if = "Setting::is_unset")]
    #[cfg_attr(feature = "schema", schemars(extend("default" = crate::FallbackPolicy::default().classes)))]
    pub classes: Setting<Vec<Written<Class>>>,
    /// The groups to fall back to, in this order.
    #[serde(skip_serializing_if = "Setting::is_unset")]
    #[cfg_attr(feature = "schema", schemars(extend("default" = [])))]
    pub to: Setting<Vec<String>>,
    /// The groups for a prompt that does not fit. Where there is none, `to` is used.
    #[serde(skip_serializing_if = "Setting::is_unset")]
    #[cfg_attr(feature = "schema", schemars(extend("default" = [])))]
    pub context_window: Setting<Vec<String>>,
    /// The groups for content that a provider refused. Where there is none, such a request does
    /// not fall back.
    #[serde(skip_serializing_if = "Setting::is_unset")]
    #[cfg_attr(feature = "schema", schemars(extend("default" = [])))]
    pub content_policy: Setting<Vec<String>>,
}

/// Any of the values of a [`BreakerPolicy`](crate::BreakerPolicy).
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(
    feature = "schema",
    derive(schemars::JsonSchema),
    schemars(
        rename = "Breaker",
        description = "When a deployment that fails is left alone for a while."
    )
)]
#[serde(default, deny_unknown_fields, expecting = "a map with the values of `breaker`, or \"off\"")]
#[non_exhaustive]
pub struct PartialBreaker {
    /// For how long a deployment rests where the server does not say. 0: deployments never rest.
    #[serde(skip_serializing_if = "Setting::is_unset")]
    #[cfg_attr(feature = "schema", schemars(extend("default" = "5s")))]
    pub cooldown_time: Setting<Written<Duration>>,
    /// What to do when every deployment of a group rests.
    #[serde(skip_serializing_if = "Setting::is_unset")]
    #[cfg_attr(feature = "schema", schemars(
        with = "Option<WhenAllOpen>",
        extend("default" = "fail_fast")
    ))]
    pub when_all_open: Setting<Written<WhenAllOpen>>,
    /// How many failures a minute are allowed before a deployment rests. Off: it rests after 4 in a
    /// row, or more than half of at least 20 attempts.
    #[serde(skip_serializing_if = "Setting::is_unset")]
    #[cfg_attr(feature = "schema", schemars(extend("default" = "off")))]
    pub allowed_fails: Setting<Written<u32>>,
    /// How many failures a minute are allowed for single classes, by our names or LiteLLM's. Off:
    /// those that lie beneath are dropped.
    #[serde(skip_serializing_if = "PartialAllowedFails::is_unset")]
    #[cfg_attr(feature = "schema", schemars(extend("default" = {})))]
    pub allowed_fails_policy: PartialAllowedFails,
}

/// Any of the values of a [`QueuePolicy`](crate::QueuePolicy).
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(
    feature = "schema",
    derive(schemars::JsonSchema),
    schemars(
        rename = "Queue",
        description = "Who waits where every deployment of a group has as many requests as it takes."
    )
)]
#[serde(default, deny_unknown_fields, expecting = "a map with the values of `queue`, or \"off\"")]
#[non_exhaustive]
pub struct PartialQueue {
    /// How many requests of a group wait at most, each until its deadline; those above fail at once.
    #[serde(skip_serializing_if = "Setting::is_unset")]
    #[cfg_attr(feature = "schema", schemars(extend("default" = 100)))]
    pub max: Setting<Written<u32>>,
}

/// What becomes of a stream that breaks.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(
    feature = "schema",
    derive(schemars::JsonSchema),
    schemars(rename = "Stream", description = "What becomes of a stream that breaks.")
)]
#[serde(default, deny_unknown_fields, expecting = "a map with the values of `stream`, or \"off\"")]
#[non_exhaustive]
pub struct PartialStream {
    /// How a stream that broke is carried on.
    #[serde(skip_serializing_if = "Setting::is_unset")]
    #[cfg_attr(feature = "schema", schemars(
        with = "Option<Recovery>",
        extend("default" = "continue")
    ))]
    pub recovery: Setting<Written<Recovery>>,
    /// How often a caller who waits for a stream gets a sign of life. It commits the answer to status 200 before
    /// there is any. Off: never.
    #[serde(skip_serializing_if = "Setting::is_unset")]
    #[cfg_attr(feature = "schema", schemars(
        with = "Option<Written<Duration>>",
        extend("default" = "off")
    ))]
    pub keepalive: Setting<Written<Duration>>,
    /// How often a stream is carried on at most.
    #[serde(skip_serializing_if = "Setting::is_unset")]
    #[cfg_attr(feature = "schema", schemars(extend("default" = 2)))]
    pub max_recoveries: Setting<Written<u32>>,
    /// How many bytes of an answer are held back at most until it proves itself; what is longer is on its way.
    #[serde(skip_serializing_if = "Setting::is_unset")]
    #[cfg_attr(feature = "schema", schemars(extend("default" = 16_777_216)))]
    pub max_held_bytes: Setting<Written<u64>>,
}

/// A value for something that is not built yet: accepted from any text, and then refused by
/// [`Policy::with`], which says so.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct NotYet;

// === impl PartialPolicy ===

impl PartialPolicy {
    /// Lays `over` on top of this one: what it leaves unset keeps what is here.
    ///
    /// Merging first and applying then gives the same as applying one after the other. A section
    /// that is off here and has values in `over` starts again from its defaults.
    pub fn merge(&mut self, over: &PartialPolicy) {
        self.retry.merge(&over.retry);
        self.timeout.merge(&over.timeout);
        self.fallback.merge(&over.fallback);
        self.breaker.merge(&over.breaker);
        self.queue.merge(&over.queue);
        self.hedge.replace(&over.hedge);
        self.stream.merge(&over.stream);
    }

    /// Notes what is not built yet.
    pub(crate) fn refuse(&self, findings: &mut Findings) {
        findings.refuse("hedge", &self.hedge);
    }
}

/// A policy in full: every value is written out.
impl From<&Policy> for PartialPolicy {
    fn from(policy: &Policy) -> PartialPolicy {
        PartialPolicy {
            retry: policy.retry().into(),
            timeout: Setting::Set(policy.timeout().into()),
            fallback: policy.fallback().into(),
            breaker: policy.breaker().into(),
            stream: Setting::Set(policy.stream().into()),
            queue: policy.queue().into(),
            ..PartialPolicy::default()
        }
    }
}

// === impl NotYet ===

impl Serialize for NotYet {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_bool(true)
    }
}

impl<'de> Deserialize<'de> for NotYet {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<NotYet, D::Error> {
        IgnoredAny::deserialize(deserializer).map(|_| NotYet)
    }
}
