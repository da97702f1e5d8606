//! Errors as they come from providers and as they go to callers.

use std::fmt;

use secondwind_policy::Class;

/// What the body of a provider's error says, without the keys in it. `None`: it does not say.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
#[non_exhaustive]
pub struct ErrorDetail {
    /// What went wrong, in the provider's words.
    pub message: Option<String>,
    /// The kind of error, in the provider's words: `invalid_request_error`.
    pub kind: Option<String>,
    /// The provider's code: `context_length_exceeded`. A number is given by its digits.
    pub code: Option<String>,
    /// The parameter of the request that is at fault.
    pub param: Option<String>,
}

/// An error to be told to a caller.
#[derive(Clone, Copy, Debug)]
pub struct ErrorReply<'a> {
    /// What went wrong, for people.
    pub message: &'a str,
    /// The kind of error: the provider's own word, or ours.
    pub kind: &'a str,
    /// The provider's code.
    pub code: Option<&'a str>,
    /// The parameter of the request that is at fault.
    pub param: Option<&'a str>,
    /// The class, as Secondwind sees it.
    pub class: Class,
    /// The attempts that were made, in their compact form.
    pub trail: Option<&'a str>,
}

/// The `type` of an error for which the provider has no word: OpenAI's, as far as it has one.
#[must_use]
pub const fn kind_of(class: Class) -> &'static str {
    match class {
        Class::Timeout => "timeout_error",
        Class::Connection => "api_connection_error",
        Class::RateLimit => "rate_limit_error",
        Class::QuotaExhausted => "insufficient_quota",
        Class::Authentication => "authentication_error",
        Class::Permission => "permission_error",
        Class::NotFound
        | Class::BadRequest
        | Class::RequestTooLarge
        | Class::UnsupportedParams
        | Class::ContextWindow
        | Class::ContentPolicy
        | Class::Conflict => "invalid_request_error",
        Class::ServiceUnavailable => "service_unavailable_error",
        _ => "server_error",
    }
}

/// A key that cannot be sent, since it has characters that no header can carry.
///
/// It does not hold the key.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub struct InvalidKey;

impl fmt::Display for InvalidKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the key has characters that a header cannot carry, perhaps a line break")
    }
}

impl std::error::Error for InvalidKey {}
