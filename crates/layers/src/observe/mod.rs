//! Who is told what becomes of attempts and requests.
//!
//! An [`Observer`] is your own code: a log, a bill, an alarm. [`Observers`] tells any number of them, each from a
//! thread and a queue of its own: one that is slow misses the oldest events ([`dropped`](Observers::dropped)), one
//! that panics is told of the next event as if nothing had been ([`panicked`](Observers::panicked)); no request ever
//! waits for either. Where nobody observes, nothing is made.
//!
//! A [`Sink`] is told by the request itself, on its way. It is for counters: it must be quick.
//!
//! ```
//! use std::sync::Arc;
//!
//! use secondwind_layers::Context;
//! use secondwind_layers::observe::{AttemptEnded, Observer, Observers, RequestEnded};
//! use tokio::time::Instant;
//!
//! struct RetryLogger;
//!
//! impl Observer for RetryLogger {
//!     fn attempt_failed(&self, event: &AttemptEnded) {
//!         println!("attempt {} failed: {}", event.number, event.attempt);
//!     }
//!
//!     fn request_succeeded(&self, event: &RequestEnded) {
//!         println!("answered after {} retries", event.trail.retries());
//!     }
//! }
//!
//! let observers = Observers::new([Arc::new(RetryLogger) as _])?;
//! // A router or a stack of your own lays it into each request's context.
//! let context = Context::new(Instant::now());
//! context.observe(Arc::new(observers));
//! # Ok::<(), std::io::Error>(())
//! ```

mod queue;

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use secondwind_policy::Class;

use crate::trail::{Attempt, Name, Trail};

pub use self::queue::Observers;

/// Is told what became of attempts and requests, some time after.
pub trait Observer: Send + Sync + 'static {
    /// An attempt was answered.
    fn attempt_succeeded(&self, event: &AttemptEnded) {
        let _ = event;
    }

    /// An attempt failed, whatever follows.
    fn attempt_failed(&self, event: &AttemptEnded) {
        let _ = event;
    }

    /// A request was answered, to the end.
    fn request_succeeded(&self, event: &RequestEnded) {
        let _ = event;
    }

    /// A request failed after all that could be done, or its caller went away.
    fn request_failed(&self, event: &RequestEnded) {
        let _ = event;
    }
}

/// An attempt is over.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct AttemptEnded {
    /// The request's id, where it has one.
    pub id: Option<Name>,
    /// The group that the request asked for, which is not the attempt's after a fallback.
    pub asked: Option<Name>,
    /// Which attempt of the request it was, in all groups: 1 for the first.
    pub number: usize,
    /// The attempt, as it stands in the trail.
    pub attempt: Attempt,
}

/// A request is over.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct RequestEnded {
    /// Its id, where it has one.
    pub id: Option<Name>,
    /// The group that it asked for.
    pub asked: Option<Name>,
    /// What it failed with; `None` where it was answered.
    pub class: Option<Class>,
    /// How long it took, a stream to its end.
    pub took: Duration,
    /// Its attempts.
    pub trail: Trail,
}

/// Is told by the request itself, on its way: it must be quick, must not panic, and must not ask the request's
/// context for anything.
pub trait Sink: Send + Sync {
    /// A request for the group called `asked` arrived.
    fn request_began(&self, asked: &Name) {
        let _ = asked;
    }

    /// An attempt is over: the last of `trail`.
    fn attempt_ended(&self, about: &About, trail: &Trail) {
        let _ = (about, trail);
    }

    /// A deployment rests from now on, after a failure of `class`.
    fn rested(&self, about: &About, group: &Name, deployment: &Name, class: Class) {
        let _ = (about, group, deployment, class);
    }

    /// A request is over, after `took`; `class` is what it failed with.
    fn request_ended(&self, about: &About, class: Option<Class>, took: Duration, trail: &Trail) {
        let _ = (about, class, took, trail);
    }
}

/// Which request is spoken of.
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub struct About {
    /// Its id, where it has one.
    pub id: Option<Name>,
    /// The group that it asked for.
    pub asked: Option<Name>,
}

/// Several sinks as one.
#[derive(Clone, Default)]
pub struct Sinks(Vec<Arc<dyn Sink>>);

// === impl Sinks ===

impl Sinks {
    /// These, and `sink` after them.
    #[must_use]
    pub fn with(mut self, sink: Arc<dyn Sink>) -> Self {
        self.0.push(sink);
        self
    }
}

impl Sink for Sinks {
    fn request_began(&self, asked: &Name) {
        self.0.iter().for_each(|sink| sink.request_began(asked));
    }

    fn attempt_ended(&self, about: &About, trail: &Trail) {
        self.0.iter().for_each(|sink| sink.attempt_ended(about, trail));
    }

    fn rested(&self, about: &About, group: &Name, deployment: &Name, class: Class) {
        self.0.iter().for_each(|sink| sink.rested(about, group, deployment, class));
    }

    fn request_ended(&self, about: &About, class: Option<Class>, took: Duration, trail: &Trail) {
        self.0.iter().for_each(|sink| sink.request_ended(about, class, took, trail));
    }
}

impl fmt::Debug for Sinks {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Sinks({})", self.0.len())
    }
}

#[cfg(test)]
mod tests;
