//! Dials providers: TCP, and TLS over it where the address says `https`.

use std::error::Error as StdError;
use std::future::Future;
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};

use http::Uri;
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder, MaybeHttpsStream};
use hyper_util::client::legacy::connect::HttpConnector;
use rustls::{ClientConfig, RootCertStore};
use tower_service::Service;

use super::stream::Aged;

type BoxError = Box<dyn StdError + Send + Sync>;

/// Dials providers.
#[derive(Clone, Debug)]
pub(crate) struct Connector(HttpsConnector<HttpConnector>);

impl Connector {
    /// A connector; with `tls` it trusts the system's root certificates, without it dials `http` only.
    pub(crate) fn new(tls: bool) -> io::Result<Self> {
        let mut tcp = HttpConnector::new();
        tcp.enforce_http(false);
        tcp.set_nodelay(true);
        let builder = HttpsConnectorBuilder::new();
        let builder = if tls {
            builder.with_native_roots()?
        } else {
            builder.with_tls_config(
                ClientConfig::builder()
                    .with_root_certificates(RootCertStore::empty())
                    .with_no_client_auth(),
            )
        };
        Ok(Self(builder.https_or_http().enable_all_versions().wrap_connector(tcp)))
    }
}

impl Service<Uri> for Connector {
    type Response = Aged;
    type Error = BoxError;
    // Once a connection; the connector inside boxes as well.
    type Future = Pin<Box<dyn Future<Output = Result<Self::Response, BoxError>> + Send>>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
        self.0.poll_ready(cx)
    }

    fn call(&mut self, uri: Uri) -> Self::Future {
        let dialled = self.0.call(uri);
        Box::pin(async {
            Ok(match dialled.await? {
                MaybeHttpsStream::Http(tcp) => Aged::new(tcp),
                tls @ MaybeHttpsStream::Https(_) => Aged::new(tls),
            })
        })
    }
}
