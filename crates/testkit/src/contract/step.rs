//! One step of a script: what a call becomes, and when.

use std::time::Duration;

/// What one call becomes.
#[derive(Clone, Debug)]
pub struct Step<Res, E> {
    /// None: never anything.
    pub(super) outcome: Option<Result<Res, E>>,
    /// None: as soon as it is asked.
    pub(super) delay: Option<Duration>,
}

impl<Res, E> Step<Res, E> {
    /// The call succeeds.
    #[must_use]
    pub fn answer(response: Res) -> Self {
        Self { outcome: Some(Ok(response)), delay: None }
    }

    /// The call fails.
    #[must_use]
    pub fn fail(error: E) -> Self {
        Self { outcome: Some(Err(error)), delay: None }
    }

    /// The call never ends.
    #[must_use]
    pub fn hang() -> Self {
        Self { outcome: None, delay: None }
    }

    /// The outcome comes this long after the call, on tokio's clock.
    #[must_use]
    pub fn after(mut self, delay: Duration) -> Self {
        self.delay = Some(delay);
        self
    }
}
