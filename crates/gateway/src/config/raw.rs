//! The parts of a LiteLLM configuration that are acted on, as they are written.

use std::fmt;
use std::time::Duration;

use secondwind_policy::Written;
use serde::de::{Error, Visitor};
use serde::{Deserialize, Deserializer};

use super::at::At;
use super::secret::Secret;

/// An item of `model_list`, without what goes into its policy.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Deployment {
    pub(super) model_name: At<String>,
    pub(super) litellm_params: Params,
    pub(super) model_info: Option<Info>,
}

/// Where a deployment is, and how much it gets.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Params {
    pub(super) model: At<String>,
    pub(super) custom_llm_provider: Option<At<String>>,
    #[serde(alias = "base_url")]
    pub(super) api_base: Option<At<String>>,
    pub(super) api_key: Option<At<Secret>>,
    pub(super) api_version: Option<At<String>>,
    pub(super) organization: Option<At<Secret>>,
    pub(super) weight: Option<At<f64>>,
    pub(super) rpm: Option<At<f64>>,
    pub(super) tpm: Option<At<f64>>,
    pub(super) order: Option<u32>,
    pub(super) tags: Option<Vec<String>>,
    pub(super) max_parallel_requests: Option<u32>,
    pub(super) drop_params: Option<bool>,
    pub(super) input_cost_per_token: Option<At<f64>>,
    pub(super) output_cost_per_token: Option<At<f64>>,
}

/// What is said of a deployment.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Info {
    pub(super) id: Option<At<Id>>,
    /// What the model is for: `chat`, `embedding`.
    pub(super) mode: Option<String>,
    pub(super) supports_assistant_prefill: Option<bool>,
    pub(super) max_input_tokens: Option<u64>,
    pub(super) input_cost_per_token: Option<At<f64>>,
    pub(super) output_cost_per_token: Option<At<f64>>,
    pub(super) health_check_model: Option<At<String>>,
    pub(super) health_check_timeout: Option<At<Written<Duration>>>,
    pub(super) disable_background_health_check: Option<bool>,
}

/// A deployment's name; numbers will do.
pub(super) struct Id(pub(super) String);

/// `general_settings`.
#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct General {
    pub(super) master_key: Option<Secret>,
    #[serde(rename = "dangerously_allow_mock_testing_request_params")]
    pub(super) allow_mock_testing: Option<bool>,
    pub(super) background_health_checks: Option<bool>,
    pub(super) health_check_interval: Option<At<Written<Duration>>>,
    pub(super) health_check_concurrency: Option<At<u32>>,
    /// Whether what checks come to decides who is asked: it always does.
    pub(super) enable_health_check_routing: Option<At<bool>>,
}

/// A value of `model_group_alias` that is more than a name.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Alias {
    #[serde(rename = "model")]
    pub(super) _model: String,
    /// Whether lists of models leave it out.
    pub(super) hidden: Option<At<bool>>,
}

impl<'de> Deserialize<'de> for Id {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Id, D::Error> {
        struct IdVisitor;

        impl Visitor<'_> for IdVisitor {
            type Value = Id;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("text")
            }

            fn visit_str<E: Error>(self, text: &str) -> Result<Id, E> {
                Ok(Id(text.to_owned()))
            }

            fn visit_u64<E: Error>(self, number: u64) -> Result<Id, E> {
                Ok(Id(number.to_string()))
            }

            fn visit_i64<E: Error>(self, number: i64) -> Result<Id, E> {
                Ok(Id(number.to_string()))
            }
        }

        deserializer.deserialize_str(IdVisitor)
    }
}
