//! A configuration in which nothing is left to look up.

use std::sync::Arc;
use std::time::Duration;

use http::Uri;
use secondwind_policy::Policy;
use secondwind_router::strategy::Strategy;
use secondwind_router::{Checks, Checkup, Limits, Pattern};

use super::secret::Secret;
use crate::surface::Passthrough;

/// What the gateway is to do.
#[derive(Clone, Debug)]
pub struct Config {
    /// The model groups, in the order in which the file first names them; at least one, each name
    /// once.
    pub groups: Vec<GroupConfig>,
    /// Other names for groups, each with the group that it stands for. An alias goes before a group
    /// of the same name, as in LiteLLM.
    pub aliases: Vec<(String, String)>,
    /// What holds where a group says nothing of its own.
    pub policy: Arc<Policy>,
    /// The key that callers have to present: `general_settings.master_key`, else the environment
    /// variable `LITELLM_MASTER_KEY`.
    pub master_key: Option<Secret>,
    /// How deployments are picked: `routing_strategy`.
    pub strategy: Arc<dyn Strategy>,
    /// What is asked of a deployment before it is picked.
    pub checks: Checks,
    /// Whether callers may try out their fallbacks with `mock_testing_…`:
    /// `general_settings.dangerously_allow_mock_testing_request_params`.
    pub allow_mock_testing: bool,
    /// Where what belongs to an account goes: `secondwind.passthrough`.
    pub passthrough: Passthrough,
    /// How often the deployments are checked in the background; `None`: never.
    pub checkups: Option<Checkups>,
}

/// How often deployments are checked in the background.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Checkups {
    /// Each once in this time: `general_settings.health_check_interval`, 300 s.
    pub every: Duration,
    /// How many at the same time: `general_settings.health_check_concurrency`, 4.
    pub at_once: u32,
}

/// A model group: what callers ask for by one name.
#[derive(Clone, Debug)]
pub struct GroupConfig {
    /// The name: `model_name`. One with `*` stands for all that it covers.
    pub name: String,
    /// What holds for the group. Its lists of fallbacks are complete (`default_fallbacks` and `"*"`
    /// are resolved) and name existing groups only, never this one and no alias.
    pub policy: Arc<Policy>,
    /// The places that can answer; at least one.
    pub deployments: Vec<DeploymentConfig>,
    /// Whether it is one of `model_list`. Else it is there since the file names it elsewhere: a name that only a group
    /// with `*` covers, or one deployment. Its deployments are those of a group that is listed.
    pub listed: bool,
}

/// A place that can answer for a group.
#[derive(Clone, Debug)]
pub struct DeploymentConfig {
    /// `model_info.id`, else made from group, provider, model and address, e.g. `gpt-4-5d41a7`: it
    /// stays the same when deployments are added, removed or moved. No two deployments of `model_list` share one.
    /// Visible ASCII.
    pub id: String,
    /// How requests and answers look: the name of a [`Dialect`](secondwind_llm::dialect::Dialect),
    /// e.g. `openai_chat`.
    pub dialect: String,
    /// Whose API it is, by LiteLLM's name: `custom_llm_provider`, else the first part of `model`,
    /// e.g. `groq`. [`by_name`](secondwind_llm::dialect::by_name) knows it.
    pub provider: String,
    /// The name of the model there, e.g. `gpt-4o`; never empty. Each `*` in it is what a `*` of `pattern` stands for.
    pub model: String,
    /// The `model_name` with `*` that it answers for.
    pub pattern: Option<Pattern>,
    /// The address, `http` or `https`, with its path but without a slash at its end or credentials:
    /// `https://api.openai.com/v1`. Azure's alone has a query: the version of its API. (A `Uri` cannot have an empty path, so without one
    /// it is `/`.)
    pub api_base: Uri,
    /// The key that goes with each request.
    pub api_key: Option<Secret>,
    /// The share of the group's requests it gets, in proportion to the others of the same order; 0
    /// or more, finite. From the first of `weight`, `rpm` and `tpm` that any deployment of the group
    /// has above 0, those without it then have 0; where none has any, 1 for all.
    pub weight: f64,
    /// The lowest goes first. Deployments without an order come after those that have one
    /// (`u32::MAX`); where none has one, 0 for all.
    pub order: u32,
    /// What a token costs there, in and out together.
    pub price: Option<f64>,
    /// Which requests it is for.
    pub tags: Vec<String>,
    /// How much it takes.
    pub limits: Limits,
    /// The group's policy with this deployment's own `num_retries`, `timeout`, `cooldown_time` and allowed
    /// failures.
    pub policy: Arc<Policy>,
    /// The `openai-organization` that goes with each request.
    pub organization: Option<Secret>,
    /// `model_info.supports_assistant_prefill`: whether it goes on from an assistant's last message.
    pub assistant_prefill: bool,
    /// How it is checked in the background; `None` where it is not.
    pub checkup: Option<Checkup>,
    /// `drop_params`: whether parameters that its API has no word for are left out, instead of refused.
    pub drop_params: bool,
}

// === impl Config ===

impl Config {
    /// The groups of `model_list`.
    pub fn listed(&self) -> impl Iterator<Item = &GroupConfig> {
        self.groups.iter().filter(|group| group.listed)
    }
}
