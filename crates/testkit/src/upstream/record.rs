//! What the upstream saw: each request, and counts of what became of them.

use std::collections::{BTreeMap, VecDeque};
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::sync::{Arc, Mutex};

use bytes::Bytes;
use http::{HeaderMap, Method};
use serde_json::Value;
use tokio::sync::watch;
use tokio::time::Instant;

use crate::lock;

/// Requests kept; older ones are forgotten, so that an endless demo does not fill the memory.
const KEPT: usize = 10_000;

/// The kind of a [`Reply`](super::Reply), to count by; named after its constructor.
#[non_exhaustive]
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Outcome {
    /// A proper answer.
    Ok,
    /// A proper answer, late.
    Slow,
    /// An error status without a name of its own here.
    Failed,
    /// 429 with a wait.
    RateLimited,
    /// 429 for want of money.
    QuotaExhausted,
    /// 503.
    Overloaded,
    /// 400: the prompt does not fit.
    ContextWindow,
    /// 400: the safety system refused.
    ContentPolicy,
    /// Headers never came.
    Hung,
    /// The connection was reset, before or within the reply.
    Reset,
    /// The connection was closed before any reply.
    Closed,
    /// The connection was closed within the reply.
    Cut,
    /// The reply fell silent.
    Stalled,
    /// A stream ended properly but too early.
    Unfinished,
    /// A 200 that is no JSON.
    Garbage,
    /// A 200 whose JSON stops half way.
    Truncated,
}

/// A request as it arrived.
#[derive(Clone, Debug)]
pub struct Received {
    /// The connection that it came on, numbered from 1: equal numbers mean a reused connection.
    pub connection: u64,
    /// The request's method.
    pub method: Method,
    /// The path with its query.
    pub path: String,
    /// All headers.
    pub headers: HeaderMap,
    /// The whole body.
    pub body: Bytes,
    /// When the body had arrived.
    pub at: Instant,
}

/// Counts of what the upstream saw and did since it started.
#[non_exhaustive]
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Tally {
    /// Requests that took a reply of the script.
    pub attempts: u64,
    /// Attempts whose client went away before the reply ended.
    pub dropped: u64,
    /// Attempts whose reply has not ended; a hanging one counts for as long as its client waits.
    pub in_flight: u64,
    /// Connections accepted.
    pub connections: u64,
    /// Replies chosen, by kind.
    pub outcomes: BTreeMap<Outcome, u64>,
}

/// The requests and the tally of one upstream.
#[derive(Debug, Default)]
pub(super) struct Record {
    requests: Mutex<VecDeque<Received>>,
    tally: watch::Sender<Tally>,
    /// Whether replies end now because the upstream goes, not because their clients do.
    closing: AtomicBool,
}

/// An attempt under way; counts as dropped if it is dropped before [`InFlight::end`].
#[derive(Debug)]
pub(super) struct InFlight {
    record: Arc<Record>,
    ended: bool,
}

// === impl Received ===

impl Received {
    /// The value of a header, if it is there and is text.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }

    /// The body as JSON; `Null` if it is none.
    #[must_use]
    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_default()
    }

    /// The body's `model`, empty if it has none.
    #[must_use]
    pub fn model(&self) -> String {
        self.json()["model"].as_str().unwrap_or_default().to_owned()
    }
}

// === impl Tally ===

impl Tally {
    /// How often a reply of this kind was chosen.
    #[must_use]
    pub fn count(&self, outcome: Outcome) -> u64 {
        self.outcomes.get(&outcome).copied().unwrap_or_default()
    }
}

// === impl Record ===

impl Record {
    pub(super) fn requests(&self) -> Vec<Received> {
        lock(&self.requests).iter().cloned().collect()
    }

    pub(super) fn tally(&self) -> Tally {
        self.tally.borrow().clone()
    }

    pub(super) async fn until(&self, enough: impl FnMut(&Tally) -> bool) -> Tally {
        let mut tally = self.tally.subscribe();
        // It only fails when the sender is gone, and that is `self`.
        let seen = tally.wait_for(enough).await.map(|tally| tally.clone());
        seen.unwrap_or_else(|_| self.tally())
    }

    pub(super) fn set_closing(&self, closing: bool) {
        self.closing.store(closing, Relaxed);
    }

    /// Counts a connection and says its number.
    pub(super) fn connected(&self) -> u64 {
        let mut number = 0;
        self.tally.send_modify(|tally| {
            tally.connections += 1;
            number = tally.connections;
        });
        number
    }

    pub(super) fn received(&self, request: Received) {
        let mut requests = lock(&self.requests);
        if requests.len() == KEPT {
            requests.pop_front();
        }
        requests.push_back(request);
    }

    /// Counts an attempt and says its number, 1 first.
    pub(super) fn begin(self: &Arc<Self>, outcome: Outcome) -> (u64, InFlight) {
        let mut number = 0;
        self.tally.send_modify(|tally| {
            tally.attempts += 1;
            number = tally.attempts;
            tally.in_flight += 1;
            *tally.outcomes.entry(outcome).or_default() += 1;
        });
        (number, InFlight { record: self.clone(), ended: false })
    }
}

// === impl InFlight ===

impl InFlight {
    /// The reply went as far as the script says.
    pub(super) fn end(&mut self) {
        if !self.ended {
            self.ended = true;
            self.record.tally.send_modify(|tally| tally.in_flight -= 1);
        }
    }
}

impl Drop for InFlight {
    fn drop(&mut self) {
        if !self.ended {
            let client_left = !self.record.closing.load(Relaxed);
            self.record.tally.send_modify(|tally| {
                tally.in_flight -= 1;
                tally.dropped += u64::from(client_left);
            });
        }
    }
}
