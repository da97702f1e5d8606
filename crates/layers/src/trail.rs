//! What became of a request: one entry an attempt.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use secondwind_policy::Class;

/// A name of a group or a deployment, cheap to copy.
pub type Name = Arc<str>;

/// The attempts made for a request, in order.
///
/// Its [`Display`](fmt::Display) is the compact form of the `x-secondwind-trail` header, at most 2 KiB:
/// `gpt-4/azure-1=rate_limit@0ms+12ms;gpt-4/openai-1=ok@15ms+830ms`, that is
/// *group*`/`*deployment*`=`*outcome*`@`*start*`+`*duration*.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Trail {
    attempts: Vec<Attempt>,
}

/// One attempt: one request sent to one place.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Attempt {
    /// The group it was for, where groups are in play.
    pub group: Option<Name>,
    /// The deployment it went to, where deployments are in play.
    pub deployment: Option<Name>,
    /// Why it was made.
    pub made: Made,
    /// How long it was waited before it.
    pub waited: Duration,
    /// Whether the request could have been sent again after it. A body that is too large to keep
    /// passes through once.
    pub replayable: bool,
    /// When it began, counted from the beginning of the request.
    pub start: Duration,
    /// How long it took; `None` while it runs.
    pub duration: Option<Duration>,
    /// What went wrong; `None` for an attempt that was answered, or still runs.
    pub class: Option<Class>,
    /// The HTTP status of the answer, where known.
    pub status: Option<u16>,
    /// Why no further attempt followed this one in its place, or what followed.
    pub ended: Option<Ended>,
    /// The tokens that it took in vain.
    pub wasted: Option<Wasted>,
}

/// Tokens that an attempt took, and that are in no usage that the caller is told: its answer broke off, or was not the
/// one that the caller had the beginning of.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub struct Wasted {
    /// How many, of the question and of the answer.
    pub tokens: u64,
    /// Whether that is an estimate, by the text that was sent and came; else the provider said it.
    pub estimated: bool,
}

/// Why an attempt was made.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum Made {
    /// It is the request's first.
    First,
    /// The one before it failed.
    Retry,
    /// The one before it surely never reached the server; it does not count.
    Repeat,
    /// The one before it failed and another deployment of the group was to be had.
    Move,
    /// The group before it was spent.
    Fallback,
    /// The answer of the one before it broke off after the caller had got the first of it.
    Recovery,
}

/// How an attempt ended.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum Ended {
    /// With an answer.
    Answered,
    /// With a failure that is tried again in its place.
    Again,
    /// With a failure, after which another deployment is tried.
    MovedOn,
    /// With a failure after which nothing follows in its group.
    Stopped(Stop),
    /// It was cut off: the caller went away, or the deadline came.
    Abandoned,
}

/// Why nothing follows a failure in its group.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum Stop {
    /// Failures of this class are not tried again.
    NotRetried,
    /// The retries are spent.
    Exhausted,
    /// The budget of further attempts is empty.
    Budget,
    /// The wait would not end before the deadline.
    Deadline,
    /// The server asked for a longer wait than the policy allows.
    HintTooLong,
    /// The request cannot be sent a second time: its body is too large to keep, or gone.
    NotReplayable,
    /// The request may have been processed and must not be processed twice.
    NotIdempotent,
    /// The server asked not to be tried again.
    ToldNotTo,
    /// Another group is a better bet than the place that just timed out.
    Fallback,
    /// The service did not become ready again in time.
    NotReady,
}

// === impl Wasted ===

impl Wasted {
    /// So many, as the provider said.
    #[must_use]
    pub const fn reported(tokens: u64) -> Self {
        Self { tokens, estimated: false }
    }

    /// About so many.
    #[must_use]
    pub const fn estimated(tokens: u64) -> Self {
        Self { tokens, estimated: true }
    }
}

// === impl Trail ===

impl Trail {
    /// The attempts, in the order in which they were made.
    #[must_use]
    pub fn attempts(&self) -> &[Attempt] {
        &self.attempts
    }

    /// How many further attempts were made after the first one, in all groups: retries, moves to
    /// a sibling, and recoveries of broken streams. Repeats of what never reached a server do not count, nor does a fallback's first
    /// attempt.
    #[must_use]
    pub fn retries(&self) -> u32 {
        self.count(|made| matches!(made, Made::Retry | Made::Move | Made::Recovery))
    }

    /// How many fallbacks were made.
    #[must_use]
    pub fn fallbacks(&self) -> u32 {
        self.count(|made| made == Made::Fallback)
    }

