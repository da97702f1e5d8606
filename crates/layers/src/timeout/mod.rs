//! Middleware that bounds how long a request may take: as a whole, each attempt, and each connection.
//!
//! | layer | its clock starts | and ends | policy |
//! |---|---|---|---|
//! | [`TimeoutLayer::total`] | when the service is called | with the answer, over all retries, waits and fallbacks below | `timeout.total`, 600 s |
//! | [`TimeoutLayer::attempt`] | when an attempt is sent | when its future resolves | `timeout.attempt`, unset |
//! | [`TimeoutLayer::connect`] | when a connection is dialled | when it is ready, TLS included | `timeout.connect`, 5 s |
//!
//! ```
//! use secondwind_layers::{RetryLayer, TimeoutLayer};
//! use secondwind_policy::Policy;
//! use std::time::Duration;
//! use tower::{ServiceBuilder, ServiceExt, service_fn};
//!
//! # #[tokio::main(flavor = "current_thread", start_paused = true)]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let policy = Policy::builder()
//!     .total_timeout(Duration::from_secs(30))
//!     .attempt_timeout(Duration::from_secs(10))
//!     .num_retries(0)
//!     .build()?;
//! let service = ServiceBuilder::new()
//!     .layer(TimeoutLayer::total(policy.clone()))
//!     .layer(RetryLayer::new(policy.clone()))
//!     .layer(TimeoutLayer::attempt(policy))
//!     .service(service_fn(|(): ()| std::future::pending::<Result<(), std::io::Error>>()));
//!
//! let error = service.oneshot(()).await.unwrap_err().flatten();
//! assert_eq!(error.to_string(), "the attempt clock ran out after 10s");
//! # Ok(())
//! # }
//! ```
//!
//! # Readiness
//!
//! `total` is always ready itself and readies the inner service inside the call, on a clone, so that waiting
//! for readiness counts. Back-pressure ends there: limits on how many requests may come in belong
//! outside it. `attempt` and `connect` pass readiness through.
//!
//! # No attempt eats what is left
//!
//! Where the policy sets no `attempt` clock, and the request could go elsewhere after a timeout, `attempt` leaves
//! the policy's `reserve` of the remaining time for what follows. This, and that `attempt` knows the deadline at
//! all, needs a request that carries a [`Context`](crate::Context).
//!
//! # Differences from `tower::timeout`
//!
//! Readiness counts; the error keeps its type and names the clock; the timer is made only when
//! something has to be waited for.
//!
//! # Cancellation
//!
//! Dropping the response future drops the inner one. When a clock runs out the inner future is dropped with
//! this one, not before.

mod attempt;
mod connect;
mod error;
mod future;
mod layer;
mod total;

pub use self::attempt::AttemptTimeout;
pub use self::connect::{ConnectFuture, ConnectTimeout};
pub use self::error::{Bound, Clock, Elapsed};
pub use self::future::ResponseFuture;
pub use self::layer::{Attempt, Connect, TimeoutLayer, Total};
pub use self::total::{TotalFuture, TotalTimeout};

#[cfg(test)]
mod tests;
