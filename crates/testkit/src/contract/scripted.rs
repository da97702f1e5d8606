//! A service that plays a script.

use std::collections::VecDeque;
use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll, ready};
use std::time::Duration;

use tokio::time::{Instant, Sleep, sleep};
use tower_service::Service;

use super::Step;
use crate::lock;

/// A service whose calls become what its [`Script`] says; clones share the script.
pub struct Scripted<Req, Res, E> {
    shared: Arc<Shared<Req, Res, E>>,
    /// The wait for readiness that this clone is in.
    readying: Option<Pin<Box<Sleep>>>,
}

/// The hand that writes a [`Scripted`] service's script, and reads what became of it.
pub struct Script<Req, Res, E> {
    shared: Arc<Shared<Req, Res, E>>,
}

/// The response of a [`Scripted`] service.
pub struct ScriptedFuture<Req, Res, E> {
    step: Step<Res, E>,
    waiting: Option<Pin<Box<Sleep>>>,
    shared: Arc<Shared<Req, Res, E>>,
    ended: bool,
}

type Otherwise<Req, Res, E> = Box<dyn FnMut(&Req) -> Step<Res, E> + Send>;

struct Shared<Req, Res, E> {
    began: Instant,
    inner: Mutex<Inner<Req, Res, E>>,
}

struct Inner<Req, Res, E> {
    steps: VecDeque<Step<Res, E>>,
    otherwise: Option<Otherwise<Req, Res, E>>,
    readiness: VecDeque<Readiness<E>>,
    requests: Vec<Req>,
    times: Vec<Duration>,
    dropped: usize,
    in_flight: usize,
}

enum Readiness<E> {
    After(Duration),
    Fails(E),
    Never,
}

/// A service with an empty script, and the hand that writes it.
///
/// `Req` had better be an owned type where the service is used in a spawned task: rustc does not
/// always see that `Service<&'static str>` is general enough there.
#[must_use]
pub fn scripted<Req, Res, E>() -> (Scripted<Req, Res, E>, Script<Req, Res, E>) {
    let inner = Mutex::new(Inner {
        steps: VecDeque::new(),
        otherwise: None,
        readiness: VecDeque::new(),
        requests: Vec::new(),
        times: Vec::new(),
        dropped: 0,
        in_flight: 0,
    });
    let shared = Arc::new(Shared { began: Instant::now(), inner });
    (Scripted { shared: shared.clone(), readying: None }, Script { shared })
}

// === impl Script ===

impl<Req, Res, E> Script<Req, Res, E> {
    /// Adds what one further call becomes.
    pub fn then(&self, step: Step<Res, E>) -> &Self {
        lock(&self.shared.inner).steps.push_back(step);
        self
    }

    /// Says what calls become when the steps are used up; without it such a call panics.
    ///
    /// The script is locked meanwhile: `step` must not use it.
    pub fn otherwise(&self, step: impl FnMut(&Req) -> Step<Res, E> + Send + 'static) -> &Self {
        lock(&self.shared.inner).otherwise = Some(Box::new(step));
        self
    }

    /// The next clone to be readied is ready only after `delay`, counted from its first poll.
    /// Readinesses queue up; when there is none, the service is ready.
    pub fn ready_after(&self, delay: Duration) -> &Self {
        self.readiness(Readiness::After(delay))
    }

    /// The next clone to be readied fails to be.
    pub fn ready_fails(&self, error: E) -> &Self {
        self.readiness(Readiness::Fails(error))
    }

    /// From here on no clone becomes ready.
    pub fn never_ready(&self) -> &Self {
        self.readiness(Readiness::Never)
    }

    /// How many calls were made.
    #[must_use]
    pub fn calls(&self) -> usize {
        lock(&self.shared.inner).times.len()
    }

    /// When the calls were made, counted from the making of the service, on tokio's clock.
    #[must_use]
    pub fn times(&self) -> Vec<Duration> {
        lock(&self.shared.inner).times.clone()
    }

    /// The requests of the calls, oldest first, except those that were taken.
    #[must_use]
    pub fn requests(&self) -> Vec<Req>
    where
        Req: Clone,
    {
        lock(&self.shared.inner).requests.clone()
    }

    /// Takes the requests of the calls so far, oldest first.
    #[must_use]
    pub fn take_requests(&self) -> Vec<Req> {
        std::mem::take(&mut lock(&self.shared.inner).requests)
    }

