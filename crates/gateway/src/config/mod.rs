//! The configuration of the gateway: one YAML file, in the shape of a LiteLLM `config.yaml`.
//!
//! [`load`] reads a file, [`parse`] a text; both give a [`Config`] in which everything is resolved,
//! or everything that is wrong with it at once, each [`Finding`] with its line, a caret and the way
//! out. What Secondwind has beyond LiteLLM stands under the one key `secondwind`, so the same file
//! stays valid for LiteLLM.
//!
//! ```
//! use secondwind_gateway::config::{self, Source};
//!
//! let text = "
//! model_list:
//!   - model_name: gpt-4
//!     litellm_params: {model: openai/gpt-4o, api_key: os.environ/OPENAI_API_KEY, timeout: 20}
//!   - model_name: small
//!     litellm_params: {model: openai/gpt-4o-mini, api_key: os.environ/OPENAI_API_KEY}
//! router_settings:
//!   num_retries: 3
//!   fallbacks: [{gpt-4: [small]}]
//! ";
//! let source = Source { name: "config.yaml".into(), text: text.into() };
//! let loaded = config::parse(source, &|_| Some("sk-…".into()))?;
//! let group = &loaded.config.groups[0];
//! assert_eq!(group.policy.retry().num_retries(), 3);
//! assert_eq!(group.policy.fallback().to(), ["small"]);
//! # Ok::<(), config::Findings>(())
//! ```
//!
//! # Which value counts
//!
//! From the weakest to the strongest, value by value:
//!
//! 1. the defaults of [`Policy`](secondwind_policy::Policy);
//! 2. `litellm_settings`, then `router_settings`;
//! 3. `secondwind.policy`;
//! 4. what LiteLLM's keys say of one group: `model_group_retry_policy` and its list of fallbacks;
//! 5. `secondwind.groups.NAME`;
//! 6. what a deployment says in its `litellm_params`: `num_retries` and `timeout`.
//!
//! A count for a class (`retry_policy` and so on, `DefaultRetries` included) is stronger than
//! any `num_retries`, so a deployment's `num_retries` decides only where no count does. A section
//! that `secondwind` switches off stays off, whatever LiteLLM's keys say.
//!
//! # Differences from LiteLLM
//!
//! A key that nobody knows is an error, and so is an environment variable that is not set, a group
//! that does not exist, a key that is there twice. Keys that LiteLLM knows and that have no effect
//! here yet are [warnings](Loaded::warnings), one for each key. Booleans are `true` and `false`
//! only (YAML 1.2).

mod address;
mod at;
mod checkups;
mod credentials;
mod cx;
mod de;
mod deployments;
mod env;
mod fails;
mod fallbacks;
mod findings;
mod guess;
mod include;
mod known;
mod litellm;
mod mask;
mod mistake;
mod names;
mod node;
mod policies;
mod providers;
mod raw;
mod read;
mod resolve;
mod resolved;
mod routing;
mod secret;
mod source;
mod stamp;

#[cfg(test)]
mod tests;

use std::path::Path;

use self::cx::Cx;
use self::node::Node;

pub use self::findings::{Finding, Findings, Place, Severity};
pub use self::resolved::{Checkups, Config, DeploymentConfig, GroupConfig};
pub use self::secret::Secret;
pub use self::source::Source;
pub(crate) use self::stamp::Stamped;

/// A configuration that can be used.
#[derive(Clone, Debug)]
pub struct Loaded {
    /// The configuration.
    pub config: Config,
    /// What has no effect, sorted by place; every one is a [warning](Severity::Warning).
    pub warnings: Vec<Finding>,
}

/// Reads a file and those it names under `include`, which are looked for beside the file that names
/// them. `env` looks up environment variables.
///
/// # Errors
///
/// Everything that is wrong with the configuration, warnings included.
pub fn load(path: &Path, env: &dyn Fn(&str) -> Option<String>) -> Result<Loaded, Findings> {
    load_noting(path, env, &mut Vec::new())
}

/// Like [`load`]; adds to `files` those that were read, or were to be, whatever came of it.
pub(crate) fn load_noting(
    path: &Path,
    env: &dyn Fn(&str) -> Option<String>,
    files: &mut Vec<Stamped>,
) -> Result<Loaded, Findings> {
    finish(Cx::new(env), |cx| {
        let root = include::file(cx, path);
        files.append(&mut cx.files);
        root
    })
}

/// Reads a text. There is no place where files that it may `include` could be looked for, so it
/// must not name any. `env` looks up environment variables.
///
/// # Errors
///
/// Everything that is wrong with the configuration, warnings included.
pub fn parse(source: Source, env: &dyn Fn(&str) -> Option<String>) -> Result<Loaded, Findings> {
    finish(Cx::new(env), |cx| include::text(cx, source))
}

/// The keys that may stand under `secondwind`.
#[cfg(test)]
pub(crate) fn own_keys() -> &'static [&'static str] {
    known::Section::Secondwind.acted_on()
}

fn finish(
    mut cx: Cx<'_>,
    read: impl FnOnce(&mut Cx<'_>) -> Option<Node>,
) -> Result<Loaded, Findings> {
    let root = read(&mut cx);
    let config = root.and_then(|root| resolve::config(&mut cx, root));
    let (config, warnings) = cx.finish(config)?;
    Ok(Loaded { config, warnings })
}
