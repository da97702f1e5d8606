//! From a configuration to a router at work.

use std::fmt;
use std::sync::Arc;

use secondwind_llm::dialect;
use secondwind_router::{GroupSetup, Router, Setup, SetupError, Target};

use crate::config::{Config, DeploymentConfig, GroupConfig, Secret};

/// Why a valid configuration cannot be put to work.
#[derive(Debug)]
#[non_exhaustive]
pub enum Unworkable {
    /// A deployment names a provider whose dialect is not known.
    Provider {
        /// The deployment's id.
        id: String,
        /// The provider.
        name: String,
    },
    /// The router says why.
    Router(SetupError),
}

/// The router that `config` describes.
///
/// # Errors
/// What only shows when it is put to work: a key that no header can carry, root certificates that cannot
/// be read.
pub fn router(config: &Config) -> Result<Router, Unworkable> {
    Router::new(setup(config)?).map_err(Unworkable::Router)
}

/// The same, in the place of `before`: deployments that are in both keep their health.
///
/// # Errors
/// As those of [`router`].
pub fn successor(config: &Config, before: &Router) -> Result<Router, Unworkable> {
    before.successor(setup(config)?).map_err(Unworkable::Router)
}

fn setup(config: &Config) -> Result<Setup, Unworkable> {
    let checked = config.checkups.is_some();
    let groups = config.groups.iter().map(|of| group(of, checked)).collect::<Result<_, _>>()?;
    let aliases = config.aliases.clone();
    let (strategy, checks) = (Arc::clone(&config.strategy), config.checks);
    Ok(Setup { groups, aliases, strategy, checks })
}

fn group(config: &GroupConfig, checked: bool) -> Result<GroupSetup, Unworkable> {
    let targets = config.deployments.iter().map(|of| target(of, checked));
    let targets = targets.collect::<Result<_, _>>()?;
    let GroupConfig { name, policy, listed, .. } = config;
    Ok(GroupSetup { name: name.clone(), policy: Arc::clone(policy), targets, listed: *listed })
}

/// A deployment, which is `checked` in the background or not.
fn target(config: &DeploymentConfig, checked: bool) -> Result<Target, Unworkable> {
    let provider = dialect::by_name(&config.provider).ok_or_else(|| Unworkable::Provider {
        id: config.id.clone(),
        name: config.provider.clone(),
    })?;
    let expose = |secret: &Option<Secret>| secret.as_ref().map(|key| key.expose().to_owned());
    Ok(Target {
        id: config.id.as_str().into(),
        dialect: provider.dialect,
        model: config.model.clone(),
        pattern: config.pattern.clone(),
        api_base: config.api_base.clone(),
        api_key: expose(&config.api_key),
        organization: expose(&config.organization),
        weight: config.weight,
        order: config.order,
        price: config.price,
        tags: config.tags.clone(),
        limits: config.limits,
        policy: Arc::clone(&config.policy),
        assistant_prefill: config.assistant_prefill,
        checkup: config.checkup.clone().filter(|_| checked),
        drop_params: config.drop_params,
    })
}

impl fmt::Display for Unworkable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Provider { id, name } => {
                write!(f, "deployment `{id}`: the provider `{name}` is not known")
            }
            Self::Router(error) => error.fmt(f),
        }
    }
}

impl std::error::Error for Unworkable {}
