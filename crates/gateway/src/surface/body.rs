//! Reads as much of a body as tells where a request goes.
//!
//! JSON is read whole, as that of a conversation is. A form that may name a model is read until it has; whatever else
//! comes is sent while it comes.

use axum::body::Body;
use bytes::{Bytes, BytesMut};
use http::header::{CONTENT_ENCODING, CONTENT_TYPE};
use http::{HeaderMap, StatusCode};
use http_body::Body as _;
use http_body_util::BodyExt;
use secondwind_llm::multipart::{Form, FormError, is_form};
use secondwind_llm::peek::{Peek, peek_at_any};
use secondwind_policy::Class;

use crate::respond::Refusal;
use crate::routes::{App, not_routable, read_body, too_large};

/// What is asked, as far as it was read.
#[derive(Debug)]
pub(super) enum Asked {
    /// All of it.
    Whole { body: Bytes, peek: Peek },
    /// What was read, and what is to come. There is a `form` where it names a model.
    Coming { read: Bytes, rest: Body, form: Option<Form> },
}

// === impl Asked ===

impl Asked {
    /// The model that is asked, where there is one.
    pub(super) fn model(&self) -> Option<&str> {
        match self {
            Self::Whole { peek, .. } if peek.model_range.is_empty() => None,
            Self::Whole { peek, .. } => Some(&peek.model),
            Self::Coming { form, .. } => form.as_ref()?.model().map(|model| model.name.as_str()),
        }
    }
}

/// Reads as much as tells where the request goes; `asks_a_model` where that may be said in the body.
pub(super) async fn read(
    app: &App,
    headers: &HeaderMap,
    body: Body,
    asks_a_model: bool,
) -> Result<Asked, Refusal> {
    if headers.get(CONTENT_ENCODING).is_some_and(|encoding| encoding != "identity") {
        // It is not told to the provider, who would not understand it.
        return Err(unsupported("bodies are passed through without a content-encoding"));
    }
    let kind = content_type(headers)?;
    if is_form(kind) {
        return match Form::new(kind) {
            Ok(form) if asks_a_model => form_of_a_model(app, form, body).await,
            Err(error) if asks_a_model => Err(malformed(error)),
            _ => Ok(Asked::Coming { read: Bytes::new(), rest: body, form: None }),
        };
    }
    if !kind.is_empty() && !is_json(kind) {
        return Ok(Asked::Coming { read: Bytes::new(), rest: body, form: None });
    }
    let body = read_body(headers, body, app.max_body_bytes).await?;
    let peek = if asks_a_model && !body.is_empty() {
        peek_at_any(&body).map_err(not_routable)?
    } else {
        Peek::default()
    };
    Ok(Asked::Whole { body, peek })
}

/// Reads a form until the model was there, or to its end.
async fn form_of_a_model(app: &App, mut form: Form, mut body: Body) -> Result<Asked, Refusal> {
    let mut read = BytesMut::new();
    while form.model().is_none() {
        let Some(frame) = body.frame().await else {
            form.finish().map_err(malformed)?;
            return Ok(Asked::Coming { read: read.freeze(), rest: Body::empty(), form: None });
        };
        let frame = frame.map_err(|_| Refusal::bad_request("the body broke off before its end"))?;
        let Ok(data) = frame.into_data() else { continue };
        form.feed(&data).map_err(malformed)?;
        read.extend_from_slice(&data);
        if read.len() > app.max_body_bytes {
            return Err(too_large(app.max_body_bytes));
        }
    }
    if body.is_end_stream() {
        form.finish().map_err(malformed)?;
    }
    Ok(Asked::Coming { read: read.freeze(), rest: body, form: Some(form) })
}

/// The content type, empty where there is none.
fn content_type(headers: &HeaderMap) -> Result<&str, Refusal> {
    let mut kinds = headers.get_all(CONTENT_TYPE).iter();
    let kind = kinds.next().map_or(Ok(""), |kind| kind.to_str());
    match (kind, kinds.next()) {
        (Ok(kind), None) => Ok(kind),
        _ => Err(unsupported("there must be one content-type, and it must be text")),
    }
}

fn is_json(kind: &str) -> bool {
    let essence = kind.split(';').next().unwrap_or_default().trim();
    essence.eq_ignore_ascii_case("application/json")
}

fn unsupported(message: &str) -> Refusal {
    Refusal::bad_request(message)
        .status(StatusCode::UNSUPPORTED_MEDIA_TYPE, Class::BadRequest)
        .code("unsupported_media_type")
}

// A refusal is made of it.
#[allow(clippy::needless_pass_by_value)]
fn malformed(error: FormError) -> Refusal {
    let refusal = Refusal::bad_request(error.to_string());
    match error.param() {
        Some(param) => refusal.param(param),
        None => refusal,
    }
}
