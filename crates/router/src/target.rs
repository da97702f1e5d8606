//! One place that can answer for a group.

use std::borrow::Cow;
use std::fmt;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::Arc;

use bytes::Bytes;
use http::uri::InvalidUri;
use http::{HeaderName, HeaderValue, Uri};
use secondwind_layers::Name;
use secondwind_llm::dialect::{Dialect, Endpoint, InvalidKey};
use secondwind_policy::Policy;

use crate::checkup::Checkup;
use crate::health::{Health, Peers};
use crate::pattern::Pattern;
use crate::route::{Route, routes};
use crate::scrub::Secret;
use crate::wild::{Place, Wild};

/// What a deployment is, as a configuration says it.
#[derive(Clone)]
pub struct Target {
    /// Its stable id.
    pub id: Name,
    /// The dialect that it speaks.
    pub dialect: &'static dyn Dialect,
    /// The model's name at the provider. Each `*` in it is what a `*` of `pattern` stands for.
    pub model: String,
    /// The name with `*` that it answers for, where the group's own is one or is covered by it.
    pub pattern: Option<Pattern>,
    /// The address, up to what the dialect adds: `https://api.openai.com/v1`. A `*` in its path is as one in the model.
    pub api_base: Uri,
    /// The key that the provider knows us by; `None` for one that asks for none.
    pub api_key: Option<String>,
    /// Who pays at the provider, where the key leaves that open: `openai-organization`.
    pub organization: Option<String>,
    /// Its share of the traffic in its tier.
    pub weight: f64,
    /// Its tier: lower ones come first.
    pub order: u32,
    /// What a token costs there, in and out together.
    pub price: Option<f64>,
    /// Which requests it is for, where tags are checked.
    pub tags: Vec<String>,
    /// How much it takes.
    pub limits: Limits,
    /// The policy for attempts sent to it, complete.
    pub policy: Arc<Policy>,
    /// Whether it goes on from an assistant's last message, instead of beginning anew.
    pub assistant_prefill: bool,
    /// How it is checked in the background; `None`: not at all.
    pub checkup: Option<Checkup>,
    /// Whether parameters that its API has no word for are left out, instead of refused.
    pub drop_params: bool,
}

/// How much a deployment takes. What is not set is not bounded.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct Limits {
    /// Requests a minute.
    pub rpm: Option<u64>,
    /// Tokens a minute.
    pub tpm: Option<u64>,
    /// Requests at the same time; those above wait.
    pub max_parallel_requests: Option<u32>,
    /// Tokens of a prompt.
    pub max_input_tokens: Option<u64>,
}

/// A deployment at work.
pub(crate) struct Deployment {
    pub(crate) target: Target,
    /// The model's name as a JSON string.
    pub(crate) model_json: Bytes,
    pub(crate) auth: http::HeaderMap,
    pub(crate) health: Arc<Health>,
    pub(crate) peers: Arc<Peers>,
    pub(crate) secret: Option<Secret>,
    routes: Vec<Route>,
    /// What depends on the name that is asked for, where anything does.
    wild: Option<Wild>,
}

/// Why a deployment cannot be put to work.
#[derive(Debug)]
#[non_exhaustive]
pub enum TargetError {
    /// Its address and the dialect's path do not make a URI.
    Address(InvalidUri),
    /// Its key cannot stand in a header.
    Key(InvalidKey),
    /// Its organization cannot stand in a header.
    Organization,
}

// === impl Target ===

impl Target {
    /// `model` at `api_base`, with no key, in the lowest tier, and with nothing that it is not for.
    ///
    /// ```
    /// use secondwind_llm::dialect::OpenAiChat;
    /// use secondwind_router::Target;
    ///
    /// let at = "https://llm.example/v1".parse()?;
    /// let target = Target { order: 2, ..Target::new("llm-1", &OpenAiChat, "llama-3.3", at) };
    /// # Ok::<(), http::uri::InvalidUri>(())
    /// ```
    #[must_use]
    pub fn new(
        id: impl Into<Name>,
        dialect: &'static dyn Dialect,
        model: impl Into<String>,
        api_base: Uri,
    ) -> Self {
        Self {
            id: id.into(),
            dialect,
            model: model.into(),
            pattern: None,
            api_base,
            api_key: None,
            organization: None,
            weight: 1.0,
            order: 0,
            price: None,
            tags: Vec::new(),
            limits: Limits::default(),
            policy: Arc::default(),
            assistant_prefill: false,
            checkup: None,
            drop_params: false,
        }
    }

