//! A wrapper that catches callers who break the contract of readiness.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll, Waker, ready};

use pin_project_lite::pin_project;
use tower_service::Service;

use crate::lock;

/// A service that panics when it is called without being ready, and counts what is done with it.
///
/// `call` wants a `poll_ready` on that very clone that said `Ready(Ok)` and has not been used up by
/// another call. A clone begins unready, whatever its original was.
///
/// As in a `ConcurrencyLimit`, readiness holds a permit: taken in `poll_ready`, handed to the
/// response future by `call`, given back when that future ends or is dropped, or when the readied
/// clone is dropped. With [`probe_with_permits`] there are only so many, so that a layer that sits on
/// a ready service blocks its neighbours, as it would in production.
pub struct ContractProbe<S> {
    inner: S,
    ready: bool,
    permit: Option<Permit>,
    shared: Arc<Shared>,
}

/// What the clones of a [`ContractProbe`] went through.
#[derive(Clone)]
pub struct Probe {
    shared: Arc<Shared>,
}

pin_project! {
    /// The response of a [`ContractProbe`]; holds the permit until it ends.
    #[derive(Debug)]
    pub struct ProbeFuture<F> {
        #[pin]
        inner: F,
        permit: Option<Permit>,
    }
}

#[derive(Debug, Default)]
struct Shared {
    /// None: as many permits as are asked for.
    permits: Option<usize>,
    counts: Mutex<Counts>,
}

#[derive(Debug, Default)]
struct Counts {
    polls: usize,
    calls: usize,
    clones: usize,
    violations: usize,
    unused: usize,
    held: usize,
    most_held: usize,
    waiting: Vec<Waker>,
}

#[derive(Debug)]
struct Permit {
    shared: Arc<Shared>,
}

/// Wraps a service, with as many permits as are asked for.
pub fn probe<S>(inner: S) -> (ContractProbe<S>, Probe) {
    wrap(inner, None)
}

/// Wraps a service, with so many permits among all clones: without one, a clone is not ready.
pub fn probe_with_permits<S>(inner: S, permits: usize) -> (ContractProbe<S>, Probe) {
    wrap(inner, Some(permits))
}

fn wrap<S>(inner: S, permits: Option<usize>) -> (ContractProbe<S>, Probe) {
    let shared = Arc::new(Shared { permits, counts: Mutex::default() });
    let service = ContractProbe { inner, ready: false, permit: None, shared: shared.clone() };
    (service, Probe { shared })
}

// === impl Probe ===

impl Probe {
    /// How often `poll_ready` was called, on all clones.
    #[must_use]
    pub fn polls(&self) -> usize {
        lock(&self.shared.counts).polls
    }

    /// How many calls were made on a ready clone.
    #[must_use]
    pub fn calls(&self) -> usize {
        lock(&self.shared.counts).calls
    }

    /// How many clones were made.
    #[must_use]
    pub fn clones(&self) -> usize {
        lock(&self.shared.counts).clones
    }

    /// How many calls were made on a clone that was not ready. They panicked too, but a panic in a
    /// spawned task is easily lost.
    #[must_use]
    pub fn violations(&self) -> usize {
        lock(&self.shared.counts).violations
    }

    /// How many clones were dropped ready, their readiness unused.
    #[must_use]
    pub fn unused(&self) -> usize {
        lock(&self.shared.counts).unused
    }

    /// How many permits are held, by readied clones and by responses that have not ended.
    #[must_use]
    pub fn permits_held(&self) -> usize {
        lock(&self.shared.counts).held
    }

    /// How many permits were held at most.
    #[must_use]
    pub fn most_permits_held(&self) -> usize {
        lock(&self.shared.counts).most_held
    }

    /// Asserts that nobody called an unready clone, and that no permit is held any more.
    ///
    /// # Panics
    ///
    /// If it is not so.
    pub fn assert_kept(&self) {
        let counts = lock(&self.shared.counts);
        assert_eq!(counts.violations, 0, "calls on clones that were not ready");
        assert_eq!(counts.held, 0, "permits still held");
    }
}

impl fmt::Debug for Probe {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.shared, f)
    }
}

// === impl ContractProbe ===

impl<S, Req> Service<Req> for ContractProbe<S>
where
    S: Service<Req>,
{
    type Response = S::Response;
    type Error = S::Error;
    type Future = ProbeFuture<S::Future>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        lock(&self.shared.counts).polls += 1;
        if self.permit.is_none() {
            self.permit = Some(ready!(Shared::poll_permit(&self.shared, cx)));
        }
        let ready = ready!(self.inner.poll_ready(cx));
        self.ready = ready.is_ok();
        if !self.ready {
            self.permit = None;
        }
        Poll::Ready(ready)
    }

    fn call(&mut self, request: Req) -> Self::Future {
        if !std::mem::take(&mut self.ready) {
            lock(&self.shared.counts).violations += 1;
            panic!("called a clone that was not ready: poll_ready comes first, on that very clone");
        }
        lock(&self.shared.counts).calls += 1;
        ProbeFuture { inner: self.inner.call(request), permit: self.permit.take() }
    }
}

/// The clone is not ready and holds no permit.
impl<S> Clone for ContractProbe<S>
where
    S: Clone,
{
    fn clone(&self) -> Self {
        lock(&self.shared.counts).clones += 1;
        Self { inner: self.inner.clone(), ready: false, permit: None, shared: self.shared.clone() }
    }
}

impl<S> Drop for ContractProbe<S> {
    fn drop(&mut self) {
        lock(&self.shared.counts).unused += usize::from(self.ready);
    }
}

impl<S> fmt::Debug for ContractProbe<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ContractProbe").field("ready", &self.ready).finish_non_exhaustive()
    }
}

// === impl ProbeFuture ===

impl<F> Future for ProbeFuture<F>
where
    F: Future,
{
    type Output = F::Output;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.project();
        let output = ready!(this.inner.poll(cx));
        *this.permit = None;
        Poll::Ready(output)
    }
}

// === impl Shared ===

impl Shared {
    fn poll_permit(shared: &Arc<Self>, cx: &Context<'_>) -> Poll<Permit> {
        let mut counts = lock(&shared.counts);
        if shared.permits.is_some_and(|permits| counts.held >= permits) {
            counts.waiting.push(cx.waker().clone());
            return Poll::Pending;
        }
        counts.held += 1;
        counts.most_held = counts.most_held.max(counts.held);
        Poll::Ready(Permit { shared: shared.clone() })
    }
}

// === impl Permit ===

impl Drop for Permit {
    fn drop(&mut self) {
        let mut counts = lock(&self.shared.counts);
        counts.held -= 1;
        let waiting = std::mem::take(&mut counts.waiting);
        drop(counts);
        // All of them: one that has gone away in the meantime must not keep the others asleep.
        waiting.into_iter().for_each(Waker::wake);
    }
}
