//! `secondwind demo`: providers that fail, and the same traffic with a gateway in between and without.
//!
//! Nothing is made up but the failures. The providers listen on real sockets, the gateway is the one that
//! `secondwind serve` runs, with [`CONFIG`] read as any file is, and every number of the summary is
//! measured: at the callers, or read from the trails in the gateway's answers.
//!
//! | file | what it is |
//! |---|---|
//! | `providers` | the simulated providers, and when which of them has a bad time |
//! | `gateway` | a gateway within the process |
//! | `caller` | an application that asks, and what it gets |
//! | `traffic` | requests at an even pace, whatever becomes of them |
//! | `trail` | reads `x-secondwind-trail` |
//! | `tally` | counts |
//! | `report` | what is shown of the counts |
//! | `table`, `screen` | how it is shown |

mod caller;
mod gateway;
mod providers;
mod report;
mod screen;
mod table;
mod tally;
mod traffic;
mod trail;

#[cfg(test)]
mod tests;

use std::fmt;
use std::io;
use std::time::Duration;

use self::gateway::Gateway;
use self::providers::Simulated;
use self::screen::Screen;
use self::traffic::Traffic;
use crate::config::Findings;
use crate::server;
use crate::setup::Unworkable;

/// The configuration of the gateway, as it is read.
pub(crate) const CONFIG: &str = include_str!("config.yaml");

/// What is asked of a demo.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Options {
    /// How long requests are sent.
    pub(crate) traffic: Duration,
    /// Whether providers and gateway stay up afterwards, until the process is asked to stop.
    pub(crate) keep: bool,
}

/// Why a demo showed nothing, or not what it should.
#[derive(Debug)]
pub(crate) enum Failed {
    /// A socket could not be had.
    Io(io::Error),
    /// The configuration could not be read.
    Config(Findings),
    /// The configuration could not be put to work.
    Setup(Unworkable),
    /// The gateway answered fewer requests than there would have been answers without it.
    Worse {
        /// The requests answered without the gateway.
        direct: usize,
        /// The requests answered with it.
        gateway: usize,
    },
}

/// Runs the demo, and shows it on standard output.
///
/// # Errors
/// If it could not be set up, or if the gateway was of no use.
pub(crate) async fn run(options: Options) -> Result<(), Failed> {
    let mut screen = Screen::stdout();
    let simulated = Simulated::start().await.map_err(Failed::Io)?;
    let gateway = Gateway::start(&simulated).await?;

    screen.say(&report::opening(options.traffic, gateway.address()));
    let traffic = Traffic {
        length: options.traffic,
        direct: simulated.direct_to(),
        gateway: gateway.address(),
    };
    let totals = traffic
        .send(&simulated, |progress, totals| {
            screen.show(progress, totals, &simulated);
        })
        .await;
    screen.clear();
    screen.say(&report::summary(&totals, screen.style()));

    if options.keep {
        screen.say(&report::kept(&simulated, gateway.address(), screen.style()));
        server::asked_to_stop().await;
    } else {
        screen.say(&report::closing());
    }
    gateway.stop().await;
    let (direct, gateway) = (totals.direct.answered(), totals.gateway.answered());
    if gateway < direct || gateway == 0 {
        return Err(Failed::Worse { direct, gateway });
    }
    Ok(())
}

// === impl Failed ===

impl fmt::Display for Failed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Io(error) => write!(f, "no loopback socket could be had: {error}"),
            Self::Config(findings) => findings.fmt(f),
            Self::Setup(error) => error.fmt(f),
            Self::Worse { direct, gateway } => write!(
                f,
                "the gateway answered {gateway} requests, and {direct} were answered without it"
            ),
        }
    }
}

impl std::error::Error for Failed {}
