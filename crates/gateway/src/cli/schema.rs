//! `secondwind schema`.

use std::io::Write;
use std::process::ExitCode;

use crate::schema::{self, Part};

#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// Which part of a configuration.
    #[arg(value_enum, default_value_t)]
    part: Part,
}

pub(super) fn run(args: &Args) -> ExitCode {
    // If nobody reads, so be it.
    let _ = writeln!(std::io::stdout(), "{:#}", schema::of(args.part));
    ExitCode::SUCCESS
}
