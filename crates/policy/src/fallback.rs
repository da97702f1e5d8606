//! Where a request goes once its group is spent.

use crate::class::{Class, ClassSet, FallsBack};
use crate::error::Findings;
use crate::inherit::Setting;
use crate::partial::PartialFallback;

#[cfg(test)]
mod tests;

/// Where a request goes once its group is spent.
#[derive(Clone, Debug, PartialEq)]
pub struct FallbackPolicy {
    pub(crate) on: bool,
    pub(crate) max: u32,
    pub(crate) classes: ClassSet,
    pub(crate) to: Vec<String>,
    pub(crate) context_window: Vec<String>,
    pub(crate) content_policy: Vec<String>,
}

impl Default for FallbackPolicy {
    fn default() -> FallbackPolicy {
        let falls_back = |class: &Class| class.facts().falls_back != FallsBack::Never;
        FallbackPolicy {
            on: true,
            max: 5,
            classes: Class::ALL.iter().copied().filter(falls_back).collect(),
            to: Vec::new(),
            context_window: Vec::new(),
            content_policy: Vec::new(),
        }
    }
}

impl FallbackPolicy {
    /// No fallbacks.
    pub(crate) fn off() -> FallbackPolicy {
        FallbackPolicy { on: false, max: 0, classes: ClassSet::EMPTY, ..FallbackPolicy::default() }
    }

    /// How many fallback groups a request tries at most. Default 5; 0 for none.
    #[must_use]
    pub fn max(&self) -> u32 {
        self.max
    }

    /// Whether a request that failed with `class` may fall back. Default: as the
    /// [table of classes](Class::facts) says.
    #[must_use]
    pub fn allows(&self, class: Class) -> bool {
        self.max > 0 && self.classes.contains(class)
    }

    /// The groups to fall back to, in this order. Default: none.
    #[must_use]
    pub fn to(&self) -> &[String] {
        &self.to
    }

    /// The groups for a prompt that does not fit. Where empty, [`to`](FallbackPolicy::to) is used.
    #[must_use]
    pub fn context_window(&self) -> &[String] {
        &self.context_window
    }

    /// The groups for content that a provider refused. Where empty, such a request does not fall
    /// back.
    #[must_use]
    pub fn content_policy(&self) -> &[String] {
        &self.content_policy
    }

    /// The groups for a request that failed with `class`, in order; empty: it does not fall back.
    #[must_use]
    pub fn list_for(&self, class: Class) -> &[String] {
        if !self.allows(class) {
            return &[];
        }
        match class.facts().falls_back {
            FallsBack::ContextWindowFirst if !self.context_window.is_empty() => {
                &self.context_window
            }
            FallsBack::ContentPolicyOnly => &self.content_policy,
            // `Never` is the default only: `classes` has the last word.
            FallsBack::ContextWindowFirst | FallsBack::General | FallsBack::Never => &self.to,
        }
    }

    /// The same, with other [groups](Self::to): those that one request asks for.
    #[must_use]
    pub fn with_to(mut self, groups: Vec<String>) -> FallbackPolicy {
        self.to = groups;
        self
    }

    /// The same, with other groups for a prompt that does [not fit](Self::context_window).
    #[must_use]
    pub fn with_context_window(mut self, groups: Vec<String>) -> FallbackPolicy {
        self.context_window = groups;
        self
    }

    /// The same, with other groups for content that was [refused](Self::content_policy).
    #[must_use]
    pub fn with_content_policy(mut self, groups: Vec<String>) -> FallbackPolicy {
        self.content_policy = groups;
        self
    }

    /// The same, with at most `groups` fallback groups, and never more than before.
    #[must_use]
    pub fn at_most(mut self, groups: u32) -> FallbackPolicy {
        self.max = self.max.min(groups);
        self
    }

    fn check(&self, findings: &mut Findings) {
        for (class, reason) in [
            (Class::Interrupted, "the answer has begun already"),
            (Class::Cancelled, "nobody waits for an answer"),
        ] {
            if self.classes.contains(class) {
                findings.add("fallback.classes", format!("`{class}` cannot fall back: {reason}"));
            }
        }
    }
}

impl PartialFallback {
    pub(crate) fn lay_on(&self, onto: &mut FallbackPolicy, findings: &mut Findings) {
        if !onto.on {
            *onto = FallbackPolicy::default();
        }
        findings.lay("fallback.max", &self.max, &mut onto.max, Some(0));
        let none = Some(ClassSet::EMPTY);
        findings.lay("fallback.classes", &self.classes, &mut onto.classes, none);
        let none = || Some(Vec::new());
        findings.lay("fallback.to", &self.to, &mut onto.to, none());
        let list = &mut onto.context_window;
        findings.lay("fallback.context_window", &self.context_window, list, none());
        let list = &mut onto.content_policy;
        findings.lay("fallback.content_policy", &self.content_policy, list, none());
        onto.check(findings);
    }
}

impl From<&FallbackPolicy> for PartialFallback {
    fn from(fallback: &FallbackPolicy) -> PartialFallback {
        PartialFallback {
            max: Setting::Set(fallback.max.into()),
            classes: fallback.classes.into(),
            to: Setting::Set(fallback.to.clone()),
            context_window: Setting::Set(fallback.context_window.clone()),
            content_policy: Setting::Set(fallback.content_policy.clone()),
        }
    }
}

impl From<&FallbackPolicy> for Setting<PartialFallback> {
    fn from(fallback: &FallbackPolicy) -> Setting<PartialFallback> {
        if fallback.on { Setting::Set(fallback.into()) } else { Setting::Off }
    }
}
