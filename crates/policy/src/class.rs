//! The closed table of what can go wrong, all facts of a class in one row.
//!
//! A [`Class`] says what became of an attempt; its [`Facts`] say what to do about it. Nothing else
//! in Secondwind decides by status code, error text or gRPC code: they are turned into a class
//! once, and everybody reads this table.
//!
//! ```
//! use secondwind_policy::Class;
//!
//! let facts = Class::RateLimit.facts();
//! assert_eq!(facts.policy_key, "RateLimitErrorRetries");
//! assert_eq!(facts.http_status(None), Some(429));
//! assert!(facts.retried);
//! ```

use std::fmt;
use std::str::FromStr;

use crate::suggest;

mod facts;
mod set;

pub use self::facts::{Facts, FallsBack, Harm, HttpStatus};
pub use self::set::ClassSet;

#[cfg(test)]
mod tests;

/// What went wrong with an attempt.
///
/// The list is closed: a classifier of your own chooses the class that behaves as you want. It may
/// grow in a later version. In text a class is written by its [name](Class::name), e.g.
/// `rate_limit`.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
#[non_exhaustive]
pub enum Class {
    /// Connecting, the first content, a silence or the whole attempt took too long; 408.
    Timeout,
    /// Refused, reset, DNS, TLS, GOAWAY, or a body that was cut short.
    Connection,
    /// Too many requests for now: 429.
    RateLimit,
    /// The money or the day's quota is gone: waiting a moment does not help.
    QuotaExhausted,
    /// 500, 502, 504 and other 5xx; a 200 that carries an error or is no answer.
    InternalServer,
    /// 503, 529, "overloaded", a model that is still loading.
    ServiceUnavailable,
    /// 409.
    Conflict,
    /// 400, 422 and other 4xx: the request itself is wrong.
    BadRequest,
    /// 413.
    RequestTooLarge,
    /// A parameter that this model does not take.
    UnsupportedParams,
    /// The prompt does not fit into the model's context window.
    ContextWindow,
    /// The provider's safety system refused.
    ContentPolicy,
    /// 401: the key is wrong or revoked.
    Authentication,
    /// 403: the key is known, but may not do this.
    Permission,
    /// 404, or a model that is gone.
    NotFound,
    /// A stream broke after its first content had been passed on.
    Interrupted,
    /// The caller went away.
    Cancelled,
}

/// A name that no class has.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct UnknownClass {
    given: String,
}

/// The table. Row `n` is about the class whose discriminant is `n`.
static TABLE: [Facts; Class::COUNT] = {
    use self::Class as C;
    use self::FallsBack::{ContentPolicyOnly, ContextWindowFirst, General, Never};
    use self::HttpStatus::{AsItCame, Fixed};
    [
        Facts {
            class: C::Timeout,
            name: "timeout",
            cause: "connect, first content, idle or attempt time ran out; 408",
            policy_key: "TimeoutErrorRetries",
            policy_key_else: None,
            retried: true,
            falls_back: General,
            harm: Harm::Counts,
            http: Fixed(504),
            grpc: "DEADLINE_EXCEEDED",
        },
        Facts {
            class: C::Connection,
            name: "connection",
            cause: "refused, reset, DNS, TLS, GOAWAY, body cut short",
            policy_key: "ConnectionErrorRetries",
            policy_key_else: None,
            retried: true,
            falls_back: General,
            harm: Harm::Counts,
            http: Fixed(502),
            grpc: "UNAVAILABLE",
        },
        Facts {
            class: C::RateLimit,
            name: "rate_limit",
            cause: "429",
            policy_key: "RateLimitErrorRetries",
            policy_key_else: None,
            retried: true,
            falls_back: General,
            harm: Harm::UntilHint,
            http: Fixed(429),
            grpc: "RESOURCE_EXHAUSTED",
        },
        Facts {
            class: C::QuotaExhausted,
            name: "quota_exhausted",
            cause: "429, 402 or 400 that says money or daily quota is gone",
            policy_key: "QuotaExhaustedErrorRetries",
            policy_key_else: None,
            retried: false,
            falls_back: General,
            harm: Harm::LongRest,
            http: Fixed(429),
            grpc: "RESOURCE_EXHAUSTED",
        },
        Facts {
            class: C::InternalServer,
            name: "internal_server",
            cause: "500, 502, 504, other 5xx; a 200 that carries an error or is no answer",
            policy_key: "InternalServerErrorRetries",
            policy_key_else: None,
            retried: true,
            falls_back: General,
            harm: Harm::Counts,
            http: AsItCame { otherwise: 502 },
            grpc: "INTERNAL",
        },
        Facts {
            class: C::ServiceUnavailable,
            name: "service_unavailable",
            cause: "503, 529, \"overloaded\", model loading",
            policy_key: "ServiceUnavailableErrorRetries",
            policy_key_else: Some(C::InternalServer),
            retried: true,
            falls_back: General,
            harm: Harm::Counts,
            http: AsItCame { otherwise: 503 },
            grpc: "UNAVAILABLE",
        },
        Facts {
            class: C::Conflict,
            name: "conflict",
            cause: "409",
            policy_key: "ConflictErrorRetries",
            policy_key_else: None,
            retried: true,
            falls_back: Never,
            harm: Harm::None,
            http: Fixed(409),
            grpc: "ABORTED",
        },
        Facts {
            class: C::BadRequest,
            name: "bad_request",
            cause: "400, 422, other 4xx",
            policy_key: "BadRequestErrorRetries",
            policy_key_else: None,
            retried: false,
            falls_back: Never,
            harm: Harm::None,
            http: AsItCame { otherwise: 400 },
            grpc: "INVALID_ARGUMENT",
        },
        Facts {
            class: C::RequestTooLarge,
            name: "request_too_large",
            cause: "413",
            policy_key: "BadRequestErrorRetries",
            policy_key_else: Some(C::BadRequest),
            retried: false,
            falls_back: General,
            harm: Harm::None,
            http: Fixed(413),
            grpc: "RESOURCE_EXHAUSTED",
        },
        Facts {
            class: C::UnsupportedParams,
            name: "unsupported_params",
            cause: "a parameter this model does not take",
            policy_key: "UnsupportedParamsRetries",
            policy_key_else: None,
            retried: false,
            falls_back: General,
            harm: Harm::None,
            http: Fixed(400),
            grpc: "INVALID_ARGUMENT",
        },
        Facts {
            class: C::ContextWindow,
            name: "context_window",
            cause: "the prompt does not fit",
            policy_key: "ContextWindowExceededErrorRetries",
            policy_key_else: None,
            retried: false,
            falls_back: ContextWindowFirst,
            harm: Harm::None,
            http: Fixed(400),
            grpc: "INVALID_ARGUMENT",
        },
        Facts {
            class: C::ContentPolicy,
            name: "content_policy",
            cause: "the provider's safety system refused",
            policy_key: "ContentPolicyViolationErrorRetries",
            policy_key_else: None,
            retried: false,
            falls_back: ContentPolicyOnly,
            harm: Harm::None,
            http: Fixed(400),
            grpc: "FAILED_PRECONDITION",
        },
        Facts {
            class: C::Authentication,
            name: "authentication",
            cause: "401",
            policy_key: "AuthenticationErrorRetries",
            policy_key_else: None,
            retried: false,
            falls_back: General,
            harm: Harm::LongRest,
            http: Fixed(401),
            grpc: "UNAUTHENTICATED",
        },
        Facts {
            class: C::Permission,
            name: "permission",
            cause: "403",
            policy_key: "PermissionDeniedErrorRetries",
            policy_key_else: Some(C::Authentication),
            retried: false,
            falls_back: General,
            harm: Harm::LongRest,
            http: Fixed(403),
            grpc: "PERMISSION_DENIED",
        },
        Facts {
            class: C::NotFound,
            name: "not_found",
            cause: "404, model gone",
            policy_key: "NotFoundErrorRetries",
            policy_key_else: None,
            retried: false,
            falls_back: General,
            harm: Harm::LongRest,
            http: Fixed(404),
            grpc: "NOT_FOUND",
        },
        Facts {
            class: C::Interrupted,
            name: "interrupted",
            cause: "a stream broke after its first content",
            policy_key: "",
            policy_key_else: None,
            retried: false,
            falls_back: Never,
            harm: Harm::Counts,
            http: HttpStatus::None,
            grpc: "DATA_LOSS",
        },
        Facts {
            class: C::Cancelled,
            name: "cancelled",
            cause: "the caller went away",
            policy_key: "",
            policy_key_else: None,
            retried: false,
            falls_back: Never,
            harm: Harm::None,
            http: HttpStatus::None,
            grpc: "CANCELLED",
        },
    ]
};

