//! How long to wait between attempts where the server does not say.

use std::time::Duration;

use crate::duration::show;
use crate::error::Findings;
use crate::inherit::Setting;
use crate::partial::PartialBackoff;

/// Exponential backoff with full jitter: before retry `n` (the first is 1) the wait is drawn
/// evenly from 0 to `min(max, base · factorⁿ)`.
///
/// So with the defaults: 0 to 2 s, 0 to 4 s, 0 to 8 s, 0 to 16 s …, at most 60 s. Full jitter
/// spreads the retries of many callers best (AWS Architecture Blog, "Exponential Backoff And
/// Jitter").
#[derive(Clone, Debug, PartialEq)]
pub struct Backoff {
    pub(crate) base: Duration,
    pub(crate) factor: f64,
    pub(crate) max: Duration,
}

impl Default for Backoff {
    fn default() -> Backoff {
        Backoff { base: Duration::from_secs(1), factor: 2.0, max: Duration::from_secs(60) }
    }
}

impl Backoff {
    /// No wait of our own.
    pub(crate) fn off() -> Backoff {
        Backoff { base: Duration::ZERO, ..Backoff::default() }
    }

    /// Where the waits start. Default 1 s; 0 for no wait of our own.
    #[must_use]
    pub fn base(&self) -> Duration {
        self.base
    }

    /// By how much the ceiling grows with each retry. Default 2; finite, at least 1.
    #[must_use]
    pub fn factor(&self) -> f64 {
        self.factor
    }

    /// The ceiling that no wait exceeds. Default 60 s; not below [`base`](Backoff::base).
    #[must_use]
    pub fn max(&self) -> Duration {
        self.max
    }

    fn check(&self, findings: &mut Findings) {
        let Backoff { base, factor, max } = *self;
        if !factor.is_finite() || factor < 1.0 {
            findings.add("retry.backoff.factor", format!("must be at least 1, not {factor}"));
        }
        if max < base {
            let (max, base) = (show(max), show(base));
            let message = format!("must not be below base ({max} < {base})");
            findings.add("retry.backoff.max", message);
        }
    }
}

impl PartialBackoff {
    pub(crate) fn lay_on(&self, onto: &mut Backoff, findings: &mut Findings) {
        let zero = Some(Duration::ZERO);
        findings.lay("retry.backoff.base", &self.base, &mut onto.base, zero);
        findings.lay("retry.backoff.factor", &self.factor, &mut onto.factor, None);
        findings.lay("retry.backoff.max", &self.max, &mut onto.max, None);
        onto.check(findings);
    }
}

impl From<&Backoff> for PartialBackoff {
    fn from(backoff: &Backoff) -> PartialBackoff {
        PartialBackoff {
            base: Setting::Set(backoff.base.into()),
            factor: Setting::Set(backoff.factor.into()),
            max: Setting::Set(backoff.max.into()),
        }
    }
}
