//! Tower layers that retry, fall back and time out, from one policy.
//!
//! Each layer wraps any [`Service`](tower_service::Service), in any order and subset; together they keep one
//! promise. This is the usual order, outermost first:
//!
//! ```
//! use secondwind_layers::fallback::retarget_fn;
//! use secondwind_layers::{FallbackLayer, PolicyHandle, RetryLayer, TimeoutLayer};
//! use secondwind_policy::Policy;
//! use tower::{ServiceBuilder, ServiceExt, service_fn};
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let policy = PolicyHandle::from(Policy::builder().num_retries(3).fallbacks(["small"]).build()?);
//! let service = ServiceBuilder::new()
//!     // The deadline over everything below, waiting for readiness included.
//!     .layer(TimeoutLayer::total(policy.clone()))
//!     // Another group, once the retries of the first are spent.
//!     .layer(FallbackLayer::new(
//!         policy.clone(),
//!         retarget_fn(|(model, _): &(String, u32)| model, |(model, _), group| *model = group.to_owned()),
//!     ))
//!     // Another attempt, when the failure is worth one.
//!     .layer(RetryLayer::new(policy.clone()))
//!     // The clock of each attempt.
//!     .layer(TimeoutLayer::attempt(policy))
//!     .service(service_fn(|(_, question): (String, u32)| async move {
//!         Ok::<_, std::io::Error>(question + 1)
//!     }));
//! assert_eq!(service.oneshot(("large".to_owned(), 41)).await?, 42);
//! # Ok(())
//! # }
//! ```
//!
//! | module | what it is |
//! |---|---|
//! | [`retry`] | the retry loop, its decision, budget and backoff |
//! | [`fallback`] | across groups |
//! | [`timeout`] | total, attempt, connect |
//! | [`classify`] | what an outcome means |
//! | [`observe`] | who is told what becomes of requests |
//! | `body` | request bodies that can be sent again (feature `http`) |
//! | [`recover`] | errors into responses, for services that must not fail |
//!
//! # Features
//!
//! - `http` (default): statuses, headers and bodies of HTTP; brings `bytes`, `http`, `http-body` and `httpdate`.
//!
//! # What a request is
//!
//! What a layer must know of a request is one type parameter, its [`Kind`]: [`Cloned`] for any request that can
//! be cloned, [`ReplayWith`] for one that a closure can copy, `Http` for HTTP, [`Scoped`] for anything with a
//! [`Context`] beside it. With a context the layers share one deadline, one trail and one verdict; without, each
//! works on its own.

#[cfg(feature = "http")]
pub mod body;
pub mod classify;
mod clock;
mod context;
mod deadline;
mod error;
pub mod fallback;
mod kind;
mod live;
pub mod observe;
mod policies;
pub mod recover;
pub mod retry;
mod telemetry;
#[cfg(test)]
mod testing;
pub mod timeout;
mod timer;
mod trail;

pub use self::context::{Alternatives, Context, MoveOn};
pub use self::deadline::Deadline;
pub use self::error::{AnyError, Error};
pub use self::fallback::FallbackLayer;
pub use self::kind::{
    Cloned, Enter, EnterLayer, Entered, InScope, Kind, Leave, LeaveLayer, ReplayWith, Scoped,
};
#[cfg(feature = "http")]
pub use self::kind::{Http, PolicyOverride};
pub use self::policies::{Policies, PolicyHandle};
pub use self::retry::RetryLayer;
pub use self::timeout::TimeoutLayer;
pub use self::trail::{Attempt, Ended, Made, Name, Stop, Trail, Wasted};
