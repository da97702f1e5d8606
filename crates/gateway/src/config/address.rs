//! Reads the address of a deployment.

use std::borrow::Cow;

use http::Uri;
use secondwind_llm::dialect::Provider;

use super::at::At;
use super::cx::Cx;
use super::known::Section;
use super::mask;

/// What of a deployment says where it is.
pub(super) struct Written<'a> {
    /// `model`, as it is written.
    pub(super) model: &'a At<String>,
    /// The model's name at the provider.
    pub(super) upstream: &'a str,
    pub(super) api_base: Option<&'a At<String>>,
    pub(super) api_version: Option<&'a At<String>>,
}

/// The version of Azure's API that LiteLLM asks for where none is named (1.106).
const AZURE_VERSION: &str = "2025-02-01-preview";

/// Where Ollama listens unless it is told otherwise.
const OLLAMA: &str = "http://localhost:11434";

/// The versions that stand for Azure's API without versions.
const AZURE_V1: [&str; 3] = ["v1", "latest", "preview"];

/// The address, in the one form in which the rest of the gateway has it.
pub(super) fn read(
    cx: &mut Cx<'_>,
    provider: &'static Provider,
    written: &Written<'_>,
) -> Option<Uri> {
    let Written { model, api_base, api_version, .. } = *written;
    if let Some(version) = api_version.filter(|_| provider.name != "azure") {
        let key = format!("api_version {}", provider.name);
        let message = || format!("`api_version` has no effect for `{}`", provider.name);
        cx.warn_once(Section::Params, &key, version.span, message, || None);
    }
    let api_base = api_base.filter(|given| !given.value.trim().is_empty()).cloned();
    let Some(given) = api_base.or_else(|| of_the_environment(cx, provider, model)) else {
        if let Some(base) = provider.api_base {
            return base.parse().ok();
        }
        let message =
            format!("`api_base` is missing: `{}` has no address of its own", provider.name);
        cx.error(model.span, message, Some("give it an `api_base`".to_owned()));
        return None;
    };
    let base = checked(cx, &given)?;
    let built = match provider.name {
        "anthropic" => Cow::Borrowed(anthropic(base)),
        "azure" => Cow::Owned(azure(cx, base, written)?),
        "ollama" | "ollama_chat" => ollama(base),
        _ => Cow::Borrowed(base),
    };
    match built.parse() {
        Ok(uri) => Some(uri),
        Err(_) => {
            cx.error(model.span, "`model` cannot stand in an address", None);
            None
        }
    }
}

/// The address that the environment has, or the usual one, for whom LiteLLM looks there.
fn of_the_environment(cx: &Cx<'_>, provider: &Provider, model: &At<String>) -> Option<At<String>> {
    let name = match provider.name {
        "azure" => "AZURE_API_BASE",
        "ollama" | "ollama_chat" => "OLLAMA_API_BASE",
        _ => return None,
    };
    let ours = || (name == "OLLAMA_API_BASE").then(|| OLLAMA.to_owned());
    Some(At { value: cx.env.get(name).or_else(ours)?, span: model.span, hidden: true })
}

/// Whether it stands for something that is still to be filled in, as examples have it: `<your-endpoint>`.
pub(super) fn is_placeholder(text: &str) -> bool {
    let starts = |start: &str| text.get(..5).is_some_and(|text| text.eq_ignore_ascii_case(start));
    let bracketed = text.starts_with('<') && text.ends_with('>');
    bracketed || (starts("your-") || starts("your_")) && !text.contains(['.', ':', '/'])
}

/// A base URL as it was written, if it is one; without slashes at its end.
fn checked<'a>(cx: &mut Cx<'_>, given: &'a At<String>) -> Option<&'a str> {
    let text = given.value.trim().trim_end_matches('/');
    if is_placeholder(text) && !given.hidden {
        let message = || "`api_base` is still a placeholder: the deployment is left out".to_owned();
        cx.warn_once(Section::Params, "api_base", given.span, message, || None);
        return None;
    }
    let (message, help) = match text.parse::<Uri>() {
        _ if mask::has_credentials(text) => {
            ("`api_base` must not hold credentials", Some("use `api_key`"))
        }
        Ok(uri) if uri.authority().is_none_or(|authority| authority.host().is_empty()) => {
            ("`api_base` lacks a host", None)
        }
        Ok(uri) if !matches!(uri.scheme_str(), Some("http" | "https")) => {
            ("`api_base` must begin with `https://` or `http://`", None)
        }
        Ok(uri) if uri.query().is_some() || text.contains('#') => {
            ("`api_base` must not have a query", Some("leave out what follows the path"))
        }
        Ok(uri) if uri.path().ends_with("/chat/completions") => {
            ("`api_base` goes too far", Some("leave out `/chat/completions`"))
        }
        Ok(_) => return Some(text),
        Err(_) => ("`api_base` is not a URL", Some("write it like `https://api.example.com/v1`")),
    };
    cx.error(given.span, message, help.map(str::to_owned));
    None
}

/// Anthropic's path begins with `/v1`, which many write, too.
fn anthropic(base: &str) -> &str {
    base.strip_suffix("/v1/messages").or_else(|| base.strip_suffix("/v1")).unwrap_or(base)
}

/// Ollama speaks OpenAI's dialect behind `/v1`; LiteLLM's addresses stop before it.
fn ollama(base: &str) -> Cow<'_, str> {
    if base.ends_with("/v1") { base.into() } else { format!("{base}/v1").into() }
}

/// Azure's has the deployment in it, and the version of the API behind it.
fn azure(cx: &mut Cx<'_>, base: &str, written: &Written<'_>) -> Option<String> {
    if base.ends_with("/openai/v1") {
        return Some(base.to_owned());
    }
    let given = written.api_version.map(|version| version.value.trim().to_owned());
    let version = given.filter(|version| !version.is_empty());
    let version = version.or_else(|| cx.env.get("AZURE_API_VERSION"));
    let version = version.as_deref().unwrap_or(AZURE_VERSION);
    if !version.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-._".contains(&byte)) {
        let span = written.api_version.map_or(written.model.span, |version| version.span);
        let help = "write it like `2024-10-21`".to_owned();
        cx.error(span, "`api_version` is no version of Azure's API", Some(help));
        return None;
    }
    let host = base.strip_suffix("/openai").unwrap_or(base);
    if AZURE_V1.contains(&version) {
        return Some(format!("{host}/openai/v1"));
    }
    if base.contains("/openai/deployments/") {
        return Some(format!("{base}?api-version={version}"));
    }
    let deployment = written.upstream;
    // A `*` stands for what the caller calls it.
    if !deployment.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-._~*".contains(&byte)) {
        let message = "`model` names no deployment of Azure's";
        let help = "write `azure/` and the deployment's name".to_owned();
        cx.error(written.model.span, message, Some(help));
        return None;
    }
    Some(format!("{host}/openai/deployments/{deployment}?api-version={version}"))
}
