//! Model groups, deployments and who gets the next attempt.
//!
//! A [`Router`] is a Tower service made of the layers of [`secondwind_layers`]: read `stack.rs` for their order. It
//! takes a [`Request`], which is what the caller asked and the context that travels with it, to one deployment
//! after another until one answers.
//!
//! | module | what it is |
//! |---|---|
//! | `stack` | the order of the layers, written once |
//! | `group` | which deployment of a group gets the next attempt |
//! | `attempt` | one attempt: sent, read, judged |
//! | `late` | how long its head, and a body that counts as a whole, are awaited |
//! | [`strategy`] | which deployment comes first |
//! | `health` | which deployments rest, and until when |
//! | `route` | how a deployment is asked: as it is, or in the words of its own API |
//! | `load` | how many requests a deployment has, how fast it answers, what it was sent |
//! | `passed` | what is passed through: forms, files, sound, resources of an account |
//! | `recover` | streams that survive: what breaks is carried on by others |
//! | `pattern`, `wild` | names with `*` in them, and deployments that answer for them |
//! | `rest` | an answer that is on its way before it was read to its end |
//! | `scrub` | strikes a deployment's key out of what its provider says |
//! | `watch` | tells a deployment's health what its attempts came to |
//! | `told` | tells observers that a request is over |
//! | `checkup` | background checks |
//! | `client` | pooled connections to the providers |

mod attempt;
mod body;
mod checkup;
mod client;
mod error;
mod group;
mod groups;
mod health;
mod late;
mod load;
mod passed;
mod pattern;
mod recover;
mod request;
mod rest;
mod route;
mod scrub;
mod service;
mod setup;
mod stack;
mod state;
pub mod strategy;
mod stream;
mod table;
mod target;
#[cfg(test)]
mod testing;
mod told;
mod watch;
mod wild;

pub use self::body::{Body, BodyError};
pub use self::checkup::{Checked, Checkup};
pub use self::error::RouteError;
pub use self::passed::{Passed, Upload, UploadError};
pub use self::pattern::Pattern;
pub use self::request::{Call, Hop, Request, Routed};
pub use self::service::{RouteFuture, Router};
pub use self::setup::{Checks, GroupSetup, Setup, SetupError};
pub use self::state::DeploymentState;
pub use self::target::{Limits, Target, TargetError};
