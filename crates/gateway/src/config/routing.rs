//! Reads how deployments are picked: the strategy, and what is asked of them before.

use std::sync::Arc;

use secondwind_policy::suggest;
use secondwind_router::Checks;
use secondwind_router::strategy::{self, LatencyBased, SimpleShuffle, Strategy};

use super::at::At;
use super::cx::Cx;
use super::de;
use super::known::Section;
use super::node::{Entry, Node, Value};

/// What is used where nothing is said.
const SHUFFLE: &str = "simple-shuffle";

/// The strategy that takes an argument of LiteLLM's.
const LATENCY: &str = "latency-based-routing";

/// The strategies that LiteLLM knows and that are not built in.
const MISSING: [&str; 3] = ["lar1", "priority", "provider-budget-routing"];

/// The checks that LiteLLM knows by name, and that have no effect yet.
const IDLE_CHECKS: [&str; 5] = [
    "encrypted_content_affinity",
    "forward_client_headers_by_model_group",
    "prompt_caching",
    "responses_api_deployment_check",
    "router_budget_limiting",
];
const AFFINITIES: [&str; 2] = ["deployment_affinity", "session_affinity"];
const RATES: &str = "enforce_model_rate_limits";

/// How deployments are picked.
pub(super) struct Routing {
    pub(super) strategy: Arc<dyn Strategy>,
    pub(super) checks: Checks,
    /// How many requests a deployment takes at the same time that says nothing of it.
    pub(super) max_parallel_requests: Option<u32>,
}

/// Takes out of `router_settings` what says how deployments are picked.
pub(super) fn read(cx: &mut Cx<'_>, router: &mut Node) -> Routing {
    let (strategy, limited) = strategy(cx, router);
    let pre_call = flag(cx, router, "enable_pre_call_checks");
    let mut checks = Checks {
        rates: pre_call || limited,
        context_window: pre_call,
        tags: flag(cx, router, "enable_tag_filtering"),
        affinity: false,
    };
    // Moves go by weight among those that are left, always.
    flag(cx, router, "enable_weighted_failover");
    if let Some(mut entry) = router.take("optional_pre_call_checks") {
        let names: Vec<At<String>> = de::read_entry(cx, &mut entry).unwrap_or_default();
        names.iter().for_each(|name| check(cx, name, &mut checks));
    }
    let most = router.take("default_max_parallel_requests");
    let max_parallel_requests = most.and_then(|mut entry| de::read_entry(cx, &mut entry));
    Routing { strategy, checks, max_parallel_requests }
}

/// Takes out a switch, which is off where nothing is said.
pub(super) fn flag(cx: &mut Cx<'_>, section: &mut Node, key: &str) -> bool {
    section.take(key).and_then(|mut entry| de::read_entry(cx, &mut entry)).unwrap_or(false)
}

/// One of `optional_pre_call_checks`.
fn check(cx: &mut Cx<'_>, name: &At<String>, checks: &mut Checks) {
    match name.value.as_str() {
        RATES => checks.rates = true,
        known if AFFINITIES.contains(&known) => checks.affinity = true,
        known if IDLE_CHECKS.contains(&known) => {
            cx.warn(name.span, format!("the check `{known}` has no effect yet"), None);
        }
        unknown => {
            let known = IDLE_CHECKS.into_iter().chain(AFFINITIES).chain([RATES]);
            let help = suggest::did_you_mean(unknown, known);
            cx.error(name.span, format!("there is no check {}", name.shown()), help);
        }
    }
}

/// The strategy, and whether it goes by limits.
fn strategy(cx: &mut Cx<'_>, router: &mut Node) -> (Arc<dyn Strategy>, bool) {
    let shuffle = || -> (Arc<dyn Strategy>, bool) { (Arc::new(SimpleShuffle), false) };
    let arguments = router.take("routing_strategy_args");
    let named = router.take("routing_strategy");
    let named = named.and_then(|mut entry| de::read_entry::<At<String>>(cx, &mut entry));
    let name = named.as_ref().map_or(SHUFFLE, |name| name.value.as_str());
    let buffer = arguments.and_then(|arguments| buffer(cx, name, arguments));
    if let (LATENCY, Some(buffer)) = (name, buffer) {
        return (Arc::new(LatencyBased::with_buffer(buffer)), false);
    }
    if let Some(strategy) = strategy::by_name(name) {
        return (strategy, name.starts_with("usage-based"));
    }
    let Some(named) = &named else { return shuffle() };
    if MISSING.contains(&name) {
        let message = format!("`{name}` has no effect yet; `{SHUFFLE}` is used");
        cx.warn(named.span, message, None);
    } else {
        let known = strategy::NAMES.iter().copied().chain(MISSING);
        let help = suggest::did_you_mean(name, known);
        cx.error(named.span, format!("there is no routing strategy {}", named.shown()), help);
    }
    shuffle()
}

/// `lowest_latency_buffer`, the one argument that is acted on.
fn buffer(cx: &mut Cx<'_>, strategy: &str, mut arguments: Entry) -> Option<f64> {
    let kind = arguments.node.kind();
    let Value::Map(map) = &mut arguments.node.value else {
        let message = format!("`routing_strategy_args` must be a mapping, not {kind}");
        cx.error(arguments.node.span, message, None);
        return None;
    };
    let mut buffer = None;
    for entry in &mut map.entries {
        if entry.key == "lowest_latency_buffer" && strategy == LATENCY {
            let Some(part) = de::read_entry::<At<f64>>(cx, entry) else { continue };
            if part.value.is_finite() && part.value >= 0.0 {
                buffer = Some(part.value);
            } else {
                let message = "`lowest_latency_buffer` must be a number, 0 or more";
                cx.error(part.span, message, None);
            }
        } else if !entry.node.is_null() {
            let key = entry.key.clone();
            let message = || format!("`{key}` in `routing_strategy_args` has no effect");
            cx.warn_once(Section::Router, &key, entry.at, message, || None);
        }
    }
    buffer
}
