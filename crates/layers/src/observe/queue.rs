//! Observers, each with a queue and a thread of its own.

use std::fmt;
use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::thread;
use std::time::Duration;

use secondwind_policy::Class;
use tokio::sync::broadcast::error::RecvError;
use tokio::sync::broadcast::{Receiver, Sender, channel};

use super::{About, AttemptEnded, Observer, RequestEnded, Sink};
use crate::trail::Trail;

/// How many events are kept for those who are slow.
const CAPACITY: usize = 1024;

/// Tells any number of [`Observer`]s, without any request waiting for them.
///
/// A clone tells the same ones. They are told the rest and let go when the last clone is dropped.
#[derive(Clone)]
pub struct Observers {
    events: Sender<Arc<Event>>,
    missed: Arc<Missed>,
}

enum Event {
    Attempt(AttemptEnded),
    Request(RequestEnded),
}

/// What observers did not hear of, or not to the end.
#[derive(Default)]
struct Missed {
    dropped: AtomicU64,
    panicked: AtomicU64,
}

// === impl Observers ===

impl Observers {
    /// Tells `observers`, each of which may be up to 1,024 events behind.
    ///
    /// # Errors
    /// Where no thread can be started for one of them.
    pub fn new(observers: impl IntoIterator<Item = Arc<dyn Observer>>) -> io::Result<Self> {
        Self::with_capacity(CAPACITY, observers)
    }

    /// The same, each up to `capacity` events behind, or a few more.
    ///
    /// # Errors
    /// As those of [`new`](Self::new).
    pub fn with_capacity(
        capacity: usize,
        observers: impl IntoIterator<Item = Arc<dyn Observer>>,
    ) -> io::Result<Self> {
        let (events, _) = channel(capacity.clamp(1, 1 << 20));
        let missed = Arc::new(Missed::default());
        for observer in observers {
            let (events, missed) = (events.subscribe(), Arc::clone(&missed));
            let thread = thread::Builder::new().name("observer".to_owned());
            thread.spawn(move || serve(&*observer, events, &missed))?;
        }
        Ok(Self { events, missed })
    }

    /// How many events were dropped, since an observer was too slow for them; counted for each observer.
    #[must_use]
    pub fn dropped(&self) -> u64 {
        self.missed.dropped.load(Relaxed)
    }

    /// How often an observer panicked.
    #[must_use]
    pub fn panicked(&self) -> u64 {
        self.missed.panicked.load(Relaxed)
    }

    fn tell(&self, event: impl FnOnce() -> Event) {
        if self.events.receiver_count() > 0 {
            // The oldest event makes room for it.
            let _ = self.events.send(Arc::new(event()));
        }
    }
}

impl Sink for Observers {
    fn attempt_ended(&self, about: &About, trail: &Trail) {
        let Some(attempt) = trail.attempts().last() else { return };
        self.tell(|| {
            let About { id, asked } = about.clone();
            let (number, attempt) = (trail.attempts().len(), attempt.clone());
            Event::Attempt(AttemptEnded { id, asked, number, attempt })
        });
    }

    fn request_ended(&self, about: &About, class: Option<Class>, took: Duration, trail: &Trail) {
        self.tell(|| {
            let About { id, asked } = about.clone();
            Event::Request(RequestEnded { id, asked, class, took, trail: trail.clone() })
        });
    }
}

/// Tells one observer, until nobody is left to tell of.
fn serve(observer: &dyn Observer, mut events: Receiver<Arc<Event>>, missed: &Missed) {
    loop {
        match events.blocking_recv() {
            Ok(event) => {
                // A broken observer breaks nothing else, itself included: it sees each event afresh.
                if catch_unwind(AssertUnwindSafe(|| event.tell(observer))).is_err() {
                    missed.panicked.fetch_add(1, Relaxed);
                }
            }
            Err(RecvError::Lagged(dropped)) => {
                missed.dropped.fetch_add(dropped, Relaxed);
            }
            Err(RecvError::Closed) => return,
        }
    }
}

impl Event {
    fn tell(&self, observer: &dyn Observer) {
        match self {
            Self::Attempt(event) if event.attempt.class.is_none() => {
                observer.attempt_succeeded(event);
            }
            Self::Attempt(event) => observer.attempt_failed(event),
            Self::Request(event) if event.class.is_none() => observer.request_succeeded(event),
            Self::Request(event) => observer.request_failed(event),
        }
    }
}

impl fmt::Debug for Observers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Observers")
            .field("observers", &self.events.receiver_count())
            .field("dropped", &self.dropped())
            .field("panicked", &self.panicked())
            .finish()
    }
}
