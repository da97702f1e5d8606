//! The edge: what every request goes through before it is anybody's.
//!
//! Outermost first: each request gets an id, which its answer carries ▸ a panic becomes an answer ▸ secrets are
//! marked, so that nothing that prints headers prints them ▸ a span a request ▸ one host, and a sound one ▸ the routes.

use std::any::Any;
use std::convert::Infallible;

use axum::body::{Body, Bytes, HttpBody};
use axum::{BoxError, Router};
use http::header::{AUTHORIZATION, COOKIE};
use http::{HeaderName, HeaderValue, Method, Request, Response, StatusCode};
use secondwind_policy::Class;
use tower::{Service, ServiceBuilder};
use tower_http::catch_panic::CatchPanicLayer;
use tower_http::request_id::{
    MakeRequestId, PropagateRequestIdLayer, RequestId, SetRequestIdLayer,
};
use tower_http::sensitive_headers::SetSensitiveRequestHeadersLayer;
use tower_http::trace::TraceLayer;
use tower_http::validate_request::{ValidateRequest, ValidateRequestHeaderLayer};
use tracing::{debug_span, error};

use crate::host;
use crate::live::Live;
use crate::respond::Refusal;
use crate::routes::routes;

pub(crate) const CALL_ID: HeaderName = HeaderName::from_static("x-litellm-call-id");

/// The routes with the edge around them.
///
/// Around all of them at once, not around each: what a router holds for a route is put into a box for each request.
pub fn service<B>(live: impl Into<Live>) -> impl Serve<B>
where
    B: HttpBody<Data = Bytes, Error: Into<BoxError>> + Send + 'static,
{
    around(routes(live.into()))
}

/// What answers every request, as [`server::serve`](crate::server::serve) takes it: a request's body is a `B`.
pub trait Serve<B>:
    Service<
        Request<B>,
        Response = Response<<Self as Serve<B>>::Body>,
        Error = Infallible,
        Future: Send + 'static,
    > + Clone
    + Send
    + Sync
    + 'static
{
    /// The body of an answer.
    type Body: HttpBody<Data = Bytes, Error: Into<BoxError>> + Send + 'static;
}

impl<S, B, A> Serve<B> for S
where
    S: Service<Request<B>, Response = Response<A>, Error = Infallible, Future: Send + 'static>,
    S: Clone + Send + Sync + 'static,
    A: HttpBody<Data = Bytes, Error: Into<BoxError>> + Send + 'static,
{
    type Body = A;
}

fn around<B>(routes: Router) -> impl Serve<B>
where
    B: HttpBody<Data = Bytes, Error: Into<BoxError>> + Send + 'static,
{
    let sensitive = [
        AUTHORIZATION,
        COOKIE,
        header("x-litellm-api-key"),
        header("api-key"),
        header("x-api-key"),
    ];
    let span = |request: &Request<B>| {
        // No query: a key may stand in it.
        debug_span!("http", method = %request.method(), path = request.uri().path())
    };
    ServiceBuilder::new()
        .layer(SetRequestIdLayer::new(CALL_ID, CallId))
        .layer(PropagateRequestIdLayer::new(CALL_ID))
        .layer(CatchPanicLayer::custom(panicked))
        .layer(SetSensitiveRequestHeadersLayer::new(sensitive))
        .layer(TraceLayer::new_for_http().make_span_with(span))
        .layer(ValidateRequestHeaderLayer::custom(Sound))
        .service(routes)
}

/// Requests must say without ambiguity whom they are for.
#[derive(Clone, Copy, Debug)]
struct Sound;

impl<B> ValidateRequest<B> for Sound {
    type ResponseBody = Body;

    fn validate(&mut self, request: &mut Request<B>) -> Result<(), Response<Body>> {
        match host::refusal(request) {
            None => Ok(()),
            // Nobody behind this takes the body away.
            Some(refusal) if request.method() == Method::HEAD => {
                Err(refusal.map(|_| Body::empty()))
            }
            Some(refusal) => Err(refusal),
        }
    }
}

/// The id of a request: a random UUID (RFC 9562, version 4), unless the caller brought one.
#[derive(Clone, Copy, Debug)]
struct CallId;

