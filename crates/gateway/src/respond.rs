//! Answers: the only place where an error becomes a status and a body.

use std::time::Duration;

use axum::body::Body;
use axum::response::Response;
use bytes::Bytes;
use http::header::{CONTENT_TYPE, RETRY_AFTER};
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use secondwind_layers::classify::Verdict;
use secondwind_layers::{Attempt, Context, Ended, Error, Name, Stop, Trail};
use secondwind_llm::dialect::{Dialect, ErrorDetail, ErrorReply, OpenAiChat, kind_of};
use secondwind_policy::Class;
use secondwind_router::{Body as RouterBody, RouteError, Router};

/// Who asked, and how they are answered.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Asked<'a> {
    /// The API that the caller speaks.
    pub(crate) dialect: &'static dyn Dialect,
    /// The group that was asked for.
    pub(crate) group: &'a Name,
}

const MODEL_ID: HeaderName = HeaderName::from_static("x-litellm-model-id");
const MODEL_GROUP: HeaderName = HeaderName::from_static("x-litellm-model-group");
const API_BASE: HeaderName = HeaderName::from_static("x-litellm-model-api-base");
const RETRIES: HeaderName = HeaderName::from_static("x-litellm-attempted-retries");
const FALLBACKS: HeaderName = HeaderName::from_static("x-litellm-attempted-fallbacks");
const TRAIL: HeaderName = HeaderName::from_static("x-secondwind-trail");
const SHOULD_RETRY: HeaderName = HeaderName::from_static("x-should-retry");

/// Headers of a provider's that described a body which is written anew here, or a wait which is said anew; and
/// where it would have sent us.
const OF_THE_BODY_OR_THE_WAIT: [&str; 16] = [
    "accept-ranges",
    "cache-control",
    "content-digest",
    "content-disposition",
    "content-encoding",
    "content-language",
    "content-location",
    "content-md5",
    "content-range",
    "etag",
    "expires",
    "last-modified",
    "location",
    "retry-after",
    "retry-after-ms",
    "x-ms-retry-after-ms",
];

/// A request that no provider was asked about, since it cannot be answered.
#[derive(Debug)]
pub(crate) struct Refusal {
    pub(crate) status: StatusCode,
    pub(crate) message: String,
    pub(crate) kind: &'static str,
    pub(crate) code: Option<&'static str>,
    pub(crate) param: Option<&'static str>,
    pub(crate) class: Class,
}

// === impl Refusal ===

impl Refusal {
    /// The caller's mistake.
    pub(crate) fn bad_request(message: impl Into<String>) -> Self {
        Self {
            status: StatusCode::BAD_REQUEST,
            message: message.into(),
            kind: "invalid_request_error",
            code: None,
            param: None,
            class: Class::BadRequest,
        }
    }

    pub(crate) const fn status(mut self, status: StatusCode, class: Class) -> Self {
        self.status = status;
        self.class = class;
        self
    }

    pub(crate) const fn code(mut self, code: &'static str) -> Self {
        self.code = Some(code);
        self
    }

    pub(crate) const fn param(mut self, param: &'static str) -> Self {
        self.param = Some(param);
        self
    }

    /// The answer, in OpenAI's words.
    pub(crate) fn into_response(self) -> Response {
        self.told_in(&OpenAiChat)
    }

    /// The answer, in the words of the caller's API.
    pub(crate) fn told_in(self, dialect: &dyn Dialect) -> Response {
        let Self { status, message, kind, code, param, class } = self;
        let reply = ErrorReply { message: &message, kind, code, param, class, trail: None };
        let mut response = json(status, dialect.error_body(&reply));
        response.headers_mut().insert(RETRIES, HeaderValue::from_static("0"));
        response.headers_mut().insert(FALLBACKS, HeaderValue::from_static("0"));
        response.headers_mut().insert(TRAIL, HeaderValue::from_static(""));
        response
    }
}

/// What the caller gets for what the router came back with.
pub(crate) fn respond(
    outcome: Result<http::Response<RouterBody>, Error<Error<RouteError>>>,
    context: &Context,
    asked: Asked<'_>,
    router: &Router,
) -> Response {
    let trail = context.trail();
    let Asked { dialect, group: asked } = asked;
    let (mut response, told) = match outcome {
        Ok(answer) => match answer.extensions().get::<Verdict>().copied() {
            None => (passed_on(answer, dialect), None),
            Some(verdict) => {
                (failed_answer(&answer, &verdict, &trail, dialect), Some(verdict.class))
            }
        },
        Err(error) => no_answer(error, &trail, dialect),
    };
    // The one who answered; of a failure, the one whose failure is told, in the group that was asked for.
    let of_asked = |attempt: &&Attempt| attempt.group.as_ref() == Some(asked);
    let teller = match told {
        None => trail.attempts().last(),
        Some(_) => {
            let mut attempts = trail.attempts().iter().rev().filter(of_asked);
            let last = attempts.clone().next();
            attempts.find(|attempt| attempt.class == told).or(last)
        }
    };
    tell(response.headers_mut(), teller, asked, &trail, router);
    response
}

/// An answer as it came.
fn passed_on(answer: http::Response<RouterBody>, dialect: &dyn Dialect) -> Response {
    let (mut head, body) = answer.into_parts();
    head.headers = dialect.reply_headers(&head.headers);
    head.extensions = http::Extensions::new();
    Response::from_parts(head, Body::new(body))
}

