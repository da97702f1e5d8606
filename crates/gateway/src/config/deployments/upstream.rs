//! Which provider a deployment's `model` names, and what it is called there.

use secondwind_llm::dialect::{self, Provider};

use super::super::address;
use super::super::at::At;
use super::super::cx::Cx;
use super::super::known::Section;
use super::super::providers;

/// The provider and its name for the model.
pub(super) fn upstream(
    cx: &mut Cx<'_>,
    model: &At<String>,
    custom: Option<&At<String>>,
    group: &str,
) -> Option<(&'static Provider, String)> {
    let text = model.value.trim();
    let (name, rest, span) = match (custom, text.split_once('/')) {
        (Some(custom), Some((first, rest))) if custom.value == first => (first, rest, custom.span),
        (Some(custom), _) => (custom.value.as_str(), text, custom.span),
        (None, Some((first, rest))) => (first, rest, model.span),
        (None, None) => (providers::of_bare(text), text, model.span),
    };
    if rest.trim().is_empty() {
        cx.error(model.span, "`model` has no name", None);
        return None;
    }
    if address::is_placeholder(rest) && !model.hidden {
        let message = || "`model` is still a placeholder: the deployment is left out".to_owned();
        cx.warn_once(Section::Params, "model placeholder", model.span, message, || None);
        return None;
    }
    let stars = |text: &str| text.matches('*').count();
    if stars(rest) > stars(group) {
        let message =
            || "`model` has more `*` than its `model_name`: the deployment is left out".to_owned();
        cx.warn_once(Section::Params, "model *", model.span, message, || None);
        return None;
    }
    if text == "*" && custom.is_none() {
        let message = || "the `model` `*` is taken for `openai/*`".to_owned();
        let help =
            || Some("a caller cannot choose the provider: write one group for each".to_owned());
        cx.warn_once(Section::Params, "model", model.span, message, help);
    }
    if let Some(provider) = dialect::by_name(name) {
        // LiteLLM's hints at what an Azure deployment's model is like.
        let hinted = ["o_series/", "gpt5_series/"].iter().find_map(|hint| rest.strip_prefix(hint));
        let rest = hinted.filter(|_| provider.name == "azure").unwrap_or(rest);
        return Some((provider, rest.to_owned()));
    }
    if custom.map_or(model.hidden, |custom| custom.hidden) {
        cx.error(span, "the environment variable names no provider that is known", None);
        return None;
    }
    let compatible = if custom.is_some() {
        "write `openai` if it speaks OpenAI's dialect".to_owned()
    } else {
        format!("write `openai/{rest}` and its `api_base` if it speaks OpenAI's dialect")
    };
    if providers::is_known(name) {
        // It is valid for LiteLLM; the rest of the file is of use without it.
        let message =
            || format!("the dialect `{name}` is not available yet: the deployment is left out");
        let key = format!("dialect {name}");
        cx.warn_once(Section::Params, &key, span, message, || Some(compatible));
    } else {
        let message = format!("the provider `{name}` is not known");
        cx.error(span, message, providers::did_you_mean(name).or(Some(compatible)));
    }
    None
}