impl MakeRequestId for CallId {
    fn make_request_id<B>(&mut self, _: &Request<B>) -> Option<RequestId> {
        let bits = fastrand::u128(..);
        let bits = bits & !(0xf << 76) | 4 << 76;
        let bits = bits & !(0x3 << 62) | 0x2 << 62;
        HeaderValue::from_bytes(&uuid(bits)).ok().map(RequestId::new)
    }
}

/// A UUID as text.
fn uuid(bits: u128) -> [u8; 36] {
    let mut text = [b'-'; 36];
    let places = (0..text.len()).filter(|at| !matches!(at, 8 | 13 | 18 | 23));
    for (at, nibble) in places.zip((0..32).rev()) {
        text[at] = b"0123456789abcdef"[(bits >> (4 * nibble)) as usize & 0xf];
    }
    text
}

/// A mistake of ours in one request: it alone fails, and the process lives.
// By value, as the layer hands it over.
#[allow(clippy::needless_pass_by_value)]
fn panicked(panic: Box<dyn Any + Send>) -> Response<Body> {
    let what = panic.downcast_ref::<&str>().copied();
    let what = what.or_else(|| panic.downcast_ref::<String>().map(String::as_str));
    error!(panic = what.unwrap_or("of an unknown kind"), "a handler panicked");
    let refusal = Refusal::bad_request("the gateway made a mistake; its log tells more")
        .status(StatusCode::INTERNAL_SERVER_ERROR, Class::InternalServer);
    Refusal { kind: "server_error", ..refusal }.into_response()
}

const fn header(name: &'static str) -> HeaderName {
    HeaderName::from_static(name)
}

#[cfg(test)]
mod tests {
    use axum::routing::get;
    use http_body_util::BodyExt;
    use tower::ServiceExt;

    use super::*;

    #[test]
    fn a_call_id_is_a_uuid() {
        let id = CallId.make_request_id(&Request::new(())).unwrap();
        let id = id.header_value().to_str().unwrap().to_owned();
        let lengths: Vec<usize> = id.split('-').map(str::len).collect();
        assert_eq!(lengths, [8, 4, 4, 4, 12], "{id}");
        assert_eq!(id.as_bytes()[14], b'4', "{id}");
        assert!(matches!(id.as_bytes()[19], b'8' | b'9' | b'a' | b'b'), "{id}");
        let digits = uuid(0x0123_4567_89ab_cdef_0123_4567_89ab_cdef);
        assert_eq!(digits.as_slice(), b"01234567-89ab-cdef-0123-456789abcdef");
    }

    #[tokio::test]
    async fn a_refused_host_is_told_why_but_to_head() {
        let service = around(Router::new());
        for (method, told) in [(Method::GET, true), (Method::HEAD, false)] {
            let request = Request::builder().method(method).header("host", "a b");
            let answer =
                service.clone().oneshot(request.body(Body::empty()).unwrap()).await.unwrap();
            assert_eq!(answer.status(), StatusCode::BAD_REQUEST);
            let body = answer.into_body().collect().await.map_err(Into::into).unwrap().to_bytes();
            assert_eq!(!body.is_empty(), told);
        }
    }

    #[tokio::test]
    async fn a_panic_in_a_handler_is_a_500_and_nothing_more() {
        async fn mistaken() -> &'static str {
            panic!("a mistake with sk-secret in it")
        }
        let service = around(Router::new().route("/", get(mistaken)));
        for _ in 0..2 {
            let request = Request::get("/").header("host", "x").body(Body::empty()).unwrap();
            let answer = service.clone().oneshot(request).await.unwrap();
            assert_eq!(answer.status(), StatusCode::INTERNAL_SERVER_ERROR);
            assert!(answer.headers().contains_key(CALL_ID), "the log is searched by it");
            let body = answer.into_body().collect().await.map_err(Into::into).unwrap().to_bytes();
            let body: serde_json::Value = serde_json::from_slice(&body).unwrap();
            assert_eq!(body["error"]["type"], "server_error");
            assert!(!body.to_string().contains("sk-secret"));
        }
    }
}
