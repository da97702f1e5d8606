//! Tells those who observe a request what becomes of it.

use std::sync::Arc;
use std::time::Duration;

use secondwind_policy::Class;
use tokio::time::Instant;

use super::{Context, State};
use crate::classify::Verdict;
use crate::observe::{About, Sink};
use crate::trail::{Ended, Name, Stop, Wasted};

/// Who observes a request.
pub(super) struct Observed {
    sink: Arc<dyn Sink>,
    about: About,
    over: bool,
}

impl Context {
    /// Has `sink` told of the attempts and the end of this request; in place of any before.
    pub fn observe(&self, sink: Arc<dyn Sink>) {
        let mut state = self.state();
        let about = About { id: state.id.clone(), asked: state.group.clone() };
        if let Some(asked) = &about.asked {
            sink.request_began(asked);
        }
        state.observed = Some(Box::new(Observed { sink, about, over: false }));
    }

    /// The request's id, where it has one.
    #[must_use]
    pub fn id(&self) -> Option<Name> {
        self.state().id.clone()
    }

    /// Gives the request an id, by which those who observe it know it. To be set before
    /// [`observe`](Self::observe).
    pub fn set_id(&self, id: Name) {
        self.state().id = Some(id);
    }

    /// Tells those who observe the request that the deployment at hand rests, after a failure of `class`.
    pub fn rested(&self, class: Class) {
        let state = self.state();
        let State { observed, group, deployment, .. } = &*state;
        if let (Some(observed), Some(group), Some(deployment)) = (observed, group, deployment) {
            observed.sink.rested(&observed.about, group, deployment, class);
        }
    }

    /// Says of the attempt at hand that the body of its answer is still to come: what became of it is told when that
    /// [ends](Self::end_answer).
    pub fn begin_answer(&self) {
        self.state().flowing = true;
    }

    /// Notes what became of an answer whose head was there before: its body is over, or `verdict` says what went wrong
    /// with it.
    pub fn end_answer(&self, now: Instant, verdict: Option<&Verdict>) {
        let mut state = self.state();
        let since = now.saturating_duration_since(self.0.started);
        let why = Ended::Stopped(Stop::NotRetried);
        state.end_answer(since, verdict.map(|verdict| (verdict.class, why)));
    }

    /// The number of the attempt at hand: 1 for the first, 0 before it.
    #[must_use]
    pub fn attempts(&self) -> usize {
        self.state().trail.attempts().len()
    }

    /// Notes that the attempt of that number took tokens in vain. What is noted after the request is over is not told.
    pub fn waste(&self, number: usize, wasted: Wasted) {
        if let Some(attempt) = self.state().trail.get_mut(number) {
            attempt.wasted = Some(wasted);
        }
    }

    /// Tells those who observe the request that it is over: answered, or failed with `class`. The first to say so
    /// is believed. An answer under way that led nowhere was cut off.
    pub fn end_request(&self, now: Instant, class: Option<Class>) {
        let mut state = self.state();
        if state.flowing {
            let since = now.saturating_duration_since(self.0.started);
            state.end_answer(since, class.map(|_| (Class::Cancelled, Ended::Abandoned)));
        }
        let State { observed, trail, .. } = &mut *state;
        if let Some(observed) = observed.as_mut().filter(|observed| !observed.over) {
            observed.over = true;
            let took = now.saturating_duration_since(self.0.started);
            observed.sink.request_ended(&observed.about, class, took, trail);
        }
    }
}

impl State {
    /// The body of the last attempt's answer is over, so long after the request began.
    fn end_answer(&mut self, since: Duration, failed: Option<(Class, Ended)>) {
        if let Some(attempt) = self.trail.last_mut() {
            attempt.duration = Some(since.saturating_sub(attempt.start));
            if let Some((class, ended)) = failed {
                attempt.class = Some(class);
                attempt.ended = Some(ended);
            }
        }
        if std::mem::take(&mut self.flowing) {
            self.tell_attempt();
        }
    }

    /// Tells those who observe the request that its last attempt is over.
    #[inline]
    pub(super) fn tell_attempt(&self) {
        if let Some(observed) = &self.observed {
            observed.sink.attempt_ended(&observed.about, &self.trail);
        }
    }
}
