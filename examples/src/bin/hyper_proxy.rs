//! A small reverse proxy that does not let its callers down with one of its two upstreams.
//!
//! You see ten requests through a proxy that sends each attempt to the next upstream in turn. One of the two is
//! always overloaded; whoever meets it is sent on to the other, body and all, and every caller is answered.
//!
//! ```text
//! cargo run -p secondwind-examples --bin hyper_proxy
//!
//! 10 of 10 answered; a failed 10 times, b answered 10 times
//! ```

use std::error::Error;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use http::uri::PathAndQuery;
use http::{Request, Response};
use http_body_util::BodyExt;
use hyper::server::conn::http1;
use hyper_util::client::legacy::Client;
use hyper_util::rt::{TokioExecutor, TokioIo};
use hyper_util::service::TowerToHyperService;
use secondwind::respond::error_response;
use secondwind::{Policy, RecoverLayer, ReplayLayer, RetryLayer, SettleLayer, TimeoutLayer};
use secondwind_testkit::upstream::{Reply, Upstream};
use tokio::net::TcpListener;
use tower::{ServiceBuilder, ServiceExt};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error>> {
    let (a, b) = (Upstream::start().await, Upstream::start().await);
    a.always(Reply::overloaded());
    let upstreams = [a.base_url(), b.base_url()];
    let turn = Arc::new(AtomicUsize::new(0));

    let policy = Policy::builder()
        .non_idempotent(true)
        .backoff(Duration::from_millis(1), 2.0, Duration::from_millis(10))
        .build()?;
    let client = Client::builder(TokioExecutor::new()).retry_canceled_requests(false).build_http();
    let proxy = ServiceBuilder::new()
        // A status for what nobody answered; its text becomes a body like those of the answers.
        .layer(RecoverLayer::new(|error| {
            let text = error_response::<String, _>(error);
            text.map(|text| text.map_err(|never| match never {}).boxed_unsync())
        }))
        .map_response(|response: Response<_>| response.map(BodyExt::boxed_unsync))
        // Keeps the body as it streams through.
        .layer(ReplayLayer::new(policy.clone()))
        .layer(TimeoutLayer::total(policy.clone()).http())
        .layer(RetryLayer::http(policy.clone()))
        .layer(TimeoutLayer::attempt(policy).http())
        // Reads what a failed answer says, so that its connection is free again.
        .layer(SettleLayer::new())
        // Inside of the retries: each attempt takes its turn.
        .map_request(move |mut request: Request<_>| {
            let upstream = &upstreams[turn.fetch_add(1, Ordering::Relaxed) % 2];
            let path = request.uri().path_and_query().map_or("/", PathAndQuery::as_str);
            if let Ok(uri) = format!("{upstream}{path}").parse() {
                *request.uri_mut() = uri;
            }
            request
        })
        .service(client);

    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let address = listener.local_addr()?;
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let proxy = TowerToHyperService::new(proxy.clone());
            let connection = http1::Builder::new().serve_connection(TokioIo::new(stream), proxy);
            tokio::spawn(connection);
        }
    });

    let client = Client::builder(TokioExecutor::new()).build_http();
    let mut answered = 0;
    for question in 0..10 {
        let request = Request::post(format!("http://{address}/chat/completions"))
            .body(format!(r#"{{"model": "gpt-4o-mini", "messages": [], "seed": {question}}}"#))?;
        let answer = client.clone().oneshot(request).await?;
        answered += i32::from(answer.status() == 200);
    }
    let (failed, served) = (a.attempts(), b.attempts());
    println!("{answered} of 10 answered; a failed {failed} times, b answered {served} times");
    assert_eq!((answered, failed, served), (10, 10, 10));
    Ok(())
}
