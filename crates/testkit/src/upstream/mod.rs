//! An OpenAI-compatible provider inside the process, on a real socket, which does as it is told.
//!
//! Every `POST` takes the next [`Reply`] of the script, and the default one when the script is used
//! up. `/chat/completions`, `/completions` and `/embeddings` are answered under any prefix, as JSON
//! or, where the request says `"stream": true`, as server-sent events; `GET …/models` lists a model
//! and takes nothing from the script.
//!
//! ```
//! use secondwind_testkit::upstream::{Mix, Outcome, Reply, Upstream};
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() {
//! let upstream = Upstream::start().await;
//! upstream
//!     .then(Reply::rate_limited(2))
//!     .then(Reply::cut_after(3))
//!     .always(Mix::seeded(7).with(9, Reply::ok()).with(1, Reply::overloaded()));
//!
//! // … send requests to upstream.base_url() …
//!
//! assert_eq!(upstream.attempts(), 0);
//! assert_eq!(upstream.count(Outcome::RateLimited), 0);
//! # }
//! ```
//!
//! # Time
//!
//! Sockets do not know of a paused clock: with `start_paused = true` tokio runs ahead to the next
//! timer whenever everything waits for the network. Use a real clock here, and
//! [`Scripted`](crate::contract::Scripted) where time matters.

mod answer;
mod body;
mod mix;
mod openai;
mod record;
mod reply;
mod server;
#[cfg(test)]
mod tests;

pub use self::mix::Mix;
pub use self::record::{Outcome, Received, Tally};
pub use self::reply::Reply;
pub use self::server::Upstream;
