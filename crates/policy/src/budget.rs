//! How many attempts beyond the first a group's requests may make together.

use std::time::Duration;

use crate::duration::show;
use crate::error::Findings;
use crate::inherit::Setting;
use crate::partial::PartialBudget;

/// A budget that keeps retries from turning an outage into a storm.
///
/// Each request deposits [`ratio`](BudgetPolicy::ratio) tokens with its first attempt, each further
/// attempt takes one, and a few a second are free, so that a small installation never notices.
/// The bounds of its values are those of Finagle's `RetryBudget`.
#[derive(Clone, Debug, PartialEq)]
pub struct BudgetPolicy {
    pub(crate) ratio: f64,
    pub(crate) min_per_second: u32,
    pub(crate) window: Duration,
}

impl Default for BudgetPolicy {
    fn default() -> BudgetPolicy {
        BudgetPolicy { ratio: 0.2, min_per_second: 10, window: Duration::from_secs(10) }
    }
}

impl BudgetPolicy {
    /// How many further attempts each request pays for. Default 0.2; from 0 to 1000.
    #[must_use]
    pub fn ratio(&self) -> f64 {
        self.ratio
    }

    /// How many further attempts a second are free. Default 10.
    #[must_use]
    pub fn min_per_second(&self) -> u32 {
        self.min_per_second
    }

    /// For how long a deposit is good. Default 10 s; from 1 s to 60 s.
    #[must_use]
    pub fn window(&self) -> Duration {
        self.window
    }

    fn check(&self, findings: &mut Findings) {
        let BudgetPolicy { ratio, window, .. } = *self;
        // NaN is in no range.
        if !(0.0..=1000.0).contains(&ratio) {
            findings.add("retry.budget.ratio", format!("must be from 0 to 1000, not {ratio}"));
        }
        if !(Duration::from_secs(1)..=Duration::from_secs(60)).contains(&window) {
            let message = format!("must be from 1s to 60s, not {}", show(window));
            findings.add("retry.budget.window", message);
        }
    }
}

impl PartialBudget {
    pub(crate) fn lay_on(&self, onto: &mut BudgetPolicy, findings: &mut Findings) {
        findings.lay("retry.budget.ratio", &self.ratio, &mut onto.ratio, None);
        let least = &mut onto.min_per_second;
        findings.lay("retry.budget.min_per_second", &self.min_per_second, least, Some(0));
        findings.lay("retry.budget.window", &self.window, &mut onto.window, None);
        onto.check(findings);
    }
}

impl From<&BudgetPolicy> for PartialBudget {
    fn from(budget: &BudgetPolicy) -> PartialBudget {
        PartialBudget {
            ratio: Setting::Set(budget.ratio.into()),
            min_per_second: Setting::Set(budget.min_per_second.into()),
            window: Setting::Set(budget.window.into()),
        }
    }
}
