//! The gateway as it is served, in front of providers that misbehave.
//!
//! Each test starts what `secondwind serve` starts, on a loopback port, from the text of a configuration; the
//! providers are testkit's, on sockets of their own; the caller is a plain HTTP client. What a test is called
//! is what users are promised.

// In a test a panic is the report.
#![allow(clippy::unwrap_used)]

mod alone;
mod answers;
mod budget;
mod callers;
mod callers_streams;
mod cancelled;
mod checkups;
mod classes;
mod clocks;
mod cuts;
mod failover;
mod families;
mod faults;
mod gateway;
mod hostile;
mod hosts;
mod leaving;
mod multipart;
mod promises;
mod refusals;
mod replay;
mod rests;
mod secrets;
mod stream_load;
mod strict;
mod surface;
mod told;
mod transport;
mod watched;
mod wildcards;
