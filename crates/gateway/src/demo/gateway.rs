//! A gateway within the process: the very one that `secondwind serve` runs.

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;

use tokio::net::TcpListener;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

use super::providers::Simulated;
use super::{CONFIG, Failed};
use crate::config::{self, Source};
use crate::routes::App;
use crate::{edge, server, setup};

/// More than any request of the demo has.
const BODY_BYTES: usize = 1024 * 1024;

/// A gateway at work.
#[derive(Debug)]
pub(super) struct Gateway {
    address: SocketAddr,
    stop: oneshot::Sender<()>,
    serving: JoinHandle<std::io::Result<()>>,
}

impl Gateway {
    /// Starts one on a free loopback port, in front of these providers.
    pub(super) async fn start(simulated: &Simulated) -> Result<Self, Failed> {
        let source = Source { name: "demo.yaml".into(), text: CONFIG.into() };
        // The process's own environment has no say here.
        let variable = |name: &str| simulated.variable(name);
        let config = config::parse(source, &variable).map_err(Failed::Config)?.config;
        let router = setup::router(&config).map_err(Failed::Setup)?;
        let app = App::new(router, BODY_BYTES);

        let free = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
        let listener = TcpListener::bind(free).await.map_err(Failed::Io)?;
        let address = listener.local_addr().map_err(Failed::Io)?;
        let (stop, stopped) = oneshot::channel();
        let serving = tokio::spawn(server::serve(listener, edge::service(Arc::new(app)), async {
            // Dropped or sent: it is over.
            let _ = stopped.await;
        }));
        Ok(Self { address, stop, serving })
    }

    /// Where it listens.
    pub(super) const fn address(&self) -> SocketAddr {
        self.address
    }

    /// Lets the requests under way come to their end.
    pub(super) async fn stop(self) {
        let _ = self.stop.send(());
        let _ = self.serving.await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn the_configuration_is_valid_and_without_a_warning() {
        let simulated = Simulated::start().await.unwrap();
        let source = Source { name: "demo.yaml".into(), text: CONFIG.into() };
        let loaded = config::parse(source, &|name| simulated.variable(name)).unwrap();
        assert_eq!(loaded.warnings, []);
        let places: Vec<String> = loaded
            .config
            .groups
            .iter()
            .flat_map(|group| {
                group.deployments.iter().map(|at| format!("{}/{}", group.name, at.id))
            })
            .collect();
        let names: Vec<&str> = simulated.behind().map(|provider| provider.name).collect();
        assert_eq!(places, names);
    }
}
