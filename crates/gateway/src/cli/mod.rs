//! The command line: what can be said, and the exit codes.

mod check;
mod demo;
mod schema;
mod serve;

use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Parser, Subcommand};

/// An OpenAI-compatible gateway that keeps its promise in every failure.
#[derive(Debug, Parser)]
#[command(name = "secondwind", version, about, arg_required_else_help = true)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Serve the models of a configuration file.
    Serve(serve::Args),
    /// Say whether a configuration file is valid: exit 0 if it is, 1 with all findings if not.
    Check {
        /// The configuration: a LiteLLM `config.yaml`.
        file: PathBuf,
    },
    /// Print the JSON Schema of what a configuration may say, for editors.
    Schema(schema::Args),
    /// Show what it is good for: simulated unreliable providers, the same traffic with and without a
    /// gateway. Needs nothing.
    Demo(demo::Args),
}

/// Runs the command that the process was given.
#[must_use]
pub fn run() -> ExitCode {
    match Cli::parse().command {
        Command::Serve(args) => serve::run(&args),
        Command::Check { file } => check::run(&file),
        Command::Schema(args) => schema::run(&args),
        Command::Demo(args) => demo::run(&args),
    }
}

/// A runtime for as many threads as there are cores; on one core without threads of its own, which is cheaper.
fn runtime() -> std::io::Result<tokio::runtime::Runtime> {
    let cores = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
    let mut builder = match cores {
        1 => tokio::runtime::Builder::new_current_thread(),
        _ => tokio::runtime::Builder::new_multi_thread(),
    };
    builder.enable_all().build()
}
