//! What is known of a class.

use super::Class;

/// All that is known of a [`Class`]: one row of the table.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Facts {
    /// The class this row is about.
    pub class: Class,
    /// Its name in configuration, logs, metrics and trails: `rate_limit`.
    pub name: &'static str,
    /// What typically causes it, for people: `429`.
    pub cause: &'static str,
    /// The key of its count in a LiteLLM `retry_policy`: `RateLimitErrorRetries`. LiteLLM's own
    /// name where it has one. Empty where no count can be set.
    pub policy_key: &'static str,
    /// The class whose count applies where this one has none of its own.
    pub policy_key_else: Option<Class>,
    /// Whether the general number of retries applies. A class for which this is `false` is retried
    /// only where a count of its own was set.
    pub retried: bool,
    /// Whether, and to which list, the request falls back by default.
    pub falls_back: FallsBack,
    /// What it does to the health of the deployment that gave it.
    pub harm: Harm,
    /// The HTTP status that a caller sees.
    pub http: HttpStatus,
    /// The name of the gRPC status code that a caller sees.
    pub grpc: &'static str,
}

/// Where a request goes once its retries are spent.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum FallsBack {
    /// Nowhere: another group would answer the same, or nobody is left to answer.
    Never,
    /// To the general list of fallbacks.
    General,
    /// To the list for prompts that do not fit, or to the general one where there is none.
    ContextWindowFirst,
    /// To the list for refused content only: another provider is not asked behind the user's back.
    ContentPolicyOnly,
}

/// What a failure does to the health of the deployment that gave it.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum Harm {
    /// Nothing: it is the caller's own affair.
    None,
    /// It counts as a failure; enough of them open the breaker.
    Counts,
    /// It rests the deployment at once, until the server's hint has passed.
    UntilHint,
    /// It rests the deployment for long: only a change at the provider or in the configuration
    /// mends it.
    LongRest,
}

/// The HTTP status that a caller sees for a class.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum HttpStatus {
    /// Always this one.
    Fixed(u16),
    /// The one the server gave, if it is of the same family (4xx or 5xx) as `otherwise`; else
    /// `otherwise`. So a 200 that carries an error is never passed on as 200.
    AsItCame {
        /// The status where none came, or where the one that came says something else.
        otherwise: u16,
    },
    /// None: the head of the answer is out already, or nobody is left to read it.
    None,
}

impl Facts {
    /// The HTTP status that a caller sees where the server answered with `came`, if it answered at
    /// all. `None`: there is no status left to choose.
    #[must_use]
    pub fn http_status(&self, came: Option<u16>) -> Option<u16> {
        match self.http {
            HttpStatus::Fixed(status) => Some(status),
            HttpStatus::AsItCame { otherwise } => {
                Some(came.filter(|came| came / 100 == otherwise / 100).unwrap_or(otherwise))
            }
            HttpStatus::None => None,
        }
    }
}
