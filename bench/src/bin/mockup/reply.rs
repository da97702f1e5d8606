//! The fixed answers, whole or streamed.

use std::future::Future;
use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use bytes::Bytes;
use http_body::{Frame, SizeHint};
use hyper::{Response, StatusCode, header};
use tokio::time::{Sleep, sleep};

use crate::State;

pub const MODELS: &str = r#"{"object":"list","data":[{"id":"gpt-4o-mini","object":"model","created":1,"owned_by":"mock"}]}"#;
pub const ANSWER: &str = r#"{"id":"chatcmpl-B9MBs8CjcvOU2jLn4n570S5qMJKcT","object":"chat.completion","created":1741569952,"model":"gpt-4o-mini-2024-07-18","choices":[{"index":0,"message":{"role":"assistant","content":"Hello! This is a fixed answer from the mock upstream. It is long enough to look like a short completion.","refusal":null,"annotations":[]},"logprobs":null,"finish_reason":"stop"}],"usage":{"prompt_tokens":19,"completion_tokens":22,"total_tokens":41,"prompt_tokens_details":{"cached_tokens":0,"audio_tokens":0},"completion_tokens_details":{"reasoning_tokens":0,"audio_tokens":0}},"service_tier":"default"}"#;
const FAILURE: &str = r#"{"error":{"message":"injected fault","type":"server_error","param":null,"code":"injected"}}"#;

const FIRST: &str = "data: {\"id\":\"chatcmpl-B9MBs8CjcvOU2jLn4n570S5qMJKcT\",\"object\":\"chat.completion.chunk\",\"created\":1741569952,\"model\":\"gpt-4o-mini-2024-07-18\",\"system_fingerprint\":\"fp_44709d6fcb\",\"choices\":[{\"index\":0,\"delta\":{\"role\":\"assistant\",\"content\":\"\"},\"logprobs\":null,\"finish_reason\":null}]}\n\n";
const MIDDLE: &str = "data: {\"id\":\"chatcmpl-B9MBs8CjcvOU2jLn4n570S5qMJKcT\",\"object\":\"chat.completion.chunk\",\"created\":1741569952,\"model\":\"gpt-4o-mini-2024-07-18\",\"system_fingerprint\":\"fp_44709d6fcb\",\"choices\":[{\"index\":0,\"delta\":{\"content\":\"token \"},\"logprobs\":null,\"finish_reason\":null}]}\n\n";
const LAST: &str = "data: {\"id\":\"chatcmpl-B9MBs8CjcvOU2jLn4n570S5qMJKcT\",\"object\":\"chat.completion.chunk\",\"created\":1741569952,\"model\":\"gpt-4o-mini-2024-07-18\",\"system_fingerprint\":\"fp_44709d6fcb\",\"choices\":[{\"index\":0,\"delta\":{},\"logprobs\":null,\"finish_reason\":\"stop\"}]}\n\n";
const DONE: &str = "data: [DONE]\n\n";

/// How a stream ends before its time.
#[derive(Clone, Copy)]
pub enum Cut {
    Reset,
    Stall,
}

pub enum Body {
    Whole(Option<Bytes>),
    Stream(Stream),
}

pub struct Stream {
    left: usize,
    sent: usize,
    delay: Duration,
    pause: Option<Pin<Box<Sleep>>>,
    cut: Option<(usize, Cut)>,
    flushed: bool,
    done: bool,
    state: Arc<State>,
    deployment: usize,
}

pub fn json(status: u16, text: &'static str) -> Response<Body> {
    let body = Body::Whole(Some(Bytes::from_static(text.as_bytes())));
    let mut response = Response::new(body);
    *response.status_mut() = StatusCode::from_u16(status).unwrap();
    let json = header::HeaderValue::from_static("application/json");
    response.headers_mut().insert(header::CONTENT_TYPE, json);
    response
}

pub fn failure(status: u16, retry_after: u64) -> Response<Body> {
    let mut response = json(status, FAILURE);
    if status == 429 {
        response.headers_mut().insert(header::RETRY_AFTER, retry_after.into());
    }
    response
}

pub fn stream(state: Arc<State>, deployment: usize, cut: Option<(usize, Cut)>) -> Response<Body> {
    let stream = Stream {
        left: state.chunks.load(Relaxed),
        sent: 0,
        delay: Duration::from_micros(state.delay_us.load(Relaxed)),
        pause: None,
        cut,
        flushed: false,
        done: false,
        state,
        deployment,
    };
    Response::builder()
        .header(header::CONTENT_TYPE, "text/event-stream; charset=utf-8")
        .header(header::CACHE_CONTROL, "no-cache")
        .body(Body::Stream(stream))
        .unwrap()
}

// === impl Stream ===

impl Stream {
    fn poll_chunk(&mut self, cx: &mut Context<'_>) -> Poll<Option<io::Result<&'static str>>> {
        if self.done {
            return Poll::Ready(None);
        }
        if let Some((_, cut)) = self.cut.filter(|(after, _)| self.sent >= *after) {
            return match cut {
                Cut::Reset => self.poll_reset(cx),
                Cut::Stall => Poll::Pending,
            };
        }
        ready!(self.poll_pause(cx));
        if self.left == 0 {
            self.done = true;
            return Poll::Ready(Some(Ok(DONE)));
        }
        let chunk = match (self.sent, self.left) {
            (0, _) => FIRST,
            (_, 1) => LAST,
            _ => MIDDLE,
        };
        self.sent += 1;
        self.left -= 1;
        self.state.deployments[self.deployment].counts.chunks.fetch_add(1, Relaxed);
        if !self.delay.is_zero() {
            self.pause = Some(Box::pin(sleep(self.delay)));
        }
        Poll::Ready(Some(Ok(chunk)))
    }

    fn poll_reset(&mut self, cx: &mut Context<'_>) -> Poll<Option<io::Result<&'static str>>> {
        // The chunks so far reach the wire before the connection is torn down.
        if self.pause.is_none() && !self.flushed {
            self.flushed = true;
            self.pause = Some(Box::pin(sleep(Duration::from_millis(5))));
        }
        ready!(self.poll_pause(cx));
        self.done = true;
        Poll::Ready(Some(Err(io::Error::other("mid-stream reset"))))
    }

    fn poll_pause(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        if let Some(pause) = &mut self.pause {
            ready!(pause.as_mut().poll(cx));
            self.pause = None;
        }
        Poll::Ready(())
    }
}

// === impl Body ===

impl http_body::Body for Body {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<io::Result<Frame<Bytes>>>> {
        let chunk = match self.get_mut() {
            Self::Whole(bytes) => bytes.take().map(Ok),
            Self::Stream(stream) => ready!(stream.poll_chunk(cx))
                .map(|chunk| chunk.map(|text| Bytes::from_static(text.as_bytes()))),
        };
        Poll::Ready(chunk.map(|chunk| chunk.map(Frame::data)))
    }

    fn size_hint(&self) -> SizeHint {
        match self {
            Self::Whole(bytes) => {
                SizeHint::with_exact(bytes.as_ref().map_or(0, |b| b.len() as u64))
            }
            Self::Stream(_) => SizeHint::default(),
        }
    }

    fn is_end_stream(&self) -> bool {
        matches!(self, Self::Whole(None))
    }
}
