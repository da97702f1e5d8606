//! What an outcome means: the seam between a protocol and the layers.
//!
//! A [`Classify`] looks at one outcome, an answer or an error, and says nothing
//! ([`Opinion::None`]), that it is fine ([`Opinion::Success`]) or what is wrong with it
//! ([`Opinion::Failure`]). Classifiers chain, the general one first, the specific one last: the last
//! that has an opinion wins.
//!
//! | classifier | knows |
//! |---|---|
//! | [`Standard`] | every error is a [`Connection`](Class::Connection) failure, a clock of ours that ran out a [`Timeout`](Class::Timeout), every answer is fine |
//! | [`HttpClassify`] | the same of errors; the status and the wait hints of an HTTP answer |
//! | [`classify_fn`] | what your closure says |
//! | [`Chain`] | two of them |
//!
//! ```
//! use secondwind_layers::classify::{Classify, HttpClassify, Opinion, Verdict, classify_fn};
//! use secondwind_policy::Class;
//!
//! // A service that answers 409 to say "already done": for us that is a success.
//! let classify = HttpClassify::new().then(classify_fn(
//!     |outcome: Result<&http::Response<String>, &std::io::Error>| match outcome {
//!         Ok(answer) if answer.status() == 409 => Opinion::Success,
//!         _ => Opinion::None,
//!     },
//! ));
//! let conflict = http::Response::builder().status(409).body(String::new())?;
//! assert_eq!(classify.classify(Ok::<_, &std::io::Error>(&conflict)), Opinion::Success);
//! let busy = http::Response::builder().status(503).body(String::new())?;
//! assert!(matches!(
//!     classify.classify(Ok::<_, &std::io::Error>(&busy)),
//!     Opinion::Failure(Verdict { class: Class::ServiceUnavailable, .. })
//! ));
//! # Ok::<(), http::Error>(())
//! ```

mod chain;
mod function;
#[cfg(feature = "http")]
mod http;
#[cfg(feature = "http")]
pub mod retry_after;
mod standard;
mod verdict;

#[allow(unused_imports, reason = "named in the module's documentation")]
use secondwind_policy::Class;

pub use self::chain::Chain;
pub use self::function::{ClassifyFn, classify_fn};
#[cfg(feature = "http")]
pub use self::http::{HttpClassify, class_of_status};
pub use self::standard::{Standard, elapsed_in, verdict_of_clock};
pub use self::verdict::{Blame, Reach, Verdict};

/// Says what an outcome means.
pub trait Classify<Res, E> {
    /// The opinion on `outcome`. Called once an attempt; must not block.
    fn classify(&self, outcome: Result<&Res, &E>) -> Opinion;

    /// This classifier first, then `specific`, whose opinion wins where it has one.
    fn then<C>(self, specific: C) -> Chain<Self, C>
    where
        Self: Sized,
        C: Classify<Res, E>,
    {
        Chain::new(self, specific)
    }
}

/// What a classifier thinks of an outcome.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub enum Opinion {
    /// Nothing: the outcome is not of a kind that it knows. With no other opinion an answer
    /// counts as a success and an error is passed on as it is, not tried again.
    #[default]
    None,
    /// It is what was asked for.
    Success,
    /// It failed.
    Failure(Verdict),
}

// === impl Opinion ===

impl Opinion {
    /// The verdict, where it is a failure.
    #[must_use]
    pub const fn verdict(self) -> Option<Verdict> {
        match self {
            Self::Failure(verdict) => Some(verdict),
            Self::None | Self::Success => None,
        }
    }
}

impl From<Verdict> for Opinion {
    fn from(verdict: Verdict) -> Self {
        Self::Failure(verdict)
    }
}

#[cfg(all(test, feature = "http"))]
mod tests;
