//! The keys that a configuration may have: those that are acted on, and those that LiteLLM knows
//! and that have no effect here yet.

use secondwind_policy::suggest;

use super::cx::Cx;
use super::litellm;
use super::mask;
use super::node::{Entry, Node, Value};

/// A mapping of the configuration whose keys are known.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub(super) enum Section {
    /// The file itself.
    Root,
    /// An item of `model_list`.
    Deployment,
    /// Its `litellm_params`.
    Params,
    /// Its `model_info`.
    Info,
    /// An item of `credential_list`.
    Credential,
    /// Its `credential_values`.
    CredentialValues,
    Router,
    LiteLlm,
    General,
    Secondwind,
}

/// Takes out of a section what has no effect, with a warning for each key, and what is not known
/// at all, with an error.
pub(super) fn sift(cx: &mut Cx<'_>, section: Section, node: &mut Node) {
    let Some(map) = node.map_mut() else { return };
    let mut meant = Vec::new();
    map.entries.retain(|entry| {
        if section.acts_on(&entry.key) {
            return true;
        }
        if section.knows(&entry.key) {
            warn(cx, section, entry);
        } else {
            // What was meant is not missing as well.
            meant.extend(section.meant(&entry.key));
            refuse(cx, section, entry);
        }
        false
    });
    meant.into_iter().for_each(|key| map.drop_key(key));
}

fn warn(cx: &mut Cx<'_>, section: Section, entry: &Entry) {
    // Switched off or empty, it would have no effect anyway.
    let neutral = match &entry.node.value {
        Value::Null | Value::Bool(false) => true,
        Value::List(list) => list.is_empty(),
        Value::Map(map) => map.entries.is_empty(),
        _ => false,
    };
    if !neutral {
        let message = || match section {
            Section::Root => format!("`{}` has no effect yet", entry.key),
            _ => format!("`{}` in `{}` has no effect yet", entry.key, section.name()),
        };
        cx.warn_once(section, &entry.key, entry.at, message, || None);
    }
}

fn refuse(cx: &mut Cx<'_>, section: Section, entry: &Entry) {
    let key = entry.key.as_str();
    let meant = section.meant(key);
    // It may be a value that lost its key.
    let odd = key.contains(|c: char| c.is_whitespace() || c == ':');
    if odd || meant.as_deref().is_none_or(mask::is_secret) {
        cx.hide(entry, odd);
    }
    let help = meant.map(|name| format!("did you mean `{name}`?"));
    let help = help.or_else(|| home(section, key));
    let name = if odd { "this".to_owned() } else { format!("`{key}`") };
    if section == Section::Info {
        // LiteLLM takes any key there and shows it to whoever asks for the model's data.
        let message = || format!("{name} in `model_info` has no effect");
        cx.warn_once(section, key, entry.at, message, || help);
        return;
    }
    let message = match section {
        _ if odd => format!("this is no key of {}", section.name()),
        Section::Root => format!("unknown key {name}"),
        _ => format!("unknown key {name} in `{}`", section.name()),
    };
    cx.error(entry.at, message, help);
}

/// Whether any part of a configuration has such a key.
pub(super) fn is_key(key: &str) -> bool {
    Section::ALL.iter().any(|home| home.acts_on(key) || home.knows(key))
}

/// Where a key belongs that was found somewhere else.
fn home(section: Section, key: &str) -> Option<String> {
    // What lost its indentation is not far.
    let near: &[Section] = match section {
        Section::Deployment | Section::Info => &[Section::Params, Section::Info],
        _ => &[],
    };
    let homes = || near.iter().chain(&Section::ALL);
    let acts = homes().find(|home| home.acts_on(key));
    let home = acts.or_else(|| homes().find(|home| home.knows(key)))?;
    Some(match home {
        Section::Root => "it belongs at the top of the file".to_owned(),
        _ => format!("it belongs in `{}`", home.name()),
    })
}

// === impl Section ===

impl Section {
    const ALL: [Section; 10] = [
        Section::Router,
        Section::LiteLlm,
        Section::General,
        Section::Params,
        Section::Info,
        Section::Deployment,
        Section::Secondwind,
        Section::Root,
        Section::Credential,
        Section::CredentialValues,
    ];

