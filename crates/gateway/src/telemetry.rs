//! Logs: to standard error, by `RUST_LOG`, warnings and worse where it is unset.

use std::io::IsTerminal;

use tracing_subscriber::EnvFilter;

/// Starts logging. Called once, by the program.
pub fn start() {
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new("warn"));
    let started = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr)
        .with_ansi(std::io::stderr().is_terminal())
        .try_init();
    // Somebody else's logging is as good.
    drop(started);
}
