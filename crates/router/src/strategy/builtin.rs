//! The one list of the strategies that a configuration can name.

use std::sync::Arc;

use super::{CostBased, LatencyBased, LeastBusy, SimpleShuffle, Strategy, UsageBased};

/// The names, as LiteLLM's `routing_strategy` has them.
pub const NAMES: &[&str] = &[
    "cost-based-routing",
    "latency-based-routing",
    "least-busy",
    "simple-shuffle",
    "usage-based-routing",
    "usage-based-routing-v2",
];

/// The strategy called `name`.
#[must_use]
pub fn by_name(name: &str) -> Option<Arc<dyn Strategy>> {
    match name {
        "cost-based-routing" => Some(Arc::new(CostBased)),
        "latency-based-routing" => Some(Arc::new(LatencyBased::default())),
        "least-busy" => Some(Arc::new(LeastBusy)),
        "simple-shuffle" => Some(Arc::new(SimpleShuffle)),
        "usage-based-routing" | "usage-based-routing-v2" => Some(Arc::new(UsageBased)),
        _ => None,
    }
}
