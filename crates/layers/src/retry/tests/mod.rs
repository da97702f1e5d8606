//! The retry loop on a stopped clock.

mod cancel;
mod context;
mod decide;
mod differential;
mod policies;
mod properties;
mod readiness;
mod waits;

use secondwind_policy::PolicyBuilder;
use secondwind_testkit::contract::{ContractProbe, Probe, Script, Scripted, probe, scripted};
use tower::Layer;
use tower_service::Service;

use super::{Retry, RetryLayer};
use crate::classify::ClassifyFn;
use crate::kind::{Cloned, InScope, Scoped};
use crate::testing::{Failed, Word, by_its_word};

type ByItsWord = ClassifyFn<Word, u32, Failed>;
type Inner<Req> = ContractProbe<Scripted<Req, u32, Failed>>;
type Lone = Retry<Inner<String>, Cloned, ByItsWord>;
type InContext = Retry<Inner<Scoped<String>>, InScope<Cloned>, ByItsWord>;

fn layer(policy: PolicyBuilder) -> RetryLayer<Cloned, ByItsWord> {
    RetryLayer::new(policy.build().unwrap()).classify(by_its_word()).seed(7)
}

/// A retry around a script, with nobody to share a context with.
fn lone(policy: PolicyBuilder) -> (Lone, Script<String, u32, Failed>, Probe) {
    let (inner, script) = scripted();
    let (inner, probe) = probe(inner);
    (layer(policy).layer(inner), script, probe)
}

/// A retry around a script, for requests with a context.
fn in_context(policy: PolicyBuilder) -> (InContext, Script<Scoped<String>, u32, Failed>, Probe) {
    let (inner, script) = scripted();
    let (inner, probe) = probe(inner);
    (layer(policy).in_scope().layer(inner), script, probe)
}

/// Readies the service and calls it, as callers do.
async fn send<S, Req>(service: &mut S, request: Req) -> Result<u32, Failed>
where
    S: Service<Req, Response = u32, Error = Failed>,
{
    std::future::poll_fn(|cx| service.poll_ready(cx)).await?;
    service.call(request).await
}

async fn ask<S>(service: &mut S) -> Result<u32, Failed>
where
    S: Service<String, Response = u32, Error = Failed>,
{
    send(service, "ask".to_owned()).await
}
