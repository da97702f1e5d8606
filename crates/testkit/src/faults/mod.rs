//! A provider that breaks on the wire, at a chosen word.
//!
//! It writes HTTP/1.1 by hand, so that nothing repairs what it breaks: connections that are reset or closed before
//! the head, within a chunk of the body or behind the last word; silence; bytes that are no HTTP, no JSON or no
//! text; and too much of anything. Where it does not break it plays [`TEXT`], sixty words, a word an event, and what
//! a caller got can be compared with that to the letter.
//!
//! A [`Fault`] is played to the next request, to all, to those for one model, or to every so-manieth. What became of
//! each request is kept as an [`Attempt`], with its moments, to be joined with what the caller saw.
//!
//! ```
//! use secondwind_testkit::faults::{Break, Fault, FaultServer};
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() {
//! let server = FaultServer::start().await;
//! server.then(Fault::ResetBeforeHead).always(Fault::at(40, Break::Cut));
//!
//! // … send requests to server.base_url() …
//!
//! assert_eq!(server.attempts().len(), 0);
//! # }
//! ```

mod attempt;
mod fault;
mod flood;
mod play;
mod server;
#[cfg(test)]
mod tests;
mod wire;
mod words;

pub use self::attempt::Attempt;
pub use self::fault::{Break, Fault, Prefill};
pub use self::server::FaultServer;
pub use self::words::{TEXT, WORDS};
