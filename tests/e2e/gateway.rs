//! A gateway within the test, and a caller who asks it.

use std::fmt::Write as _;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::{HeaderMap, Request, Response, StatusCode};
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper::client::conn::http1::{SendRequest, handshake};
use hyper_util::rt::TokioIo;
use secondwind_gateway::auth::MasterKey;
use secondwind_gateway::checkups::Checking;
use secondwind_gateway::config::{self, Secret, Source};
use secondwind_gateway::routes::App;
use secondwind_gateway::{edge, server, setup};
use secondwind_testkit::upstream::Upstream;
use serde_json::{Value, json};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::oneshot;
use tokio::task::JoinHandle;
use tokio::time::Instant;

pub(crate) const CHAT: &str = "/v1/chat/completions";

/// A configuration in the making: the text of a file, piece by piece.
pub(crate) struct Setup {
    models: String,
    router: String,
    general: String,
    backoff: &'static str,
    sections: String,
    own: &'static str,
    max_body_bytes: usize,
}

/// A gateway at work.
pub(crate) struct Gateway {
    pub(crate) address: SocketAddr,
    pub(crate) stop: oneshot::Sender<()>,
    pub(crate) serving: JoinHandle<std::io::Result<()>>,
    _checking: Checking,
}

/// A connection of a caller, who can walk away.
pub(crate) struct Caller {
    pub(crate) sender: SendRequest<Full<Bytes>>,
    connection: JoinHandle<()>,
}

/// A whole answer.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
    pub(crate) took: Duration,
}

/// The key with which the deployment called `id` is configured.
pub(crate) fn key_of(id: &str) -> String {
    format!("sk-canary-{id}-0123456789")
}

/// The model's name at the deployment called `id`.
pub(crate) fn model_of(id: &str) -> String {
    format!("model-of-{id}")
}

/// A question for `model`.
pub(crate) fn question(model: &str) -> Value {
    json!({"model": model, "messages": [{"role": "user", "content": "Who?"}]})
}

/// A question for `model`, to be answered in a stream.
pub(crate) fn streamed(model: &str) -> Value {
    let mut question = question(model);
    question["stream"] = true.into();
    question
}

/// A `POST` of JSON as any client would send it.
pub(crate) fn post(path: &str, body: impl Into<Bytes>) -> Request<Full<Bytes>> {
    Request::post(path)
        .header("host", "gateway")
        .header("content-type", "application/json")
        .body(Full::new(body.into()))
        .unwrap()
}

// === impl Setup ===

impl Setup {
    /// Nothing yet; waits before retries are short unless it is said otherwise.
    pub(crate) fn new() -> Self {
        Self {
            models: String::new(),
            router: String::new(),
            general: String::new(),
            backoff: "{base: 1ms, max: 10ms}",
            sections: String::new(),
            own: "",
            max_body_bytes: 32 * 1024 * 1024,
        }
    }

    /// A deployment of `group`, with [its own key](key_of) and [model](model_of).
    pub(crate) fn with(self, group: &str, id: &str, upstream: &Upstream) -> Self {
        self.and(group, id, upstream, "")
    }

    /// The same, with more `litellm_params`: `", order: 1"`.
    pub(crate) fn and(self, group: &str, id: &str, upstream: &Upstream, more: &str) -> Self {
        self.at(group, id, &upstream.base_url(), more)
    }

    /// The same, at any address.
    pub(crate) fn at(mut self, group: &str, id: &str, base: &str, more: &str) -> Self {
        let (model, key) = (model_of(id), key_of(id));
        writeln!(
            self.models,
            "  - {{model_name: {group}, model_info: {{id: {id}}}, litellm_params: \
             {{model: openai/{model}, api_base: \"{base}\", api_key: {key}{more}}}}}"
        )
        .unwrap();
        self
    }

    /// With `to` in the place of `from` among the models.
    pub(crate) fn edited(mut self, from: &str, to: &str) -> Self {
        self.models = self.models.replace(from, to);
        self
    }

    /// A line of `router_settings`.
    pub(crate) fn router(mut self, line: &str) -> Self {
        writeln!(self.router, "  {line}").unwrap();
        self
    }

    /// A section of `secondwind.policy`: `"timeout: {total: 1s}"`. That of retries is `"retry: {…}"` without
    /// its backoff.
    pub(crate) fn policy(mut self, section: &str) -> Self {
        let section = match section.strip_prefix("retry: {") {
            Some(retry) => format!("retry: {{backoff: {}, {retry}", self.backoff),
            None => section.to_owned(),
        };
        writeln!(self.sections, "    {section}").unwrap();
        self
    }

    /// How waits before retries grow. To be said before the section of retries.
    pub(crate) fn backoff(mut self, backoff: &'static str) -> Self {
        self.backoff = backoff;
        self
    }

