//! What can be asked, and what a request must be to be asked at all.

use std::sync::Arc;

use axum::Router;
use axum::body::Body;
use axum::extract::{Request, State};
use axum::response::Response;
use axum::routing::{get, post};
use bytes::Bytes;
use http::header::{CONTENT_LENGTH, CONTENT_TYPE};
use http::{HeaderMap, HeaderValue, StatusCode};
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
        Self { router, master_key: None, max_body_bytes, allow_mock_testing: false, metrics }
    }
}

/// The routes.
pub(crate) fn routes(live: Live) -> Router {
    let chat = post(|state, request| ask(state, request, Endpoint::ChatCompletions));
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
        .route("/v1/models/{*model}", get(model))
        .route("/models/{*model}", get(model))
        .route("/health/liveliness", get(alive))
        .route("/health/liveness", get(alive))
        .route("/health/readiness", get(alive))
        .merge(inspect::routes())
        .method_not_allowed_fallback(wrong_method)
        .fallback(unknown)
        .with_state(live)
}

/// A question to a model.
async fn ask(State(app): State<Arc<App>>, request: Request, endpoint: Endpoint) -> Response {
    let context = Context::new(Instant::now());
    if let Some(id) = request.headers().get(CALL_ID).and_then(|id| id.to_str().ok()) {
        context.set_id(id.into());
    }
    let (call, group) = match read(&app, request, endpoint, &context).await {
        Ok(read) => read,
        Err(refusal) => {
            app.metrics.refused(refusal.class);
            return refusal.told_in(spoken_by_callers(endpoint));
        }
    };
    let (dialect, asked) = (call.dialect, group.clone());
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
    let mut peek = peek(&body).map_err(not_routable)?;
    let Some(group) = app.router.group(&peek.model) else {
        let known: Vec<&str> = app.router.groups().iter().map(|name| &**name).collect();
        return Err(unknown_model(&peek.model, &known));
    };
    let group = group.clone();
    let said = callers::read(app, &group, &head.headers, (&peek, &body), context)?;
    // From here on there is nothing in it that is not for a provider.
    let body = peek.strip(&body);
    let mut call = Call::new(spoken_by_callers(endpoint), endpoint, head.headers, body, peek);
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

async fn read_body(headers: &HeaderMap, body: Body, most: usize) -> Result<Bytes, Refusal> {
    let too_large = || {
        Refusal::bad_request(format!("the body is larger than {most} bytes"))
            .status(StatusCode::PAYLOAD_TOO_LARGE, Class::RequestTooLarge)
            .code("request_too_large")
    };
    let says = headers.get(CONTENT_LENGTH).and_then(|length| length.to_str().ok()?.parse().ok());
    if says.is_some_and(|length: u64| length > most as u64) {
        return Err(too_large());
    }
    match Limited::new(body, most).collect().await {
        Ok(read) => Ok(read.to_bytes()),
        Err(error) if error.is::<LengthLimitError>() => Err(too_large()),
        Err(_) => Err(Refusal::bad_request("the body broke off before its end")),
    }
}

fn not_routable(error: PeekError) -> Refusal {
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
    if app.router.group(&name).is_some() {
        return ok(&model_object(&name));
    }
    let known: Vec<&str> = app.router.groups().iter().map(|name| &**name).collect();
    unknown_model(&name, &known).into_response()
}

fn model_object(name: &str) -> serde_json::Value {
    json!({"id": name, "object": "model", "created": 0, "owned_by": "secondwind"})
}

/// Answers while the process lives. It is ready as soon as it listens: the configuration was read before.
async fn alive() -> Response {
    ok(&json!({"status": "healthy"}))
}

async fn unknown(request: Request) -> Response {
    let message = format!("there is nothing at {} {}", request.method(), request.uri().path());
    Refusal::bad_request(message).status(StatusCode::NOT_FOUND, Class::NotFound).into_response()
}

async fn wrong_method(request: Request) -> Response {
    let message = format!("{} cannot be used at {}", request.method(), request.uri().path());
    Refusal::bad_request(message)
        .status(StatusCode::METHOD_NOT_ALLOWED, Class::BadRequest)
        .into_response()
}

pub(crate) fn ok(value: &serde_json::Value) -> Response {
    let mut response = Response::new(Body::from(value.to_string()));
    let json = HeaderValue::from_static("application/json");
    response.headers_mut().insert(CONTENT_TYPE, json);
    response
}
