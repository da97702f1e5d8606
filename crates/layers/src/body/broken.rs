//! What becomes of an answer that broke.

use std::error::Error as StdError;
use std::fmt;

use secondwind_policy::Class;

use crate::classify::Verdict;
use crate::timeout::Elapsed;

/// An answer broke: before it proved to be one, or after the caller got the first of it.
#[derive(Debug)]
pub struct Broken {
    pub(super) verdict: Verdict,
    pub(super) released: bool,
    pub(super) cause: Option<Cause>,
}

#[derive(Debug)]
pub(super) enum Cause {
    Clock(Elapsed),
    Body(Box<dyn StdError + Send + Sync>),
}

/// The error of a service behind a gate: its own, or an answer that broke before it proved to be one.
#[derive(Debug)]
pub enum Error<E> {
    /// The service's own.
    Inner(E),
    /// The answer broke.
    Broken(Broken),
}

// === impl Broken ===

impl Broken {
    /// What it means: before the release, what went wrong; after it, [`Class::Interrupted`].
    #[must_use]
    pub fn verdict(&self) -> Verdict {
        let mut verdict = self.verdict;
        if self.released {
            verdict.class = Class::Interrupted;
        }
        verdict
    }

    /// What went wrong, whenever that was.
    #[must_use]
    pub const fn cause(&self) -> Verdict {
        self.verdict
    }

    /// The clock that ran out, if one did.
    #[must_use]
    pub const fn elapsed(&self) -> Option<&Elapsed> {
        match &self.cause {
            Some(Cause::Clock(elapsed)) => Some(elapsed),
            _ => None,
        }
    }
}

impl fmt::Display for Broken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if self.released {
            "the answer was interrupted: "
        } else {
            "the answer broke off before it proved to be one: "
        })?;
        match &self.cause {
            Some(Cause::Clock(elapsed)) => elapsed.fmt(f),
            _ => f.write_str(self.verdict.class.name()),
        }
    }
}

impl StdError for Broken {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        match &self.cause {
            Some(Cause::Clock(elapsed)) => Some(elapsed),
            Some(Cause::Body(error)) => Some(&**error),
            None => None,
        }
    }
}

// === impl Error ===

impl<E: fmt::Display> fmt::Display for Error<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Inner(error) => error.fmt(f),
            Self::Broken(broken) => broken.fmt(f),
        }
    }
}

impl<E: StdError + 'static> StdError for Error<E> {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        match self {
            Self::Inner(error) => Some(error),
            Self::Broken(broken) => Some(broken),
        }
    }
}
