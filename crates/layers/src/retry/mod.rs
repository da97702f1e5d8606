//! Middleware that sends a request again when the failure is worth another try.
//!
//! A [`Classify`](crate::classify::Classify) names the failure; the policy says how many retries its class gets
//! and how long to wait; [`decide()`] puts both together with the deadline, the budget and the other places
//! there are. The layer never waits past the request's deadline, never sends again what may already have
//! happened unless the policy allows it, and never answers with an error of its own: what it returns is
//! always an outcome of the service that it wraps.
//!
//! ```
//! use secondwind_layers::RetryLayer;
//! use secondwind_policy::{Class, Policy};
//! use tower::{ServiceBuilder, ServiceExt, service_fn};
//! # use std::sync::atomic::{AtomicU32, Ordering::Relaxed};
//!
//! # #[tokio::main(flavor = "current_thread", start_paused = true)]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! # static ASKED: AtomicU32 = AtomicU32::new(0);
//! let policy = Policy::builder().num_retries(3).retries(Class::RateLimit, 5).build()?;
//! let service = ServiceBuilder::new()
//!     .layer(RetryLayer::new(policy))
//!     .service(service_fn(|question: &'static str| async move {
//!         if ASKED.fetch_add(1, Relaxed) < 2 {
//!             return Err(std::io::Error::other("not now"));
//!         }
//!         Ok(question.len())
//!     }));
//! assert_eq!(service.oneshot("six by nine").await?, 11);
//! # Ok(())
//! # }
//! ```
//!
//! # Differences from `tower::retry`
//!
//! Backoff, budget and the server's hints are built in; the decision is a pure function; a service that does
//! not become ready again costs nobody the failure that came before; and a request that cannot be cloned
//! passes through once, with accounting.
//!
//! # Clone
//!
//! The service is cloned once a call, so that the ready one can be used and a clone be left. All clones
//! share one budget, unless the request's context brings one along.
//!
//! # Without a context
//!
//! With the kinds that carry no context ([`Cloned`](crate::Cloned), [`ReplayWith`](crate::ReplayWith)) the layer knows
//! no deadline but its own: the policy's `total`, counted from the call.
//!
//! # Cancellation
//!
//! Dropping the response future drops the attempt in flight; a token that was withdrawn for an attempt
//! that has not begun is returned to the budget.

mod backoff;
pub mod budget;
mod counts;
mod decide;
mod future;
mod layer;
mod service;
mod session;

pub use self::backoff::full_jitter;
pub use self::budget::Budget;
pub use self::counts::Counts;
pub use self::decide::{Next, Situation, decide};
pub use self::future::ResponseFuture;
pub use self::layer::RetryLayer;
pub use self::service::Retry;

#[cfg(test)]
mod tests;
