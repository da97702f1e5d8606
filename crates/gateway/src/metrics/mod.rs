//! `/metrics`: what became of requests and attempts, counted.
//!
//! Requests are counted when they are over, from their trails; a stream at its end. Labels are the names that are
//! configured and the closed list of classes, so that no caller can make new ones. Counting takes no lock.

mod counters;
mod text;

use std::collections::HashMap;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use arc_swap::ArcSwap;
use secondwind_layers::observe::{About, Sink};
use secondwind_layers::{Attempt, Ended, Made, Name, Stop, Trail};
use secondwind_policy::Class;
use secondwind_router::Router;

use self::counters::Counters;

/// What is counted of each deployment, by class.
const OF_DEPLOYMENTS: [(&str, &str); 7] = [
    ("attempts", "Attempts, by what they came to."),
    ("retries", "Further attempts in the same place, by what had failed there."),
    ("moves", "Further attempts at a sibling, by what had failed here."),
    ("fallbacks", "Requests that went on to another group, by what had failed last."),
    ("recoveries", "Attempts to carry on an answer that broke off here after its first content."),
    ("budget_denials", "Further attempts that were not made since the budget was empty."),
    ("rests", "Times that the deployment was left alone for a while, by what had failed."),
];
const ATTEMPTS: usize = 0;
const RETRIES: usize = 1;
const MOVES: usize = 2;
const FALLBACKS: usize = 3;
const RECOVERIES: usize = 4;
const DENIALS: usize = 5;
const RESTS: usize = 6;

/// Beside them the tokens that were wasted: those that a provider told, and those that were estimated.
const WASTED: usize = OF_DEPLOYMENTS.len() * OUTCOMES;
const OF_DEPLOYMENT: usize = WASTED + 2;

/// The classes, and one for what did not fail.
const OUTCOMES: usize = Class::ALL.len() + 1;

/// Where the classes of durations end, in milliseconds; one more is open.
const BOUNDS: [u64; 14] =
    [5, 10, 25, 50, 100, 250, 500, 1000, 2500, 5000, 10_000, 30_000, 60_000, 300_000];

/// The parts of a group's counters: requests under way, requests by outcome, and two histograms, each of counts
/// by class of duration and a sum in microseconds.
const IN_FLIGHT: usize = 0;
const REQUESTS: usize = 1;
const REQUEST_TIMES: usize = REQUESTS + OUTCOMES;
const ATTEMPT_TIMES: usize = REQUEST_TIMES + TIMES;
const TIMES: usize = BOUNDS.len() + 2;
const OF_GROUP: usize = ATTEMPT_TIMES + TIMES;

/// What became of requests and attempts, counted.
pub struct Metrics {
    index: ArcSwap<Index>,
    /// Requests that no provider was asked about, by class.
    refused: Counters,
}

/// The counters by name.
#[derive(Default)]
struct Index {
    groups: HashMap<Name, Group>,
    order: Vec<Name>,
}

/// The counters of a group and of its deployments.
struct Group {
    counters: Arc<Counters>,
    deployments: HashMap<Name, Arc<Counters>>,
    order: Vec<Name>,
}

// === impl Metrics ===

impl Metrics {
    /// `router`, with all that becomes of its requests counted here. What is counted already under the same
    /// names goes on.
    #[must_use]
    pub fn watch(self: &Arc<Self>, router: Router) -> Router {
        let before = self.index.load();
        let mut index = Index { order: router.groups().to_vec(), groups: HashMap::new() };
        for name in router.groups() {
            let known = before.groups.get(name).map(|group| Arc::clone(&group.counters));
            let counters = known.unwrap_or_else(|| Arc::new(Counters::new(OF_GROUP)));
            let (deployments, order) = (HashMap::new(), Vec::new());
            index.groups.insert(name.clone(), Group { counters, deployments, order });
        }
        for deployment in router.deployments() {
            let Some(group) = index.groups.get_mut(&deployment.group) else { continue };
            let known = before.groups.get(&deployment.group);
            let known = known.and_then(|group| group.deployments.get(&deployment.id));
            let counters = known.cloned().unwrap_or_else(|| Arc::new(Counters::new(OF_DEPLOYMENT)));
            group.deployments.insert(deployment.id.clone(), counters);
            group.order.push(deployment.id);
        }
        self.index.store(Arc::new(index));
        router.observed_by(Arc::clone(self) as _)
    }

