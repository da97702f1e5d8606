//! An application that asks, and what it gets.

use std::net::SocketAddr;
use std::time::{Duration, SystemTime};

use bytes::Bytes;
use fastrand::Rng;
use http::header::CONTENT_TYPE;
use http::{HeaderValue, Method, Request, StatusCode, Uri};
use http_body_util::{BodyExt, Full};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use secondwind_llm::dialect::{Dialect, Endpoint, OpenAiChat};
use secondwind_policy::Class;
use serde_json::json;
use tokio::time::{Instant, timeout};

/// The model that it asks for, and the group that has it.
pub(super) const ASKED: &str = "gpt-4";
/// How long it waits for a whole answer.
pub(super) const PATIENCE: Duration = Duration::from_secs(3);

/// Asks over plain HTTP.
#[derive(Clone, Debug)]
pub(super) struct Caller(Client<HttpConnector, Full<Bytes>>);

/// A question for a model.
#[derive(Clone, Debug)]
pub(super) struct Question {
    body: Bytes,
    stream: bool,
}

/// What became of a question.
#[derive(Clone, Debug)]
pub(super) struct Reply {
    /// How long it took, to the end of the answer.
    pub(super) took: Duration,
    /// What went wrong, if anything did. A stream without its end is no answer.
    pub(super) failed: Option<Class>,
    /// The gateway's own account of it.
    pub(super) trail: Option<String>,
}

// === impl Question ===

impl Question {
    /// The next of a sequence; one in four asks for a stream.
    pub(super) fn next(rng: &mut Rng) -> Self {
        const SUBJECTS: [&str; 4] = ["the sea", "a lighthouse", "the third mile", "a long breath"];
        let stream = rng.u8(..4) == 0;
        let subject = SUBJECTS[rng.usize(..SUBJECTS.len())];
        let body = json!({
            "model": ASKED,
            "messages": [{"role": "user", "content": format!("Say something about {subject}.")}],
            "stream": stream,
        });
        Self { body: body.to_string().into(), stream }
    }

    /// Whether this is the whole answer to it.
    fn is_answered_by(
        &self,
        status: StatusCode,
        headers: &http::HeaderMap,
        body: &[u8],
    ) -> Result<(), Class> {
        // No wait hint is looked at, so any time will do.
        let now = SystemTime::UNIX_EPOCH;
        if !status.is_success() {
            return Err(OpenAiChat.classify_error(status, headers, body, now).class);
        }
        if self.stream {
            return if body.ends_with(b"data: [DONE]\n\n") {
                Ok(())
            } else {
                Err(Class::Interrupted)
            };
        }
        let verdict = OpenAiChat.classify_ok_body(Endpoint::ChatCompletions, headers, body, now);
        verdict.map_or(Ok(()), |verdict| Err(verdict.class))
    }
}

// === impl Caller ===

impl Caller {
    pub(super) fn new() -> Self {
        let mut connector = HttpConnector::new();
        connector.set_nodelay(true);
        Self(Client::builder(TokioExecutor::new()).build(connector))
    }

    /// Asks once.
    pub(super) async fn ask(&self, at: SocketAddr, question: Question) -> Reply {
        let began = Instant::now();
        let mut trail = None;
        let exchange = timeout(PATIENCE, self.exchange(at, &question, &mut trail)).await;
        let failed = exchange.unwrap_or(Err(Class::Timeout)).err();
        Reply { took: began.elapsed(), failed, trail }
    }

    async fn exchange(
        &self,
        at: SocketAddr,
        question: &Question,
        trail: &mut Option<String>,
    ) -> Result<(), Class> {
        let mut request = Request::new(Full::new(question.body.clone()));
        *request.method_mut() = Method::POST;
        *request.uri_mut() = uri(at).map_err(|_| Class::BadRequest)?;
        let json = HeaderValue::from_static("application/json");
        request.headers_mut().insert(CONTENT_TYPE, json);

        let answer = self.0.request(request).await.map_err(|_| Class::Connection)?;
        let (head, body) = answer.into_parts();
        let told = head.headers.get("x-secondwind-trail").and_then(|trail| trail.to_str().ok());
        *trail = told.map(str::to_owned);
        // What the status promised was not kept.
        let body = body.collect().await.map_err(|_| Class::Interrupted)?.to_bytes();
        question.is_answered_by(head.status, &head.headers, &body)
    }
}

fn uri(at: SocketAddr) -> Result<Uri, http::Error> {
    Uri::builder()
        .scheme("http")
        .authority(at.to_string())
        .path_and_query("/v1/chat/completions")
        .build()
}

#[cfg(test)]
mod tests {
    use secondwind_testkit::upstream::{self, Upstream};

    use super::*;

    /// What callers make of this reply, to a plain question and to one for a stream.
    async fn told(reply: upstream::Reply) -> [Option<Class>; 2] {
        let upstream = Upstream::start().await;
        upstream.always(reply);
        let mut failed = [None; 2];
        for (stream, failed) in [false, true].into_iter().zip(&mut failed) {
            let body = json!({"model": "gpt-4", "messages": [], "stream": stream});
            let question = Question { body: body.to_string().into(), stream };
            *failed = Caller::new().ask(upstream.addr(), question).await.failed;
        }
        failed
    }

    #[tokio::test]
    async fn only_a_whole_answer_is_an_answer() {
        use upstream::Reply;
        assert_eq!(told(Reply::ok()).await, [None, None]);
        let interrupted = Some(Class::Interrupted);
        assert_eq!(told(Reply::cut_after(3)).await, [interrupted, interrupted]);
        assert_eq!(told(Reply::unfinished_after(3)).await[1], interrupted);
        assert!(told(Reply::truncated()).await.iter().all(Option::is_some));
    }

    #[tokio::test]
    async fn a_failure_has_the_name_that_the_gateway_has_for_it() {
        use upstream::Reply;
        assert_eq!(told(Reply::reset()).await, [Some(Class::Connection); 2]);
        assert_eq!(told(Reply::rate_limited(1)).await, [Some(Class::RateLimit); 2]);
        assert_eq!(told(Reply::quota_exhausted()).await, [Some(Class::QuotaExhausted); 2]);
        assert_eq!(told(Reply::overloaded()).await, [Some(Class::ServiceUnavailable); 2]);
    }

    #[test]
    fn the_same_seed_asks_the_same_questions() {
        let ask = || {
            let mut rng = Rng::with_seed(7);
            (0..40).map(|_| Question::next(&mut rng).body).collect::<Vec<_>>()
        };
        assert_eq!(ask(), ask());
    }
}
