//! What is wanted of retries, fallbacks and timeouts, as plain data.
//!
//! One [`Policy`] says it all: how often which failure is retried, how long to wait, how many
//! retries a group may afford together, which clocks run, and where a request goes when its group
//! is spent. The same value is read from a configuration file, built in Rust, and handed to every
//! layer. What can go wrong is a closed list: [`Class`] names it, and one table holds all that is
//! known about each name.
//!
//! A policy is valid once it exists: text or builder calls that make no sense are refused with
//! *all* that is wrong with them, each with its path.
//!
//! ```
//! use std::time::Duration;
//! use secondwind_policy::{Class, Policy};
//!
//! let read: Policy = serde_json::from_str(
//!     r#"{
//!         "retry": {
//!             "num_retries": 3,
//!             "counts": { "RateLimitErrorRetries": 5 },
//!             "backoff": { "base": "500ms", "max": 30 }
//!         },
//!         "timeout": { "total": "2m" },
//!         "fallback": { "to": ["backup"] }
//!     }"#,
//! )?;
//!
//! let built = Policy::builder()
//!     .num_retries(3)
//!     .retries(Class::RateLimit, 5)
//!     .backoff(Duration::from_millis(500), 2.0, Duration::from_secs(30))
//!     .total_timeout(Duration::from_secs(120))
//!     .fallbacks(["backup"])
//!     .build()?;
//!
//! assert_eq!(read, built);
//! assert_eq!(built.retry().allowed(Class::RateLimit, None), 5);
//! assert_eq!(built.retry().allowed(Class::Connection, None), 3);
//! assert_eq!(built.retry().allowed(Class::BadRequest, None), 0);
//! assert_eq!(built.fallback().list_for(Class::Timeout), ["backup"]);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! Policies lie over one another: a [`PartialPolicy`] holds what one group or one deployment has of
//! its own, and [`Policy::with`] puts it on top.
//!
//! # Features
//!
//! `schema`: `schema()`, the JSON Schema of a policy.

mod allowed;
mod backoff;
mod breaker;
mod budget;
mod builder;
mod class;
mod counts;
mod duration;
mod error;
mod fallback;
mod inherit;
mod partial;
mod queue;
mod resolve;
mod retry;
#[cfg(feature = "schema")]
mod schema;
mod stream;
#[doc(hidden)]
pub mod suggest;
mod timeout;
mod written;

#[cfg(test)]
mod tests;

use serde::de::Error;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

pub use self::allowed::{AllowedFails, PartialAllowedFails};
pub use self::backoff::Backoff;
pub use self::breaker::{BreakerPolicy, WhenAllOpen};
pub use self::budget::BudgetPolicy;
pub use self::builder::PolicyBuilder;
pub use self::class::{Class, ClassSet, Facts, FallsBack, Harm, HttpStatus, UnknownClass};
pub use self::counts::{Counts, PartialCounts};
use self::error::Findings;
pub use self::error::{Finding, Invalid};
pub use self::fallback::FallbackPolicy;
pub use self::inherit::Setting;
pub use self::partial::{
    NotYet, PartialBackoff, PartialBreaker, PartialBudget, PartialFallback, PartialPolicy,
    PartialQueue, PartialRetry, PartialStream, PartialTimeout,
};
pub use self::queue::QueuePolicy;
pub use self::retry::RetryPolicy;
#[cfg(feature = "schema")]
pub use self::schema::schema;
pub use self::stream::{Recovery, StreamPolicy};
pub use self::timeout::{Reserve, TimeoutPolicy};
pub use self::written::Written;

/// What is wanted of retries, fallbacks, timeouts and breakers: always valid.
///
/// The default is safe in production: two retries with backoff and a budget, ten minutes in all,
/// no fallbacks until groups are named.
///
/// It is read from any self-describing format (JSON, YAML, TOML …) in the shape of a
/// [`PartialPolicy`], laid over the default; a policy that makes no sense does not parse, and the
/// error tells all that is wrong with it. It is written with every value.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Policy {
    retry: RetryPolicy,
    timeout: TimeoutPolicy,
    fallback: FallbackPolicy,
    breaker: BreakerPolicy,
    stream: StreamPolicy,
    queue: QueuePolicy,
}

