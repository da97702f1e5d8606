//! Reads `allowed_fails_policy`, where LiteLLM's errors are more than our classes.

use super::cx::Cx;
use super::known::Section;
use super::node::{Entry, Value};

/// What no failure of a deployment is: LiteLLM counts it all the same.
const CALLERS_OWN: [&str; 2] =
    ["BadRequestErrorAllowedFails", "ContentPolicyViolationErrorAllowedFails"];
/// What is one class with another.
const BAD_GATEWAY: &str = "BadGatewayErrorAllowedFails";
const INTERNAL_SERVER: &str = "InternalServerErrorAllowedFails";

/// Makes of LiteLLM's `allowed_fails_policy` one of ours.
pub(super) fn translate(cx: &mut Cx<'_>, section: Section, policy: &mut Entry) {
    let Value::Map(map) = &mut policy.node.value else { return };
    map.entries.retain(|entry| {
        let Some(key) = CALLERS_OWN.iter().find(|key| **key == entry.key) else {
            return true;
        };
        if !entry.node.is_null() {
            let message = || format!("`{key}` has no effect: it is no fault of the deployment's");
            cx.warn_once(section, key, entry.at, message, || None);
        }
        false
    });
    let Some(place) = map.entries.iter().position(|entry| entry.key == BAD_GATEWAY) else {
        return;
    };
    if map.entries.iter().any(|entry| entry.key == INTERNAL_SERVER) {
        let entry = map.entries.remove(place);
        let message = || format!("`{BAD_GATEWAY}` has no effect beside `{INTERNAL_SERVER}`");
        cx.warn_once(section, BAD_GATEWAY, entry.at, message, || None);
    } else if let Some(entry) = map.entries.get_mut(place) {
        entry.written = Some(BAD_GATEWAY.into());
        INTERNAL_SERVER.clone_into(&mut entry.key);
    }
}