/// A failure in the provider's words.
fn failed_answer(
    answer: &http::Response<RouterBody>,
    verdict: &Verdict,
    trail: &Trail,
    dialect: &dyn Dialect,
) -> Response {
    let body = answer.body().as_whole().map_or(&[][..], |body| body);
    let came = answer.status();
    let detail = dialect.error_detail(body);
    let fallback = format!("the provider answered with status {}", came.as_u16());
    let message = detail.message.as_deref().unwrap_or(&fallback);
    let came = (!came.is_success()).then(|| came.as_u16());
    let mut response = failure(verdict, came, message, &detail, trail, dialect);
    let ours = std::mem::take(response.headers_mut());
    let headers = response.headers_mut();
    *headers = dialect.reply_headers(answer.headers());
    for name in OF_THE_BODY_OR_THE_WAIT {
        headers.remove(name);
    }
    for (name, value) in &ours {
        headers.insert(name.clone(), value.clone());
    }
    response
}

/// A failure without an answer.
fn no_answer(
    error: Error<Error<RouteError>>,
    trail: &Trail,
    dialect: &dyn Dialect,
) -> (Response, Option<Class>) {
    let mut detail = ErrorDetail::default();
    let error = error.flatten();
    match error.into_inner() {
        Err(elapsed) => {
            let message = format!("the request timed out: {elapsed}");
            let verdict = Verdict::new(Class::Timeout);
            let response = failure(&verdict, None, &message, &detail, trail, dialect);
            (response, Some(Class::Timeout))
        }
        Ok(error) => {
            if error.is_all_resting() {
                detail.kind = Some("all_deployments_in_cooldown".to_owned());
            }
            detail.param = error.param().map(str::to_owned);
            let message = error.to_string();
            let verdict = error.verdict();
            let mut response = failure(&verdict, None, &message, &detail, trail, dialect);
            if error.is_all_resting() {
                // No retry of ours was spent: whoever comes back when asked to is welcome.
                response.headers_mut().remove(SHOULD_RETRY);
            }
            (response, Some(error.verdict().class))
        }
    }
}

/// An error in the caller's dialect.
fn failure(
    verdict: &Verdict,
    came: Option<u16>,
    message: &str,
    detail: &ErrorDetail,
    trail: &Trail,
    dialect: &dyn Dialect,
) -> Response {
    let class = verdict.class;
    let status =
        class.facts().http_status(came).and_then(|status| StatusCode::from_u16(status).ok());
    let status = status.unwrap_or(StatusCode::BAD_GATEWAY);
    let told = trail.to_string();
    let reply = ErrorReply {
        message,
        kind: detail.kind.as_deref().unwrap_or(kind_of(class)),
        code: detail.code.as_deref(),
        param: detail.param.as_deref(),
        class,
        trail: Some(&told),
    };
    let mut response = json(status, dialect.error_body(&reply));
    let headers = response.headers_mut();
    if !left_to_the_caller(trail) {
        // Our own retries are spent: the caller's SDK must not multiply them.
        headers.insert(SHOULD_RETRY, HeaderValue::from_static("false"));
    }
    let may_return =
        matches!(status, StatusCode::TOO_MANY_REQUESTS | StatusCode::SERVICE_UNAVAILABLE);
    if let (Some(hint), _) | (None::<Duration>, Some(hint)) =
        (verdict.hint, may_return.then_some(Duration::from_secs(1)))
    {
        headers.insert(RETRY_AFTER, HeaderValue::from(seconds(hint)));
    }
    response
}

/// Whether a request that could have been repeated was not, since only its caller can know that it may be, or has its
/// body still.
fn left_to_the_caller(trail: &Trail) -> bool {
    let why = [Stop::NotIdempotent, Stop::NotReplayable].map(|why| Some(Ended::Stopped(why)));
    matches!(trail.attempts(), [only] if why.contains(&only.ended))
}

/// Whole seconds, rounded up: nobody is asked back too early.
fn seconds(hint: Duration) -> u64 {
    hint.as_secs().saturating_add(u64::from(hint.subsec_nanos() > 0))
}

fn json(status: StatusCode, body: Bytes) -> Response {
    let mut response = Response::new(Body::from(body));
    *response.status_mut() = status;
    let json = HeaderValue::from_static("application/json");
    response.headers_mut().insert(CONTENT_TYPE, json);
    response
}

/// The headers that tell what became of the request.
fn tell(
    headers: &mut HeaderMap,
    teller: Option<&Attempt>,
    asked: &Name,
    trail: &Trail,
    router: &Router,
) {
    let group = teller.and_then(|attempt| attempt.group.as_ref()).unwrap_or(asked);
    let deployment = teller.and_then(|attempt| attempt.deployment.as_ref());
    let mut set = |name: HeaderName, value: &str| {
        if let Ok(value) = HeaderValue::from_str(value) {
            headers.insert(name, value);
        }
    };
    set(MODEL_GROUP, group);
    if let Some(deployment) = deployment {
        set(MODEL_ID, deployment);
        if let Some(host) = router.host_of(group, deployment) {
            set(API_BASE, host);
        }
    }
    if let Ok(trail) = HeaderValue::try_from(trail.to_string()) {
        headers.insert(TRAIL, trail);
    }
    headers.insert(RETRIES, HeaderValue::from(trail.retries()));
    headers.insert(FALLBACKS, HeaderValue::from(trail.fallbacks()));
}
