//! What a caller may say beside the question: LiteLLM's parameters, in headers and in the body.
//!
//! None of it reaches a provider. A header wins over the body, as in LiteLLM. A parameter that makes no sense is the
//! caller's mistake and told by its name; what is the operator's to say (addresses, keys, headers) is refused,
//! whatever its value.

mod fallbacks;

use std::fmt;
use std::time::Duration;

use bytes::Bytes;
use http::HeaderMap;
use secondwind_layers::{Context, Deadline, Name};
use secondwind_llm::peek::Peek;
use secondwind_llm::peek::ours::{METADATA_TAGS, OPERATORS};
use secondwind_policy::Class;
use secondwind_router::{Call, Hop};
use serde_json::Value;

use crate::respond::Refusal;
use crate::routes::App;

const RETRIES: &str = "x-litellm-num-retries";
const TIMEOUT: &str = "x-litellm-timeout";
const STREAM_TIMEOUT: &str = "x-litellm-stream-timeout";
const TAGS: &str = "x-litellm-tags";

/// The flags by which a caller tries out its fallbacks, and what each makes of the group that is asked for.
const MOCKS: [(&str, Class); 4] = [
    ("mock_testing_fallbacks", Class::InternalServer),
    ("mock_testing_context_fallbacks", Class::ContextWindow),
    ("mock_testing_content_policy_fallbacks", Class::ContentPolicy),
    ("mock_testing_rate_limit_error", Class::RateLimit),
];

/// What a caller said beside the question.
#[derive(Debug, Default)]
pub(crate) struct Said {
    tags: Vec<String>,
    stream_timeout: Option<Duration>,
    hops: Vec<Hop>,
    drop_params: Option<bool>,
    mock: Option<Class>,
}

/// Reads what the caller of `group` says in `headers` and `body`, and lays into `context` what belongs there.
pub(crate) fn read(
    app: &App,
    group: &Name,
    headers: &HeaderMap,
    (peek, body): (&Peek, &Bytes),
    context: &Context,
) -> Result<Said, Refusal> {
    if let Some(forbidden) = peek.ours.iter().find(|ours| OPERATORS.contains(&ours.name)) {
        return Err(operators(forbidden.name, ""));
    }
    let mut said = Said::default();
    let fields = Fields { peek, body };

    let num_retries = fields.read("num_retries", COUNT, count)?;
    let num_retries = header(headers, RETRIES, COUNT, |text| text.parse().ok())?.or(num_retries);
    context.set_num_retries(num_retries);

    let timeout = fields.read("timeout", SECONDS, seconds)?;
    let timeout = timeout.or(fields.read("request_timeout", SECONDS, seconds)?);
    let timeout = header(headers, TIMEOUT, SECONDS, seconds_of_text)?.or(timeout);
    if let Some(deadline) = timeout.and_then(|total| Deadline::after(context.started(), total)) {
        context.shorten_deadline(deadline);
    }

    let stream_timeout = fields.read("stream_timeout", SECONDS, seconds)?;
    let of_header = header(headers, STREAM_TIMEOUT, SECONDS, seconds_of_text)?;
    said.stream_timeout = of_header.or(stream_timeout);

    said.drop_params = fields.read("drop_params", "true or false", Value::as_bool)?;

    for name in ["tags", METADATA_TAGS] {
        said.tags.extend(fields.read(name, "a list of texts", texts)?.unwrap_or_default());
    }
    let of_header = headers.get(TAGS).and_then(|tags| tags.to_str().ok()).unwrap_or_default();
    let of_header = of_header.split(',').map(str::trim).filter(|tag| !tag.is_empty());
    said.tags.extend(of_header.map(str::to_owned));

    if !peek.ours.is_empty() {
        said.mock = mocked(&fields, app.allow_mock_testing)?;
        said.hops = fallbacks::read(&fields, &app.router, group, context)?;
    }
    Ok(said)
}

// === impl Said ===

