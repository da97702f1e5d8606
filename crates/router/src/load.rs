//! What a deployment has to do: how many requests it has, how fast it answers, what it was sent in a minute.

use std::fmt;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

/// What the newest answer counts for in the average.
const NEWEST: f64 = 0.3;
/// Where nothing was measured for so long, what is known is half as sure: it will be tried again.
const HALF_LIFE: f64 = 30.0;
/// A failure counts as an answer that took twice as long as they do, and at least a second.
const LEAST_PENALTY: f64 = 1.0;
const MOST_PENALTY: f64 = 1000.0;
const MINUTE: Duration = Duration::from_secs(60);

/// What a deployment has to do. It is counted by the router, and read by strategies.
pub struct Load {
    origin: Instant,
    in_flight: AtomicU32,
    measured: Mutex<Measured>,
}

/// What was sent to a deployment within a minute.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Usage {
    /// How many requests.
    pub requests: u64,
    /// How many tokens, in both directions; estimated where nobody says.
    pub tokens: u64,
}

#[derive(Debug, Default)]
struct Measured {
    /// Seconds, and when they were measured, in seconds from the origin.
    latency: Option<(f64, f64)>,
    minute: u64,
    this: Usage,
    last: Usage,
}

// === impl Load ===

impl Load {
    /// Nothing to do yet.
    #[must_use]
    pub fn new(origin: Instant) -> Self {
        Self { origin, in_flight: AtomicU32::new(0), measured: Mutex::default() }
    }

    /// How many requests it has at the moment, those whose answers still flow included.
    #[must_use]
    pub fn in_flight(&self) -> u32 {
        self.in_flight.load(Ordering::Relaxed)
    }

    /// How long it takes to answer, in seconds, on average; less and less the longer nothing was measured, so that
    /// what was slow is tried again. `None`: nobody knows.
    #[must_use]
    pub fn latency(&self, now: Instant) -> Option<f64> {
        let (seconds, at) = self.measured().latency?;
        let age = self.seconds(now) - at;
        Some(seconds * 0.5_f64.powf(age.max(0.0) / HALF_LIFE))
    }

    /// What it was sent in the minute before `now`: a sliding estimate from this minute and the one before.
    #[must_use]
    pub fn usage(&self, now: Instant) -> Usage {
        let mut measured = self.measured();
        measured.turn(self.since(now));
        let into = self.since(now).as_secs_f64() % MINUTE.as_secs_f64() / MINUTE.as_secs_f64();
        let slid = |this: u64, last: u64| this + (last as f64 * (1.0 - into)).ceil() as u64;
        Usage {
            requests: slid(measured.this.requests, measured.last.requests),
            tokens: slid(measured.this.tokens, measured.last.tokens),
        }
    }

    /// How long until a new minute is counted.
    pub(crate) fn rest_of_minute(&self, now: Instant) -> Duration {
        let into = self.since(now).as_secs_f64() % MINUTE.as_secs_f64();
        MINUTE.saturating_sub(Duration::from_secs_f64(into))
    }

    /// Notes an answer that took so long.
    pub fn answered(&self, took: Duration, now: Instant) {
        let at = self.seconds(now);
        let took = took.as_secs_f64();
        let latency = &mut self.measured().latency;
        let average = latency.map_or(took, |(average, _)| average + NEWEST * (took - average));
        *latency = Some((average, at));
    }

    /// Notes that it had not answered after so long.
    pub(crate) fn took_at_least(&self, took: Duration, now: Instant) {
        if self.latency(now).is_none_or(|known| known < took.as_secs_f64()) {
            self.answered(took, now);
        }
    }

    /// Notes a failure: however fast it came, it is no fast answer.
    pub fn failed(&self, now: Instant) {
        let at = self.seconds(now);
        let latency = &mut self.measured().latency;
        let average = latency.map_or(0.0, |(average, _)| average);
        *latency = Some(((average * 2.0).clamp(LEAST_PENALTY, MOST_PENALTY), at));
    }

    /// Notes that so much was sent to it.
    pub fn used(&self, used: Usage, now: Instant) {
        let mut measured = self.measured();
        measured.turn(self.since(now));
        measured.this.requests += used.requests;
        measured.this.tokens += used.tokens;
    }

    /// Counts a request, if there are fewer than `most`.
    pub(crate) fn begin(&self, most: u32) -> bool {
        let more = |now: u32| (now < most).then_some(now + 1);
        self.in_flight.fetch_update(Ordering::AcqRel, Ordering::Relaxed, more).is_ok()
    }

    pub(crate) fn end(&self) {
        self.in_flight.fetch_sub(1, Ordering::AcqRel);
    }

    fn since(&self, now: Instant) -> Duration {
        now.saturating_duration_since(self.origin)
    }

    fn seconds(&self, now: Instant) -> f64 {
        self.since(now).as_secs_f64()
    }

    fn measured(&self) -> MutexGuard<'_, Measured> {
        self.measured.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for Load {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Load").field("in_flight", &self.in_flight()).finish_non_exhaustive()
    }
}

// === impl Measured ===

impl Measured {
    /// Goes on to the minute that has begun.
    fn turn(&mut self, since: Duration) {
        let minute = since.as_secs() / MINUTE.as_secs();
        if minute > self.minute {
            let next = minute == self.minute + 1;
            self.last = if next { self.this } else { Usage::default() };
            self.this = Usage::default();
            self.minute = minute;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn secs(secs: u64) -> Duration {
        Duration::from_secs(secs)
    }

    #[tokio::test(start_paused = true)]
    async fn a_minute_slides() {
        let now = Instant::now();
        let load = Load::new(now);
        load.used(Usage { requests: 60, tokens: 600 }, now + secs(10));
        assert_eq!(load.usage(now + secs(59)), Usage { requests: 60, tokens: 600 });
        assert_eq!(load.usage(now + secs(90)), Usage { requests: 30, tokens: 300 });
        load.used(Usage { requests: 1, tokens: 0 }, now + secs(90));
        assert_eq!(load.usage(now + secs(105)).requests, 16);
        assert_eq!(load.usage(now + secs(120)).requests, 1);
        assert_eq!(load.usage(now + secs(500)), Usage::default());
    }

    #[tokio::test(start_paused = true)]
    async fn a_failure_that_comes_fast_is_no_fast_answer() {
        let now = Instant::now();
        let load = Load::new(now);
        assert_eq!(load.latency(now), None);
        load.answered(Duration::from_millis(200), now);
        let fine = load.latency(now).unwrap();
        load.failed(now);
        assert!(load.latency(now).unwrap() >= 1.0);
        for _ in 0..20 {
            load.failed(now);
        }
        assert_eq!(load.latency(now), Some(1000.0));
        assert_eq!(fine, 0.2);
    }

    #[tokio::test(start_paused = true)]
    async fn what_was_long_not_measured_fades() {
        let now = Instant::now();
        let load = Load::new(now);
        load.answered(secs(8), now);
        assert_eq!(load.latency(now + secs(30)), Some(4.0));
        assert_eq!(load.latency(now + secs(90)), Some(1.0));
    }

    #[tokio::test(start_paused = true)]
    async fn no_more_begin_than_there_is_room_for() {
        let load = Load::new(Instant::now());
        assert!(load.begin(2) && load.begin(2));
        assert!(!load.begin(2));
        load.end();
        assert!(load.begin(2));
        assert_eq!(load.in_flight(), 2);
    }
}
