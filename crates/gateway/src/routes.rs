//! What can be asked, and what a request must be to be asked at all.

use std::sync::Arc;

use axum::Router;
use axum::body::Body;
use axum::extract::{Request, State};
use axum::response::Response;
use axum::routing::{get, post};
use bytes::{Bytes, BytesMut};
use http::header::{CONTENT_LENGTH, CONTENT_TYPE};
use http::{HeaderMap, HeaderValue, Method, StatusCode};
use http_body_util::{BodyExt, LengthLimitError, Limited};
use secondwind_layers::{Context, Name};
use secondwind_llm::dialect::{Anthropic, Dialect, Endpoint, OpenAi, OpenAiChat};
use secondwind_llm::peek::{PeekError, peek};
use secondwind_policy::Class;
use secondwind_router::Call;
use serde_json::json;
use tokio::time::Instant;
use tower::Service;

use crate::auth::MasterKey;
use crate::edge::CALL_ID;
use crate::live::Live;
use crate::metrics::Metrics;
use crate::respond::{Asked, Refusal, respond};
use crate::surface::{self, Passthrough};
use crate::{callers, inspect};

/// What all requests share.
///
/// A [`Live`] holds it: a new configuration replaces the router and the key, and clones what else there is.
#[derive(Clone, Debug)]
pub struct App {
    /// Takes requests to providers.
    pub router: secondwind_router::Router,
    /// The key that callers must bring; `None` admits everybody.
    pub master_key: Option<MasterKey>,
    /// The most bytes that a request's body may have.
    pub max_body_bytes: usize,
    /// Whether callers may try out their fallbacks with `mock_testing_…`.
    pub allow_mock_testing: bool,
    /// Where what belongs to an account goes.
    pub passthrough: Passthrough,
    /// What becomes of requests, counted.
    pub metrics: Arc<Metrics>,
}

// === impl App ===

impl App {
    /// Takes requests to `router`, and counts what becomes of them.
    #[must_use]
    pub fn new(router: secondwind_router::Router, max_body_bytes: usize) -> Self {
        let metrics = Arc::new(Metrics::default());
        let router = metrics.watch(router);
        let (master_key, passthrough) = (None, Passthrough::First);
        let allow_mock_testing = false;
        Self { router, master_key, max_body_bytes, allow_mock_testing, passthrough, metrics }
    }
}

/// The routes.
pub(crate) fn routes(live: Live) -> Router {
    let chat = post(|state, request| ask(state, request, Endpoint::ChatCompletions));
    // Of those that were stored.
    let chat = chat.get(surface::pass);
    let completions = post(|state, request| ask(state, request, Endpoint::Completions));
    let embeddings = post(|state, request| ask(state, request, Endpoint::Embeddings));
    let responses = post(|state, request| ask(state, request, Endpoint::Responses));
    let messages = post(|state, request| ask(state, request, Endpoint::Messages));
    Router::new()
        .route("/v1/chat/completions", chat.clone())
        .route("/chat/completions", chat)
        .route("/v1/completions", completions.clone())
        .route("/completions", completions)
        .route("/v1/embeddings", embeddings.clone())
        .route("/embeddings", embeddings)
        .route("/v1/responses", responses.clone())
        .route("/responses", responses)
        .route("/v1/messages", messages.clone())
        .route("/messages", messages)
        .route("/v1/models", get(models))
        .route("/models", get(models))
        .route("/v1/models/{*model}", get(model).delete(surface::pass))
        .route("/models/{*model}", get(model).delete(surface::pass))
        .route("/health/liveliness", get(alive))
        .route("/health/liveness", get(alive))
        .route("/health/readiness", get(alive))
        .merge(inspect::routes())
        .method_not_allowed_fallback(wrong_method)
        .fallback(surface::pass)
        .with_state(live)
}

/// A question to a model.
async fn ask(State(app): State<Arc<App>>, request: Request, endpoint: Endpoint) -> Response {
    let context = begun(&request);
    let read = read(&app, request, endpoint, &context).await;
    answered(&app, read, context, spoken_by_callers(endpoint)).await
}

/// The context of a request that begins now.
pub(crate) fn begun(request: &Request) -> Context {
    let context = Context::new(Instant::now());
    if let Some(id) = request.headers().get(CALL_ID).and_then(|id| id.to_str().ok()) {
        context.set_id(id.into());
    }
    context
}

