//! What can go wrong in a translation, and whose fault it is.

use std::error::Error;
use std::fmt;

use bytes::Bytes;

/// A request that the provider cannot be asked. It is the caller's to mend: a 400.
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub struct Refused {
    /// Whether another provider could be asked it.
    pub kind: RefusedKind,
    /// The field at fault: `messages[3].tool_calls[0].function.arguments`.
    pub param: Option<String>,
    /// What is wrong with it, for people.
    pub message: String,
}

/// Whether another provider could be asked what was refused.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum RefusedKind {
    /// No: it is no request of the caller's own API.
    BadRequest,
    /// Yes: this provider has no word for it.
    UnsupportedParams,
}

/// A body that is no answer, or not a finished one. It is the provider's fault.
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub struct NoAnswer {
    /// What is wrong with it, for people.
    pub message: String,
}

/// An event of a stream that cannot be translated. It is the provider's fault.
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum Malformed {
    /// An error told in-band: what its data says, to be classified as any error of the provider.
    Error(Bytes),
    /// No event of the provider's API, or none that can follow those before it.
    Event(String),
}

// === impl Refused ===

impl Refused {
    pub(super) fn bad(param: impl Into<String>, message: impl Into<String>) -> Self {
        let kind = RefusedKind::BadRequest;
        Self { kind, param: Some(param.into()), message: message.into() }
    }

    pub(super) fn unsupported(param: impl Into<String>, message: impl Into<String>) -> Self {
        let kind = RefusedKind::UnsupportedParams;
        Self { kind, param: Some(param.into()), message: message.into() }
    }
}

impl fmt::Display for Refused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.param {
            Some(param) => write!(f, "{param}: {}", self.message),
            None => f.write_str(&self.message),
        }
    }
}

impl Error for Refused {}

// === impl NoAnswer ===

impl NoAnswer {
    pub(super) fn new(message: impl Into<String>) -> Self {
        Self { message: message.into() }
    }
}

impl From<serde_json::Error> for NoAnswer {
    fn from(error: serde_json::Error) -> Self {
        Self::new(error.to_string())
    }
}

impl fmt::Display for NoAnswer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the provider's body is no answer: {}", self.message)
    }
}

impl Error for NoAnswer {}

// === impl Malformed ===

impl From<serde_json::Error> for Malformed {
    fn from(error: serde_json::Error) -> Self {
        Self::Event(error.to_string())
    }
}

impl fmt::Display for Malformed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Error(_) => f.write_str("the provider told an error within its stream"),
            Self::Event(message) => write!(f, "an event of the provider's stream: {message}"),
        }
    }
}

impl Error for Malformed {}
