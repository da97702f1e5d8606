//! Why a body could not be read, or not be read again.

use std::{error::Error, fmt};

/// What a [`ReplayBody`](super::ReplayBody) fails with; `E` is the error of the body inside.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum ReplayError<E> {
    /// The body was larger than what is kept of it, so it cannot be sent again.
    Capped,
    /// The body failed while it was sent before, so it cannot be sent again.
    Broken,
    /// The body failed.
    Body(E),
}

impl<E> ReplayError<E> {
    /// Whether the body was larger than what is kept of it.
    #[must_use]
    pub const fn is_capped(&self) -> bool {
        matches!(self, Self::Capped)
    }

    /// The error of the body inside, if it was its own.
    pub fn into_body(self) -> Option<E> {
        match self {
            Self::Body(error) => Some(error),
            Self::Capped | Self::Broken => None,
        }
    }
}

impl<E> fmt::Display for ReplayError<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Capped => "the request body is too large to be sent again",
            Self::Broken => "the request body failed before and cannot be sent again",
            Self::Body(_) => "the request body failed",
        })
    }
}

impl<E: Error + 'static> Error for ReplayError<E> {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match self {
            Self::Body(error) => Some(error),
            Self::Capped | Self::Broken => None,
        }
    }
}
