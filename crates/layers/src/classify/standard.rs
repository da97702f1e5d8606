//! The classifier for services of which nothing is known.

use std::error::Error as StdError;

use secondwind_policy::Class;

use super::{Blame, Chain, Classify, Opinion, Verdict};
use crate::timeout::{Bound, Clock, Elapsed};

/// The default classifier: every answer is fine; every error is a
/// [`Connection`](Class::Connection) failure, unless a clock of ours ran out somewhere among its
/// causes, which is a [`Timeout`](Class::Timeout).
///
/// The error must be a [`std::error::Error`], so that its causes can be looked at. For services whose
/// error is a boxed one, wrap it by [`AnyError`](crate::AnyError).
#[derive(Clone, Copy, Debug, Default)]
pub struct Standard;

impl Standard {
    /// This classifier first, then `specific`, whose opinion wins where it has one.
    #[must_use]
    pub const fn then<C>(self, specific: C) -> Chain<Self, C> {
        Chain::new(self, specific)
    }
}

impl<Res, E> Classify<Res, E> for Standard
where
    E: StdError + 'static,
{
    fn classify(&self, outcome: Result<&Res, &E>) -> Opinion {
        match outcome {
            Ok(_) => Opinion::Success,
            Err(error) => Opinion::Failure(verdict_of(error)),
        }
    }
}

/// The clock of ours that ran out, if one is among the causes of `error`.
#[must_use]
pub fn elapsed_in<'a>(error: &'a (dyn StdError + 'static)) -> Option<&'a Elapsed> {
    let mut cause = Some(error);
    while let Some(error) = cause {
        if let Some(elapsed) = error.downcast_ref() {
            return Some(elapsed);
        }
        cause = error.source();
    }
    None
}

pub(super) fn verdict_of<E: StdError + 'static>(error: &E) -> Verdict {
    let mut cause: Option<&(dyn StdError + 'static)> = Some(error);
    while let Some(error) = cause {
        if let Some(elapsed) = error.downcast_ref() {
            return verdict_of_clock(elapsed);
        }
        #[cfg(feature = "http")]
        if let Some(broken) = error.downcast_ref::<crate::body::Broken>() {
            return broken.verdict();
        }
        cause = error.source();
    }
    Verdict::new(Class::Connection)
}

/// What it means that a clock ran out.
///
/// One that ran out before its time, since the request's own deadline came, says nothing of whoever was asked.
#[must_use]
pub fn verdict_of_clock(elapsed: &Elapsed) -> Verdict {
    let blame = match (elapsed.clock(), elapsed.bound()) {
        (Clock::Total, _) | (_, Bound::Deadline | Bound::Reserve | Bound::Wanted) => Blame::Nobody,
        (_, Bound::Configured) => Blame::Deployment,
    };
    Verdict::new(Class::Timeout).with_blame(blame)
}
