//! The `secondwind` command.

use std::process::ExitCode;

fn main() -> ExitCode {
    secondwind_gateway::telemetry::start();
    secondwind_gateway::cli::run()
}
