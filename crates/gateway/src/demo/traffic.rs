//! Requests at an even pace, whatever becomes of them: each is sent twice, once past the gateway.

use std::net::SocketAddr;
use std::time::Duration;

use fastrand::Rng;
use tokio::task::JoinSet;
use tokio::time::{Instant, interval, sleep_until};

use super::caller::{Caller, Question, Reply};
use super::providers::Simulated;
use super::tally::Totals;

/// Requests a second.
pub(super) const PACE: u32 = 40;
/// How often there is something new to show.
const FRAME: Duration = Duration::from_millis(200);
const SEED: u64 = 4;

/// What is sent, and where.
#[derive(Clone, Copy, Debug)]
pub(super) struct Traffic {
    /// How long requests are sent.
    pub(super) length: Duration,
    /// Where an application without a gateway asks.
    pub(super) direct: SocketAddr,
    /// Where one with a gateway asks.
    pub(super) gateway: SocketAddr,
}

/// How far it has come.
#[derive(Clone, Copy, Debug)]
pub(super) struct Progress {
    /// Since it began.
    pub(super) elapsed: Duration,
    /// How long requests are sent.
    pub(super) length: Duration,
}

#[derive(Clone, Copy, Debug)]
enum Way {
    Direct,
    Gateway,
}

// === impl Progress ===

impl Progress {
    /// The part of the traffic that is through, 0 to 1.
    pub(super) fn part(&self) -> f64 {
        (self.elapsed.as_secs_f64() / self.length.as_secs_f64()).min(1.0)
    }

    /// Whether everything is sent, and only answers are waited for.
    pub(super) fn is_sent(&self) -> bool {
        self.elapsed >= self.length
    }
}

// === impl Traffic ===

impl Traffic {
    /// Sends it all and counts what comes back, while the weather of the providers plays.
    pub(super) async fn send(
        &self,
        simulated: &Simulated,
        mut show: impl FnMut(Progress, &Totals),
    ) -> Totals {
        let start = Instant::now();
        let end = start + self.length;
        let period = Duration::from_secs(1) / PACE;
        // Both ways the same kind of client, each with connections of its own.
        let (direct, gateway) = (Caller::new(), Caller::new());
        let mut rng = Rng::with_seed(SEED);
        let mut totals = Totals::default();
        let mut under_way: JoinSet<(Way, Reply)> = JoinSet::new();
        let mut frames = interval(FRAME);
        let mut due = start;
        let mut weather = simulated.play(start, self.length);
        while due < end || !under_way.is_empty() {
            tokio::select! {
                () = sleep_until(due), if due < end => {
                    // By the clock, not by the answers: who is slow gets no less to do.
                    due += period;
                    let question = Question::next(&mut rng);
                    totals.direct.sent += 1;
                    totals.gateway.sent += 1;
                    let (caller, at, same) = (direct.clone(), self.direct, question.clone());
                    under_way.spawn(async move { (Way::Direct, caller.ask(at, same).await) });
                    let (caller, at) = (gateway.clone(), self.gateway);
                    under_way.spawn(async move { (Way::Gateway, caller.ask(at, question).await) });
                }
                Some(Ok((way, reply))) = under_way.join_next() => match way {
                    Way::Direct => totals.direct.count_direct(&reply),
                    Way::Gateway => totals.gateway.count_routed(&reply),
                },
                _ = frames.tick() => {
                    show(Progress { elapsed: start.elapsed(), length: self.length }, &totals);
                }
            }
        }
        // It ended with the traffic, or some answers later.
        while weather.join_next().await.is_some() {}
        totals
    }
}
