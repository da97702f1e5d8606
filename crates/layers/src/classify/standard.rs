//! The classifier for services of which nothing is known.

use std::error::Error as StdError;

use secondwind_policy::Class;

use super::{Classify, Opinion, Verdict};
use crate::timeout::Elapsed;

/// The default classifier: every answer is fine; every error is a
/// [`Connection`](Class::Connection) failure, unless a clock of ours ran out somewhere among its
/// causes, which is a [`Timeout`](Class::Timeout).
///
/// The error must be a [`std::error::Error`], so that its causes can be looked at. For services whose
/// error is a boxed one, wrap it by [`AnyError`](crate::AnyError).
#[derive(Clone, Copy, Debug, Default)]
pub struct Standard;

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
    Verdict::new(match elapsed_in(error) {
        Some(_) => Class::Timeout,
        None => Class::Connection,
    })
}