    /// How many calls were dropped before they ended.
    #[must_use]
    pub fn dropped(&self) -> usize {
        lock(&self.shared.inner).dropped
    }

    /// How many calls have neither ended nor been dropped.
    #[must_use]
    pub fn in_flight(&self) -> usize {
        lock(&self.shared.inner).in_flight
    }

    /// How many steps are left.
    #[must_use]
    pub fn left(&self) -> usize {
        lock(&self.shared.inner).steps.len()
    }

    fn readiness(&self, readiness: Readiness<E>) -> &Self {
        lock(&self.shared.inner).readiness.push_back(readiness);
        self
    }
}

impl<Req, Res, E> Clone for Script<Req, Res, E> {
    fn clone(&self) -> Self {
        Self { shared: self.shared.clone() }
    }
}

impl<Req, Res, E> fmt::Debug for Script<Req, Res, E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.shared.fmt("Script", f)
    }
}

// === impl Scripted ===

impl<Req, Res, E> Service<Req> for Scripted<Req, Res, E> {
    type Response = Res;
    type Error = E;
    type Future = ScriptedFuture<Req, Res, E>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), E>> {
        if self.readying.is_none() {
            let mut inner = lock(&self.shared.inner);
            match inner.readiness.pop_front() {
                None => return Poll::Ready(Ok(())),
                Some(Readiness::Fails(error)) => return Poll::Ready(Err(error)),
                Some(Readiness::After(delay)) => self.readying = Some(Box::pin(sleep(delay))),
                Some(Readiness::Never) => {
                    inner.readiness.push_front(Readiness::Never);
                    return Poll::Pending;
                }
            }
        }
        if let Some(readying) = &mut self.readying {
            ready!(readying.as_mut().poll(cx));
            self.readying = None;
        }
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Req) -> Self::Future {
        let mut inner = lock(&self.shared.inner);
        let number = inner.times.len() + 1;
        let step = match (inner.steps.pop_front(), &mut inner.otherwise) {
            (Some(step), _) => step,
            (None, Some(otherwise)) => otherwise(&request),
            (None, None) => panic!("the script is over: call {number} was not expected"),
        };
        inner.requests.push(request);
        inner.times.push(self.shared.began.elapsed());
        inner.in_flight += 1;
        drop(inner);
        let waiting = step.delay.map(|delay| Box::pin(sleep(delay)));
        ScriptedFuture { step, waiting, shared: self.shared.clone(), ended: false }
    }
}

/// The clone shares the script, and is not ready.
impl<Req, Res, E> Clone for Scripted<Req, Res, E> {
    fn clone(&self) -> Self {
        Self { shared: self.shared.clone(), readying: None }
    }
}

impl<Req, Res, E> fmt::Debug for Scripted<Req, Res, E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.shared.fmt("Scripted", f)
    }
}

// === impl ScriptedFuture ===

/// Nothing in it is pinned in place.
impl<Req, Res, E> Unpin for ScriptedFuture<Req, Res, E> {}

impl<Req, Res, E> Future for ScriptedFuture<Req, Res, E> {
    type Output = Result<Res, E>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.get_mut();
        assert!(!this.ended, "polled after it had ended");
        if let Some(waiting) = &mut this.waiting {
            ready!(waiting.as_mut().poll(cx));
            this.waiting = None;
        }
        let Some(outcome) = this.step.outcome.take() else {
            return Poll::Pending;
        };
        this.ended = true;
        lock(&this.shared.inner).in_flight -= 1;
        Poll::Ready(outcome)
    }
}

impl<Req, Res, E> Drop for ScriptedFuture<Req, Res, E> {
    fn drop(&mut self) {
        if !self.ended {
            let mut inner = lock(&self.shared.inner);
            inner.in_flight -= 1;
            inner.dropped += 1;
        }
    }
}

impl<Req, Res, E> fmt::Debug for ScriptedFuture<Req, Res, E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ScriptedFuture").field("ended", &self.ended).finish_non_exhaustive()
    }
}

// === impl Shared ===

impl<Req, Res, E> Shared<Req, Res, E> {
    fn fmt(&self, name: &str, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let inner = lock(&self.inner);
        f.debug_struct(name)
            .field("times", &inner.times)
            .field("left", &inner.steps.len())
            .finish_non_exhaustive()
    }
}