    /// Counts a request that was refused.
    pub(crate) fn refused(&self, class: Class) {
        self.refused.add(outcome(Some(class)), 1);
    }

    /// All of it, in Prometheus' text format.
    pub(crate) fn text(&self, router: &Router) -> String {
        text::write(&self.index.load(), &self.refused, &router.deployments())
    }
}

impl Sink for Metrics {
    fn request_began(&self, asked: &Name) {
        if let Some(group) = self.index.load().groups.get(asked) {
            group.counters.add(IN_FLIGHT, 1);
        }
    }

    fn rested(&self, _: &About, group: &Name, deployment: &Name, class: Class) {
        let index = self.index.load();
        let group = index.groups.get(group);
        if let Some(counters) = group.and_then(|group| group.deployments.get(deployment)) {
            counters.add(RESTS * OUTCOMES + outcome(Some(class)), 1);
        }
    }

    fn request_ended(&self, about: &About, class: Option<Class>, took: Duration, trail: &Trail) {
        let index = self.index.load();
        if let Some(group) = about.asked.as_ref().and_then(|asked| index.groups.get(asked)) {
            group.counters.add(IN_FLIGHT, 1u64.wrapping_neg());
            group.counters.add(REQUESTS + outcome(class), 1);
            time(&group.counters, REQUEST_TIMES, took);
        }
        let mut attempts = trail.attempts().iter().peekable();
        while let Some(attempt) = attempts.next() {
            index.count(attempt, attempts.peek().map(|next| next.made));
        }
    }
}

impl Index {
    /// Counts an attempt, and why the `next` was made.
    fn count(&self, attempt: &Attempt, next: Option<Made>) {
        let group = attempt.group.as_ref().and_then(|group| self.groups.get(group));
        let (Some(group), Some(deployment)) = (group, &attempt.deployment) else { return };
        let Some(counters) = group.deployments.get(deployment) else { return };
        // One that was cut off came to nothing.
        let cut = || (attempt.ended != Some(Ended::Answered)).then_some(Class::Cancelled);
        let outcome = outcome(attempt.class.or_else(cut));
        counters.add(ATTEMPTS * OUTCOMES + outcome, 1);
        if let Some(wasted) = attempt.wasted {
            counters.add(WASTED + usize::from(wasted.estimated), wasted.tokens);
        }
        if let Some(took) = attempt.duration {
            time(&group.counters, ATTEMPT_TIMES, took);
        }
        if attempt.ended == Some(Ended::Stopped(Stop::Budget)) {
            counters.add(DENIALS * OUTCOMES + outcome, 1);
        }
        let followed = match next {
            Some(Made::Retry) => RETRIES,
            Some(Made::Move) => MOVES,
            Some(Made::Fallback) => FALLBACKS,
            Some(Made::Recovery) => RECOVERIES,
            _ => return,
        };
        counters.add(followed * OUTCOMES + outcome, 1);
    }
}

/// Notes a duration in the histogram that begins at `at`.
fn time(counters: &Counters, at: usize, took: Duration) {
    let millis = took.as_millis();
    let class = BOUNDS.iter().position(|bound| millis <= u128::from(*bound));
    counters.add(at + class.unwrap_or(BOUNDS.len()), 1);
    counters.add(at + TIMES - 1, u64::try_from(took.as_micros()).unwrap_or(u64::MAX));
}

/// The place of a class among the outcomes; that of success is the first.
fn outcome(class: Option<Class>) -> usize {
    let place = class.and_then(|class| Class::ALL.iter().position(|known| *known == class));
    place.map_or(0, |place| place + 1)
}

impl Default for Metrics {
    fn default() -> Self {
        Self { index: ArcSwap::default(), refused: Counters::new(OUTCOMES) }
    }
}

impl fmt::Debug for Metrics {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Metrics").field("groups", &self.index.load().order).finish_non_exhaustive()
    }
}
