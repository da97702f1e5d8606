//! A client of one connection, which can walk away.

use bytes::Bytes;
use http::{HeaderMap, Request, Response, StatusCode};
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper::client::conn::http1::{SendRequest, handshake};
use hyper_util::rt::TokioIo;
use serde_json::Value;
use tokio::net::TcpStream;
use tokio::task::JoinHandle;

use super::{Upstream, events};

pub(super) struct Client {
    pub(super) sender: SendRequest<Full<Bytes>>,
    pub(super) connection: JoinHandle<()>,
}

impl Client {
    pub(super) async fn connect(upstream: &Upstream) -> Self {
        let stream = TcpStream::connect(upstream.addr()).await.unwrap();
        let (sender, connection) = handshake(TokioIo::new(stream)).await.unwrap();
        let connection = tokio::spawn(async {
            let _ = connection.await;
        });
        Self { sender, connection }
    }

    pub(super) async fn post(
        &mut self,
        path: &str,
        body: Value,
    ) -> hyper::Result<Response<Incoming>> {
        self.sender.ready().await?;
        self.sender.send_request(request(path, &body)).await
    }

    pub(super) async fn ask(&mut self, path: &str, body: Value) -> Answer {
        Answer::of(self.post(path, body).await.unwrap()).await
    }

    pub(super) async fn get(&mut self, path: &str) -> Answer {
        let request = Request::get(path).header("host", "x").body(Full::default()).unwrap();
        Answer::of(self.sender.send_request(request).await.unwrap()).await
    }

    pub(super) fn leave(self) {
        self.connection.abort();
    }
}

pub(super) struct Answer {
    pub(super) status: StatusCode,
    pub(super) headers: HeaderMap,
    body: Bytes,
}

impl Answer {
    async fn of(response: Response<Incoming>) -> Self {
        let (head, body) = response.into_parts();
        let body = body.collect().await.unwrap().to_bytes();
        Self { status: head.status, headers: head.headers, body }
    }

    pub(super) fn header(&self, name: &str) -> &str {
        self.headers[name].to_str().unwrap()
    }

    pub(super) fn text(&self) -> &str {
        std::str::from_utf8(&self.body).unwrap()
    }

    pub(super) fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_default()
    }

    pub(super) fn events(&self) -> Vec<String> {
        events(self.text())
    }
}

pub(super) async fn ask(upstream: &Upstream, path: &str, body: Value) -> Answer {
    Client::connect(upstream).await.ask(path, body).await
}

pub(super) fn request(path: &str, body: &Value) -> Request<Full<Bytes>> {
    Request::post(path)
        .header("host", "x")
        .header("authorization", "Bearer sk-test")
        .body(Full::new(body.to_string().into()))
        .unwrap()
}
