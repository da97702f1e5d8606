//! The gateway as a library: the program `secondwind` is a thin main around it.
//!
//! | module | what it is |
//! |---|---|
//! | [`cli`] | the command line |
//! | [`config`] | the configuration file, read and checked |
//! | [`setup`] | from a configuration to a router at work |
//! | [`edge`] | what every request goes through first |
//! | [`routes`] | what can be asked |
//! | [`surface`] | the rest of OpenAI's API, passed through |
//! | [`auth`] | who may ask |
//! | `host` | whom a request is for, without ambiguity |
//! | `callers` | what may be said beside a question |
//! | [`live`] | what is at work now, and can be replaced |
//! | `reload` | reads the configuration anew when it changes |
//! | `respond` | the only place where an error becomes a status |
//! | [`metrics`] | what became of requests, counted |
//! | `inspect` | what the operator may look at |
//! | [`schema`] | what a configuration may say, as JSON Schema |
//! | [`server`] | listens, serves, and stops gracefully |
//! | [`telemetry`] | logs |
//! | `demo` | simulated providers, and traffic with and without a gateway |

pub mod auth;
mod callers;
pub mod checkups;
pub mod cli;
pub mod config;
mod demo;
pub mod edge;
mod host;
mod inspect;
pub mod live;
pub mod metrics;
mod reload;
mod respond;
pub mod routes;
pub mod schema;
pub mod server;
pub mod setup;
pub mod surface;
pub mod telemetry;