    fn name(self) -> &'static str {
        match self {
            Section::Root => "the file",
            Section::Deployment => "model_list",
            Section::Params => "litellm_params",
            Section::Info => "model_info",
            Section::Credential => "credential_list",
            Section::CredentialValues => "credential_values",
            Section::Router => "router_settings",
            Section::LiteLlm => "litellm_settings",
            Section::General => "general_settings",
            Section::Secondwind => "secondwind",
        }
    }

    /// The key that a mistyped one was probably meant to be.
    fn meant(self, key: &str) -> Option<String> {
        if Section::ALL.iter().any(|home| home.acts_on(key)) {
            // It is what it says, and stands in the wrong place.
            return None;
        }
        let known = self.known().split_whitespace();
        suggest::nearest(key, self.acted_on().iter().copied().chain(known)).map(str::to_owned)
    }

    fn acts_on(self, key: &str) -> bool {
        self.acted_on().contains(&key)
    }

    fn knows(self, key: &str) -> bool {
        // Prices and abilities are many, and more every month.
        let told = matches!(self, Section::Params | Section::Info)
            && (key.contains("cost_per_") || key.contains("_cost"))
            || self == Section::Info && key.starts_with("supports_");
        told || self.known().split_whitespace().any(|known| known == key)
    }

    /// The keys that are acted on.
    pub(super) fn acted_on(self) -> &'static [&'static str] {
        match self {
            Section::Root => &[
                "credential_list",
                "environment_variables",
                "general_settings",
                "include",
                "litellm_settings",
                "model_list",
                "router_settings",
                "secondwind",
            ],
            Section::Deployment => &["litellm_params", "model_info", "model_name"],
            Section::Params => &[
                "api_base",
                "api_key",
                "api_version",
                "base_url",
                "cooldown_time",
                "custom_llm_provider",
                "drop_params",
                "litellm_credential_name",
                "input_cost_per_token",
                "max_parallel_requests",
                "model",
                "num_retries",
                "order",
                "organization",
                "output_cost_per_token",
                "request_timeout",
                "rpm",
                "stream_timeout",
                "tags",
                "timeout",
                "tpm",
                "weight",
            ],
            Section::Info => &[
                "allowed_fails",
                "allowed_fails_policy",
                "cooldown_time",
                "disable_background_health_check",
                "health_check_model",
                "health_check_timeout",
                "id",
                "input_cost_per_token",
                "max_input_tokens",
                "mode",
                "output_cost_per_token",
                "supports_assistant_prefill",
            ],
            Section::Credential => &["credential_info", "credential_name", "credential_values"],
            Section::CredentialValues => {
                &["api_base", "api_key", "api_version", "base_url", "organization"]
            }
            Section::Router => &[
                "allowed_fails",
                "allowed_fails_policy",
                "content_policy_fallbacks",
                "context_window_fallbacks",
                "cooldown_time",
                "default_fallbacks",
                "default_max_parallel_requests",
                "disable_cooldowns",
                "enable_pre_call_checks",
                "enable_tag_filtering",
                "enable_weighted_failover",
                "fallbacks",
                "max_fallbacks",
                "model_group_alias",
                "model_group_retry_policy",
                "num_retries",
                "optional_pre_call_checks",
                "retry_after",
                "retry_policy",
                "routing_strategy",
                "routing_strategy_args",
                "stream_timeout",
                "timeout",
            ],
            Section::LiteLlm => &[
                "allowed_fails",
                "content_policy_fallbacks",
                "context_window_fallbacks",
                "cooldown_time",
                "default_fallbacks",
                "drop_params",
                "fallbacks",
                "max_fallbacks",
                "num_retries",
                "request_timeout",
            ],
            Section::General => &[
                "background_health_checks",
                "dangerously_allow_mock_testing_request_params",
                "enable_health_check_routing",
                "health_check_concurrency",
                "health_check_interval",
                "master_key",
            ],
            Section::Secondwind => &["groups", "passthrough", "policy", "store"],
        }
    }

    /// The keys that LiteLLM knows and that have no effect yet, parted by white space.
    fn known(self) -> &'static str {
        match self {
            Section::Root => litellm::ROOT,
            Section::Deployment => "blocked db_model model_id order rpm team_id tpm weight",
            Section::Params => litellm::PARAMS,
            Section::Info => litellm::INFO,
            Section::Credential => "created_at created_by credential_id updated_at updated_by",
            Section::CredentialValues => litellm::PARAMS,
            Section::Router => litellm::ROUTER,
            Section::LiteLlm => litellm::LITELLM,
            Section::General => litellm::GENERAL,
            Section::Secondwind => "",
        }
    }
}
