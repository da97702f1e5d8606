//! Reads the address of a deployment.

use http::Uri;
use secondwind_llm::dialect::Provider;

use super::at::At;
use super::cx::Cx;
use super::mask;

/// The address, in the one form in which the rest of the gateway has it.
pub(super) fn read(
    cx: &mut Cx<'_>,
    provider: &'static Provider,
    model: &At<String>,
    given: Option<&At<String>>,
) -> Option<Uri> {
    let Some(given) = given.filter(|given| !given.value.trim().is_empty()) else {
        if let Some(base) = provider.api_base {
            return base.parse().ok();
        }
        let message =
            format!("`api_base` is missing: `{}` has no address of its own", provider.name);
        cx.error(model.span, message, Some("give it an `api_base`".to_owned()));
        return None;
    };
    let text = given.value.trim().trim_end_matches('/');
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
        Ok(uri) => return Some(uri),
        Err(_) => ("`api_base` is not a URL", Some("write it like `https://api.example.com/v1`")),
    };
    cx.error(given.span, message, help.map(str::to_owned));
    None
}
