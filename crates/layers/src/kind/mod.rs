//! What a layer must know of a request: how to send it again, and where its context travels.
//!
//! It is one type parameter of each layer, and not a trait on the request, since "any request that can
//! be cloned" and "any `http::Request`" overlap.
//!
//! | kind | requests | sent again by | context and policy of its own |
//! |---|---|---|---|
//! | [`Cloned`] (the default) | any `R: Clone` | cloning | none: each layer works on its own |
//! | [`ReplayWith`] | any `R` | your closure, e.g. `reqwest::Request::try_clone` | none |
//! | [`Http`] | `http::Request<B>` with `B:` [`Replay`](crate::body::Replay) | cloning the head, replaying the body | request extensions |
//! | [`InScope`] | [`Scoped<R>`](Scoped) | the kind of `R` | inside `Scoped` |

mod cloned;
#[cfg(feature = "http")]
mod http;
mod scoped;

use std::sync::Arc;

use secondwind_policy::Policy;
use tokio::time::Instant;

use crate::context::Context;

pub use self::cloned::{Cloned, ReplayWith};
#[cfg(feature = "http")]
pub use self::http::{Http, PolicyOverride};
pub use self::scoped::{Enter, EnterLayer, InScope, Leave, LeaveLayer, Scoped};

/// What a layer must know of requests of type `Req` that are answered by `Res`.
pub trait Kind<Req, Res> {
    /// What is kept of a request so that it can be sent again.
    type Kept;

    /// Finds the request's context, or gives it one that begins at `now`.
    fn enter(&self, request: &mut Req, now: impl FnOnce() -> Instant) -> Entered {
        let _ = (request, now);
        Entered::Nowhere
    }

    /// Finds the request's context, and leaves it without one where it has none.
    fn find(&self, request: &mut Req) -> Option<Context> {
        match self.enter(request, Instant::now) {
            Entered::Found(context) => Some(context),
            Entered::Made(_) | Entered::Nowhere => None,
        }
    }

    /// The policy that the request brings along in place of the layer's own.
    fn policy(&self, request: &Req) -> Option<Arc<Policy>> {
        let _ = request;
        None
    }

    /// Whether the request may be processed twice without harm.
    fn is_idempotent(&self, request: &Req) -> bool {
        let _ = request;
        true
    }

    /// Keeps what is needed to send the request again; `None` where that cannot be done. At most
    /// `max_bytes` of its body are kept.
    fn keep(&self, request: Req, max_bytes: u64) -> (Req, Option<Self::Kept>);

    /// Whether what was kept can still be sent, as far as is known: a body that comes as it is read may have turned out
    /// longer than what is kept of it. Asked when an attempt failed, before anybody waits for the next.
    fn is_kept(&self, kept: &Self::Kept) -> bool {
        let _ = kept;
        true
    }

    /// The request once more; `None` where it turned out that it cannot be.
    fn again(&self, kept: &Self::Kept) -> Option<Req>;

    /// Gives the response the trail, as the request leaves the layer that made its context.
    fn leave(&self, response: &mut Res, context: &Context) {
        let _ = (response, context);
    }
}

/// Where a request's context came from.
#[derive(Clone, Debug)]
pub enum Entered {
    /// This kind of request carries none.
    Nowhere,
    /// It was there.
    Found(Context),
    /// It was made just now: this is the outermost layer.
    Made(Context),
}

// === impl Entered ===

impl Entered {
    /// The context, where there is one.
    #[must_use]
    pub const fn context(&self) -> Option<&Context> {
        match self {
            Self::Nowhere => None,
            Self::Found(context) | Self::Made(context) => Some(context),
        }
    }

    /// The context, where this layer made it.
    #[must_use]
    pub const fn made(&self) -> Option<&Context> {
        match self {
            Self::Made(context) => Some(context),
            Self::Nowhere | Self::Found(_) => None,
        }
    }
}
