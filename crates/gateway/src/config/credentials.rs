//! Reads `credential_list`: what deployments of the same account have in common.

use std::collections::HashMap;

use secondwind_policy::suggest;

use super::at::At;
use super::cx::Cx;
use super::de;
use super::env;
use super::known::{self, Section};
use super::node::{Entry, Map, Node, Value};

/// The credentials of a file, by name.
#[derive(Default)]
pub(super) struct Credentials(HashMap<String, Map>);

/// What a deployment names its credential by.
const REFERENCE: &str = "litellm_credential_name";

/// What a credential may lend and nobody may miss twice.
const LENT: [&str; 2] = ["api_key", "api_base"];

/// Other names for the same.
const ALIASES: [(&str, &str); 1] = [("base_url", "api_base")];

/// Reads the list.
pub(super) fn read(cx: &mut Cx<'_>, list: Option<Entry>) -> Credentials {
    let mut credentials = Credentials::default();
    let Some(list) = list else { return credentials };
    let found = list.node.kind();
    let Value::List(items) = list.node.value else {
        cx.error(list.node.span, format!("`credential_list` must be a list, not {found}"), None);
        return credentials;
    };
    for item in items {
        credentials.add(cx, item);
    }
    credentials
}

// === impl Credentials ===

impl Credentials {
    fn add(&mut self, cx: &mut Cx<'_>, mut item: Node) {
        if item.map_mut().is_none() {
            let found = item.kind();
            let message = format!("an item of `credential_list` must be a mapping, not {found}");
            cx.error(item.span, message, None);
            return;
        }
        known::sift(cx, Section::Credential, &mut item);
        if let Some(values) = item.get_mut("credential_values") {
            known::sift(cx, Section::CredentialValues, values);
        }
        env::resolve(cx, &mut item);
        let values = match item.take("credential_values").map(|entry| entry.node) {
            Some(Node { value: Value::Map(values), .. }) => values,
            Some(other) => {
                let found = other.kind();
                let message = format!("`credential_values` must be a mapping, not {found}");
                cx.error(other.span, message, None);
                Map::default()
            }
            None => Map::default(),
        };
        let Some(mut name) = item.take("credential_name") else {
            if !matches!(&item.value, Value::Map(map) if map.has_dropped("credential_name")) {
                cx.error(item.span, "a credential lacks its `credential_name`", None);
            }
            return;
        };
        let at = name.at;
        let Some(name) = de::read_entry::<At<String>>(cx, &mut name) else {
            return;
        };
        if self.0.contains_key(&name.value) {
            cx.error(at, format!("two credentials are called {}", name.shown()), None);
        }
        self.0.insert(name.value, values);
    }

    /// Adds to `litellm_params` what the credential that they name says beyond them.
    pub(super) fn lend(&self, cx: &mut Cx<'_>, params: &mut Node) {
        let Some(mut reference) = params.take(REFERENCE) else {
            return;
        };
        env::resolve(cx, &mut reference.node);
        let name = match reference.node.is_null() {
            true => None,
            false => de::read_entry::<At<String>>(cx, &mut reference),
        };
        let values = name.as_ref().and_then(|name| self.0.get(&name.value));
        let Some(map) = params.map_mut() else { return };
        let Some(values) = values else {
            if let Some(name) = name {
                let known = self.0.keys().map(String::as_str);
                let help =
                    if name.hidden { None } else { suggest::did_you_mean(&name.value, known) };
                cx.error(name.span, format!("there is no credential {}", name.shown()), help);
            }
            // Who knows what it would have said.
            LENT.iter().for_each(|key| map.drop_key((*key).to_owned()));
            return;
        };
        for entry in &values.entries {
            let given = |key: &str| map.entries.iter().any(|own| plain(&own.key) == plain(key));
            if !given(&entry.key) {
                map.entries.push(entry.clone());
            }
        }
        // Something is wrong with them, and has been told.
        let dropped = LENT.iter().filter(|key| values.has_dropped(key));
        dropped.for_each(|key| map.drop_key((*key).to_owned()));
    }
}

fn plain(key: &str) -> &str {
    ALIASES.iter().find(|(alias, _)| *alias == key).map_or(key, |(_, name)| name)
}
