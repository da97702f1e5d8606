//! What is known of a call, whatever the types: how it began, where it has been and where it may go.

use std::collections::VecDeque;
use std::sync::Arc;

use secondwind_policy::{Class, FallbackPolicy, Policy};
use tracing::Span;

use crate::classify::Verdict;
use crate::context::Context;
use crate::deadline::Deadline;
use crate::kind::Entered;
use crate::policies::Policies;
use crate::telemetry;
use crate::trail::Name;

/// How a call began. Small: it is moved with the future.
pub(super) struct Session {
    /// The policy that the request brought along in place of the layer's.
    other: Option<Arc<Policy>>,
    entered: Entered,
    span: Option<Box<Span>>,
}

/// Where the request has been, and where it may go.
pub(super) struct Hops {
    /// The group that was asked for, then all that were considered.
    tried: Vec<Name>,
    /// The group that the request is in.
    at: Name,
    to_come: VecDeque<Name>,
    made: u32,
    /// Where the request itself wants to go.
    of_request: Option<Arc<FallbackPolicy>>,
}

// === impl Session ===

impl Session {
    #[inline(always)]
    pub(super) fn new(other: Option<Arc<Policy>>, entered: Entered) -> Self {
        let span = entered.made().and_then(|made| telemetry::request_span(Some(made)));
        Self { other, entered, span }
    }

    pub(super) const fn context(&self) -> Option<&Context> {
        self.entered.context()
    }

    /// The context, where this layer made it.
    pub(super) const fn made(&self) -> Option<&Context> {
        self.entered.made()
    }

    pub(super) const fn span(&self) -> Option<&Span> {
        match &self.span {
            Some(span) => Some(span),
            None => None,
        }
    }

    pub(super) fn deadline(&self) -> Option<Deadline> {
        self.context().and_then(Context::deadline)
    }

    fn policy<'a>(&'a self, policies: &'a Policies, group: &str) -> &'a FallbackPolicy {
        self.other.as_ref().unwrap_or_else(|| policies.group(group)).fallback()
    }
}

// === impl Hops ===

impl Hops {
    pub(super) fn from(asked: Name, session: &Session) -> Self {
        let at = Name::clone(&asked);
        let of_request = session.context().and_then(Context::fallback);
        Self { tried: vec![asked], at, to_come: VecDeque::new(), made: 0, of_request }
    }

    /// The next group after `verdict`, if there is one that `accepts` the request; enters it.
    pub(super) fn next(
        &mut self,
        session: &Session,
        policies: &Policies,
        verdict: &Verdict,
        mut accepts: impl FnMut(&str) -> bool,
    ) -> Option<()> {
        let own = self.of_request.clone();
        let policy_of = |group: &str| match &own {
            Some(own) => own,
            None => session.policy(policies, group),
        };
        let asked = policy_of(self.tried.first()?);
        // What a group names for itself follows what those before it named.
        let named = policy_of(&self.at).list_for(verdict.class);
        if !asked.allows(verdict.class) && named.is_empty() {
            return None;
        }
        for group in named {
            if !self.knows(group) {
                self.to_come.push_back(Name::from(group.as_str()));
            }
        }
        if self.made >= asked.max() {
            return None;
        }
        while let Some(group) = self.to_come.pop_front() {
            self.tried.push(Name::clone(&group));
            if !accepts(&group) {
                continue;
            }
            telemetry::falling_back(&self.at, &group, verdict);
            self.made += 1;
            self.at = Name::clone(&group);
            if let Some(context) = session.context() {
                // Another group may yet follow this one: from the lists at hand, or its own.
                let after_timeout = policy_of(&group).list_for(Class::Timeout);
                let more =
                    !self.to_come.is_empty() || after_timeout.iter().any(|to| !self.knows(to));
                context.enter_group(group, policies.own(&self.at).cloned(), None);
                context.set_fallback_left(more && self.made < asked.max());
            }
            return Some(());
        }
        None
    }

    fn knows(&self, group: &str) -> bool {
        self.tried.iter().chain(&self.to_come).any(|known| **known == *group)
    }
}
