//! HTTP requests: the context in the extensions, the body replayed.

use std::sync::Arc;

use http::{Method, Request, Response};
use secondwind_policy::Policy;
use tokio::time::Instant;

use super::{Entered, Kind};
use crate::body::Replay;
use crate::context::Context;

/// HTTP requests with a body that can be replayed: [`ReplayBody`](crate::body::ReplayBody) (which
/// [`ReplayLayer`](crate::body::ReplayLayer) puts around any other), or one made of `Bytes`.
///
/// The [`Context`] travels in the request's extensions, a [`PolicyOverride`] too. The response gets its
/// [`Trail`](crate::Trail) among its extensions, unless the first attempt was answered and there is
/// nothing to tell.
#[derive(Clone, Copy, Debug, Default)]
pub struct Http;

/// A request extension: the policy for this request, in place of that of the layers.
#[derive(Clone, Debug)]
pub struct PolicyOverride(pub Arc<Policy>);

impl<B: Replay, Res> Kind<Request<B>, Response<Res>> for Http {
    type Kept = Kept<B>;

    fn enter(&self, request: &mut Request<B>, now: impl FnOnce() -> Instant) -> Entered {
        if let Some(context) = request.extensions().get::<Context>() {
            return Entered::Found(context.clone());
        }
        let context = Context::new(now());
        request.extensions_mut().insert(context.clone());
        Entered::Made(context)
    }

    fn find(&self, request: &mut Request<B>) -> Option<Context> {
        request.extensions().get::<Context>().cloned()
    }

    fn policy(&self, request: &Request<B>) -> Option<Arc<Policy>> {
        request
            .extensions()
            .get::<PolicyOverride>()
            .map(|PolicyOverride(policy)| Arc::clone(policy))
    }

    // RFC 9110, section 9.2.2; and the draft "The Idempotency-Key HTTP Header Field".
    fn is_idempotent(&self, request: &Request<B>) -> bool {
        matches!(
            *request.method(),
            Method::GET
                | Method::HEAD
                | Method::PUT
                | Method::DELETE
                | Method::OPTIONS
                | Method::TRACE
        ) || request.headers().contains_key("idempotency-key")
    }

    fn keep(&self, mut request: Request<B>, max_bytes: u64) -> (Request<B>, Option<Kept<B>>) {
        let kept = request.body_mut().keep(max_bytes).map(|body| Kept::of(&request, body));
        (request, kept)
    }

    fn again(&self, kept: &Kept<B>) -> Option<Request<B>> {
        let mut request = with_head_of(&kept.request, kept.request.body().again()?);
        *request.extensions_mut() = kept.request.extensions().clone();
        if let Some(context) = &kept.context {
            request.extensions_mut().insert(context.clone());
        }
        Some(request)
    }

    fn leave(&self, response: &mut Response<Res>, context: &Context) {
        if !context.is_plain() {
            response.extensions_mut().insert(context.trail());
        }
    }
}

/// What is kept of an HTTP request.
#[derive(Clone, Debug)]
pub struct Kept<B> {
    request: Request<B>,
    /// The context, where it is all that the extensions hold: a copy of them would be three allocations.
    context: Option<Context>,
}

impl<B> Kept<B> {
    fn of(request: &Request<B>, body: B) -> Self {
        let mut kept = with_head_of(request, body);
        let extensions = request.extensions();
        let context = extensions.get::<Context>().filter(|_| extensions.len() == 1).cloned();
        if context.is_none() {
            *kept.extensions_mut() = extensions.clone();
        }
        Self { request: kept, context }
    }
}

/// A request with the head of another, but for the extensions.
fn with_head_of<B>(request: &Request<B>, body: B) -> Request<B> {
    let mut copy = Request::new(body);
    *copy.method_mut() = request.method().clone();
    *copy.uri_mut() = request.uri().clone();
    *copy.version_mut() = request.version();
    *copy.headers_mut() = request.headers().clone();
    copy
}