impl Policy {
    /// Starts from the default.
    pub fn builder() -> PolicyBuilder {
        PolicyBuilder::default()
    }

    /// No retries, no fallbacks, no clocks, no breaker, no recovery of streams, no queue: every request is sent
    /// once.
    #[must_use]
    pub fn off() -> Policy {
        Policy {
            retry: RetryPolicy::off(),
            timeout: TimeoutPolicy::off(),
            fallback: FallbackPolicy::off(),
            breaker: BreakerPolicy::off(),
            stream: StreamPolicy::off(),
            queue: QueuePolicy::off(),
        }
    }

    /// What is sent again in the same group, how often, and after which wait.
    #[must_use]
    pub fn retry(&self) -> &RetryPolicy {
        &self.retry
    }

    /// The clocks.
    #[must_use]
    pub fn timeout(&self) -> &TimeoutPolicy {
        &self.timeout
    }

    /// Where a request goes once its group is spent.
    #[must_use]
    pub fn fallback(&self) -> &FallbackPolicy {
        &self.fallback
    }

    /// When a deployment that fails is left alone for a while.
    #[must_use]
    pub fn breaker(&self) -> &BreakerPolicy {
        &self.breaker
    }

    /// What becomes of a stream that breaks.
    #[must_use]
    pub fn stream(&self) -> &StreamPolicy {
        &self.stream
    }

    /// Who waits where every deployment has as many requests as it takes.
    #[must_use]
    pub fn queue(&self) -> &QueuePolicy {
        &self.queue
    }

    /// This policy with `overlay` on top, value by value: what is unset there keeps what is here,
    /// what is off there is switched off, and what is set there replaces. Counts merge class by
    /// class; lists are replaced. A section that is off here and has values there starts again
    /// from its defaults.
    ///
    /// # Errors
    ///
    /// Everything that is wrong with the outcome, each with its path: values that were not
    /// understood, values out of bounds, values that do not go together, and keys for what is not
    /// available yet.
    pub fn with(&self, overlay: &PartialPolicy) -> Result<Policy, Invalid> {
        let mut policy = self.clone();
        let mut findings = Findings::default();
        match &overlay.retry {
            Setting::Unset => {}
            Setting::Off => policy.retry = RetryPolicy::off(),
            Setting::Set(retry) => retry.lay_on(&mut policy.retry, &mut findings),
        }
        match &overlay.timeout {
            Setting::Unset => {}
            Setting::Off => policy.timeout = TimeoutPolicy::off(),
            Setting::Set(timeout) => timeout.lay_on(&mut policy.timeout, &mut findings),
        }
        match &overlay.fallback {
            Setting::Unset => {}
            Setting::Off => policy.fallback = FallbackPolicy::off(),
            Setting::Set(fallback) => fallback.lay_on(&mut policy.fallback, &mut findings),
        }
        match &overlay.breaker {
            Setting::Unset => {}
            Setting::Off => policy.breaker = BreakerPolicy::off(),
            Setting::Set(breaker) => breaker.lay_on(&mut policy.breaker, &mut findings),
        }
        match &overlay.stream {
            Setting::Unset => {}
            Setting::Off => policy.stream = StreamPolicy::off(),
            Setting::Set(stream) => stream.lay_on(&mut policy.stream, &mut findings),
        }
        match &overlay.queue {
            Setting::Unset => {}
            Setting::Off => policy.queue = QueuePolicy::off(),
            Setting::Set(queue) => queue.lay_on(&mut policy.queue, &mut findings),
        }
        overlay.refuse(&mut findings);
        findings.verdict(policy)
    }
}

impl Serialize for Policy {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        PartialPolicy::from(self).serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for Policy {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Policy, D::Error> {
        let partial = PartialPolicy::deserialize(deserializer)?;
        Policy::default().with(&partial).map_err(Error::custom)
    }
}
