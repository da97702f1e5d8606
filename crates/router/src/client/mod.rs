//! The HTTP client to the providers: pooled connections, each with a clock on its making, and no hidden
//! attempts underneath the layers.

#[cfg(not(test))]
mod connector;
#[cfg(test)]
pub(crate) mod memory;
mod stream;
#[cfg(test)]
mod tests;

use std::collections::HashMap;
use std::error::Error as StdError;
use std::fmt;
use std::io;
use std::time::Duration;

use hyper_util::client::legacy;
use hyper_util::rt::{TokioExecutor, TokioTimer};
use secondwind_layers::classify::{Reach, Verdict, elapsed_in};
use secondwind_layers::timeout::ConnectTimeout;
use secondwind_layers::{PolicyHandle, TimeoutLayer};
use secondwind_policy::{Class, Policy};
use tokio::time::Instant;
use tower_layer::Layer;

#[cfg(not(test))]
use self::connector::Connector;
// No test in this crate opens a socket.
#[cfg(test)]
use self::memory::Connector;
use self::stream::ConnectedAt;
use crate::passed::Outgoing;

/// A client to providers; clones share their connections.
pub(crate) type Client = legacy::Client<ConnectTimeout<Connector>, Outgoing>;

/// Makes clients: deployments with the same connect clock share one.
pub(crate) struct Clients {
    connector: Connector,
    made: HashMap<Option<Duration>, Client>,
}

// === impl Clients ===

impl Clients {
    /// Clients for providers, some of which want TLS if `tls` says so: only then the system's root
    /// certificates are read.
    pub(crate) fn new(tls: bool) -> io::Result<Self> {
        Connector::new(tls).map(Self::over)
    }

    /// Clients that dial by `connector`.
    pub(crate) fn over(connector: Connector) -> Self {
        Self { connector, made: HashMap::new() }
    }

    /// The client for deployments under `policy`.
    pub(crate) fn get(&mut self, policy: &Policy) -> Client {
        let connect = policy.timeout().connect();
        let make = || {
            let clock = TimeoutLayer::connect(PolicyHandle::from(policy.clone()));
            let connector = clock.layer(self.connector.clone());
            legacy::Client::builder(TokioExecutor::new())
                .pool_idle_timeout(Duration::from_secs(90))
                .pool_max_idle_per_host(1024)
                .pool_timer(TokioTimer::new())
                // Attempts are counted, budgeted and told of: none is made below the layers.
                .retry_canceled_requests(false)
                .build(connector)
        };
        self.made.entry(connect).or_insert_with(make).clone()
    }
}

impl fmt::Debug for Clients {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Clients").finish_non_exhaustive()
    }
}

/// What a failed send means, for an attempt that began at `began`.
pub(crate) fn verdict_of(error: &legacy::Error, began: Instant) -> Verdict {
    if error.is_connect() {
        let class = if elapsed_in(error).is_some() { Class::Timeout } else { Class::Connection };
        return Verdict::new(class).with_reach(Reach::Unconnected);
    }
    let verdict = Verdict::new(Class::Connection);
    if was_not_sent(error) {
        return verdict.with_reach(Reach::NotSent);
    }
    // A connection older than the attempt was taken from the pool: that it closed says little about the
    // place, and a new one may work at once.
    let mut extras = http::Extensions::new();
    if let Some(info) = error.connect_info() {
        info.get_extras(&mut extras);
    }
    match extras.get::<ConnectedAt>() {
        Some(ConnectedAt(at)) if *at < began => verdict.with_reach(Reach::Reused),
        _ => verdict,
    }
}

/// Whether the request was surely not processed: never written, refused as a stream (RFC 9113, section
/// 8.7), or above the last stream that a connection going away said it would process (6.8).
fn was_not_sent(error: &legacy::Error) -> bool {
    causes(error).any(|cause| {
        if let Some(error) = cause.downcast_ref::<hyper::Error>() {
            return error.is_canceled();
        }
        cause.downcast_ref::<h2::Error>().is_some_and(|error| {
            error.reason() == Some(h2::Reason::REFUSED_STREAM)
                || (error.is_go_away()
                    && error.is_remote()
                    && error.reason() == Some(h2::Reason::NO_ERROR))
        })
    })
}

fn causes<'a>(
    error: &'a (dyn StdError + 'static),
) -> impl Iterator<Item = &'a (dyn StdError + 'static)> {
    let mut next = Some(error);
    std::iter::from_fn(move || {
        let error = next?;
        next = error.source();
        Some(error)
    })
}
