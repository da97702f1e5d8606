//! The clocks of a request and of its attempts.

use std::time::Duration;

use crate::duration::show;
use crate::error::Findings;
use crate::inherit::Setting;
use crate::partial::PartialTimeout;
use crate::written::Written;

#[cfg(test)]
mod tests;

/// The clocks of a request and of its attempts. `None`: the clock is off.
#[derive(Clone, Debug, PartialEq)]
pub struct TimeoutPolicy {
    pub(crate) connect: Option<Duration>,
    pub(crate) attempt: Option<Duration>,
    pub(crate) total: Option<Duration>,
    pub(crate) reserve: Reserve,
    pub(crate) first_content: Option<Duration>,
    pub(crate) idle: Option<Duration>,
    pub(crate) content_idle: Option<Duration>,
    pub(crate) stream_total: Option<Duration>,
    pub(crate) stream: Option<Duration>,
}

/// What an attempt leaves of the deadline for those that could follow it, where no `attempt` clock
/// is set: so that no place eats the whole deadline while another is left.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
#[non_exhaustive]
pub enum Reserve {
    /// A quarter of what remains, at most 15 s.
    #[default]
    Share,
    /// This much; where that is more than half of what remains, half of it.
    Fixed(Duration),
    /// Nothing.
    Off,
}

const CONTENT_IDLE: Duration = Duration::from_secs(300);

impl Default for TimeoutPolicy {
    fn default() -> TimeoutPolicy {
        TimeoutPolicy {
            connect: Some(Duration::from_secs(5)),
            attempt: None,
            total: Some(Duration::from_secs(600)),
            reserve: Reserve::Share,
            first_content: None,
            idle: Some(Duration::from_secs(60)),
            content_idle: Some(CONTENT_IDLE),
            stream_total: None,
            stream: None,
        }
    }
}

// === impl TimeoutPolicy ===

impl TimeoutPolicy {
    /// No clock at all.
    pub(crate) fn off() -> TimeoutPolicy {
        TimeoutPolicy {
            connect: None,
            attempt: None,
            total: None,
            reserve: Reserve::Off,
            first_content: None,
            idle: None,
            content_idle: None,
            stream_total: None,
            stream: None,
        }
    }

    /// From dialing until the connection is ready, TLS included. Default 5 s.
    #[must_use]
    pub fn connect(&self) -> Option<Duration> {
        self.connect
    }

    /// From the beginning of an attempt until its first content (stream) or its end. Default off.
    #[must_use]
    pub fn attempt(&self) -> Option<Duration> {
        self.attempt
    }

    /// The deadline: from the request's arrival until its first content (stream) or its end, over
    /// all retries, waits and fallbacks. Default 600 s.
    #[must_use]
    pub fn total(&self) -> Option<Duration> {
        self.total
    }

    /// What an attempt leaves for those that could follow it. Default [`Reserve::Share`].
    #[must_use]
    pub fn reserve(&self) -> Reserve {
        self.reserve
    }

    /// From the beginning of an attempt until the first content of its answer (stream), or until the whole answer
    /// is there. Default off.
    #[must_use]
    pub fn first_content(&self) -> Option<Duration> {
        self.first_content
    }

    /// The longest silence between any two pieces of an answer's body, signs of life included. Default 60 s.
    #[must_use]
    pub fn idle(&self) -> Option<Duration> {
        self.idle
    }

    /// The longest time between two pieces of content of a stream. Default 300 s.
    #[must_use]
    pub fn content_idle(&self) -> Option<Duration> {
        self.content_idle
    }

    /// From a stream's first content until its end. Default off.
    #[must_use]
    pub fn stream_total(&self) -> Option<Duration> {
        self.stream_total
    }

    /// `first_content` and `content_idle` of answers that are streams, where these are not set otherwise: LiteLLM's
    /// `stream_timeout`. Default off.
    #[must_use]
    pub fn stream(&self) -> Option<Duration> {
        self.stream
    }

    /// `first_content` of a stream: its own, else `stream`.
    #[must_use]
    pub fn first_content_of_stream(&self) -> Option<Duration> {
        self.first_content.or(self.stream)
    }

    /// `content_idle` of a stream: its own, or `stream` where that is set and it is at its default.
    #[must_use]
    pub fn content_idle_of_stream(&self) -> Option<Duration> {
        match (self.content_idle, self.stream) {
            (Some(CONTENT_IDLE), Some(stream)) => Some(stream),
            (own, _) => own,
        }
    }

    fn check(&self, findings: &mut Findings) {
        let Some(total) = self.total else { return };
        if let Some(attempt) = self.attempt.filter(|attempt| *attempt > total) {
            let (attempt, total) = (show(attempt), show(total));
            let message = format!("must not be longer than total ({attempt} > {total})");
            findings.add("timeout.attempt", message);
        }
        if let Reserve::Fixed(reserve) = self.reserve
            && reserve >= total
        {
            let (reserve, total) = (show(reserve), show(total));
            let message = format!("must be shorter than total ({reserve} >= {total})");
            findings.add("timeout.reserve", message);
        }
    }
}

impl PartialTimeout {
    pub(crate) fn lay_on(&self, onto: &mut TimeoutPolicy, findings: &mut Findings) {
        findings.lay_clock("timeout.connect", &self.connect, &mut onto.connect);
        findings.lay_clock("timeout.attempt", &self.attempt, &mut onto.attempt);
        findings.lay_clock("timeout.total", &self.total, &mut onto.total);
        findings.lay("timeout.reserve", &self.reserve, &mut onto.reserve, Some(Reserve::Off));
        findings.lay_clock("timeout.first_content", &self.first_content, &mut onto.first_content);
        findings.lay_clock("timeout.idle", &self.idle, &mut onto.idle);
        findings.lay_clock("timeout.content_idle", &self.content_idle, &mut onto.content_idle);
        findings.lay_clock("timeout.stream_total", &self.stream_total, &mut onto.stream_total);
        findings.lay_clock("timeout.stream", &self.stream, &mut onto.stream);
        onto.check(findings);
    }
}

impl From<&TimeoutPolicy> for PartialTimeout {
    fn from(timeout: &TimeoutPolicy) -> PartialTimeout {
        let clock = |time: Option<Duration>| time.map_or(Setting::Off, |t| Setting::Set(t.into()));
        PartialTimeout {
            connect: clock(timeout.connect),
            attempt: clock(timeout.attempt),
            total: clock(timeout.total),
            reserve: timeout.reserve.into(),
            first_content: clock(timeout.first_content),
            idle: clock(timeout.idle),
            content_idle: clock(timeout.content_idle),
            stream_total: clock(timeout.stream_total),
            stream: clock(timeout.stream),
        }
    }
}

// === impl Reserve ===

impl From<Reserve> for Setting<Written<Reserve>> {
    fn from(reserve: Reserve) -> Setting<Written<Reserve>> {
        match reserve {
            Reserve::Off => Setting::Off,
            reserve => Setting::Set(reserve.into()),
        }
    }
}

impl Reserve {
    /// How much of `remaining` is left alone: never more than half of it, so that the attempt at
    /// hand has a chance too.
    #[must_use]
    pub fn of(self, remaining: Duration) -> Duration {
        match self {
            Reserve::Share => (remaining / 4).min(Duration::from_secs(15)),
            Reserve::Fixed(fixed) => fixed.min(remaining / 2),
            Reserve::Off => Duration::ZERO,
        }
    }
}