/// The answer to what was read of a request, whose caller speaks `dialect`.
pub(crate) async fn answered(
    app: &App,
    read: Result<(Call, Name), Refusal>,
    context: Context,
    dialect: &'static dyn Dialect,
) -> Response {
    let (call, group) = match read {
        Ok(read) => read,
        Err(refusal) => {
            app.metrics.refused(refusal.class);
            return refusal.told_in(dialect);
        }
    };
    let asked = group.clone();
    let request = secondwind_router::Request::new(call, group, context.clone());
    // The router is always ready: what there is to wait for, it waits for within the call.
    let outcome = app.router.clone().call(request).await;
    let asked = Asked { dialect, group: &asked };
    respond(outcome, &context, asked, &app.router)
}

/// The API that callers of `endpoint` speak.
const fn spoken_by_callers(endpoint: Endpoint) -> &'static dyn Dialect {
    match endpoint {
        Endpoint::Messages => &Anthropic,
        Endpoint::Responses => &OpenAi,
        _ => &OpenAiChat,
    }
}

async fn read(
    app: &App,
    request: Request,
    endpoint: Endpoint,
    context: &Context,
) -> Result<(Call, Name), Refusal> {
    admit(app, request.headers())?;
    let (head, body) = request.into_parts();
    is_json(&head.headers)?;
    let body = read_body(&head.headers, body, app.max_body_bytes).await?;
    let mut peek = match peek(&body) {
        // A stored prompt has it.
        Err(PeekError::NoModel) if endpoint == Endpoint::Responses => {
            return surface::without_a_model(app, head, body, context);
        }
        peek => peek.map_err(not_routable)?,
    };
    let group = group_of(app, &peek.model)?.clone();
    let said = callers::read(app, &group, &head.headers, (&peek, &body), context)?;
    // From here on there is nothing in it that is not for a provider.
    let mut body = peek.strip(&body);
    let mut headers = head.headers;
    if peek.stream {
        own(&mut headers, &mut body);
    }
    let mut call = Call::new(spoken_by_callers(endpoint), endpoint, headers, body, peek);
    said.lay_on(&mut call);
    Ok((call, group))
}

pub(crate) fn admit(app: &App, headers: &HeaderMap) -> Result<(), Refusal> {
    if app.master_key.as_ref().is_none_or(|key| key.admits(headers)) {
        return Ok(());
    }
    let refusal = Refusal::bad_request(
        "the API key is missing or wrong: send it as `Authorization: Bearer …`",
    )
    .status(StatusCode::UNAUTHORIZED, Class::Authentication);
    Err(Refusal { kind: "authentication_error", ..refusal }.code("invalid_api_key"))
}

fn is_json(headers: &HeaderMap) -> Result<(), Refusal> {
    let Some(kind) = headers.get(CONTENT_TYPE) else {
        return Ok(());
    };
    let essence = kind.to_str().unwrap_or_default().split(';').next().unwrap_or_default().trim();
    if essence.eq_ignore_ascii_case("application/json") {
        return Ok(());
    }
    let message = "the content-type must be application/json";
    Err(Refusal::bad_request(message)
        .status(StatusCode::UNSUPPORTED_MEDIA_TYPE, Class::BadRequest)
        .code("unsupported_media_type"))
}

pub(crate) async fn read_body(
    headers: &HeaderMap,
    body: Body,
    most: usize,
) -> Result<Bytes, Refusal> {
    let says = headers.get(CONTENT_LENGTH).and_then(|length| length.to_str().ok()?.parse().ok());
    if says.is_some_and(|length: u64| length > most as u64) {
        return Err(too_large(most));
    }
    match Limited::new(body, most).collect().await {
        Ok(read) => Ok(read.to_bytes()),
        Err(error) if error.is::<LengthLimitError>() => Err(too_large(most)),
        Err(_) => Err(Refusal::bad_request("the body broke off before its end")),
    }
}

/// Puts headers and a small body into a buffer of their own. They came in one that the connection reads into, of 8 KiB
/// at least, which would be kept beside its next one for as long as the stream lasts.
fn own(headers: &mut HeaderMap, body: &mut Bytes) {
    const SMALL: usize = 4096;
    let copied = if body.len() <= SMALL { body.len() } else { 0 };
    let len = copied + headers.values().map(HeaderValue::len).sum::<usize>();
    let mut all = BytesMut::with_capacity(len);
    headers.values().for_each(|value| all.extend_from_slice(value.as_bytes()));
    all.extend_from_slice(body.get(..copied).unwrap_or_default());
    let mut all = all.freeze();
    for value in headers.values_mut() {
        // The bytes are those of a header, and still are.
        if let Ok(mut own) = HeaderValue::from_maybe_shared(all.split_to(value.len())) {
            own.set_sensitive(value.is_sensitive());
            *value = own;
        }
    }
    if copied > 0 {
        *body = all;
    }
}

