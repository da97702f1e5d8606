//! The error that names the clock.

use std::fmt;
use std::time::Duration;

/// A clock ran out.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Elapsed {
    clock: Clock,
    after: Duration,
    bound: Bound,
}

/// The clocks that there are.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
#[non_exhaustive]
pub enum Clock {
    /// From dialling to a connection that is ready.
    Connect,
    /// From sending one attempt to its answer.
    Attempt,
    /// From the arrival of the request to its answer, over all attempts.
    Total,
    /// From the beginning of an attempt to the first content of its answer.
    FirstContent,
    /// From any bytes of an answer's body to the next.
    Idle,
    /// From content of a stream to the next content.
    ContentIdle,
    /// From a stream's first content to its end.
    StreamTotal,
}

/// What set the moment at which a clock ran out.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
#[non_exhaustive]
pub enum Bound {
    /// The clock's own setting. Of a service's health only this kind of timeout says something.
    Configured,
    /// The deadline of the whole request.
    Deadline,
    /// The deadline, less what was reserved for the attempts that follow.
    Reserve,
    /// The request itself, which wanted less than the clock's own setting.
    Wanted,
}

// === impl Elapsed ===

impl Elapsed {
    /// `clock` ran out, which gave `after`.
    #[must_use]
    pub const fn new(clock: Clock, after: Duration, bound: Bound) -> Self {
        Self { clock, after, bound }
    }

    /// The clock that ran out.
    #[must_use]
    pub const fn clock(&self) -> Clock {
        self.clock
    }

    /// How much time it gave.
    #[must_use]
    pub const fn after(&self) -> Duration {
        self.after
    }

    /// What set the moment.
    #[must_use]
    pub const fn bound(&self) -> Bound {
        self.bound
    }
}

impl fmt::Display for Elapsed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the {} clock ran out after {:?}", self.clock, self.after)?;
        match self.bound {
            Bound::Configured => Ok(()),
            Bound::Deadline => f.write_str(", at the request's deadline"),
            Bound::Reserve => f.write_str(", to leave time for another attempt"),
            Bound::Wanted => f.write_str(", as the request wanted it"),
        }
    }
}

impl std::error::Error for Elapsed {}

// === impl Clock ===

impl Clock {
    /// The clock's name, as the policy, errors and metrics have it.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Connect => "connect",
            Self::Attempt => "attempt",
            Self::Total => "total",
            Self::FirstContent => "first_content",
            Self::Idle => "idle",
            Self::ContentIdle => "content_idle",
            Self::StreamTotal => "stream_total",
        }
    }
}

impl fmt::Display for Clock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}
