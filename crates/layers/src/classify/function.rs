//! A closure as a classifier.

use std::fmt;
use std::marker::PhantomData;

use super::standard::verdict_of_clock;
use super::{Chain, Classify, Opinion};
use crate::error::Error;

/// A classifier made of a closure over the answer and the error of *your* service.
///
/// It works on the same service under any number of timeout layers (up to three): their own errors
/// are [`Class::Timeout`](secondwind_policy::Class::Timeout), yours reach the closure unwrapped.
///
/// ```
/// use secondwind_layers::classify::{Classify, Opinion, Verdict, classify_fn};
/// use secondwind_policy::Class;
///
/// #[derive(Debug)]
/// struct Busy;
///
/// let classify = classify_fn(|outcome: Result<&String, &Busy>| match outcome {
///     Ok(_) => Opinion::Success,
///     Err(Busy) => Verdict::new(Class::ServiceUnavailable).into(),
/// });
/// assert!(classify.classify(Err(&Busy)).verdict().is_some());
/// ```
pub const fn classify_fn<Res, E, F>(function: F) -> ClassifyFn<F, Res, E>
where
    F: Fn(Result<&Res, &E>) -> Opinion,
{
    ClassifyFn { function, outcome: PhantomData }
}

/// See [`classify_fn`].
pub struct ClassifyFn<F, Res, E> {
    function: F,
    outcome: PhantomData<fn(&Res, &E)>,
}

impl<F, Res, E> ClassifyFn<F, Res, E> {
    /// This classifier first, then `specific`, whose opinion wins where it has one.
    #[must_use]
    pub const fn then<C>(self, specific: C) -> Chain<Self, C> {
        Chain::new(self, specific)
    }
}

impl<F, Res, E> Classify<Res, E> for ClassifyFn<F, Res, E>
where
    F: Fn(Result<&Res, &E>) -> Opinion,
{
    fn classify(&self, outcome: Result<&Res, &E>) -> Opinion {
        (self.function)(outcome)
    }
}

impl<F, Res, E> Classify<Res, Error<E>> for ClassifyFn<F, Res, E>
where
    F: Fn(Result<&Res, &E>) -> Opinion,
{
    fn classify(&self, outcome: Result<&Res, &Error<E>>) -> Opinion {
        unwrapped(self, outcome)
    }
}

impl<F, Res, E> Classify<Res, Error<Error<E>>> for ClassifyFn<F, Res, E>
where
    F: Fn(Result<&Res, &E>) -> Opinion,
{
    fn classify(&self, outcome: Result<&Res, &Error<Error<E>>>) -> Opinion {
        unwrapped(self, outcome)
    }
}

impl<F, Res, E> Classify<Res, Error<Error<Error<E>>>> for ClassifyFn<F, Res, E>
where
    F: Fn(Result<&Res, &E>) -> Opinion,
{
    fn classify(&self, outcome: Result<&Res, &Error<Error<Error<E>>>>) -> Opinion {
        unwrapped(self, outcome)
    }
}

fn unwrapped<C, Res, E>(classify: &C, outcome: Result<&Res, &Error<E>>) -> Opinion
where
    C: Classify<Res, E>,
{
    match outcome {
        Ok(answer) => classify.classify(Ok(answer)),
        Err(error) => match (error.inner(), error.elapsed()) {
            (Some(inner), _) => classify.classify(Err(inner)),
            (None, Some(elapsed)) => verdict_of_clock(elapsed).into(),
            (None, None) => Opinion::None,
        },
    }
}

impl<F: Clone, Res, E> Clone for ClassifyFn<F, Res, E> {
    fn clone(&self) -> Self {
        Self { function: self.function.clone(), outcome: PhantomData }
    }
}

impl<F, Res, E> fmt::Debug for ClassifyFn<F, Res, E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ClassifyFn").finish_non_exhaustive()
    }
}