impl Said {
    /// Lays down what belongs to the call.
    pub(crate) fn lay_on(self, call: &mut Call) {
        let Self { tags, stream_timeout, hops, drop_params, mock } = self;
        call.tags = tags;
        call.stream_timeout = stream_timeout;
        call.hops = hops;
        call.drop_params = drop_params;
        call.mock = mock;
    }
}

/// The fields of a body that are for us.
struct Fields<'a> {
    peek: &'a Peek,
    body: &'a Bytes,
}

// === impl Fields ===

impl Fields<'_> {
    /// The JSON of the field called `name`; `None` where it is missing or `null`.
    fn json(&self, name: &str) -> Option<Bytes> {
        let field = self.peek.ours.iter().find(|ours| ours.name == name)?;
        let value = self.body.slice(field.value.clone());
        (&*value != b"null").then_some(value)
    }

    /// The field called `name`, as `read` understands it.
    fn read<T>(
        &self,
        name: &'static str,
        wanted: &str,
        read: impl Fn(&Value) -> Option<T>,
    ) -> Result<Option<T>, Refusal> {
        let Some(json) = self.json(name) else { return Ok(None) };
        let value = serde_json::from_slice(&json).ok().as_ref().and_then(read);
        value.map(Some).ok_or_else(|| wrong(name, wanted))
    }
}

const COUNT: &str = "a whole number, 0 or more";
const SECONDS: &str = "a number of seconds, more than 0";

/// A header, as `read` understands it.
fn header<T>(
    headers: &HeaderMap,
    name: &'static str,
    wanted: &str,
    read: impl Fn(&str) -> Option<T>,
) -> Result<Option<T>, Refusal> {
    let Some(value) = headers.get(name) else { return Ok(None) };
    let value = value.to_str().ok().and_then(|text| read(text.trim()));
    value.map(Some).ok_or_else(|| wrong(name, wanted))
}

fn count(value: &Value) -> Option<u32> {
    // More than can be counted is as good as that.
    value.as_u64().map(|count| u32::try_from(count).unwrap_or(u32::MAX))
}

fn seconds(value: &Value) -> Option<Duration> {
    let seconds = value.as_f64().filter(|seconds| *seconds > 0.0)?;
    Some(Duration::try_from_secs_f64(seconds).unwrap_or(Duration::MAX))
}

fn seconds_of_text(text: &str) -> Option<Duration> {
    text.parse().ok().filter(|seconds: &f64| seconds.is_finite()).as_ref().and_then(|&secs| {
        (secs > 0.0).then(|| Duration::try_from_secs_f64(secs).unwrap_or(Duration::MAX))
    })
}

fn texts(value: &Value) -> Option<Vec<String>> {
    value.as_array()?.iter().map(|text| text.as_str().map(str::to_owned)).collect()
}

fn mocked(fields: &Fields<'_>, allowed: bool) -> Result<Option<Class>, Refusal> {
    let mut mock = None;
    for (name, class) in MOCKS {
        if !fields.read(name, "true or false", Value::as_bool)?.unwrap_or(false) {
            continue;
        }
        if !allowed {
            let message = format!(
                "`{name}` is not allowed here: it needs \
                 general_settings.dangerously_allow_mock_testing_request_params"
            );
            return Err(Refusal::bad_request(message).param(name).code("not_allowed"));
        }
        mock = mock.or(Some(class));
    }
    Ok(mock)
}

fn wrong(name: &'static str, wanted: impl fmt::Display) -> Refusal {
    Refusal::bad_request(format!("`{name}` must be {wanted}")).param(name)
}

/// The refusal of a field that is the operator's to set; `within` names the field that it stands in.
fn operators(name: &'static str, within: &str) -> Refusal {
    let message = format!(
        "`{within}{name}` is not the caller's to set: where a request goes, with which key and headers, is \
         configured"
    );
    Refusal::bad_request(message).param(name).code("not_allowed")
}
