//! An axum application under the layers, whose every error becomes an answer.
//!
//! You see a handler that stumbles: at first it answers 503, and it is called again before the caller hears of
//! it. Another one never answers, and the caller gets a 504. axum asks of its layers that they cannot fail
//! (an error that reaches hyper ends the connection without an answer): `RecoverLayer`, outermost, sees to it.
//!
//! ```text
//! cargo run -p secondwind-examples --bin axum_server
//!
//! /stumbles: 200 OK, on my feet again
//! /sleeps:   504 Gateway Timeout, timeout: the total clock ran out after 500ms
//! ```

use std::error::Error;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::routing::get;
use http::{Request, StatusCode};
use http_body_util::BodyExt;
use hyper_util::client::legacy::Client;
use hyper_util::rt::TokioExecutor;
use secondwind::{Policy, RecoverLayer, ReplayLayer, RetryLayer, TimeoutLayer, respond};
use tokio::net::TcpListener;
use tower::{ServiceBuilder, ServiceExt};

static CALLED: AtomicU32 = AtomicU32::new(0);

async fn stumbles() -> Result<&'static str, StatusCode> {
    match CALLED.fetch_add(1, Ordering::Relaxed) {
        0 => Err(StatusCode::SERVICE_UNAVAILABLE),
        _ => Ok("on my feet again"),
    }
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error>> {
    let policy = Policy::builder()
        .total_timeout(Duration::from_millis(500))
        .backoff(Duration::from_millis(1), 2.0, Duration::from_millis(10))
        .build()?;
    let layers = ServiceBuilder::new()
        // A status for every error: none is left for hyper.
        .layer(RecoverLayer::new(respond::error_response))
        .layer(ReplayLayer::new(policy.clone()))
        .layer(TimeoutLayer::total(policy.clone()).http())
        .layer(RetryLayer::http(policy))
        // Back to axum's own body.
        .map_request(|request: Request<_>| request.map(Body::new));
    let app = Router::new()
        .route("/stumbles", get(stumbles))
        .route("/sleeps", get(std::future::pending::<StatusCode>))
        .layer(layers);

    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let address = listener.local_addr()?;
    tokio::spawn(async { axum::serve(listener, app).await });

    let client = Client::builder(TokioExecutor::new()).build_http();
    let ask = async |path: &str| {
        let request = Request::get(format!("http://{address}{path}")).body(String::new())?;
        let (head, body) = client.clone().oneshot(request).await?.into_parts();
        let body = body.collect().await?.to_bytes();
        Ok::<_, Box<dyn Error>>((head.status, String::from_utf8_lossy(&body).trim().to_owned()))
    };

    let (status, body) = ask("/stumbles").await?;
    println!("/stumbles: {status}, {body}");
    assert_eq!((status, body.as_str()), (StatusCode::OK, "on my feet again"));
    assert_eq!(CALLED.load(Ordering::Relaxed), 2);

    let (status, body) = ask("/sleeps").await?;
    println!("/sleeps:   {status}, {body}");
    assert_eq!(status, StatusCode::GATEWAY_TIMEOUT);
    assert_eq!(body, "timeout: the total clock ran out after 500ms");
    Ok(())
}
