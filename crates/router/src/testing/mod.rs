//! The whole router on a stopped clock, in front of providers in memory.
//!
//! | module | what it is |
//! |---|---|
//! | `provider` | a provider that does what its [`Script`] says, byte for byte and second for second |
//! | `stage` | a router with providers behind it, and a caller in front |
//! | `heard` | what a caller makes of a stream, by a reader of its own |
//!
//! The network below is [`client::memory`](crate::client::memory).

mod heard;
mod provider;
mod stage;

pub(crate) use self::heard::{Heard, Shape};
pub(crate) use self::provider::{Provider, Script};
pub(crate) use self::stage::{Asking, Reply, Stage};
