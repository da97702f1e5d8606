//! Who waits until a deployment has room.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::task::{Context, Poll};
use std::time::Duration;

use tokio::sync::Notify;
use tokio::sync::futures::OwnedNotified;
use tokio::time::{Sleep, sleep};

/// Who waits looks again so often even if nobody left: room can also come of a minute that is over, or of a rest.
const LOOK_AGAIN: Duration = Duration::from_millis(250);

/// Those who wait until a deployment of the group has room: the first to come is the first to look again.
pub(crate) struct Queue {
    most: u32,
    waiting: AtomicU32,
    left: Arc<Notify>,
}

/// A place in the queue, given back when it is dropped.
pub(super) struct Place {
    queue: Arc<Queue>,
    left: Pin<Box<OwnedNotified>>,
    look_again: Pin<Box<Sleep>>,
}

// === impl Queue ===

impl Queue {
    /// For so many at most.
    pub(crate) fn new(most: u32) -> Self {
        Self { most, waiting: AtomicU32::new(0), left: Arc::default() }
    }

    /// A place, unless the queue is full.
    pub(super) fn join(self: &Arc<Self>) -> Option<Place> {
        let more = |now: u32| (now < self.most).then_some(now + 1);
        self.waiting.fetch_update(Ordering::AcqRel, Ordering::Relaxed, more).ok()?;
        let left = Box::pin(Arc::clone(&self.left).notified_owned());
        let look_again = Box::pin(sleep(LOOK_AGAIN));
        Some(Place { queue: Arc::clone(self), left, look_again })
    }

    /// Somebody left: the next may look. Where nobody waits the next to come will look at once.
    pub(crate) fn next(&self) {
        self.left.notify_one();
    }
}

impl fmt::Debug for Queue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Queue").field("waiting", &self.waiting).finish_non_exhaustive()
    }
}

// === impl Place ===

impl Place {
    /// Ready when it is worth looking for room again; then the wait begins anew.
    pub(super) fn poll_look(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        let left = self.left.as_mut().poll(cx).is_ready();
        if !left && self.look_again.as_mut().poll(cx).is_pending() {
            return Poll::Pending;
        }
        if left {
            self.left = Box::pin(Arc::clone(&self.queue.left).notified_owned());
        }
        self.look_again = Box::pin(sleep(LOOK_AGAIN));
        Poll::Ready(())
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.queue.waiting.fetch_sub(1, Ordering::AcqRel);
    }
}
