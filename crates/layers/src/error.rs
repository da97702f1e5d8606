//! The error of a service with a clock around it.

use std::error::Error as StdError;
use std::fmt;

use secondwind_policy::Class;

use crate::context::Context;
use crate::timeout::Elapsed;
use crate::trail::Trail;

/// The error of a service with a clock around it: the service's own, or the clock that ran out.
///
/// It keeps the type of the inner error. `RetryLayer` and `FallbackLayer` add nothing to it, since what
/// they return is always an outcome of the service that they wrap.
///
/// ```
/// use secondwind_layers::Error;
///
/// fn explain(error: &Error<std::io::Error>) -> String {
///     match (error.elapsed(), error.inner()) {
///         (Some(elapsed), _) => format!("the {} clock ran out", elapsed.clock()),
///         (_, Some(io)) => format!("io: {io}"),
///         _ => unreachable!("an error is one of both"),
///     }
/// }
/// # let _ = explain;
/// ```
#[derive(Debug)]
pub struct Error<E> {
    kind: Kind<E>,
    class: Option<Class>,
    trail: Trail,
}

#[derive(Debug)]
enum Kind<E> {
    Elapsed(Elapsed),
    Inner(E),
}

// === impl Error ===

impl<E> Error<E> {
    pub(crate) fn from_elapsed(elapsed: Elapsed) -> Self {
        Self { kind: Kind::Elapsed(elapsed), class: Some(Class::Timeout), trail: Trail::default() }
    }

    pub(crate) fn from_inner(inner: E) -> Self {
        Self { kind: Kind::Inner(inner), class: None, trail: Trail::default() }
    }

    /// With what the layers made of it.
    pub(crate) fn told_by(mut self, context: &Context) -> Self {
        let verdict = context.verdict();
        self.class = self.class.or(verdict.map(|verdict| verdict.class));
        self.trail = context.trail();
        self
    }

    /// What went wrong, as far as it is known here: a clock that ran out is a
    /// [`Timeout`](Class::Timeout); for an inner error, what the layers below made of it where the
    /// request carries a context.
    #[must_use]
    pub const fn class(&self) -> Option<Class> {
        self.class
    }

    /// The clock that ran out, if one did.
    #[must_use]
    pub const fn elapsed(&self) -> Option<&Elapsed> {
        match &self.kind {
            Kind::Elapsed(elapsed) => Some(elapsed),
            Kind::Inner(_) => None,
        }
    }

    /// The inner service's error, if it is one.
    #[must_use]
    pub const fn inner(&self) -> Option<&E> {
        match &self.kind {
            Kind::Elapsed(_) => None,
            Kind::Inner(inner) => Some(inner),
        }
    }

    /// The inner service's error, or the clock.
    ///
    /// # Errors
    /// The clock that ran out, if one did.
    pub fn into_inner(self) -> Result<E, Elapsed> {
        match self.kind {
            Kind::Elapsed(elapsed) => Err(elapsed),
            Kind::Inner(inner) => Ok(inner),
        }
    }

    /// The attempts that were made; empty where the request carries no context.
    #[must_use]
    pub const fn trail(&self) -> &Trail {
        &self.trail
    }
}

impl<E> Error<Error<E>> {
    /// One level less: the clock of either layer, or the error of the service below both.
    #[must_use]
    pub fn flatten(self) -> Error<E> {
        let Self { kind, class, trail } = self;
        let mut error = match kind {
            Kind::Elapsed(elapsed) => Error::from_elapsed(elapsed),
            Kind::Inner(inner) => inner,
        };
        error.class = error.class.or(class);
        if !trail.attempts().is_empty() {
            error.trail = trail;
        }
        error
    }
}

impl<E> From<E> for Error<E> {
    fn from(inner: E) -> Self {
        Self::from_inner(inner)
    }
}

impl<E: fmt::Display> fmt::Display for Error<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.kind {
            Kind::Elapsed(elapsed) => elapsed.fmt(f),
            Kind::Inner(inner) => inner.fmt(f),
        }
    }
}

impl<E: StdError + 'static> StdError for Error<E> {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        match &self.kind {
            // The message is the clock's own; as a source it can be found by its type.
            Kind::Elapsed(elapsed) => Some(elapsed),
            Kind::Inner(inner) => Some(inner),
        }
    }
}

/// A boxed error as an error of its own, for services whose error is a box: `service.map_err(AnyError::from)`.
///
/// [`std::error::Error`] is not implemented for boxes, and the classifiers look at an error's causes.
pub struct AnyError(Box<dyn StdError + Send + Sync>);

impl AnyError {
    /// The boxed error.
    #[must_use]
    pub fn into_inner(self) -> Box<dyn StdError + Send + Sync> {
        self.0
    }
}

impl From<Box<dyn StdError + Send + Sync>> for AnyError {
    fn from(error: Box<dyn StdError + Send + Sync>) -> Self {
        Self(error)
    }
}

impl fmt::Debug for AnyError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl fmt::Display for AnyError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl StdError for AnyError {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        Some(&*self.0)
    }
}
