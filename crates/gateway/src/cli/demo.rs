//! `secondwind demo`.

use std::process::ExitCode;

#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// Go on until interrupted.
    #[arg(long)]
    keep: bool,
}

pub(super) fn run(args: &Args) -> ExitCode {
    let _ = args.keep;
    ExitCode::FAILURE
}
