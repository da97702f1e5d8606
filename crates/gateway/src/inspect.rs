//! What the operator may look at: the deployments, how they do, and the metrics.

use std::sync::Arc;

use axum::Router;
use axum::extract::State;
use axum::response::Response;
use axum::routing::get;
use http::header::CONTENT_TYPE;
use http::{HeaderMap, HeaderValue};
use secondwind_policy::{Class, Harm};
use secondwind_router::{Checked, DeploymentState};
use serde_json::{Value, json};
use tokio::time::Instant;

use crate::live::Live;
use crate::routes::{App, admit, ok};

/// The routes. All need the key, since they name what is configured.
pub(crate) fn routes() -> Router<Live> {
    Router::new()
        .route("/model/info", get(info))
        .route("/v1/model/info", get(info))
        .route("/health", get(health))
        .route("/metrics", get(metrics))
}

/// The deployments, in the shape of LiteLLM's answer.
async fn info(State(app): State<Arc<App>>, headers: HeaderMap) -> Response {
    if let Err(refusal) = admit(&app, &headers) {
        return refusal.into_response();
    }
    let data: Vec<Value> = app.router.deployments().iter().map(|it| {
        let order = (it.order != u32::MAX).then_some(it.order);
        json!({
            "model_name": &*it.group,
            "litellm_params": {"model": it.model, "api_base": it.host, "weight": it.weight, "order": order},
            "model_info": {"id": &*it.id, "dialect": it.dialect, "resting": resting(it)},
        })
    }).collect();
    ok(&json!({ "data": data }))
}

/// How the deployments do, as far as requests and background checks have shown it: nobody is asked for this.
async fn health(State(app): State<Arc<App>>, headers: HeaderMap) -> Response {
    if let Err(refusal) = admit(&app, &headers) {
        return refusal.into_response();
    }
    let deployments = app.router.deployments();
    let fails = |it: &DeploymentState| it.checked.and_then(|checked| checked.failed);
    let ill = |it: &&DeploymentState| {
        it.resting.is_some() || fails(it).is_some_and(|class| class.facts().harm != Harm::None)
    };
    let (resting, up): (Vec<_>, Vec<_>) = deployments.iter().partition(ill);
    let list = |them: &[&DeploymentState]| them.iter().map(|it| endpoint(it)).collect::<Vec<_>>();
    ok(&json!({
        "healthy_endpoints": list(&up),
        "unhealthy_endpoints": list(&resting),
        "healthy_count": up.len(),
        "unhealthy_count": resting.len(),
    }))
}

fn endpoint(it: &DeploymentState) -> Value {
    json!({
        "model_group": &*it.group,
        "model_id": &*it.id,
        "model": it.model,
        "api_base": it.host,
        "resting": resting(it),
        "last_check": it.checked.as_ref().map(last_check),
    })
}

/// What the last check came to.
fn last_check(checked: &Checked) -> Value {
    let ago = Instant::now().saturating_duration_since(checked.at);
    json!({
        "outcome": checked.failed.map_or("ok", Class::name),
        "seconds_ago": ago.as_secs(),
        "took_ms": u64::try_from(checked.took.as_millis()).unwrap_or(u64::MAX),
    })
}

/// Why and for how long it rests; `null` where it does not.
fn resting(it: &DeploymentState) -> Option<Value> {
    let reason = if it.for_rate_limit { "rate_limit" } else { "failures" };
    it.resting.map(|wait| json!({"seconds": wait.as_secs_f64().ceil(), "reason": reason}))
}

async fn metrics(State(app): State<Arc<App>>, headers: HeaderMap) -> Response {
    if let Err(refusal) = admit(&app, &headers) {
        return refusal.into_response();
    }
    let mut response = Response::new(app.metrics.text(&app.router).into());
    let kind = HeaderValue::from_static("text/plain; version=0.0.4; charset=utf-8");
    response.headers_mut().insert(CONTENT_TYPE, kind);
    response
}
