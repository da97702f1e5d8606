//! Reads how deployments are checked in the background.

use std::time::Duration;

use secondwind_llm::dialect::{Endpoint, Provider};
use secondwind_policy::Written;
use secondwind_router::Checkup;

use super::at::At;
use super::cx::Cx;
use super::known::Section;
use super::raw;
use super::resolved::Checkups;

/// LiteLLM's interval.
const EVERY: Duration = Duration::from_secs(300);
/// LiteLLM's limit of one check.
const TIMEOUT: Duration = Duration::from_secs(60);
const AT_ONCE: u32 = 4;

/// What a deployment says of its checks.
pub(super) struct Said {
    /// `None` where it is not to be checked, or nothing tiny can be asked of it.
    endpoint: Option<Endpoint>,
    model: Option<String>,
    timeout: Duration,
}

/// How often checks are made, if at all.
pub(super) fn read(cx: &mut Cx<'_>, general: &raw::General) -> Option<Checkups> {
    let every = general.health_check_interval.as_ref().map(|every| {
        let name = "health_check_interval";
        (every.span, positive(cx, name, every).unwrap_or(EVERY))
    });
    let at_once = general.health_check_concurrency.as_ref();
    if let Some(none) = at_once.filter(|at_once| at_once.value == 0) {
        cx.error(none.span, "`health_check_concurrency` must be 1 or more", None);
    }
    let on = general.background_health_checks.unwrap_or(false);
    if !on {
        let settings = [
            ("health_check_interval", every.map(|(span, _)| span)),
            ("health_check_concurrency", at_once.map(|at_once| at_once.span)),
            (
                "enable_health_check_routing",
                general
                    .enable_health_check_routing
                    .as_ref()
                    .filter(|on| on.value)
                    .map(|on| on.span),
            ),
        ];
        for (name, span) in settings {
            let Some(span) = span else { continue };
            let message = || format!("`{name}` has no effect without `background_health_checks`");
            cx.warn_once(Section::General, name, span, message, || None);
        }
    }
    let every = every.map_or(EVERY, |(_, every)| every);
    let at_once = at_once.map_or(AT_ONCE, |at_once| at_once.value);
    on.then_some(Checkups { every, at_once })
}

/// What `model_info` says of checks.
pub(super) fn said(cx: &mut Cx<'_>, info: Option<&mut raw::Info>) -> Said {
    let Some(info) = info else {
        return Said { endpoint: Some(Endpoint::ChatCompletions), model: None, timeout: TIMEOUT };
    };
    let endpoint = match info.mode.as_deref() {
        None | Some("chat" | "responses") => Some(Endpoint::ChatCompletions),
        Some("completion") => Some(Endpoint::Completions),
        Some("embedding") => Some(Endpoint::Embeddings),
        // Pictures, speech and the like are not tiny.
        Some(_) => None,
    };
    let endpoint = endpoint.filter(|_| info.disable_background_health_check != Some(true));
    let timeout = info.health_check_timeout.as_ref();
    let timeout = timeout.and_then(|timeout| positive(cx, "health_check_timeout", timeout));
    let model = info.health_check_model.take().map(|model| model.value.trim().to_owned());
    let model = model.filter(|model| !model.is_empty() && !model.contains('*'));
    Said { endpoint, model, timeout: timeout.unwrap_or(TIMEOUT) }
}

fn positive(cx: &mut Cx<'_>, name: &str, written: &At<Written<Duration>>) -> Option<Duration> {
    let message = match written.value.value() {
        Ok(duration) if !duration.is_zero() => return Some(*duration),
        Ok(_) => "must be more than 0".to_owned(),
        Err(message) => message.to_owned(),
    };
    cx.error(written.span, format!("`{name}` {message}"), None);
    None
}

// === impl Said ===

impl Said {
    /// How a deployment is checked whose model is `upstream` at `provider`; `None` where nothing can be asked of it.
    pub(super) fn checkup(self, provider: &Provider, upstream: &str) -> Option<Option<Checkup>> {
        let Said { endpoint, model, timeout } = self;
        let Some(endpoint) = endpoint else { return Some(None) };
        let model = model.map(|model| match model.split_once('/') {
            Some((first, rest)) if first == provider.name => rest.to_owned(),
            _ => model,
        });
        if model.is_none() && upstream.contains('*') {
            return None;
        }
        Some(Some(Checkup { endpoint, model, timeout }))
    }
}
