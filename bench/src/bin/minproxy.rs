//! The floor for a gateway in Rust: a hyper server, a pooled hyper-util client, and no logic.
//!
//! ```text
//! minproxy [--listen 9200] [--upstream 127.0.0.1:9100] [--threads 0] [--buffer]
//! ```
//!
//! `--threads 0` runs on the current thread; `--buffer` collects request bodies before sending them.

use bytes::Bytes;
use http_body_util::{BodyExt, Full, combinators::BoxBody};
use hyper::http::uri::{Authority, Scheme};
use hyper::{Request, Response, Uri, body::Incoming, header};
use hyper_util::client::legacy::{Client, connect::HttpConnector};
use hyper_util::rt::{TokioExecutor, TokioIo};
use tokio::runtime::Builder;

type Body = BoxBody<Bytes, hyper::Error>;

async fn proxy(
    mut request: Request<Incoming>,
    client: Client<HttpConnector, Body>,
    upstream: Authority,
    buffer: bool,
) -> Result<Response<Body>, hyper::Error> {
    let mut parts = std::mem::take(request.uri_mut()).into_parts();
    parts.scheme = Some(Scheme::HTTP);
    parts.authority = Some(upstream);
    *request.uri_mut() = Uri::from_parts(parts).unwrap();
    request.headers_mut().remove(header::HOST);
    request.headers_mut().remove(header::CONNECTION);
    let request = if buffer {
        let (head, body) = request.into_parts();
        Request::from_parts(head, full(body.collect().await?.to_bytes()))
    } else {
        request.map(BodyExt::boxed)
    };
    Ok(match client.request(request).await {
        Ok(response) => response.map(BodyExt::boxed),
        Err(error) => {
            Response::builder().status(502).body(full(Bytes::from(error.to_string()))).unwrap()
        }
    })
}

fn full(bytes: Bytes) -> Body {
    Full::new(bytes).map_err(|never| match never {}).boxed()
}

fn main() {
    let args: Vec<String> = std::env::args().collect();
    let option = |flag: &str, default: &str| {
        let at = args.iter().position(|a| a == flag);
        at.map_or(default.to_string(), |i| args[i + 1].clone())
    };
    let port: u16 = option("--listen", "9200").parse().unwrap();
    let upstream: Authority = option("--upstream", "127.0.0.1:9100").parse().unwrap();
    let buffer = args.iter().any(|a| a == "--buffer");
    let mut runtime = match option("--threads", "0").parse().unwrap() {
        0 => Builder::new_current_thread(),
        threads => {
            let mut runtime = Builder::new_multi_thread();
            runtime.worker_threads(threads);
            runtime
        }
    };
    runtime.enable_all().build().unwrap().block_on(serve(port, upstream, buffer));
}

async fn serve(port: u16, upstream: Authority, buffer: bool) {
    let mut connector = HttpConnector::new();
    connector.set_nodelay(true);
    let client: Client<_, Body> =
        Client::builder(TokioExecutor::new()).pool_max_idle_per_host(1024).build(connector);
    let listener = tokio::net::TcpListener::bind(("127.0.0.1", port)).await.unwrap();
    loop {
        let Ok((stream, _)) = listener.accept().await else {
            continue;
        };
        let _ = stream.set_nodelay(true);
        let (client, upstream) = (client.clone(), upstream.clone());
        tokio::spawn(async move {
            let service = hyper::service::service_fn(move |request| {
                proxy(request, client.clone(), upstream.clone(), buffer)
            });
            let _ = hyper::server::conn::http1::Builder::new()
                .serve_connection(TokioIo::new(stream), service)
                .await;
        });
    }
}
