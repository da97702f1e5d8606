//! The rest of OpenAI's API, passed through: questions to models by group, what belongs to an account to one deployment.
//!
//! What is asked of a model (pictures, sound, moderations, and whatever else is posted with a `model`) goes by group as a
//! conversation does. What belongs to an account (files, batches, stored answers, whatever is read or deleted by its id)
//! goes to one deployment, which alone has it: see [`Passthrough`].

mod body;
mod place;

use std::sync::Arc;

use axum::extract::{Request, State};
use axum::response::Response;
use bytes::Bytes;
use http::header::{ALLOW, UPGRADE};
use http::request::Parts;
use http::{HeaderMap, HeaderValue, Method, StatusCode};
use secondwind_layers::{Context, Name};
use secondwind_llm::dialect::OpenAiChat;
use secondwind_llm::multipart::Form;
use secondwind_llm::peek::{Peek, PeekError, peek_at_any};
use secondwind_policy::Class;
use secondwind_router::{Call, Passed, Upload};

use self::body::Asked;
use self::place::Place;
use crate::callers;
use crate::respond::Refusal;
use crate::routes::{App, admit, answered, begun, group_of, not_allowed, not_routable, unknown};

/// Where what belongs to an account goes.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub enum Passthrough {
    /// To the first deployment of the first group that has one which speaks OpenAI's own API.
    #[default]
    First,
    /// To the first such deployment of this group.
    Group(String),
    /// Nowhere.
    Off,
}

/// The group whose account is meant, where a request says so.
const GROUP: &str = "x-litellm-model";

const METHODS: [Method; 5] =
    [Method::GET, Method::POST, Method::PUT, Method::PATCH, Method::DELETE];

/// Passes a request through.
pub(crate) async fn pass(State(app): State<Arc<App>>, request: Request) -> Response {
    if !METHODS.contains(request.method()) {
        let refusal = not_allowed(request.method(), request.uri().path());
        app.metrics.refused(refusal.class);
        let mut response = refusal.into_response();
        let allowed = HeaderValue::from_static("GET, POST, PUT, PATCH, DELETE");
        response.headers_mut().insert(ALLOW, allowed);
        return response;
    }
    let context = begun(&request);
    let read = read(&app, request, &context).await;
    answered(&app, read, context, &OpenAiChat).await
}

async fn read(app: &App, request: Request, context: &Context) -> Result<(Call, Name), Refusal> {
    let place = Place::of(request.method(), request.uri())?;
    admit(app, request.headers())?;
    place.is_sound()?;
    let (head, body) = request.into_parts();
    if head.headers.contains_key(UPGRADE) {
        return Err(Refusal::bad_request("a connection cannot be passed through, only requests"));
    }
    let asked = body::read(app, &head.headers, body, place.asks_a_model).await?;
    routed(app, (head, place), asked, context)
}

/// A question to a model that does not name one: whoever has the account knows what is meant.
pub(crate) fn without_a_model(
    app: &App,
    head: Parts,
    body: Bytes,
    context: &Context,
) -> Result<(Call, Name), Refusal> {
    let place = Place::of(&head.method, &head.uri)?;
    place.is_sound()?;
    let peek = peek_at_any(&body).map_err(not_routable)?;
    routed(app, (head, place), Asked::Whole { body, peek }, context)
}

fn routed(
    app: &App,
    (head, place): (Parts, Place),
    asked: Asked,
    context: &Context,
) -> Result<(Call, Name), Refusal> {
    let passed = Passed::new(head.method.clone(), place.path).query(place.query);
    let (group, passed) = match asked.model() {
        Some(model) => (group_of(app, model)?.clone(), passed),
        None => {
            let (group, deployment) = account(app, &head.headers)?.ok_or_else(|| {
                if place.asks_a_model {
                    return not_routable(PeekError::NoModel);
                }
                unknown(&head.method, head.uri.path())
            })?;
            (group.clone(), passed.pinned(deployment.clone()))
        }
    };
    let pinned = asked.model().is_none();
    let call = call(app, &group, head.headers, asked, passed, context)?;
    // Nobody else has it, whatever the caller says.
    if let (true, Some(policy)) = (pinned, app.router.policy_of(&group)) {
        context.set_fallback(Some(Arc::new(policy.fallback().clone().at_most(0))));
    }
    Ok((call, group))
}

/// The group and the deployment that have what belongs to an account; `None` where nobody is to.
fn account<'a>(app: &'a App, headers: &HeaderMap) -> Result<Option<(&'a Name, &'a Name)>, Refusal> {
    let router = &app.router;
    let of = |group: &'a Name| router.account_of(group).map(|deployment| (group, deployment));
    let named = headers.get(GROUP).map(|name| name.to_str().unwrap_or_default());
    let group = match (&app.passthrough, named) {
        (Passthrough::Off, _) => return Ok(None),
        (_, Some(name)) => group_of(app, name)?,
        (Passthrough::Group(name), None) => group_of(app, name)?,
        (Passthrough::First, None) => {
            let first = router.groups().iter().find_map(of);
            return first.map(Some).ok_or_else(nobody);
        }
    };
    of(group).map(Some).ok_or_else(nobody)
}

fn nobody() -> Refusal {
    Refusal::bad_request("no deployment that speaks OpenAI's own API is there to be asked")
        .status(StatusCode::NOT_FOUND, Class::NotFound)
}

/// What goes to the router.
fn call(
    app: &App,
    group: &Name,
    headers: HeaderMap,
    asked: Asked,
    passed: Passed,
    context: &Context,
) -> Result<Call, Refusal> {
    let (said, body, peek, passed) = match asked {
        Asked::Whole { body, mut peek } => {
            let said = callers::read(app, group, &headers, (&peek, &body), context)?;
            // From here on there is nothing in it that is not for a provider.
            let body = peek.strip(&body);
            (said, body, peek, passed)
        }
        Asked::Coming { read, rest, form } => {
            let (mut peek, body) = (Peek::default(), Bytes::new());
            peek.model = form
                .as_deref()
                .and_then(Form::model)
                .map_or_else(String::new, |it| it.name.clone());
            let said = callers::read(app, group, &headers, (&peek, &body), context)?;
            let policy = app.router.policy_of(group);
            let most = policy.map_or(0, |policy| policy.retry().max_replay_bytes());
            let upload = Upload::new(read, rest, form.map(|form| *form), most);
            (said, body, peek, passed.upload(upload))
        }
    };
    let mut call = Call::passing(&OpenAiChat, headers, body, peek, passed);
    said.lay_on(&mut call);
    Ok(call)
}
