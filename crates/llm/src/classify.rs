//! What a failed reply means: the machinery that dialects share.
//!
//! A dialect knows the words of its providers; it lists them as [`Rule`]s. This module reads a
//! reply, whatever its shape, and applies them in order. The first rule that fits decides; where
//! none does, the status does.
//!
//! Text is trusted last, and the less the more harm it can do. A message may quote the caller's own
//! words, and a caller who could talk a gateway into resting a deployment would take it from
//! everybody. So rules whose class hurts a deployment look at codes, or at how a message *begins*;
//! and none looks at a whole body.

mod retry_info;
mod said;

use std::time::SystemTime;

use http::{HeaderMap, StatusCode};
use secondwind_layers::classify::{Blame, Verdict, class_of_status, retry_after};
use secondwind_policy::Class;

pub(crate) use self::said::Said;
use crate::rate_limit::rate_limit_reset;

/// The status of an error that names none: one in a 200.
pub(crate) const UNSAID: u16 = 0;

/// A reply that fits `when`, with a status that fits `on`, is of `class`.
#[derive(Debug)]
pub(crate) struct Rule {
    pub(crate) when: When,
    pub(crate) on: fn(u16) -> bool,
    pub(crate) class: Class,
}

/// What a reply must say for a rule to fit. Texts are given in lower case, and compared so.
#[derive(Debug)]
pub(crate) enum When {
    /// Nothing: the status is enough.
    Always,
    /// A code or a type is one of these.
    Code(&'static [&'static str]),
    /// A message begins with one of these.
    Begins(&'static [&'static str]),
    /// A message begins with the first and has the second behind it.
    BeginsThen(&'static str, &'static str),
    /// A message has one of these in it.
    Has(&'static [&'static str]),
    /// A message has all of these in it.
    HasAll(&'static [&'static str]),
    /// The body is no JSON and has this in it: a page made by a proxy.
    Page(&'static str),
    /// A quota whose name has this in it is spent.
    Quota(&'static str),
    /// The provider says what it found in the text that it refused.
    Moderated,
    /// The parameter at fault is this.
    Param(&'static str),
}

/// The words of a dialect.
#[derive(Debug)]
pub(crate) struct Words {
    /// Which class a reply is of; the first that fits.
    pub(crate) rules: &'static [Rule],
    /// What shows that a 404 is about the model or the deployment, and a 403 about those or the key.
    /// Of the two nothing else hurts a deployment: an unknown file is the caller's own affair.
    pub(crate) accuses: &'static [When],
}

impl Words {
    /// The verdict on a reply whose head says that it failed.
    pub(crate) fn failure(
        &self,
        status: StatusCode,
        headers: &HeaderMap,
        said: &Said,
        now: SystemTime,
    ) -> Verdict {
        if status.is_redirection() {
            // Not followed, whatever its body says: it is no answer.
            return Verdict::new(Class::InternalServer).with_status(status.as_u16());
        }
        let told = match (status.as_u16(), said.status()) {
            // A proxy that passes its upstream's limit on as its own failure.
            (500.., Some(429)) => 429,
            (status @ 400.., _) => status,
            // The head says nothing of a failure, the body does.
            (_, Some(status)) => status,
            _ => UNSAID,
        };
        let rule = self.rules.iter().find(|rule| (rule.on)(told) && rule.when.fits(said));
        let class = match rule {
            Some(rule) => rule.class,
            None => StatusCode::from_u16(told)
                .ok()
                .and_then(class_of_status)
                .unwrap_or(Class::InternalServer),
        };
        let mut verdict =
            Verdict::new(class).with_status(status.as_u16()).with_blame(self.blame(class, said));
        verdict.hint = retry_after::retry_after(headers, now)
            .or_else(|| said.retry_info())
            .or_else(|| rate_limit_reset(headers, now));
        verdict.should_retry = retry_after::should_retry(headers);
        verdict
    }

    fn blame(&self, class: Class, said: &Said) -> Blame {
        match class {
            Class::NotFound | Class::Permission
                if !self.accuses.iter().any(|when| when.fits(said)) =>
            {
                Blame::Nobody
            }
            _ => Blame::Deployment,
        }
    }
}

impl When {
    fn fits(&self, said: &Said) -> bool {
        let texts = said.texts();
        match self {
            Self::Always => true,
            Self::Code(codes) => said
                .codes()
                .iter()
                .any(|said| codes.iter().any(|code| said.eq_ignore_ascii_case(code))),
            Self::Begins(starts) => {
                texts.iter().any(|text| starts.iter().any(|start| text.starts_with(start)))
            }
            Self::BeginsThen(start, then) => texts
                .iter()
                .any(|text| text.strip_prefix(start).is_some_and(|rest| rest.contains(then))),
            Self::Has(parts) => {
                texts.iter().any(|text| parts.iter().any(|part| text.contains(part)))
            }
            Self::HasAll(parts) => {
                texts.iter().any(|text| parts.iter().all(|part| text.contains(part)))
            }
            Self::Page(part) => said.page().is_some_and(|page| page.contains(part)),
            Self::Quota(part) => said.quotas().iter().any(|quota| quota.contains(part)),
            Self::Moderated => said.moderated(),
            Self::Param(param) => said.param() == Some(*param),
        }
    }
}

/// One line of a list of [`Rule`]s.
pub(crate) const fn rule(class: Class, on: fn(u16) -> bool, when: When) -> Rule {
    Rule { when, on, class }
}

/// On any status.
pub(crate) const fn any(_: u16) -> bool {
    true
}

/// On the statuses with which a request is refused for what is in it, or on none.
pub(crate) const fn refused(status: u16) -> bool {
    matches!(status, UNSAID | 400 | 422)
}

/// On a server's failure, or on no status.
pub(crate) const fn broken(status: u16) -> bool {
    matches!(status, UNSAID | 500..)
}

/// On no status at all: the words are all there is.
pub(crate) const fn unsaid(status: u16) -> bool {
    status == UNSAID
}

#[cfg(test)]
mod tests;
