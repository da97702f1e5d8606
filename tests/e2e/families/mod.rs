//! Groups whose deployments speak different APIs: the caller's decides what it is answered in.

mod refused;
mod streams;
mod whole;
mod words;

use secondwind_testkit::upstream::Upstream;

use crate::gateway::{Setup, model_of};

/// An address as Anthropic's, whose API is behind `/v1`.
fn root(upstream: &Upstream) -> String {
    format!("http://{}", upstream.addr())
}

/// A deployment of `group` that speaks the API of `provider`.
fn with(setup: Setup, group: &str, id: &str, provider: &str, upstream: &Upstream) -> Setup {
    let base = if provider == "anthropic" { root(upstream) } else { upstream.base_url() };
    let (ours, theirs) =
        (format!("openai/{}", model_of(id)), format!("{provider}/{}", model_of(id)));
    setup.at(group, id, &base, "").edited(&ours, &theirs)
}
