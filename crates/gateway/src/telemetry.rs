//! Logs: to standard error, by `RUST_LOG`. Where it is unset: warnings and worse, and that a new configuration
//! is at work, which whoever changed it waits for.

use std::io::IsTerminal;

use tracing_subscriber::EnvFilter;

const DEFAULT: &str = "warn,secondwind_gateway::reload=info";

/// Starts logging. Called once, by the program.
pub fn start() {
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new(DEFAULT));
    let started = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr)
        .with_ansi(std::io::stderr().is_terminal())
        .try_init();
    // Somebody else's logging is as good.
    drop(started);
}
