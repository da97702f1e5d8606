//! What the status and the headers of an HTTP answer mean, whoever gave it.

use std::error::Error as StdError;
use std::time::SystemTime;

use http::{HeaderMap, Response, StatusCode};
use secondwind_policy::Class;

use super::standard::verdict_of;
use super::{Chain, Classify, Opinion, Verdict, retry_after};

/// Classifies HTTP answers by status and wait hint, and errors as [`Standard`](super::Standard) does.
///
/// Statuses below 400 are successes; see [`class_of_status`] for the others. The hint is what
/// [`retry_after::retry_after`] reads. A provider's error bodies need a classifier that knows the
/// provider: chain it behind this one.
#[derive(Clone, Copy, Debug)]
pub struct HttpClassify {
    wall_clock: fn() -> SystemTime,
}

impl HttpClassify {
    /// A classifier that compares hints that are dates with the system's wall clock.
    #[must_use]
    // The edge: this is the one place in the layers where a wall clock is named.
    #[allow(clippy::disallowed_methods)]
    pub fn new() -> Self {
        Self { wall_clock: SystemTime::now }
    }

    /// The same with another wall clock, for tests.
    #[must_use]
    pub const fn with_wall_clock(wall_clock: fn() -> SystemTime) -> Self {
        Self { wall_clock }
    }

    /// The verdict on an answer's head; `None` where it is a success.
    #[must_use]
    pub fn verdict(&self, status: StatusCode, headers: &HeaderMap) -> Option<Verdict> {
        let mut verdict = Verdict::new(class_of_status(status)?).with_status(status.as_u16());
        verdict.hint = retry_after::retry_after(headers, (self.wall_clock)());
        verdict.should_retry = retry_after::should_retry(headers);
        Some(verdict)
    }

    /// This classifier first, then `specific`, whose opinion wins where it has one.
    #[must_use]
    pub const fn then<C>(self, specific: C) -> Chain<Self, C> {
        Chain::new(self, specific)
    }
}

impl Default for HttpClassify {
    fn default() -> Self {
        Self::new()
    }
}

impl<B, E> Classify<Response<B>, E> for HttpClassify
where
    E: StdError + 'static,
{
    fn classify(&self, outcome: Result<&Response<B>, &E>) -> Opinion {
        match outcome {
            Ok(answer) => match self.verdict(answer.status(), answer.headers()) {
                Some(verdict) => Opinion::Failure(verdict),
                None => Opinion::Success,
            },
            Err(error) => Opinion::Failure(verdict_of(error)),
        }
    }
}

/// The class of an HTTP status, with nothing else known; `None` below 400.
#[must_use]
pub fn class_of_status(status: StatusCode) -> Option<Class> {
    Some(match status.as_u16() {
        ..400 => return None,
        401 => Class::Authentication,
        402 => Class::QuotaExhausted,
        403 => Class::Permission,
        404 => Class::NotFound,
        408 => Class::Timeout,
        409 => Class::Conflict,
        413 => Class::RequestTooLarge,
        429 => Class::RateLimit,
        400..500 => Class::BadRequest,
        503 | 529 => Class::ServiceUnavailable,
        500.. => Class::InternalServer,
    })
}