// === impl Class ===

impl Class {
    /// How many classes there are.
    pub const COUNT: usize = Class::Cancelled as usize + 1;

    /// Every class, in the order of the table.
    pub const ALL: &'static [Class] = &{
        let mut all = [Class::Timeout; Class::COUNT];
        let mut row = 0;
        while row < Class::COUNT {
            all[row] = TABLE[row].class;
            assert!(all[row] as usize == row, "the rows of the table are in the order of the enum");
            row += 1;
        }
        all
    };

    /// All that is known of this class.
    #[must_use]
    pub const fn facts(self) -> &'static Facts {
        &TABLE[self as usize]
    }

    /// Its name in configuration, logs, metrics and trails: `rate_limit`.
    #[must_use]
    pub const fn name(self) -> &'static str {
        self.facts().name
    }

    /// Its place in [`Class::ALL`], below [`Class::COUNT`]: for arrays with one slot a class.
    #[must_use]
    pub const fn index(self) -> usize {
        self as usize
    }

    /// The class whose count LiteLLM's `retry_policy` keeps under `key`, e.g.
    /// `RateLimitErrorRetries`. A key that two classes share names the more general one.
    #[must_use]
    pub fn from_policy_key(key: &str) -> Option<Class> {
        if key.is_empty() {
            return None;
        }
        TABLE.iter().find(|facts| facts.policy_key == key).map(|facts| facts.class)
    }

    /// Whether a count of retries may be set for it at all.
    pub(crate) const fn takes_count(self) -> bool {
        !self.facts().policy_key.is_empty()
    }
}

impl fmt::Display for Class {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

impl FromStr for Class {
    type Err = UnknownClass;

    fn from_str(name: &str) -> Result<Class, UnknownClass> {
        let row = TABLE.iter().find(|facts| facts.name == name);
        row.map(|facts| facts.class).ok_or_else(|| UnknownClass { given: name.to_owned() })
    }
}

impl serde::Serialize for Class {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.name())
    }
}

impl<'de> serde::Deserialize<'de> for Class {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Class, D::Error> {
        let name = std::borrow::Cow::<str>::deserialize(deserializer)?;
        name.parse().map_err(serde::de::Error::custom)
    }
}

// === impl UnknownClass ===

impl UnknownClass {
    /// The name that was given.
    #[must_use]
    pub fn given(&self) -> &str {
        &self.given
    }
}

impl fmt::Display for UnknownClass {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names = Class::ALL.iter().map(|class| class.name());
        f.write_str(&suggest::unknown("class", &self.given, names, std::iter::empty()))
    }
}

impl std::error::Error for UnknownClass {}
