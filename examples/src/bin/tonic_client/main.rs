//! A tonic client whose calls survive a server that is not up yet.
//!
//! You see one unary call. The server answers UNAVAILABLE at first, under HTTP status 200 and with its gRPC
//! status among the headers ("trailers-only"). A classifier of five lines reads it, and the retry layer around
//! the channel calls again. No code is generated here; a generated client takes the same service.
//!
//! ```text
//! cargo run -p secondwind-examples --bin tonic_client
//!
//! "hello, world" after service_unavailable
//! ```

mod greeter;

use std::error::Error;
use std::time::Duration;

use http::uri::PathAndQuery;
use http::{Request, Response};
use secondwind::classify::{Opinion, Verdict, classify_fn};
use secondwind::{Class, Policy, ReplayLayer, RetryLayer, TimeoutLayer, Trail};
use tokio::net::TcpListener;
use tonic::body::Body;
use tonic::client::Grpc;
use tonic::transport::{self, Endpoint};
use tower::ServiceBuilder;

use self::greeter::{Text, serve};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error>> {
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let channel =
        Endpoint::from_shared(format!("http://{}", listener.local_addr()?))?.connect_lazy();
    tokio::spawn(serve(listener));

    let policy = Policy::builder()
        // Every gRPC call is a POST: which of them may be made twice is for us to say.
        .non_idempotent(true)
        .backoff(Duration::from_millis(1), 2.0, Duration::from_millis(10))
        .build()?;
    // Of the channel's own answers and errors: the clocks in between do not show.
    let status = classify_fn(|outcome: Result<&Response<Body>, &transport::Error>| match outcome {
        Ok(answer) if answer.headers().get("grpc-status").is_some_and(|status| status == "14") => {
            Verdict::new(Class::ServiceUnavailable).into()
        }
        Ok(_) => Opinion::Success,
        Err(_) => Verdict::new(Class::Connection).into(),
    });
    let service = ServiceBuilder::new()
        .layer(ReplayLayer::new(policy.clone()))
        .layer(TimeoutLayer::total(policy.clone()).http())
        .layer(RetryLayer::http(policy.clone()).classify(status))
        .layer(TimeoutLayer::attempt(policy).http())
        // Back to tonic's own body.
        .map_request(|request: Request<_>| request.map(Body::new))
        .service(channel);

    let mut client = Grpc::new(service);
    client.ready().await?;
    let path = PathAndQuery::from_static("/greeter.Greeter/Greet");
    let answer = client.unary(tonic::Request::new("world".to_owned()), path, Text).await?;

    let trail = answer.extensions().get::<Trail>().ok_or("answered at once")?;
    let class = trail.attempts()[0].class.ok_or("no failure")?;
    println!("{:?} after {class}", answer.get_ref());
    assert_eq!(answer.get_ref(), "hello, world");
    assert_eq!((trail.retries(), class), (1, Class::ServiceUnavailable));
    Ok(())
}
