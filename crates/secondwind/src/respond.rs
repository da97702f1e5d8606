//! Answers for errors: the one place in this crate where an error becomes an HTTP status.
//!
//! The layers know no status for an error. Over a service that must not fail, [`RecoverLayer`] asks
//! for one; [`error_response`] is what to tell it:
//!
//! ```
//! use std::time::Duration;
//!
//! use http::{Request, Response};
//! use secondwind::{Policy, RecoverLayer, TimeoutLayer, respond};
//! use tower::{ServiceBuilder, ServiceExt, service_fn};
//!
//! # #[tokio::main(flavor = "current_thread", start_paused = true)]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let policy = Policy::builder().total_timeout(Duration::from_secs(30)).build()?;
//! let service = ServiceBuilder::new()
//!     .layer(RecoverLayer::new(respond::error_response))
//!     .layer(TimeoutLayer::total(policy).http())
//!     .service(service_fn(|_: Request<()>| {
//!         std::future::pending::<Result<Response<String>, std::io::Error>>()
//!     }));
//!
//! let answer = service.oneshot(Request::new(())).await?;
//! assert_eq!(answer.status(), 504);
//! assert_eq!(answer.body(), "timeout: the total clock ran out after 30s\n");
//! # Ok(())
//! # }
//! ```
//!
//! # What is told
//!
//! | of the response | is |
//! |---|---|
//! | the status | what the error's [`Class`] says in its [`Facts`](crate::policy::Facts) |
//! | the body | text: the class, and the clock if one ran out |
//! | `retry-after` | the wait that the server asked for, in whole seconds, where it is known |
//! | a [`Trail`](crate::Trail) among the extensions | the attempts that were made, where the request carried a [`Context`](crate::Context) |
//!
//! **Never the text of the service's own error**: it is written for whoever runs the service, and may name
//! addresses, keys and people. Log it; or, where it is meant for callers, write a response of your own.
//!
//! # A body of yours
//!
//! The body is any that can be made from a `String`, such as those of axum and reqwest, or a `Full<Bytes>`. For
//! others: `error_response(error).map(|text: String| …)`.
//!
//! [`RecoverLayer`]: crate::RecoverLayer

use std::error::Error as StdError;
use std::time::Duration;

use http::header::{CONTENT_TYPE, RETRY_AFTER};
use http::{HeaderValue, Response, StatusCode};

use crate::classify::{Verdict, elapsed_in};
use crate::{Class, Error};

/// The response for an error of the layers, however deep they are nested.
///
/// See the [module](self) documentation for what it tells, and what it does not.
#[expect(clippy::needless_pass_by_value, reason = "the form that `RecoverLayer` asks for")]
#[must_use]
pub fn error_response<B, E>(error: Error<E>) -> Response<B>
where
    B: From<String>,
    E: StdError + 'static,
{
    let verdict = verdict_of(&error);
    let mut text = verdict.class.name().to_owned();
    if let Some(elapsed) = elapsed_in(&error) {
        text.push_str(": ");
        text.push_str(&elapsed.to_string());
    }
    let mut response = response(&verdict, text);
    if !error.trail().attempts().is_empty() {
        response.extensions_mut().insert(error.trail().clone());
    }
    response
}

/// The response for a verdict: for those who classify their errors themselves.
///
/// ```
/// use std::time::Duration;
///
/// use secondwind::Class;
/// use secondwind::classify::Verdict;
/// use secondwind::respond::verdict_response;
///
/// let verdict = Verdict::new(Class::RateLimit).with_hint(Duration::from_millis(1500));
/// let response = verdict_response::<String>(&verdict);
/// assert_eq!(response.status(), 429);
/// assert_eq!(response.headers()["retry-after"], "2");
/// assert_eq!(response.body(), "rate_limit\n");
/// ```
#[must_use]
pub fn verdict_response<B: From<String>>(verdict: &Verdict) -> Response<B> {
    response(verdict, verdict.class.name().to_owned())
}

/// What an error of the layers means, as far as it shows: its own [`class`](Error::class) where it knows one, with
/// the status that came, if the trail tells of one; else a [`Class::Timeout`] where a clock is among the causes, and
/// a [`Class::Connection`] where none is.
#[must_use]
pub fn verdict_of<E: StdError + 'static>(error: &Error<E>) -> Verdict {
    let Some(class) = error.class() else {
        let clock = elapsed_in(error).is_some();
        return Verdict::new(if clock { Class::Timeout } else { Class::Connection });
    };
    let attempts = error.trail().attempts();
    let came = attempts.iter().rfind(|attempt| attempt.class == Some(class));
    let verdict = Verdict::new(class);
    match came.and_then(|attempt| attempt.status) {
        Some(status) => verdict.with_status(status),
        None => verdict,
    }
}

fn response<B: From<String>>(verdict: &Verdict, mut text: String) -> Response<B> {
    text.push('\n');
    let mut response = Response::new(B::from(text));
    // A class without a status is one that nobody is left to read; some status there must be.
    let status = verdict.class.facts().http_status(verdict.status);
    *response.status_mut() = status
        .and_then(|status| StatusCode::from_u16(status).ok())
        .unwrap_or(StatusCode::BAD_GATEWAY);
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("text/plain; charset=utf-8"));
    if let Some(hint) = verdict.hint {
        headers.insert(RETRY_AFTER, HeaderValue::from(whole_seconds(hint)));
    }
    response
}

/// Rounded up: nobody is asked back too early.
fn whole_seconds(wait: Duration) -> u64 {
    wait.as_secs().saturating_add(u64::from(wait.subsec_nanos() > 0))
}

#[cfg(test)]
mod tests;
