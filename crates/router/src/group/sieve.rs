//! Which deployments may get a request, beyond their health.

use std::collections::BTreeSet;

use secondwind_llm::dialect::Endpoint;
use tokio::time::Instant;

use crate::load::{Load, Usage};
use crate::passed::Passed;
use crate::request::Request;
use crate::setup::Checks;
use crate::target::{Deployment, Target};

/// The tag of those that take what nobody else is for.
const DEFAULT: &str = "default";

/// What is asked of the deployments of a group.
#[derive(Debug)]
pub(super) struct Sieve {
    checks: Checks,
    /// All tags that any of them has.
    tags: BTreeSet<String>,
    /// Whether the size of a request matters to any of them.
    sized: bool,
}

/// What one request asks of them.
#[derive(Clone, Copy, Debug)]
pub(super) struct Wanted<'a> {
    checks: Checks,
    tags: Tags<'a>,
    endpoint: Endpoint,
    /// What is passed through, where only some have a place for it.
    passed: Option<&'a Passed>,
    pub(super) tokens: u64,
}

#[derive(Clone, Copy, Debug)]
enum Tags<'a> {
    /// Any deployment will do.
    Any,
    /// One that has one of these.
    OneOf(&'a [String]),
    /// One that is for all others.
    Default,
}

/// Why a deployment does not get a request.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Unfit {
    /// It is not for such requests.
    Tags,
    /// The prompt does not fit.
    TooLong,
    /// It has nothing of the kind.
    Endpoint,
}

// === impl Sieve ===

impl Sieve {
    pub(super) fn new<'a>(checks: Checks, targets: impl Iterator<Item = &'a Target>) -> Self {
        let mut sieve = Self { checks, tags: BTreeSet::new(), sized: false };
        for target in targets {
            if checks.tags {
                sieve.tags.extend(target.tags.iter().cloned());
            }
            sieve.sized |= checks.rates && target.limits.tpm.is_some()
                || checks.context_window && target.limits.max_input_tokens.is_some();
        }
        sieve
    }

    /// What `request` asks. A deployment that has none of its tags is not asked; those that are called `default`
    /// are, where no other has one of them, or the request has none.
    pub(super) fn wanted<'a>(&self, request: &'a Request) -> Wanted<'a> {
        let given = request.call().tags.as_slice();
        let tags = if !self.checks.tags {
            Tags::Any
        } else if given.iter().any(|tag| self.tags.contains(tag)) {
            Tags::OneOf(given)
        } else if !given.is_empty() || self.tags.contains(DEFAULT) {
            Tags::Default
        } else {
            Tags::Any
        };
        let tokens = if self.sized { request.tokens() } else { 0 };
        let endpoint = request.call().endpoint;
        let passed = request.call().passed.as_deref();
        Wanted { checks: self.checks, tags, endpoint, passed, tokens }
    }
}

// === impl Wanted ===

impl Wanted<'_> {
    /// Whether the deployment can ever get the request, and if not, why.
    pub(super) fn fits(&self, deployment: &Deployment) -> Result<(), Unfit> {
        let target = &deployment.target;
        let has_place = match self.passed {
            Some(passed) => passed.fits(target),
            None => deployment.route(self.endpoint).is_some(),
        };
        if !has_place {
            return Err(Unfit::Endpoint);
        }
        let tagged = match self.tags {
            Tags::Any => true,
            Tags::OneOf(tags) => tags.iter().any(|tag| target.tags.contains(tag)),
            Tags::Default => target.tags.iter().any(|tag| tag == DEFAULT),
        };
        if !tagged {
            return Err(Unfit::Tags);
        }
        let most = target.limits.max_input_tokens.filter(|_| self.checks.context_window);
        match most {
            Some(most) if self.tokens > most => Err(Unfit::TooLong),
            _ => Ok(()),
        }
    }

    /// Whether its limits have room for the request at `now`: requests and tokens a minute.
    pub(super) fn within_rates(&self, deployment: &Deployment, now: Instant) -> bool {
        let limits = deployment.target.limits;
        if !self.checks.rates || (limits.rpm.is_none() && limits.tpm.is_none()) {
            return true;
        }
        let Usage { requests, tokens } = deployment.health.load().usage(now);
        limits.rpm.is_none_or(|most| requests < most)
            && limits.tpm.is_none_or(|most| tokens.saturating_add(self.tokens) <= most)
    }

    /// Counts the request.
    pub(super) fn count(&self, load: &Load, now: Instant) {
        load.used(Usage { requests: 1, tokens: self.tokens }, now);
    }
}

/// Whether fewer are there than it takes at the same time.
pub(super) fn has_room(deployment: &Deployment) -> bool {
    let most = deployment.target.limits.max_parallel_requests;
    most.is_none_or(|most| deployment.health.load().in_flight() < most)
}
