//! `secondwind demo`.

use std::io::Write;
use std::process::ExitCode;
use std::time::Duration;

use crate::demo::{self, Options};

#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// Afterwards, leave providers and gateway up until interrupted.
    #[arg(long)]
    keep: bool,
    /// Print the configuration of the gateway, and do nothing else.
    #[arg(long, conflicts_with = "keep")]
    print_config: bool,
    /// How long requests are sent.
    #[arg(long, hide = true, default_value_t = 7, value_parser = clap::value_parser!(u64).range(1..=3600))]
    seconds: u64,
}

pub(super) fn run(args: &Args) -> ExitCode {
    if args.print_config {
        // If nobody reads, so be it.
        let _ = std::io::stdout().write_all(demo::CONFIG.as_bytes());
        return ExitCode::SUCCESS;
    }
    let runtime = match super::runtime() {
        Ok(runtime) => runtime,
        Err(error) => return failed(&format!("cannot start a runtime: {error}")),
    };
    let options = Options { traffic: Duration::from_secs(args.seconds), keep: args.keep };
    match runtime.block_on(demo::run(options)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => failed(&error),
    }
}

fn failed(why: &dyn std::fmt::Display) -> ExitCode {
    let _ = writeln!(std::io::stderr(), "error: {why}");
    ExitCode::FAILURE
}
