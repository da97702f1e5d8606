//! The fallbacks that a caller brings along.
//!
//! An item of a list is the name of a group, a mapping that names its `model` and other values for fields of the
//! body, or LiteLLM's `{group: [fallback, …]}`, of which the list for the group that is asked for counts.

use std::collections::BTreeMap;
use std::sync::Arc;

use bytes::Bytes;
use secondwind_layers::{Context, Name};
use secondwind_llm::peek::ours::OPERATORS;
use secondwind_llm::peek::peek;
use secondwind_router::{Hop, Router};
use serde_json::Value;
use serde_json::value::RawValue;

use super::{COUNT, Fields, count, operators, wrong};
use crate::respond::Refusal;

const WANTED: &str = "a list of models, each a text or a mapping that names its `model`";

type Object<'a> = BTreeMap<String, &'a RawValue>;

/// Lays the fallbacks of the request's own into `context`; gives those that are more than a name.
pub(super) fn read(
    fields: &Fields<'_>,
    router: &Router,
    asked: &Name,
    context: &Context,
) -> Result<Vec<Hop>, Refusal> {
    let mut hops = Vec::new();
    let mut list = |name: &'static str| -> Result<Option<Vec<String>>, Refusal> {
        let Some(json) = fields.json(name) else { return Ok(None) };
        let mut reader = Reader { name, router, asked, said: &fields.peek.model, hops: &mut hops };
        reader.list(&json).map(Some)
    };
    let to = list("fallbacks")?;
    let context_window = list("context_window_fallbacks")?;
    let content_policy = list("content_policy_fallbacks")?;
    let most = fields.read("max_fallbacks", COUNT, count)?;
    let disabled = fields.read("disable_fallbacks", "true or false", Value::as_bool)?;
    let most = if disabled == Some(true) { Some(0) } else { most };

    let own = to.is_some() || context_window.is_some() || content_policy.is_some();
    let Some(policy) = router.policy_of(asked).filter(|_| own || most.is_some()) else {
        return Ok(hops);
    };
    let mut fallback = policy.fallback().clone();
    if let Some(to) = to {
        fallback = fallback.with_to(to);
    }
    if let Some(context_window) = context_window {
        fallback = fallback.with_context_window(context_window);
    }
    if let Some(content_policy) = content_policy {
        fallback = fallback.with_content_policy(content_policy);
    }
    if let Some(most) = most {
        fallback = fallback.at_most(most);
    }
    context.set_fallback(Some(Arc::new(fallback)));
    Ok(hops)
}

/// Reads one list.
struct Reader<'a> {
    name: &'static str,
    router: &'a Router,
    asked: &'a Name,
    /// What the caller calls the group that is asked for.
    said: &'a str,
    hops: &'a mut Vec<Hop>,
}

// === impl Reader ===

impl Reader<'_> {
    fn list(&mut self, json: &[u8]) -> Result<Vec<String>, Refusal> {
        let mut names = Vec::new();
        // `"*"` counts where there is no list for the group itself.
        let mut any = None;
        for item in self.items(json)? {
            if item.get().starts_with('"') {
                names.push(self.named(item)?);
                continue;
            }
            let object: Object<'_> = self.parsed(item)?;
            if object.contains_key("model") {
                names.push(self.hop(item, object)?);
                continue;
            }
            for (group, list) in object {
                if group == self.said || *group == **self.asked {
                    names.extend(self.flat(list)?);
                } else if group == "*" {
                    any = Some(self.flat(list)?);
                } else {
                    self.items(list.get().as_bytes())?;
                }
            }
        }
        Ok(if names.is_empty() { any.unwrap_or_default() } else { names })
    }

    /// The list of one group.
    fn flat(&mut self, list: &RawValue) -> Result<Vec<String>, Refusal> {
        let mut names = Vec::new();
        for item in self.items(list.get().as_bytes())? {
            names.push(if item.get().starts_with('"') {
                self.named(item)?
            } else {
                let object = self.parsed(item)?;
                self.hop(item, object)?
            });
        }
        Ok(names)
    }

    fn items<'b>(&self, json: &'b [u8]) -> Result<Vec<&'b RawValue>, Refusal> {
        serde_json::from_slice(json).map_err(|_| wrong(self.name, WANTED))
    }

    fn parsed<'b, T: serde::Deserialize<'b>>(&self, json: &'b RawValue) -> Result<T, Refusal> {
        serde_json::from_str(json.get()).map_err(|_| wrong(self.name, WANTED))
    }

    /// What a text names, as it is called in the list: a group, or a model that a group with `*` covers, which is asked
    /// for that one.
    fn named(&mut self, json: &RawValue) -> Result<String, Refusal> {
        let group = self.group(json)?;
        if !group.contains('*') {
            return Ok(group.to_string());
        }
        let model = Bytes::copy_from_slice(json.get().as_bytes());
        Ok(self.push(group, vec![("model".to_owned(), model)]))
    }

    /// Adds a fallback that is more than the name of a group; gives what it is called.
    fn push(&mut self, group: Name, fields: Vec<(String, Bytes)>) -> String {
        let label = Name::from(format!("{group} ({}[{}])", self.name, self.hops.len()));
        self.hops.push(Hop::new(label.clone(), group, fields));
        label.to_string()
    }

    /// The group that a text names.
    fn group(&self, json: &RawValue) -> Result<Name, Refusal> {
        let name: String = self.parsed(json)?;
        self.router.group(&name).cloned().ok_or_else(|| {
            let name: String = name.chars().take(100).collect();
            let message =
                format!("`{}` names `{name}`, and there is no such model here", self.name);
            Refusal::bad_request(message).param(self.name).code("model_not_found")
        })
    }

    /// A fallback that is asked something else; what it is called in the list.
    fn hop(&mut self, json: &RawValue, object: Object<'_>) -> Result<String, Refusal> {
        let group = match object.get("model") {
            Some(model) if model.get().starts_with('"') => self.group(model)?,
            _ => return Err(wrong(self.name, WANTED)),
        };
        let peeked = peek(json.get().as_bytes()).map_err(|error| {
            let message = format!("an item of `{}`: {error}", self.name);
            Refusal::bad_request(message).param(self.name)
        })?;
        if let Some(ours) = peeked.ours.first() {
            let within = format!("{}.", self.name);
            if OPERATORS.contains(&ours.name) {
                return Err(operators(ours.name, &within));
            }
            let message = format!("`{within}{}` cannot be set for one fallback", ours.name);
            return Err(Refusal::bad_request(message).param(self.name));
        }
        if object.keys().any(|key| key.eq_ignore_ascii_case("stream")) {
            let message = format!("`{}.stream`: all fallbacks answer alike", self.name);
            return Err(Refusal::bad_request(message).param(self.name));
        }
        let value =
            |(key, json): (String, &RawValue)| (key, Bytes::copy_from_slice(json.get().as_bytes()));
        let fields = object.into_iter().map(value).collect();
        Ok(self.push(group, fields))
    }
}
