//! What one failed attempt means: the answer to the four questions that the layers ask of it.

use std::time::Duration;

use secondwind_policy::Class;

/// What one failed attempt means.
///
/// One verdict answers four questions that are not the same: *retry here?* ([`class`](Self::class),
/// [`reach`](Self::reach), [`should_retry`](Self::should_retry)), *move on?* (the class), *does it
/// hurt the place that gave it?* ([`blame`](Self::blame)) and *for how long is that place off?*
/// ([`hint`](Self::hint)).
///
/// ```
/// use std::time::Duration;
/// use secondwind_layers::classify::Verdict;
/// use secondwind_policy::Class;
///
/// let verdict = Verdict::new(Class::RateLimit).with_hint(Duration::from_secs(2));
/// assert_eq!(verdict.class, Class::RateLimit);
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
#[non_exhaustive]
pub struct Verdict {
    /// What went wrong.
    pub class: Class,
    /// Whether the request may have reached the server.
    pub reach: Reach,
    /// The wait that the server asked for, as it asked: not capped, no jitter added.
    pub hint: Option<Duration>,
    /// The server's own word on whether to try again (`x-should-retry`).
    pub should_retry: Option<bool>,
    /// Whom the failure hurts.
    pub blame: Blame,
    /// The HTTP status of the answer, where there was one.
    pub status: Option<u16>,
}

/// Whether a failed request may have reached the server.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
#[non_exhaustive]
pub enum Reach {
    /// It may have been processed.
    #[default]
    Unknown,
    /// It was written to a pooled connection that turned out to be closed. It may have been
    /// processed; the place itself is not in doubt, so that the first retry does not wait.
    Reused,
    /// It was surely not processed: repeating it is safe, whatever it asks for.
    NotSent,
    /// There was no connection to send it on. It was surely not processed; but the place is in doubt, so that this is
    /// a failure as any other, with its wait.
    Unconnected,
    /// Nobody was asked, since this place cannot be asked it: repeating it here leads to the same, and
    /// asking another costs nothing.
    Unasked,
}

/// Whom a failure hurts.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
#[non_exhaustive]
pub enum Blame {
    /// The place that gave it, as far as the failure's class hurts at all.
    #[default]
    Deployment,
    /// Nobody: the caller's own mistake, or an object that only this caller knows.
    Nobody,
}

// === impl Verdict ===

impl Verdict {
    /// A verdict of `class`, with nothing else known.
    #[must_use]
    pub const fn new(class: Class) -> Self {
        Self {
            class,
            reach: Reach::Unknown,
            hint: None,
            should_retry: None,
            blame: Blame::Deployment,
            status: None,
        }
    }

    /// With the wait that the server asked for.
    #[must_use]
    pub const fn with_hint(mut self, hint: Duration) -> Self {
        self.hint = Some(hint);
        self
    }

    /// With what is known of whether it reached the server.
    #[must_use]
    pub const fn with_reach(mut self, reach: Reach) -> Self {
        self.reach = reach;
        self
    }

    /// With the server's own word on whether to try again.
    #[must_use]
    pub const fn with_should_retry(mut self, should_retry: bool) -> Self {
        self.should_retry = Some(should_retry);
        self
    }

    /// With the one whom it hurts.
    #[must_use]
    pub const fn with_blame(mut self, blame: Blame) -> Self {
        self.blame = blame;
        self
    }

    /// With the HTTP status of the answer.
    #[must_use]
    pub const fn with_status(mut self, status: u16) -> Self {
        self.status = Some(status);
        self
    }
}