    /// A setting of `general_settings`, in place of any before.
    pub(crate) fn general(mut self, setting: &str) -> Self {
        self.general = format!("general_settings: {{{setting}}}\n");
        self
    }

    /// A key of `secondwind` itself.
    pub(crate) fn own(mut self, line: &'static str) -> Self {
        self.own = line;
        self
    }

    pub(crate) fn master_key(mut self, key: &str) -> Self {
        writeln!(self.general, "general_settings: {{master_key: {key}}}").unwrap();
        self
    }

    pub(crate) fn max_body_bytes(mut self, most: usize) -> Self {
        self.max_body_bytes = most;
        self
    }

    fn text(&self) -> String {
        let Self { models, router, general, backoff, sections, own, .. } = self;
        let mut text = format!("model_list:\n{models}{general}");
        if !router.is_empty() {
            write!(text, "router_settings:\n{router}").unwrap();
        }
        write!(text, "secondwind:\n  {own}\n  policy:\n{sections}").unwrap();
        if !sections.contains("retry: ") {
            writeln!(text, "    retry: {{backoff: {backoff}}}").unwrap();
        }
        text
    }

    /// Serves it.
    pub(crate) async fn start(self) -> Gateway {
        let text = self.text();
        let source = Source { name: "test.yaml".into(), text: text.clone() };
        let loaded = config::parse(source, &|_| None).unwrap_or_else(|why| panic!("{why}\n{text}"));
        assert_eq!(loaded.warnings, [], "{text}");
        let config = loaded.config;
        let router = setup::router(&config).unwrap();
        let checking = Checking::of(&config, &router);
        let app = App {
            master_key: config.master_key.as_ref().map(Secret::expose).and_then(MasterKey::new),
            allow_mock_testing: config.allow_mock_testing,
            passthrough: config.passthrough.clone(),
            ..App::new(router, self.max_body_bytes)
        };
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
        let address = listener.local_addr().unwrap();
        let (stop, stopped) = oneshot::channel();
        let serving = tokio::spawn(server::serve(listener, edge::service(Arc::new(app)), async {
            let _ = stopped.await;
        }));
        Gateway { address, stop, serving, _checking: checking }
    }
}

// === impl Gateway ===

impl Gateway {
    /// Asks `model`.
    pub(crate) async fn ask(&self, model: &str) -> Answer {
        self.post(CHAT, question(model).to_string()).await
    }

    pub(crate) async fn post(&self, path: &str, body: impl Into<Bytes>) -> Answer {
        self.send(post(path, body)).await
    }

    pub(crate) async fn get(&self, path: &str) -> Answer {
        let request = Request::get(path).header("host", "gateway").body(Full::default());
        self.send(request.unwrap()).await
    }

    pub(crate) async fn send(&self, request: Request<Full<Bytes>>) -> Answer {
        let began = Instant::now();
        let response = self.caller().await.sender.send_request(request).await.unwrap();
        Answer::of(response, began).await
    }

    /// A connection to it.
    pub(crate) async fn caller(&self) -> Caller {
        let stream = TcpStream::connect(self.address).await.unwrap();
        let (sender, connection) = handshake(TokioIo::new(stream)).await.unwrap();
        let connection = tokio::spawn(async {
            let _ = connection.await;
        });
        Caller { sender, connection }
    }
}

// === impl Caller ===

impl Caller {
    /// Goes away, whatever is under way.
    pub(crate) fn leave(self) {
        self.connection.abort();
    }
}

// === impl Answer ===

impl Answer {
    pub(crate) async fn of(response: Response<Incoming>, began: Instant) -> Self {
        let (head, body) = response.into_parts();
        let body = body.collect().await.unwrap().to_bytes();
        let took = began.elapsed();
        Self { status: head.status, headers: head.headers, body, took }
    }

    /// The value of a header, empty if it is not there.
    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().unwrap())
    }

    pub(crate) fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_default()
    }

    /// The error object.
    pub(crate) fn error(&self) -> Value {
        self.json()["error"].clone()
    }

    /// The class of the error, as it is told.
    pub(crate) fn class(&self) -> String {
        self.error()["class"].as_str().unwrap_or_default().to_owned()
    }

    /// The text of the answer.
    pub(crate) fn content(&self) -> String {
        let content = &self.json()["choices"][0]["message"]["content"];
        content.as_str().unwrap_or_default().to_owned()
    }

    /// The trail without its times: `gpt-4/east=ok`.
    pub(crate) fn trail(&self) -> Vec<String> {
        let attempts = self.header("x-secondwind-trail").split(';').filter(|text| !text.is_empty());
        let timeless = |attempt: &str| {
            let (place, times) = attempt.split_once('@').unwrap();
            let note = times.find('!').map_or("", |at| &times[at..]);
            format!("{place}{note}")
        };
        attempts.map(timeless).collect()
    }

    /// How many attempts were made, in all groups.
    pub(crate) fn attempts(&self) -> usize {
        self.trail().len()
    }
}
