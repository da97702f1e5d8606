//! When a deployment that fails is left alone for a while.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::allowed::{AllowedFails, PartialAllowedFails};
use crate::error::Findings;
use crate::inherit::Setting;
use crate::partial::PartialBreaker;

/// When a deployment that fails is left alone for a while.
#[derive(Clone, Debug, PartialEq)]
pub struct BreakerPolicy {
    pub(crate) on: bool,
    pub(crate) cooldown_time: Duration,
    pub(crate) when_all_open: WhenAllOpen,
    pub(crate) allowed_fails: Option<u32>,
    pub(crate) allowed_fails_policy: AllowedFails,
}

/// What becomes of a request when every deployment of its group is resting and no fallback is left.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum WhenAllOpen {
    /// It fails at once and is told when to come back.
    #[default]
    FailFast,
    /// The deployment with the best prospects is tried all the same.
    LeastBad,
}

impl Default for BreakerPolicy {
    fn default() -> BreakerPolicy {
        BreakerPolicy {
            on: true,
            cooldown_time: Duration::from_secs(5),
            when_all_open: WhenAllOpen::FailFast,
            allowed_fails: None,
            allowed_fails_policy: AllowedFails::default(),
        }
    }
}

impl BreakerPolicy {
    /// No deployment ever rests.
    pub(crate) fn off() -> BreakerPolicy {
        BreakerPolicy { on: false, cooldown_time: Duration::ZERO, ..BreakerPolicy::default() }
    }

    /// Whether deployments rest at all. Off with `breaker: off` or a cooldown of 0: a hint is then
    /// only waited for by the request that got it.
    #[must_use]
    pub fn enabled(&self) -> bool {
        self.on && !self.cooldown_time.is_zero()
    }

    /// For how long a deployment rests where the server does not say. Default 5 s.
    #[must_use]
    pub fn cooldown_time(&self) -> Duration {
        self.cooldown_time
    }

    /// What to do when every deployment of a group rests. Default [`WhenAllOpen::FailFast`].
    #[must_use]
    pub fn when_all_open(&self) -> WhenAllOpen {
        self.when_all_open
    }

    /// How many failures a minute are allowed before a deployment rests. Default off: it rests after
    /// 4 in a row, or more than half of at least 20 attempts.
    #[must_use]
    pub fn allowed_fails(&self) -> Option<u32> {
        self.allowed_fails
    }

    /// The same for single classes; they go before [`allowed_fails`](Self::allowed_fails).
    #[must_use]
    pub fn allowed_fails_policy(&self) -> &AllowedFails {
        &self.allowed_fails_policy
    }
}

impl PartialBreaker {
    pub(crate) fn lay_on(&self, onto: &mut BreakerPolicy, findings: &mut Findings) {
        if !onto.on {
            *onto = BreakerPolicy::default();
        }
        let cooldown = &mut onto.cooldown_time;
        let zero = Some(Duration::ZERO);
        findings.lay("breaker.cooldown_time", &self.cooldown_time, cooldown, zero);
        let choice = &mut onto.when_all_open;
        findings.lay("breaker.when_all_open", &self.when_all_open, choice, None);
        match &self.allowed_fails {
            Setting::Unset => {}
            Setting::Off => onto.allowed_fails = None,
            Setting::Set(written) => {
                let mut allowed = 0;
                findings.lay("breaker.allowed_fails", &self.allowed_fails, &mut allowed, None);
                if written.value().is_ok() {
                    onto.allowed_fails = Some(allowed);
                }
            }
        }
        let allowed = &mut onto.allowed_fails_policy;
        self.allowed_fails_policy.lay_on(allowed, "breaker.allowed_fails_policy", findings);
    }
}

impl From<&BreakerPolicy> for PartialBreaker {
    fn from(breaker: &BreakerPolicy) -> PartialBreaker {
        PartialBreaker {
            cooldown_time: Setting::Set(breaker.cooldown_time.into()),
            when_all_open: Setting::Set(breaker.when_all_open.into()),
            allowed_fails: breaker
                .allowed_fails
                .map_or(Setting::Off, |allowed| Setting::Set(allowed.into())),
            allowed_fails_policy: PartialAllowedFails::from(&breaker.allowed_fails_policy),
        }
    }
}

impl From<&BreakerPolicy> for Setting<PartialBreaker> {
    fn from(breaker: &BreakerPolicy) -> Setting<PartialBreaker> {
        if breaker.on { Setting::Set(breaker.into()) } else { Setting::Off }
    }
}
