//! Middleware that takes a request to another group when the one it asked for is spent.
//!
//! A *group* is a name that a request asks for: a model, a region, a pool of hosts. The service below takes
//! requests for any group; a [`Retarget`] reads which one a request asks for and points a copy of it to
//! another. Which groups follow is the policy's `fallback`: by class of the failure, in the order configured, no
//! group twice, at most `max` of them. Each group runs under its own policy. If all fail, the outcome of the group
//! that was asked for is returned, not that of the last resort.
//!
//! ```
//! use secondwind_layers::fallback::retarget_fn;
//! use secondwind_layers::{FallbackLayer, Policies, RetryLayer};
//! use secondwind_policy::Policy;
//! use tower::{ServiceBuilder, ServiceExt, service_fn};
//!
//! #[derive(Clone)]
//! struct Ask {
//!     model: String,
//! }
//!
//! # #[tokio::main(flavor = "current_thread", start_paused = true)]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let gpt_4 = Policy::builder().num_retries(1).fallbacks(["gpt-3.5"]).build()?;
//! let policies = Policies::new(Policy::default()).with_group("gpt-4", gpt_4);
//! let service = ServiceBuilder::new()
//!     .layer(FallbackLayer::new(
//!         policies,
//!         retarget_fn(|ask: &Ask| ask.model.as_str(), |ask: &mut Ask, group| ask.model = group.to_owned()),
//!     ))
//!     .layer(RetryLayer::new(Policy::builder().num_retries(1).build()?))
//!     .service(service_fn(|ask: Ask| async move {
//!         match ask.model.as_str() {
//!             "gpt-4" => Err(std::io::Error::other("down")),
//!             model => Ok(format!("answered by {model}")),
//!         }
//!     }));
//! let answer = service.oneshot(Ask { model: "gpt-4".to_owned() }).await?;
//! assert_eq!(answer, "answered by gpt-3.5");
//! # Ok(())
//! # }
//! ```
//!
//! A request may bring fallbacks of its own ([`Context::set_fallback`](crate::Context::set_fallback)): they hold in
//! the place of what the policies say, for all groups that it comes through.
//!
//! # Where it goes
//!
//! Outside the retries, so that they come first: `total ▸ Fallback ▸ Retry ▸ attempt`. It draws on no budget: for
//! the other group the request is a first attempt.
//!
//! # Idempotency
//!
//! A fallback sends a request that may have been processed elsewhere, whatever its method: who configures
//! one says that the groups stand in for each other.
//!
//! # Cancellation
//!
//! Dropping the response future drops the attempt in flight.

mod future;
mod layer;
mod retarget;
mod service;
mod session;

pub use self::future::ResponseFuture;
pub use self::layer::FallbackLayer;
pub use self::retarget::{Retarget, RetargetFn, retarget_fn};
pub use self::service::Fallback;

#[cfg(test)]
mod tests;
