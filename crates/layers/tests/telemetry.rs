//! What the layers tell those who listen: spans and events with the fields that `telemetry.rs` names.

#![cfg(feature = "http")]
#![allow(clippy::unwrap_used, reason = "tests")]

use std::collections::BTreeMap;
use std::fmt;
use std::io;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use bytes::Bytes;
use http::{Request, Response};
use secondwind_layers::classify::{Reach, Verdict};
use secondwind_layers::fallback::retarget_fn;
use secondwind_layers::{Alternatives, Context, FallbackLayer, RetryLayer, Scoped, TimeoutLayer};
use secondwind_policy::{Class, Policy, PolicyBuilder};
use tokio::time::Instant;
use tower::{Layer as _, ServiceExt, service_fn};
use tracing::field::{Field, Visit};
use tracing::level_filters::LevelFilter;
use tracing::span::{Attributes, Id, Record};
use tracing::{Event, Metadata, Subscriber};
use tracing_subscriber::layer::{self, SubscriberExt};
use tracing_subscriber::registry::LookupSpan;

/// Writes down what it hears.
#[derive(Clone, Default)]
struct Listener(Arc<Mutex<Heard>>);

#[derive(Default)]
struct Heard {
    spans: BTreeMap<u64, Fields>,
    /// Each with the span that it happened in.
    events: Vec<(Option<u64>, Fields)>,
}

/// `LEVEL name: field=value …`, by the names of the fields.
#[derive(Clone)]
struct Fields {
    level: String,
    name: String,
    values: BTreeMap<&'static str, String>,
}

impl Fields {
    fn of(metadata: &Metadata<'_>) -> Self {
        let (level, name) = (metadata.level().to_string(), metadata.name().to_owned());
        Self { level, name, values: BTreeMap::new() }
    }
}

impl Visit for Fields {
    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        match field.name() {
            "message" => self.name = format!("{value:?}"),
            name => {
                self.values.insert(name, format!("{value:?}").replace('"', ""));
            }
        }
    }
}

impl fmt::Display for Fields {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}:", self.level, self.name)?;
        self.values.iter().try_for_each(|(name, value)| write!(f, " {name}={value}"))
    }
}

impl<S> layer::Layer<S> for Listener
where
    S: Subscriber + for<'a> LookupSpan<'a>,
{
    fn on_new_span(&self, attributes: &Attributes<'_>, id: &Id, _: layer::Context<'_, S>) {
        let mut fields = Fields::of(attributes.metadata());
        attributes.record(&mut fields);
        self.0.lock().unwrap().spans.insert(id.into_u64(), fields);
    }

    fn on_record(&self, id: &Id, values: &Record<'_>, _: layer::Context<'_, S>) {
        values.record(self.0.lock().unwrap().spans.get_mut(&id.into_u64()).unwrap());
    }

    fn on_event(&self, event: &Event<'_>, context: layer::Context<'_, S>) {
        let mut fields = Fields::of(event.metadata());
        event.record(&mut fields);
        let span = context.event_span(event).map(|span| span.id().into_u64());
        self.0.lock().unwrap().events.push((span, fields));
    }
}

/// What is heard while `act` runs on a stopped clock: the spans, and the events with the name of their span.
fn heard<F: Future>(most: LevelFilter, act: impl FnOnce() -> F) -> (Vec<String>, Vec<String>) {
    let listener = Listener::default();
    let subscriber = tracing_subscriber::registry().with(most).with(listener.clone());
    tracing::subscriber::with_default(subscriber, || {
        let mut runtime = tokio::runtime::Builder::new_current_thread();
        let runtime = runtime.enable_time().start_paused(true).build().unwrap();
        runtime.block_on(async { act().await });
    });
    let heard = listener.0.lock().unwrap();
    let ours = |fields: &&Fields| !fields.level.is_empty();
    let spans = heard.spans.values().filter(ours).map(ToString::to_string).collect();
    let events = heard.events.iter().map(|(span, event)| {
        let span = span.and_then(|span| heard.spans.get(&span)).map_or("-", |span| &span.name);
        format!("[{span}] {event}")
    });
    (spans, events.collect())
}

fn prompt() -> PolicyBuilder {
    Policy::builder()
        .backoff(Duration::ZERO, 1.0, Duration::ZERO)
        .retry_after(Duration::from_secs(2))
}

/// Asks a retry layer in a context; the verdicts are what the attempts come to, in turn, before the answer.
async fn ask(policy: PolicyBuilder, verdicts: Vec<Verdict>, prepare: impl FnOnce(&Context)) {
    let verdicts = Mutex::new(verdicts.into_iter());
    let inner = service_fn(|scoped: Scoped<&str>| {
        let verdict = verdicts.lock().unwrap().next();
        async move {
            let Some(verdict) = verdict else { return Ok(()) };
            scoped.context.judge(verdict);
            Err(io::Error::other("down"))
        }
    });
    let inner = RetryLayer::new(policy.build().unwrap()).in_scope().layer(inner);
    let request = Scoped::new("ask", Instant::now());
    prepare(&request.context);
    let _ = inner.oneshot(request).await;
}

