//! Reads the configuration anew when it changes, and puts it to work under requests that are under way.
//!
//! It is read when the process gets SIGHUP, and when one of its files is another than before: they are looked
//! at once a second, by their paths, since editors and config maps put a new file in the place of the old. A
//! file that is being written is left alone until it stays the same for one look. What cannot be used changes
//! nothing: the last good configuration stays, and what is wrong with the new one is logged, once.

#[cfg(test)]
mod tests;

use std::fmt;
use std::future::Future;
use std::path::PathBuf;
use std::time::Duration;

use tokio::time::sleep;
use tracing::{error, info, warn};

use crate::auth::MasterKey;
use crate::checkups::Checking;
use crate::config::{self, Finding, Findings, Secret, Stamped};
use crate::live::Live;
use crate::routes::App;
use crate::setup::{self, Unworkable};

/// How often the files are looked at.
const LOOK: Duration = Duration::from_secs(1);

/// Keeps what is at work as the configuration says.
pub(crate) struct Reload {
    file: PathBuf,
    live: Live,
    /// Whether others than this machine's can ask, so that there must be a key.
    exposed: bool,
    /// The files that the configuration at work, or the last attempt at one, was read from.
    files: Vec<Stamped>,
    /// Whether a change was seen at the last look.
    changing: bool,
    /// The background checks of what is at work.
    checking: Checking,
}

/// A configuration was put to work.
#[derive(Debug)]
pub(crate) struct Reloaded {
    groups: usize,
    deployments: usize,
    warnings: Vec<Finding>,
}

/// Why a configuration was not put to work.
#[derive(Debug)]
pub(crate) enum Kept {
    /// It cannot be read.
    Invalid(Findings),
    /// It can be read and does not work.
    Unworkable(Unworkable),
    /// It would let anybody in.
    Keyless,
}

// === impl Reload ===

impl Reload {
    /// For the configuration in `file`, which is at work in `live` and was read from `files`. With `exposed`
    /// one that has no `master_key` is refused.
    /// `checking` is kept for as long as that is at work.
    pub(crate) fn new(
        file: PathBuf,
        live: Live,
        files: Vec<Stamped>,
        exposed: bool,
        checking: Checking,
    ) -> Self {
        Self { file, live, exposed, files, changing: false, checking }
    }

    /// Does it for as long as it is polled. A SIGHUP is heard from now on.
    pub(crate) fn follow(mut self) -> impl Future<Output = ()> + Send {
        let mut hangup = Hangup::new();
        async move {
            loop {
                let asked = tokio::select! {
                    () = hangup.came() => true,
                    () = sleep(LOOK) => false,
                };
                // Reading a large configuration takes longer than a request may be kept waiting.
                let looked = tokio::task::spawn_blocking(move || {
                    self.look(asked);
                    self
                });
                match looked.await {
                    Ok(reload) => self = reload,
                    Err(error) => {
                        error!(%error, "the configuration is not read anew any more");
                        return;
                    }
                }
            }
        }
    }

    /// Looks at the files, and reads them where they changed or it is `asked`.
    fn look(&mut self, asked: bool) {
        if !self.is_changed() && !asked {
            return;
        }
        match self.again() {
            Ok(Reloaded { groups, deployments, warnings }) => {
                for warning in &warnings {
                    warn!("{warning}");
                }
                let file = self.file.display();
                info!(groups, deployments, "{file} was read anew and is at work");
            }
            Err(kept) => error!("the last good configuration stays at work\n{kept}"),
        }
    }

    /// Whether the files changed since they were read, and did not since the last look.
    fn is_changed(&mut self) -> bool {
        let now: Vec<_> = self.files.iter().map(Stamped::anew).collect();
        let before = std::mem::replace(&mut self.files, now);
        if before != self.files {
            self.changing = true;
            return false;
        }
        std::mem::take(&mut self.changing)
    }

    /// Reads the configuration and puts it to work, if it can be.
    fn again(&mut self) -> Result<Reloaded, Kept> {
        self.changing = false;
        let mut files = Vec::new();
        let variable = |name: &str| std::env::var(name).ok();
        let loaded = config::load_noting(&self.file, &variable, &mut files);
        self.files = files;
        let loaded = loaded.map_err(Kept::Invalid)?;
        let config = loaded.config;
        let master_key = config.master_key.as_ref().map(Secret::expose).and_then(MasterKey::new);
        if master_key.is_none() && self.exposed {
            return Err(Kept::Keyless);
        }
        let app = self.live.app();
        let router = setup::successor(&config, &app.router).map_err(Kept::Unworkable)?;
        self.checking = Checking::of(&config, &router);
        self.live.replace(App {
            // What was counted goes on.
            router: app.metrics.watch(router),
            master_key,
            allow_mock_testing: config.allow_mock_testing,
            passthrough: config.passthrough.clone(),
            ..App::clone(&app)
        });
        let deployments = config.listed().map(|group| group.deployments.len()).sum();
        Ok(Reloaded { groups: config.listed().count(), deployments, warnings: loaded.warnings })
    }
}

// === impl Kept ===

impl fmt::Display for Kept {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Invalid(findings) => findings.fmt(f),
            Self::Unworkable(error) => write!(f, "error: {error}"),
            Self::Keyless => f.write_str(
                "error: there is no `master_key` any more, and other machines can ask\n  \
                 = help: set general_settings.master_key",
            ),
        }
    }
}

/// SIGHUP, where there is one.
struct Hangup {
    #[cfg(unix)]
    signals: Option<tokio::signal::unix::Signal>,
}

// === impl Hangup ===

impl Hangup {
    fn new() -> Self {
        Self {
            #[cfg(unix)]
            signals: {
                use tokio::signal::unix::{SignalKind, signal};
                signal(SignalKind::hangup()).ok()
            },
        }
    }

    /// Ready when one came.
    async fn came(&mut self) {
        #[cfg(unix)]
        if let Some(signals) = &mut self.signals
            && signals.recv().await.is_some()
        {
            return;
        }
        std::future::pending::<()>().await;
    }
}
