//! Bodies: requests that can be sent again, and answers that have to prove themselves.
//!
//! | module or type | what it is |
//! |---|---|
//! | [`replay`], [`ReplayLayer`] | a request's body, kept while it is sent, so that it can be sent again |
//! | [`SettleLayer`] | what a failed answer says is read ahead, so that its connection is free again |
//! | [`gate`], [`GateLayer`] | an answer is held back until it proves itself; what breaks before is an ordinary failure |
//! | [`Inspect`] | the seam: what the bytes of a body prove, which a protocol knows |
//! | [`Limits`] | the clocks of a body |

mod broken;
pub mod gate;
mod gated;
mod idle;
mod inspect;
mod layer;
pub mod replay;
mod settle;

use bytes::Bytes;

pub use self::gate::{Broken, Gate, GateLayer, Gated};
pub use self::idle::Limits;
pub use self::inspect::{Inspect, Passed, Whole};
pub use self::layer::{ReplayLayer, ReplayService};
pub use self::replay::{ReplayBody, ReplayError};
pub use self::settle::{Settle, SettleLayer, Settled};

/// A request body that can be sent again.
pub trait Replay: Sized {
    /// Keeps a copy of the body before it is first read; `None` where it cannot be kept: it is known to be
    /// longer than `max_bytes`, or gone.
    fn keep(&mut self, max_bytes: u64) -> Option<Self>;

    /// The body once more, from a copy that was kept; `None` where it turned out not to be kept whole.
    fn again(&self) -> Option<Self>;
}

macro_rules! replay_by_clone {
    ($($body:ty),*) => {$(
        impl Replay for $body {
            fn keep(&mut self, max_bytes: u64) -> Option<Self> {
                (self.len() as u64 <= max_bytes).then(|| self.clone())
            }

            fn again(&self) -> Option<Self> {
                Some(self.clone())
            }
        }
    )*};
}

replay_by_clone!(Bytes, String, Vec<u8>, &'static str);

impl Replay for () {
    fn keep(&mut self, _: u64) -> Option<Self> {
        Some(())
    }

    fn again(&self) -> Option<Self> {
        Some(())
    }
}

impl<B> Replay for ReplayBody<B>
where
    B: http_body::Body + Unpin,
{
    fn keep(&mut self, max_bytes: u64) -> Option<Self> {
        (http_body::Body::size_hint(self).lower() <= max_bytes).then(|| self.try_clone())?
    }

    fn again(&self) -> Option<Self> {
        self.try_clone()
    }
}

#[cfg(test)]
mod tests;
