//! Scripted services and a loopback upstream that misbehaves on demand, for the tests of this
//! workspace.
//!
//! - [`upstream`]: an OpenAI-compatible provider on a real socket, which answers, fails, hangs, cuts
//!   and resets as a script says, and records what it was sent.
//! - [`faults`]: a provider that breaks on the wire, at a chosen word.
//! - [`contract`]: a service that catches callers who break Tower's contract of readiness, and one
//!   that plays a script on tokio's clock.
//!
//! Being about tests, this crate panics where a test should fail.

pub mod contract;
pub mod faults;
pub mod upstream;

use std::sync::{Mutex, MutexGuard, PoisonError};

/// Locks, also after a panic in another test thread: the data are plain counts and lists.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
