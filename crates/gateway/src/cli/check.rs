//! `secondwind check`.

use std::path::Path;
use std::process::ExitCode;

use crate::config::{self, Loaded};
use crate::setup;

pub(super) fn run(file: &Path) -> ExitCode {
    match read(file) {
        Ok(loaded) => {
            let groups = loaded.config.listed().count();
            let deployments: usize =
                loaded.config.listed().map(|group| group.deployments.len()).sum();
            println!("{}: valid, {groups} groups, {deployments} deployments", file.display());
            ExitCode::SUCCESS
        }
        Err(failed) => failed,
    }
}

/// Reads the configuration, says on standard error what there is to say of it, and puts it to the test.
pub(super) fn read(file: &Path) -> Result<Loaded, ExitCode> {
    let loaded = match config::load(file, &|name| std::env::var(name).ok()) {
        Ok(loaded) => loaded,
        Err(findings) => {
            eprintln!("{findings}");
            return Err(ExitCode::FAILURE);
        }
    };
    for warning in &loaded.warnings {
        eprintln!("{warning}");
    }
    if let Err(error) = setup::router(&loaded.config) {
        eprintln!("error: {error}");
        return Err(ExitCode::FAILURE);
    }
    Ok(loaded)
}
