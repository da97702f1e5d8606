//! What a deployment is and how it does, for those who look on.

use std::time::Duration;

use secondwind_layers::Name;
use tokio::time::Instant;

use crate::checkup::Checked;
use crate::health::Health;
use crate::target::Target;

/// What a deployment is and how it does. It tells neither its key nor more of its address than the host.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct DeploymentState {
    /// The group that it answers for.
    pub group: Name,
    /// Its id.
    pub id: Name,
    /// The model's name at the provider.
    pub model: String,
    /// The dialect that it speaks.
    pub dialect: &'static str,
    /// The host that it is at.
    pub host: Option<String>,
    /// Its share of the traffic in its tier.
    pub weight: f64,
    /// Its tier.
    pub order: u32,
    /// For how long it still rests; `None` where it does not.
    pub resting: Option<Duration>,
    /// Whether it rests for a rate limit.
    pub for_rate_limit: bool,
    /// What its last check came to, if it was checked.
    pub checked: Option<Checked>,
}

impl DeploymentState {
    pub(crate) fn of(group: &Name, target: &Target, health: &Health, now: Instant) -> Self {
        let rest = health.resting(now);
        Self {
            group: group.clone(),
            id: target.id.clone(),
            model: target.model.clone(),
            dialect: target.dialect.name(),
            host: target.api_base.host().map(str::to_owned),
            weight: target.weight,
            order: target.order,
            resting: rest.map(|rest| rest.until.saturating_duration_since(now)),
            for_rate_limit: rest.is_some_and(|rest| rest.for_rate_limit),
            checked: health.checked(),
        }
    }
}
