//! What deployments have only together: ids, weights and orders.

use http::Uri;
use secondwind_llm::dialect::Provider;
use secondwind_router::{Checkup, Limits, Pattern};

use super::super::at::At;
use super::super::names::Names;
use super::super::node::{Node, Span};
use super::super::secret::Secret;
use super::Group;

/// A deployment that lacks nothing but its policy.
#[derive(Clone)]
pub(in crate::config) struct Ready {
    pub(in crate::config) id: String,
    pub(in crate::config) dialect: String,
    pub(in crate::config) provider: String,
    pub(in crate::config) model: String,
    pub(in crate::config) pattern: Option<Pattern>,
    pub(in crate::config) api_base: Uri,
    pub(in crate::config) api_key: Option<Secret>,
    pub(in crate::config) weight: f64,
    pub(in crate::config) order: u32,
    pub(in crate::config) price: Option<f64>,
    pub(in crate::config) tags: Vec<String>,
    pub(in crate::config) limits: Limits,
    pub(in crate::config) organization: Option<Secret>,
    pub(in crate::config) prefill: bool,
    pub(in crate::config) checkup: Option<Checkup>,
    pub(in crate::config) drop_params: Option<bool>,
    pub(in crate::config) overlay: Option<Node>,
}

// === impl Group ===

impl Group {
    /// Whether nobody can be asked for anything but embeddings there.
    pub(in crate::config) fn embeds(&self) -> bool {
        self.members.iter().all(|member| member.embeds)
    }

    /// Gives the deployments what they have only together: ids, weights and orders.
    pub(in crate::config) fn finish(self, names: &mut Names) -> (String, Vec<Ready>) {
        let any = |weights: &[Option<At<f64>>; 3], n: usize| {
            weights.get(n).and_then(Option::as_ref).map_or(0.0, |weight| weight.value)
        };
        let metric = (0..3).find(|&n| self.members.iter().any(|m| any(&m.weights, n) > 0.0));
        let ordered = self.members.iter().any(|member| member.order.is_some());
        let last = if ordered { u32::MAX } else { 0 };
        let name = self.name;
        let ready = self.members.into_iter().map(|member| {
            let weight = metric.map_or(1.0, |n| any(&member.weights, n));
            let id = match member.id {
                Some(id) => id.value,
                None => made_id(names, &name, member.provider, &member.model, &member.base),
            };
            Ready {
                id,
                dialect: member.provider.dialect.name().to_owned(),
                provider: member.provider.name.to_owned(),
                model: member.model,
                pattern: member.pattern,
                api_base: member.base,
                api_key: member.api_key,
                weight,
                order: member.order.unwrap_or(last),
                price: member.price,
                tags: member.tags,
                limits: member.limits,
                organization: member.organization,
                prefill: member.prefill,
                checkup: member.checkup.ok().flatten(),
                drop_params: member.drop_params,
                overlay: member.overlay,
            }
        });
        let ready = ready.collect();
        (name, ready)
    }
}

/// An id that stays the same as long as the deployment does. Those that differ in nothing but
/// their keys are counted.
fn made_id(names: &mut Names, group: &str, provider: &Provider, model: &str, base: &Uri) -> String {
    let plain = |c: char| {
        if c.is_ascii_alphanumeric() || "-_.:".contains(c) { c } else { '-' }
    };
    let group: String = group.chars().map(plain).collect();
    let hash = fnv1a(format!("{}/{model}@{base}", provider.name).as_bytes()) & 0xff_ffff;
    let nowhere = Span { file: 0, line: 0, column: 0, start: 0, len: 0 };
    let first = format!("{group}-{hash:06x}");
    let mut id = first.clone();
    let mut count = 1;
    while names.add_id(&id, nowhere).is_err() {
        count += 1;
        id = format!("{first}-{count}");
    }
    id
}

/// FNV-1a, 64 bits: the same in every version and on every machine.
fn fnv1a(bytes: &[u8]) -> u64 {
    bytes.iter().fold(0xcbf2_9ce4_8422_2325, |hash, &byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
    })
}
