//! The order of the layers, written once.
//!
//! Outermost first, a request goes through
//!
//! ```text
//! streams that survive ▸ total clock ▸ fallback (across groups) ▸ group ▸ per deployment:
//!     [ retry ▸ watch ▸ attempt clock ▸ send, gate and judge ]
//! ```

use std::sync::Arc;
use std::time::SystemTime;

use secondwind_layers::classify::Standard;
use secondwind_layers::fallback::Fallback;
use secondwind_layers::retry::Retry;
use secondwind_layers::timeout::{AttemptTimeout, TotalTimeout};
use secondwind_layers::{FallbackLayer, PolicyHandle, RetryLayer, TimeoutLayer};
use tower_layer::Layer;

use crate::attempt::Send;
use crate::client::Client;
use crate::groups::{Groups, ToGroup};
use crate::request::Routed;
use crate::table::Table;
use crate::target::Deployment;
use crate::watch::Watch;

/// What a request goes through, whatever its group.
pub(crate) type RequestStack = TotalTimeout<Fallbacks, Routed>;

/// The part of it below the deadline.
pub(crate) type Fallbacks =
    Fallback<Groups<DeploymentStack>, ToGroup<DeploymentStack>, Routed, Standard>;

/// What an attempt goes through on its way to one deployment.
pub(crate) type DeploymentStack = Retry<Watch<AttemptTimeout<Send, Routed>>, Routed, Standard>;

/// The order of the layers for a request.
pub(crate) fn request_stack(table: &Arc<Table<DeploymentStack>>) -> RequestStack {
    let policies = PolicyHandle::from(table.policies());
    // The deadline over everything below: retries, waits, fallbacks.
    TimeoutLayer::total(policies.clone()).kind(Routed).layer(
        // Another group, once the retries of the first are spent.
        FallbackLayer::new(policies, ToGroup(Arc::clone(table))).kind(Routed).layer(
            // Which deployment of the group, and which next.
            Groups(Arc::clone(table)),
        ),
    )
}

/// The order of the layers for one deployment.
pub(crate) fn deployment_stack(deployment: Arc<Deployment>, client: Client) -> DeploymentStack {
    let policy = PolicyHandle::from(Arc::clone(&deployment.target.policy));
    // Another attempt in the same place, or giving way to a sibling.
    RetryLayer::new(policy.clone()).kind(Routed).layer(
        // What each attempt came to is told to the deployment's health. Outside the clock, which it counts too.
        Watch::new(
            Arc::clone(&deployment),
            wall_clock,
            // The clock of the attempt. Inside the retries, so that each gets its own.
            TimeoutLayer::attempt(policy).kind(Routed).layer(
                // The request in the deployment's dialect; its answer, judged.
                Send::new(deployment, client, wall_clock),
            ),
        ),
    )
}

/// The edge of the router: the one place where it reads a wall clock, for hints that are dates.
#[allow(clippy::disallowed_methods)]
fn wall_clock() -> SystemTime {
    SystemTime::now()
}
