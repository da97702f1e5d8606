//! Requests that are sent again by cloning them, whole.

use std::fmt;

use super::Kind;

/// Any request that can be cloned. It carries no context: each layer works on its own, so that a
/// deadline set by one does not bind another, and nobody keeps a trail.
#[derive(Clone, Copy, Debug, Default)]
pub struct Cloned;

impl<R: Clone, Res> Kind<R, Res> for Cloned {
    type Kept = R;

    fn keep(&self, request: R, _: u64) -> (R, Option<R>) {
        let kept = request.clone();
        (request, Some(kept))
    }

    fn again(&self, kept: &R) -> Option<R> {
        Some(kept.clone())
    }
}

/// Any request, sent again by a closure that may refuse. It carries no context.
///
/// ```
/// use secondwind_layers::{ReplayWith, RetryLayer};
/// use secondwind_policy::Policy;
///
/// struct Order { paid: bool }
/// // An order that is paid for is not sent twice.
/// let layer = RetryLayer::new(Policy::default())
///     .kind(ReplayWith::new(|order: &Order| (!order.paid).then(|| Order { paid: false })));
/// # let _ = layer;
/// ```
#[derive(Clone, Copy)]
pub struct ReplayWith<F>(F);

impl<F> ReplayWith<F> {
    /// Requests that `replay` makes again from a reference; `None` means that it cannot be done. It is
    /// called once before the first attempt and once before each further one.
    pub const fn new<R>(replay: F) -> Self
    where
        F: Fn(&R) -> Option<R>,
    {
        Self(replay)
    }
}

impl<R, Res, F> Kind<R, Res> for ReplayWith<F>
where
    F: Fn(&R) -> Option<R>,
{
    type Kept = R;

    fn keep(&self, request: R, _: u64) -> (R, Option<R>) {
        let kept = (self.0)(&request);
        (request, kept)
    }

    fn again(&self, kept: &R) -> Option<R> {
        (self.0)(kept)
    }
}

impl<F> fmt::Debug for ReplayWith<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ReplayWith").finish_non_exhaustive()
    }
}
