//! Groups in turn, on a stopped clock.

mod context;
#[cfg(feature = "http")]
mod http;
mod order;

use secondwind_policy::{Class, Policy};
use secondwind_testkit::contract::{Script, Scripted, Step, scripted};

use super::{Fallback, FallbackLayer, Retarget};
use crate::classify::ClassifyFn;
use crate::kind::{Cloned, Scoped};
use crate::policies::PolicyHandle;
use crate::testing::{Failed, Word, by_its_word, fail};

/// A request for a group.
#[derive(Clone, Debug, PartialEq)]
struct Ask {
    group: String,
    /// What a retargeting leaves behind, so that it shows whose copy was retargeted.
    notes: Vec<String>,
}

#[derive(Clone, Copy, Debug)]
struct ToGroup;

type ByItsWord = ClassifyFn<Word, u32, Failed>;
type Lone = Fallback<Scripted<Ask, u32, Failed>, ToGroup, Cloned, ByItsWord>;

fn ask(group: &str) -> Ask {
    Ask { group: group.to_owned(), notes: Vec::new() }
}

impl Retarget<Ask> for ToGroup {
    fn group<'a>(&'a self, ask: &'a Ask) -> &'a str {
        &ask.group
    }

    fn retarget(&self, ask: &mut Ask, group: &str) -> bool {
        ask.notes.push(format!("{} to {group}", ask.group));
        ask.group = group.to_owned();
        !group.starts_with("no-such")
    }
}

impl Retarget<Scoped<Ask>> for ToGroup {
    fn group<'a>(&'a self, scoped: &'a Scoped<Ask>) -> &'a str {
        &scoped.request.group
    }

    fn retarget(&self, scoped: &mut Scoped<Ask>, group: &str) -> bool {
        self.retarget(&mut scoped.request, group)
    }
}

fn layer(policies: impl Into<PolicyHandle>) -> FallbackLayer<ToGroup, Cloned, ByItsWord> {
    FallbackLayer::new(policies, ToGroup).classify(by_its_word())
}

fn to(groups: &[&str]) -> Policy {
    Policy::builder().fallbacks(groups.iter().copied()).build().unwrap()
}

/// A fallback around a service that fails in each group as it is told, with nobody to share a context with.
fn lone(
    policies: impl Into<PolicyHandle>,
    outcome: fn(&str) -> Step<u32, Failed>,
) -> (Lone, Script<Ask, u32, Failed>) {
    let (inner, script) = scripted();
    script.otherwise(move |ask: &Ask| outcome(&ask.group));
    (tower::Layer::layer(&layer(policies), inner), script)
}

/// Everybody fails with a class that tells them apart.
fn all_down(group: &str) -> Step<u32, Failed> {
    fail(match group {
        "a" => Class::RateLimit,
        _ => Class::Connection,
    })
}

/// The groups that were asked.
fn asked(script: &Script<Ask, u32, Failed>) -> Vec<String> {
    script.take_requests().into_iter().map(|ask| ask.group).collect()
}
