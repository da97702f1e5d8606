//! The sixteen faults, and what is asked of whoever stands before them.
//!
//! They are those of failoverbench's catalogue (methodology 0.1), with its checks and its limits; all times are a tenth
//! of what they are there.

use std::time::Duration;

use secondwind_testkit::faults::{Break, Fault};

/// One fault.
pub(super) struct Scenario {
    pub(super) id: &'static str,
    pub(super) title: &'static str,
    pub(super) fault: Fault,
    pub(super) when: When,
    pub(super) ideal: Ideal,
    /// Whether the fallback refuses to go on from what was said.
    pub(super) prefill_refused: bool,
    /// How long a caller waits before it counts as a hang.
    pub(super) patience: Duration,
    pub(super) checks: Vec<Check>,
}

/// Which requests the fault is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum When {
    First,
    Always,
    /// All, for six seconds.
    Outage,
}

/// What the caller should get.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Ideal {
    Answer,
    Error,
}

/// One of the things that are looked at. Those that are only advised make a pass a partial one.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Check {
    /// Attempts at the primary; advised.
    AtLeast(usize),
    AtMost(usize),
    /// Like `AtMost`; advised.
    BetterAtMost(usize),
    Exactly(usize),
    /// From the first attempt at the primary to the second; advised.
    FirstGap(Duration),
    /// At most so many attempts at the primary in this time.
    NoHammering(Duration, usize),
    /// How long it takes in all.
    Wall(Duration),
    /// The same; advised.
    BetterWall(Duration),
    /// The usage is there; advised.
    Usage,
    NamesTheFallback,
    /// An error, if it comes to that, is not the refusal to go on from what was said.
    NoPrefillRefusal,
}

/// A tenth of so many seconds.
pub(super) fn tenth(secs: f64) -> Duration {
    Duration::from_secs_f64(secs / 10.0)
}

// === impl Check ===

impl Check {
    pub(super) fn is_advice(self) -> bool {
        use Check::{AtLeast, BetterAtMost, BetterWall, FirstGap, Usage};
        matches!(self, AtLeast(_) | BetterAtMost(_) | BetterWall(_) | FirstGap(_) | Usage)
    }
}

// === impl Scenario ===

impl Scenario {
    fn new(id: &'static str, title: &'static str, fault: Fault) -> Self {
        Self {
            id,
            title,
            fault,
            when: When::Always,
            ideal: Ideal::Answer,
            prefill_refused: false,
            patience: tenth(45.0),
            checks: Vec::new(),
        }
    }

    fn first(mut self) -> Self {
        self.when = When::First;
        self
    }

    fn checks(mut self, patience: f64, checks: &[Check]) -> Self {
        self.patience = tenth(patience);
        self.checks = checks.to_vec();
        self
    }
}

/// All of them, in their order.
pub(super) fn all() -> Vec<Scenario> {
    use Check::{
        AtLeast, AtMost, BetterAtMost, BetterWall, Exactly, FirstGap, NamesTheFallback,
        NoHammering, NoPrefillRefusal, Usage, Wall,
    };
    let limited = |retry_after| Fault::RateLimited { retry_after };
    let at = Fault::at;
    vec![
        Scenario::new("S01", "429 with `Retry-After`, once", limited(Some("0.2")))
            .first()
            .checks(20.0, &[AtLeast(2), FirstGap(tenth(1.8)), NoHammering(tenth(1.5), 2)]),
        Scenario::new("S02", "429 without `Retry-After`, always", limited(None))
            .checks(40.0, &[NoHammering(tenth(3.0), 4), AtMost(6)]),
        Scenario::new("S03", "500, once", Fault::Status(500)).first().checks(20.0, &[AtLeast(2)]),
        Scenario::new("S04", "503, always", Fault::Status(503)).checks(40.0, &[AtMost(6)]),
        Scenario::new("S05", "reset before the head, once", Fault::ResetBeforeHead)
            .first()
            .checks(20.0, &[]),
        Scenario::new("S06", "no response for 12 s", Fault::Silence(tenth(120.0)))
            .checks(130.0, &[Wall(tenth(100.0)), BetterAtMost(1)]),
        Scenario::new("S07", "first word after 2 s", Fault::SlowFirstWord(tenth(20.0)))
            .checks(60.0, &[BetterWall(tenth(15.0))]),
        Scenario::new("S08", "cut after 40 of 60 words", at(40, Break::Cut)).checks(40.0, &[]),
        Scenario::new(
            "S09",
            "silent for 3 s after 20 words",
            at(20, Break::StallAndCut(tenth(30.0))),
        )
        .checks(70.0, &[Wall(tenth(45.0))]),
        Scenario::new("S10", "an event that is no JSON", at(10, Break::Malformed))
            .checks(30.0, &[]),
        Scenario::new("S11", "whole, but without `[DONE]`", Fault::Unmarked)
            .checks(30.0, &[Wall(tenth(8.0)), Usage]),
        Scenario::new("S12", "400 `context_length_exceeded`", Fault::ContextLength)
            .checks(20.0, &[Exactly(1)]),
        Scenario {
            ideal: Ideal::Error,
            ..Scenario::new("S13", "400 `content_policy_violation`", Fault::ContentPolicy)
        }
        .checks(20.0, &[Exactly(1)]),
        Scenario {
            prefill_refused: true,
            ..Scenario::new("S14", "cut, and the fallback refuses a prefill", at(40, Break::Cut))
        }
        .checks(40.0, &[NoPrefillRefusal]),
        Scenario {
            when: When::Outage,
            ..Scenario::new("S15", "503 for 6 s, then well; 23 requests", Fault::Status(503))
        }
        .checks(30.0, &[]),
        Scenario::new("S16", "503, always: who is named, what is counted", Fault::Status(503))
            .checks(40.0, &[NamesTheFallback, Usage, AtMost(6)]),
    ]
}