    /// Whether an attempt was made in `group`.
    #[must_use]
    pub fn went_to(&self, group: &str) -> bool {
        self.attempts.iter().any(|attempt| attempt.group.as_deref() == Some(group))
    }

    /// Whether an attempt was sent to `deployment`.
    #[must_use]
    pub fn went_to_deployment(&self, deployment: &str) -> bool {
        self.attempts.iter().any(|attempt| attempt.deployment.as_deref() == Some(deployment))
    }

    /// What went wrong in the last attempt that is over; `None` where it was answered.
    #[must_use]
    pub fn last_class(&self) -> Option<Class> {
        self.attempts.iter().rfind(|attempt| attempt.duration.is_some())?.class
    }

    /// Whether there is nothing to tell: the request was answered at the first attempt.
    #[must_use]
    pub fn is_plain(&self) -> bool {
        matches!(
            self.attempts.as_slice(),
            [] | [Attempt { ended: Some(Ended::Answered), replayable: true, .. }]
        )
    }

    fn count(&self, matches: impl Fn(Made) -> bool) -> u32 {
        let count = self.attempts.iter().filter(|attempt| matches(attempt.made)).count();
        u32::try_from(count).unwrap_or(u32::MAX)
    }

    pub(crate) fn push(&mut self, attempt: Attempt) {
        if self.attempts.is_empty() {
            // Most requests have one, and streams keep it for long.
            self.attempts.reserve_exact(1);
        }
        self.attempts.push(attempt);
    }

    pub(crate) fn get_mut(&mut self, number: usize) -> Option<&mut Attempt> {
        self.attempts.get_mut(number.checked_sub(1)?)
    }

    pub(crate) fn last_mut(&mut self) -> Option<&mut Attempt> {
        self.attempts.last_mut()
    }
}

impl fmt::Display for Trail {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        const MOST: usize = 2048;
        // Room for the note on what was left out.
        const NOTE: usize = 24;
        // Most have one, and that is short enough: no text of its own is made for it.
        if let [only] = self.attempts.as_slice() {
            return only.fmt(f);
        }
        let mut written = 0;
        for (at, attempt) in self.attempts.iter().enumerate() {
            let separator = if at == 0 { "" } else { ";" };
            let text = format!("{separator}{attempt}");
            if written + text.len() > MOST - NOTE {
                return write!(f, ";+{} more", self.attempts.len() - at);
            }
            written += text.len();
            f.write_str(&text)?;
        }
        Ok(())
    }
}

impl fmt::Display for Attempt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (&self.group, &self.deployment) {
            (Some(group), Some(deployment)) => write!(f, "{}/{}", Safe(group), Safe(deployment))?,
            (Some(name), None) | (None, Some(name)) => write!(f, "{}", Safe(name))?,
            (None, None) => f.write_str("-")?,
        }
        let outcome = match (self.class, self.ended) {
            (Some(class), _) => class.name(),
            (None, Some(Ended::Answered)) => "ok",
            (None, _) => "cut",
        };
        write!(f, "={outcome}@{}ms", millis(self.start))?;
        if let Some(duration) = self.duration {
            write!(f, "+{}ms", millis(duration))?;
        }
        if !self.replayable {
            f.write_str("!not_replayable")?;
        }
        Ok(())
    }
}

/// In 64 bits, which take a fraction of the time to write that 128 do.
fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}

/// A name as it may stand in a header: visible ASCII, none of the trail's own signs, at most 64 bytes.
struct Safe<'a>(&'a str);

impl fmt::Display for Safe<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let plain = |c: char| c.is_ascii_graphic() && !matches!(c, ';' | '=' | '@' | '"' | ',');
        if self.0.len() <= 64 && self.0.chars().all(plain) {
            return f.write_str(self.0);
        }
        self.0
            .chars()
            .take(64)
            .try_for_each(|c| fmt::Write::write_char(f, if plain(c) { c } else { '_' }))
    }
}

// === impl Stop ===

impl Stop {
    /// The reason as a word, as logs and metrics name it.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::NotRetried => "not_retried",
            Self::Exhausted => "exhausted",
            Self::Budget => "budget",
            Self::Deadline => "deadline",
            Self::HintTooLong => "hint_too_long",
            Self::NotReplayable => "not_replayable",
            Self::NotIdempotent => "not_idempotent",
            Self::ToldNotTo => "told_not_to",
            Self::Fallback => "fallback",
            Self::NotReady => "not_ready",
        }
    }
}

#[cfg(all(test, feature = "http"))]
mod tests;
