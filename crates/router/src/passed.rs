//! What is passed through as it is: the rest of OpenAI's API, beyond the endpoints that a dialect names.
//!
//! There are two kinds. A question to a model (a picture, a transcript, a moderation) goes by group as any other, with
//! the model's name in its place. What belongs to an account (a file, a batch, a stored answer) is somewhere else
//! unknown: it is *pinned* to one deployment, has no sibling and no fallback, and how it fares says nothing of how the
//! models do: nobody's health is asked, and nobody's is told.

mod outgoing;
mod passing;
mod upload;

use std::fmt;

use http::uri::PathAndQuery;
use http::{HeaderMap, Method, Uri};
use secondwind_layers::Name;
use secondwind_llm::escapes::decoded;

pub(crate) use self::outgoing::Outgoing;
pub(crate) use self::passing::Passing;
pub use self::upload::{Upload, UploadError};

use crate::target::Target;

/// What is passed through as it is, and where to.
pub struct Passed {
    method: Method,
    path: String,
    query: Option<String>,
    pinned: Option<Name>,
    upload: Option<Upload>,
}

// === impl Passed ===

impl Passed {
    /// A question to a model: `method` at `path`, which begins with a slash and is put behind a deployment's base URL.
    ///
    /// The path is the caller's: see to it that it leads nowhere else (`..`).
    #[must_use]
    pub fn new(method: Method, path: impl Into<String>) -> Self {
        Self { method, path: path.into(), query: None, pinned: None, upload: None }
    }

    /// With a query. What the deployment's own base URL has in its query is not replaced by it.
    #[must_use]
    pub fn query(mut self, query: Option<String>) -> Self {
        self.query = query;
        self
    }

    /// For what belongs to an account: only this deployment of the group can have it.
    #[must_use]
    pub fn pinned(mut self, deployment: Name) -> Self {
        self.pinned = Some(deployment);
        self
    }

    /// With a body that comes as it is read, in place of the call's.
    #[must_use]
    pub fn upload(mut self, upload: Upload) -> Self {
        self.upload = Some(upload);
        self
    }

    /// The one deployment that can have it.
    pub(crate) const fn place(&self) -> Option<&Name> {
        self.pinned.as_ref()
    }

    pub(crate) const fn method(&self) -> &Method {
        &self.method
    }

    /// The body, where it comes as it is read.
    pub(crate) const fn body(&self) -> Option<&Upload> {
        self.upload.as_ref()
    }

    /// Whether the caller has not said all of it yet: then it is not the provider who is late.
    pub(crate) fn awaits_caller(&self) -> bool {
        self.upload.as_ref().is_some_and(|upload| !upload.is_read())
    }

    /// Whether it may be processed twice: a question to a model costs twice and changes nothing, whatever its method.
    pub(crate) fn is_idempotent(&self, headers: &HeaderMap) -> bool {
        self.pinned.is_none()
            || self.method.is_idempotent()
            || headers.contains_key("idempotency-key")
    }

    /// Whether somebody of that dialect has a place for it.
    pub(crate) fn fits(&self, target: &Target) -> bool {
        let speaks = || target.dialect.account_base(target.api_base.path()).is_some();
        self.pinned.as_ref().map_or_else(speaks, |pinned| *pinned == target.id)
    }

    /// Where it is at `target`.
    pub(crate) fn uri(&self, target: &Target) -> Option<Uri> {
        let base = &target.api_base;
        let account = target.dialect.account_base(base.path())?;
        let place = if self.pinned.is_some() { account } else { base.path() };
        let mut at = place.trim_end_matches('/').to_owned();
        at.push_str(&self.path);
        let mut mark = '?';
        let mut add = |pair: &str| {
            at.push(mark);
            at.push_str(pair);
            mark = '&';
        };
        let own = base.query().filter(|query| !query.is_empty());
        if let Some(own) = own {
            add(own);
        }
        let pairs = self.query.iter().flat_map(|query| query.split('&'));
        pairs.filter(|pair| !pair.is_empty() && !names_one_of(own, pair)).for_each(add);
        let mut parts = base.clone().into_parts();
        parts.path_and_query = Some(at.parse::<PathAndQuery>().ok()?);
        Uri::from_parts(parts).ok()
    }
}

/// Whether `pair` gives another value for something that `own` has.
fn names_one_of(own: Option<&str>, pair: &str) -> bool {
    let name = |pair: &str| {
        let name = pair.split('=').next().unwrap_or_default();
        decoded(name).to_ascii_lowercase()
    };
    let asked = name(pair);
    own.is_some_and(|own| own.split('&').any(|pair| name(pair) == asked))
}

impl fmt::Debug for Passed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // No query: a secret may stand in it.
        f.debug_struct("Passed")
            .field("method", &self.method)
            .field("path", &self.path)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests;