#[test]
fn an_attempt_is_a_span_and_a_decision_an_event_in_it() {
    let (spans, events) = heard(LevelFilter::DEBUG, || {
        ask(prompt(), vec![Verdict::new(Class::RateLimit)], |context| {
            context.enter_group("gpt-4".into(), None, None);
            context.enter_deployment("azure-1".into(), Alternatives::default(), None);
        })
    });
    assert_eq!(
        spans,
        [
            "DEBUG attempt: attempt=1 class=rate_limit deployment=azure-1 group=gpt-4 waited_ms=0",
            "DEBUG attempt: attempt=2 deployment=azure-1 group=gpt-4 waited_ms=2000",
        ]
    );
    assert_eq!(events, ["[attempt] DEBUG retrying: class=rate_limit next=again wait_ms=2000"]);
}

#[test]
fn every_decision_has_its_event() {
    let rate_limit = || Verdict::new(Class::RateLimit);
    let event = |verdicts: Vec<Verdict>, prepare: fn(&Context)| {
        heard(LevelFilter::DEBUG, || ask(prompt(), verdicts, prepare)).1
    };
    let never_sent = Verdict::new(Class::Connection).with_reach(Reach::NotSent);
    assert_eq!(
        event(vec![never_sent], |_| ()),
        ["[attempt] DEBUG it was never sent: class=connection next=repeat"]
    );
    let untried = |context: &Context| {
        let alternatives =
            Alternatives { untried: true, siblings: true, ..Alternatives::default() };
        context.enter_deployment("a".into(), alternatives, None);
    };
    assert_eq!(
        event(vec![rate_limit()], untried),
        ["[attempt] DEBUG giving way to a sibling: class=rate_limit next=move_on"]
    );
    assert_eq!(
        event(vec![Verdict::new(Class::BadRequest)], |_| ()),
        ["[attempt] DEBUG no further attempt here: class=bad_request next=not_retried"]
    );
}

#[test]
fn a_failure_that_stands_is_told() {
    let (_, events) = heard(LevelFilter::DEBUG, || async {
        let asked = Mutex::new(0);
        let inner = service_fn(|()| {
            let first = std::mem::replace(&mut *asked.lock().unwrap(), 1) == 0;
            async move {
                if !first {
                    std::future::pending::<()>().await;
                }
                Err::<(), _>(io::Error::other("down"))
            }
        });
        let policy = prompt().total_timeout(Duration::from_secs(9)).build().unwrap();
        let _ = RetryLayer::new(policy).layer(inner).oneshot(()).await;
    });
    assert_eq!(
        events,
        [
            "[attempt] DEBUG retrying: class=connection next=again wait_ms=2000",
            "[attempt] DEBUG the failure before stands: next=deadline",
        ]
    );
}

/// A request that falls back from `/a` to `/b`, through all layers.
async fn fall_back() {
    let policy = prompt().num_retries(0).fallbacks(["/b"]).build().unwrap();
    let retarget = retarget_fn(
        |request: &Request<Bytes>| request.uri().path(),
        |request: &mut Request<Bytes>, group| *request.uri_mut() = group.parse().unwrap(),
    );
    let inner = service_fn(|request: Request<Bytes>| async move {
        let status = if request.uri() == "/b" { 200 } else { 503 };
        Ok::<_, io::Error>(Response::builder().status(status).body(()).unwrap())
    });
    let service = TimeoutLayer::total(policy.clone()).http().layer(
        FallbackLayer::http(policy.clone(), retarget).layer(RetryLayer::http(policy).layer(inner)),
    );
    let _ = service.oneshot(Request::get("/a").body(Bytes::new()).unwrap()).await;
}

#[test]
fn a_request_is_a_span_that_knows_its_group_and_a_fallback_an_event_in_it() {
    let (spans, events) = heard(LevelFilter::INFO, fall_back);
    assert_eq!(spans, ["INFO request: group=/a"]);
    assert_eq!(events, ["[request] INFO falling back: class=service_unavailable from=/a to=/b"]);

    let (spans, _) = heard(LevelFilter::DEBUG, fall_back);
    assert_eq!(
        spans,
        [
            "INFO request: group=/a",
            "DEBUG attempt: attempt=1 class=service_unavailable group=/a waited_ms=0",
            "DEBUG attempt: attempt=1 group=/b waited_ms=0",
        ]
    );
}

#[test]
fn those_who_do_not_listen_hear_nothing() {
    for most in [LevelFilter::OFF, LevelFilter::ERROR, LevelFilter::WARN] {
        assert_eq!(heard(most, fall_back), (vec![], vec![]));
    }
    let (spans, events) =
        heard(LevelFilter::INFO, || ask(prompt(), vec![Verdict::new(Class::RateLimit)], |_| ()));
    assert_eq!((spans, events), (vec![], vec![]));
}