    /// Says which place it is, asked for what by which account: what another with the same did, this one would
    /// have done.
    pub(crate) fn fingerprint(&self) -> u64 {
        let mut hasher = DefaultHasher::new();
        let Self { model, api_base, api_key, organization, .. } = self;
        (self.dialect.name(), model, api_base, api_key, organization).hash(&mut hasher);
        hasher.finish()
    }
}

// === impl Deployment ===

impl Deployment {
    pub(crate) fn new(
        target: Target,
        health: Arc<Health>,
        peers: Arc<Peers>,
    ) -> Result<Self, TargetError> {
        let wild = Wild::of(&target);
        let routes = routes(target.dialect, &target.model, &target.api_base);
        let routes = routes.map_err(TargetError::Address)?;
        let mut auth = match &target.api_key {
            Some(key) => target.dialect.auth(key).map_err(TargetError::Key)?,
            None => http::HeaderMap::new(),
        };
        if let Some(organization) = &target.organization {
            let mut value =
                HeaderValue::from_str(organization).map_err(|_| TargetError::Organization)?;
            value.set_sensitive(true);
            auth.insert(HeaderName::from_static("openai-organization"), value);
        }
        let secret = target.api_key.as_deref().and_then(Secret::new);
        let model_json = secondwind_llm::body::json_string(&target.model);
        Ok(Self { target, model_json, auth, health, peers, secret, routes, wild })
    }

    /// Whether the model that it is asked for depends on what callers say.
    pub(crate) const fn is_wild(&self) -> bool {
        self.wild.is_some()
    }

    /// How `endpoint` is asked of it; `None` where it cannot be.
    pub(crate) fn route(&self, endpoint: Endpoint) -> Option<&Route> {
        self.routes.iter().find(|route| route.is_for(endpoint))
    }

    /// The model's name there, plain and as a JSON string, for callers who call it `asked`. `None` where the address
    /// itself depends on that name.
    pub(crate) fn model(&self, asked: &str) -> Option<(Cow<'_, str>, Bytes)> {
        match &self.wild {
            Some(wild) => wild.model(&self.target, asked),
            None => Some((Cow::Borrowed(&self.target.model), self.model_json.clone())),
        }
    }

    /// Which model a request asks for on `route`, and where; `asked` is what the caller calls it. `None` where there is
    /// no such place.
    pub(crate) fn place(&self, route: &Route, asked: &str, stream: bool) -> Option<Place<'_>> {
        if let Some(wild) = &self.wild {
            return wild.place(&self.target, route.spoken, asked, stream);
        }
        let (model, uri) = (Cow::Borrowed(self.target.model.as_str()), route.uri(stream).clone());
        Some(Place { model, model_json: self.model_json.clone(), uri })
    }
}

impl Deployment {
    /// Takes out what a provider echoes of our key: of an answer's headers whichever holds it.
    pub(crate) fn scrub_headers(&self, headers: &mut http::HeaderMap) {
        let Some(secret) = &self.secret else { return };
        let echoes = |value: &HeaderValue| secret.is_in(value.as_bytes());
        let names = headers.iter().filter(|(_, value)| echoes(value)).map(|(name, _)| name.clone());
        for name in names.collect::<Vec<_>>() {
            headers.remove(name);
        }
    }

    /// The same of a body: the key alone is struck out.
    pub(crate) fn scrubbed(&self, body: Bytes) -> Bytes {
        match &self.secret {
            Some(secret) => secret.scrubbed(body),
            None => body,
        }
    }
}

impl fmt::Debug for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Target").field("id", &self.id).finish_non_exhaustive()
    }
}

impl fmt::Display for TargetError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Address(error) => {
                write!(f, "the address and the dialect's path make no URI: {error}")
            }
            Self::Key(error) => error.fmt(f),
            Self::Organization => f.write_str("the organization cannot stand in a header"),
        }
    }
}

impl std::error::Error for TargetError {}
