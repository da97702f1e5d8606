//! The clock of a connection.

use std::error::Error as StdError;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};

use pin_project_lite::pin_project;
use tokio::time::{Instant, Sleep, sleep_until};
use tower_service::Service;

use super::error::{Bound, Clock, Elapsed};
use crate::error::{AnyError, Error};
use crate::policies::PolicyHandle;

/// Bounds each connection; made by [`TimeoutLayer::connect`](super::TimeoutLayer::connect).
///
/// It goes around a connector, so that TLS is inside. A connector's error is boxed, as its users do with
/// it anyway.
#[derive(Clone, Debug)]
pub struct ConnectTimeout<S> {
    inner: S,
    policy: PolicyHandle,
}

pin_project! {
    /// The future of [`ConnectTimeout`]. It can be moved where the inner one can, as clients ask of
    /// connectors.
    #[derive(Debug)]
    #[must_use = "futures do nothing unless polled"]
    pub struct ConnectFuture<F> {
        #[pin]
        inner: F,
        timer: Option<(Pin<Box<Sleep>>, Elapsed)>,
    }
}

impl<S> ConnectTimeout<S> {
    pub(super) const fn new(inner: S, policy: PolicyHandle) -> Self {
        Self { inner, policy }
    }
}

impl<S, Target> Service<Target> for ConnectTimeout<S>
where
    S: Service<Target>,
    S::Error: Into<Box<dyn StdError + Send + Sync>>,
{
    type Response = S::Response;
    type Error = Error<AnyError>;
    type Future = ConnectFuture<S::Future>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        self.inner.poll_ready(cx).map_err(boxed)
    }

    fn call(&mut self, target: Target) -> Self::Future {
        let timer = self.policy.load().timeout().connect().and_then(|connect| {
            let at = Instant::now().checked_add(connect)?;
            let elapsed = Elapsed::new(Clock::Connect, connect, Bound::Configured);
            Some((Box::pin(sleep_until(at)), elapsed))
        });
        ConnectFuture { inner: self.inner.call(target), timer }
    }
}

impl<F, T, E> Future for ConnectFuture<F>
where
    F: Future<Output = Result<T, E>>,
    E: Into<Box<dyn StdError + Send + Sync>>,
{
    type Output = Result<T, Error<AnyError>>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.project();
        if let Poll::Ready(outcome) = this.inner.poll(cx) {
            return Poll::Ready(outcome.map_err(boxed));
        }
        match this.timer {
            Some((sleep, elapsed)) => {
                let elapsed = *elapsed;
                sleep.as_mut().poll(cx).map(|()| Err(Error::from_elapsed(elapsed)))
            }
            None => Poll::Pending,
        }
    }
}

fn boxed<E: Into<Box<dyn StdError + Send + Sync>>>(error: E) -> Error<AnyError> {
    Error::from_inner(AnyError::from(error.into()))
}