/// The refusal of a body of more than `most` bytes.
pub(crate) fn too_large(most: usize) -> Refusal {
    Refusal::bad_request(format!("the body is larger than {most} bytes"))
        .status(StatusCode::PAYLOAD_TOO_LARGE, Class::RequestTooLarge)
        .code("request_too_large")
}

/// The group that answers for `model`.
pub(crate) fn group_of<'a>(app: &'a App, model: &str) -> Result<&'a Name, Refusal> {
    app.router.group(model).ok_or_else(|| {
        let known: Vec<&str> = app.router.groups().iter().map(|name| &**name).collect();
        unknown_model(model, &known)
    })
}

pub(crate) fn not_routable(error: PeekError) -> Refusal {
    let refusal = Refusal::bad_request(error.to_string());
    match error {
        PeekError::NoModel | PeekError::ModelNotAString { .. } => refusal.param("model"),
        PeekError::StreamNotABool { .. } => refusal.param("stream"),
        PeekError::Duplicate { key, .. } => refusal.param(key),
        _ => refusal,
    }
}

fn unknown_model(model: &str, known: &[&str]) -> Refusal {
    const MOST: usize = 20;
    let model: String = model.chars().take(100).collect();
    let mut names: Vec<String> = known.iter().take(MOST).map(|name| format!("`{name}`")).collect();
    if known.len() > MOST {
        names.push(format!("{} more", known.len() - MOST));
    }
    Refusal::bad_request(format!("there is no model `{model}` here; known: {}", names.join(", ")))
        .status(StatusCode::NOT_FOUND, Class::NotFound)
        .code("model_not_found")
        .param("model")
}

/// The groups, as a list of models.
async fn models(State(app): State<Arc<App>>, headers: HeaderMap) -> Response {
    if let Err(refusal) = admit(&app, &headers) {
        return refusal.into_response();
    }
    let names = app.router.groups();
    let data: Vec<_> = names.iter().map(|name| model_object(name)).collect();
    ok(&json!({"object": "list", "data": data}))
}

/// One group, as a model.
async fn model(
    State(app): State<Arc<App>>,
    axum::extract::Path(name): axum::extract::Path<String>,
    headers: HeaderMap,
) -> Response {
    if let Err(refusal) = admit(&app, &headers) {
        return refusal.into_response();
    }
    match group_of(&app, &name) {
        Ok(_) => ok(&model_object(&name)),
        Err(refusal) => refusal.into_response(),
    }
}

fn model_object(name: &str) -> serde_json::Value {
    json!({"id": name, "object": "model", "created": 0, "owned_by": "secondwind"})
}

/// Answers while the process lives. It is ready as soon as it listens: the configuration was read before.
async fn alive() -> Response {
    ok(&json!({"status": "healthy"}))
}

/// The refusal of a path where nothing is.
pub(crate) fn unknown(method: &Method, path: &str) -> Refusal {
    let message = format!("there is nothing at {method} {path}");
    Refusal::bad_request(message).status(StatusCode::NOT_FOUND, Class::NotFound)
}

/// The refusal of a method that is not for this path.
pub(crate) fn not_allowed(method: &Method, path: &str) -> Refusal {
    let message = format!("{method} cannot be used at {path}");
    Refusal::bad_request(message).status(StatusCode::METHOD_NOT_ALLOWED, Class::BadRequest)
}

async fn wrong_method(request: Request) -> Response {
    not_allowed(request.method(), request.uri().path()).into_response()
}

pub(crate) fn ok(value: &serde_json::Value) -> Response {
    let mut response = Response::new(Body::from(value.to_string()));
    let json = HeaderValue::from_static("application/json");
    response.headers_mut().insert(CONTENT_TYPE, json);
    response
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_request_is_the_same_in_a_buffer_of_its_own() {
        let mut headers = HeaderMap::new();
        for (name, value) in [("a", "one"), ("b", ""), ("a", "\u{e9}"), ("c", "secret")] {
            headers.append(name, HeaderValue::from_bytes(value.as_bytes()).unwrap());
        }
        headers.get_mut("c").unwrap().set_sensitive(true);
        for len in [0, 3, 4096, 4097] {
            let body = Bytes::from(vec![b'x'; len]);
            let (mut own_headers, mut own_body) = (headers.clone(), body.clone());
            own(&mut own_headers, &mut own_body);
            assert_eq!((&own_headers, &own_body), (&headers, &body));
            assert!(own_headers["c"].is_sensitive() && !own_headers["a"].is_sensitive());
            assert_eq!(own_body.as_ptr() == body.as_ptr(), len == 0 || len > 4096);
        }
    }
}
