//! Retries, fallbacks and timeouts for LLM APIs and any [Tower](https://docs.rs/tower) service.
//!
//! Each layer wraps any `Service`, in any order and subset; one [`Policy`] tells all of them what is
//! wanted. This is the usual order, outermost first:
//!
//! ```
//! use secondwind::fallback::retarget_fn;
//! use secondwind::{Class, FallbackLayer, Policy, PolicyHandle, RetryLayer, TimeoutLayer};
//! use tower::{ServiceBuilder, ServiceExt, service_fn};
//!
//! #[derive(Clone)]
//! struct Ask {
//!     model: String,
//! }
//!
//! # #[tokio::main(flavor = "current_thread", start_paused = true)]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let policy = Policy::builder().num_retries(2).retries(Class::Timeout, 1).fallbacks(["small"]);
//! let policy = PolicyHandle::from(policy.build()?);
//! let group = retarget_fn(|ask: &Ask| &ask.model, |ask: &mut Ask, to| ask.model = to.to_owned());
//! let service = ServiceBuilder::new()
//!     .layer(TimeoutLayer::total(policy.clone())) // the deadline over everything below
//!     .layer(FallbackLayer::new(policy.clone(), group)) // another group, once this one is spent
//!     .layer(RetryLayer::new(policy.clone())) // another attempt, where it is worth one
//!     .layer(TimeoutLayer::attempt(policy)) // the clock of each attempt
//!     .service(service_fn(|ask: Ask| async move {
//!         match ask.model.as_str() {
//!             "large" => Err(std::io::Error::other("out for lunch")),
//!             model => Ok(format!("answered by {model}")),
//!         }
//!     }));
//!
//! let answer = service.oneshot(Ask { model: "large".to_owned() }).await?;
//! assert_eq!(answer, "answered by small");
//! # Ok(())
//! # }
//! ```
//!
//! A policy is plain data: built as above, or read from YAML, JSON or TOML by serde. What it says, and what
//! it says by default, is told in [`policy`].
//!
//! | module | what it is |
//! |---|---|
//! | [`policy`] | what is wanted, as data; [`Class`], the closed table of what can go wrong |
//! | [`retry`] | another attempt: the loop, its decision, budget and backoff |
//! | [`fallback`] | another group |
//! | [`timeout`] | the clocks: total, attempt, connect |
//! | [`classify`] | what an outcome means, and how to say it of outcomes of your own |
//! | `body` | request bodies that can be sent again, bodies of failures read ahead (`http`) |
//! | [`recover`] | errors into responses, for services that must not fail |
//! | `respond` | which responses: the status for an error (`http`) |
//! | `llm` | dialects of LLM APIs (`llm`) |
//! | `router` | model groups, deployments, and who gets the next attempt (`router`) |
//!
//! # Features
//!
//! | feature | default | brings |
//! |---|---|---|
//! | `http` | yes | statuses, headers and bodies of HTTP: `RetryLayer::http`, `body`, `respond` |
//! | `llm` | no | `secondwind-llm`: what an LLM API's errors mean, what a request asks for |
//! | `router` | no | `secondwind-router`: the gateway's own stack as a Tower service, with its HTTP client |
//! | `schema` | no | `policy::schema()`, the JSON Schema of a policy |
//!
//! Without any of them there is no HTTP here: the layers work on requests of any type.

#[cfg(feature = "http")]
pub mod respond;

#[cfg(feature = "llm")]
pub use secondwind_llm as llm;
pub use secondwind_policy as policy;
#[cfg(feature = "router")]
pub use secondwind_router as router;

#[cfg(feature = "http")]
pub use secondwind_layers::body;
pub use secondwind_layers::{classify, fallback, observe, recover, retry, timeout};

#[cfg(feature = "http")]
pub use secondwind_layers::body::{ReplayLayer, SettleLayer};
pub use secondwind_layers::recover::RecoverLayer;
pub use secondwind_layers::{
    Alternatives, AnyError, Attempt, Cloned, Context, Deadline, Ended, Enter, EnterLayer, Entered,
    Error, FallbackLayer, InScope, Kind, Leave, LeaveLayer, Made, MoveOn, Name, Policies,
    PolicyHandle, ReplayWith, RetryLayer, Scoped, Stop, TimeoutLayer, Trail,
};
#[cfg(feature = "http")]
pub use secondwind_layers::{Http, PolicyOverride};
pub use secondwind_policy::{Class, Invalid, PartialPolicy, Policy, PolicyBuilder};

/// The code in the README and the guide is compiled and run as doctests.
#[cfg(all(doctest, feature = "http"))]
mod pages {
    #[doc = include_str!("../../../README.md")]
    struct Readme;

    #[doc = include_str!("../../../docs/guide.md")]
    struct Guide;
}
