//! Judges what a caller got together with what the providers saw.

use std::fmt;

use secondwind_testkit::faults::{Attempt, TEXT};

use super::scenario::{Check, Ideal, Scenario};
use crate::strict::{Heard, Verdict};

/// What there is to judge by.
pub(super) struct Seen<'a> {
    pub(super) heard: &'a Heard,
    pub(super) primary: &'a [Attempt],
    /// Whether a healthy question was answered afterwards.
    pub(super) alive: bool,
}

/// failoverbench's four marks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Mark {
    /// A hang, a lie, or a rule broken.
    Fail,
    /// No rescue, but an honest error in time.
    Safe,
    /// A rescue, but not as well as can be.
    Partial,
    Pass,
}

/// A mark, and why it is no better.
pub(super) struct Judgement {
    pub(super) mark: Mark,
    pub(super) because: String,
}

impl fmt::Display for Mark {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Fail => "fail",
            Self::Safe => "safe",
            Self::Partial => "partial",
            Self::Pass => "pass",
        })
    }
}

pub(super) fn judge(scenario: &Scenario, seen: &Seen<'_>) -> Judgement {
    let judged = |mark, because: String| Judgement { mark, because };
    let broken = |advice: bool| {
        let checks = scenario.checks.iter().filter(move |check| check.is_advice() == advice);
        checks.copied().find(|check| !holds(*check, seen))
    };
    let verdict = seen.heard.verdict(TEXT);
    if matches!(verdict, Verdict::Hung | Verdict::Lied(_)) {
        return judged(Mark::Fail, format!("{verdict:?}"));
    }
    if !seen.alive {
        return judged(Mark::Fail, "the next question was not answered".into());
    }
    if let Some(check) = broken(false) {
        return judged(Mark::Fail, format!("{check:?}"));
    }
    match (scenario.ideal, &verdict) {
        (Ideal::Answer, Verdict::Whole) | (Ideal::Error, Verdict::Told) => {}
        (Ideal::Error, Verdict::Whole) => return judged(Mark::Partial, "routed around".into()),
        _ => return judged(Mark::Safe, format!("{verdict:?} {:?}", seen.heard.errors)),
    }
    match broken(true) {
        Some(check) => judged(Mark::Partial, format!("{check:?}")),
        None => judged(Mark::Pass, String::new()),
    }
}

fn holds(check: Check, seen: &Seen<'_>) -> bool {
    let Seen { heard, primary, .. } = seen;
    let tries = primary.len();
    match check {
        Check::AtLeast(least) => tries >= least,
        Check::AtMost(most) | Check::BetterAtMost(most) => tries <= most,
        Check::Exactly(exactly) => tries == exactly,
        Check::FirstGap(gap) => tries >= 2 && primary[1].asked - primary[0].asked >= gap,
        Check::NoHammering(window, most) => {
            let first = primary.first().map(|attempt| attempt.asked);
            let soon =
                |attempt: &&Attempt| first.is_some_and(|first| attempt.asked - first <= window);
            primary.iter().filter(soon).count() <= most
        }
        Check::Wall(most) | Check::BetterWall(most) => heard.took <= most,
        Check::Usage => heard.usages.len() == 1,
        Check::NamesTheFallback => heard.models.iter().eq(["model-of-spare"]),
        Check::NoPrefillRefusal => {
            !heard.errors.iter().any(|error| error.to_string().contains("prefill"))
        }
    }
}
