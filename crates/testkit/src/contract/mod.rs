//! Services that show whether a layer keeps Tower's contract.
//!
//! [`probe`] wraps a service so that a call without readiness panics, and counts what its callers do
//! with readiness and permits. [`scripted`] makes a service that plays a script on tokio's clock, and
//! works with a paused one. Wrapped in each other they are what a layer is tested with:
//!
//! ```
//! use secondwind_testkit::contract::{Step, probe, scripted};
//! use tower_service::Service;
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() {
//! let (service, script) = scripted::<&str, u16, String>();
//! script.then(Step::answer(503)).then(Step::answer(200));
//! let (mut service, probe) = probe(service);
//!
//! // … what a layer would do …
//! std::future::poll_fn(|cx| Service::<&str>::poll_ready(&mut service, cx)).await.unwrap();
//! assert_eq!(service.call("hello").await, Ok(503));
//!
//! assert_eq!(script.requests(), ["hello"]);
//! assert_eq!(probe.calls(), 1);
//! probe.assert_kept();
//! # }
//! ```

mod probe;
mod scripted;
mod step;
#[cfg(test)]
mod tests;

pub use self::probe::{ContractProbe, Probe, ProbeFuture, probe, probe_with_permits};
pub use self::scripted::{Script, Scripted, ScriptedFuture, scripted};
pub use self::step::Step;
