//! Deployments that answer for all names that a pattern covers: which model a request asks for there, and where.

use std::borrow::Cow;

use bytes::Bytes;
use http::Uri;
use secondwind_llm::body::json_string;
use secondwind_llm::dialect::Endpoint;

use crate::pattern::{Pattern, filled};
use crate::route::joined;
use crate::target::Target;

/// Which model is asked for, and where.
pub(crate) struct Place<'a> {
    pub(crate) model: Cow<'a, str>,
    /// The model as a JSON string.
    pub(crate) model_json: Bytes,
    pub(crate) uri: Uri,
}

/// What of a deployment depends on the name that is asked for.
#[derive(Debug)]
pub(crate) struct Wild {
    pattern: Pattern,
    /// Whether its address has a `*`.
    somewhere: bool,
}

// === impl Wild ===

impl Wild {
    /// What of `target` depends on the name that is asked for, if anything.
    pub(crate) fn of(target: &Target) -> Option<Self> {
        let somewhere = has_star(&target.api_base);
        let pattern = target.pattern.clone().filter(|_| somewhere || target.model.contains('*'))?;
        Some(Self { pattern, somewhere })
    }

    /// The model that is asked for, plain and as a JSON string. `None` where the address depends on it, too, or the
    /// pattern does not cover the name.
    pub(crate) fn model(&self, target: &Target, asked: &str) -> Option<(Cow<'static, str>, Bytes)> {
        let parts = self.pattern.parts(asked).filter(|_| !self.somewhere)?;
        let model = filled(&target.model, &parts);
        let json = json_string(&model);
        Some((model.into(), json))
    }

    /// Where a request for `endpoint` goes, and which model it asks for there. `None` where the API has no place for a
    /// name like `asked`.
    pub(crate) fn place(
        &self,
        target: &Target,
        endpoint: Endpoint,
        asked: &str,
        stream: bool,
    ) -> Option<Place<'static>> {
        let parts = self.pattern.parts(asked)?;
        let model = filled(&target.model, &parts);
        let filled = self.somewhere.then(|| address(&target.api_base, &parts));
        let base = match &filled {
            Some(filled) => filled.as_ref()?,
            None => &target.api_base,
        };
        let path = target.dialect.endpoint_path(endpoint, &model, stream)?;
        let named = target.dialect.endpoint_path(endpoint, "*", stream)? != path;
        if named && !used(&target.model, &parts).all(is_piece) {
            return None;
        }
        let (uri, model_json) = (joined(base, &path).ok()?, json_string(&model));
        Some(Place { model: model.into(), model_json, uri })
    }
}

/// `target` as it answers for the group called `group`: where that is one name that its pattern covers, for that one.
pub(crate) fn settled(mut target: Target, group: &str) -> Target {
    let Some(pattern) = target.pattern.take() else { return target };
    let Some(parts) = pattern.parts(group) else {
        target.pattern = Some(pattern);
        return target;
    };
    target.model = filled(&target.model, &parts);
    if has_star(&target.api_base)
        && let Some(base) = address(&target.api_base, &parts)
    {
        target.api_base = base;
    }
    target
}

/// `target` as it answers for nothing but `model`; `None` where that is no model.
pub(crate) fn asked_for(target: &Target, model: String) -> Option<Target> {
    let mut target = Target { pattern: None, model, ..target.clone() };
    if target.model.contains('*') {
        return None;
    }
    if has_star(&target.api_base) {
        target.api_base = address(&target.api_base, &[&target.model])?;
    }
    Some(target)
}

pub(crate) fn has_star(base: &Uri) -> bool {
    base.path().contains('*')
}

/// `base` with `parts` in the place of its `*`; `None` where one of them would be more than a piece of a path's
/// segment.
fn address(base: &Uri, parts: &[&str]) -> Option<Uri> {
    used(base.path(), parts).all(is_piece).then(|| filled(&base.to_string(), parts).parse().ok())?
}

/// Those of `parts` that the `*` of `template` stand for.
fn used<'a>(template: &str, parts: &'a [&'a str]) -> impl Iterator<Item = &'a &'a str> {
    parts.iter().skip(parts.len().saturating_sub(template.matches('*').count()))
}

/// Whether it is but a piece of a path's segment: it leads to no other place.
fn is_piece(part: &&str) -> bool {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~".contains(&byte);
    !part.is_empty() && part.bytes().all(plain)
}
