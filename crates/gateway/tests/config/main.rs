//! Configurations as people write them, against what is kept of them in files.
//!
//! `SECONDWIND_REWRITE=1 cargo test -p secondwind-gateway --test config` writes the files anew; read the
//! difference before it is committed.

// In a test a panic is the report.
#![allow(clippy::unwrap_used)]

mod litellm;
mod mistakes;
mod reference;
mod snapshot;
