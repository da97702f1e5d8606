//! The gateway as it is served, in front of providers that misbehave.
//!
//! Each test starts what `secondwind serve` starts, on a loopback port, from the text of a configuration; the
//! providers are testkit's, on sockets of their own; the caller is a plain HTTP client. What a test is called
//! is what users are promised.

// In a test a panic is the report.
#![allow(clippy::unwrap_used)]

mod answers;
mod budget;
mod classes;
mod clocks;
mod failover;
mod gateway;
mod leaving;
mod refusals;
mod replay;
mod rests;
mod secrets;
mod told;
