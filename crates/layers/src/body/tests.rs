//! Bodies that are read before anything is decided, and bodies that are sent again.

use std::convert::Infallible;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering::Relaxed};
use std::task::{Context, Poll};

use bytes::Bytes;
use http::{HeaderMap, Request, Response};
use http_body::{Body, Frame, SizeHint};
use http_body_util::channel::Channel;
use http_body_util::{BodyExt, Full};
use secondwind_policy::{Class, Policy};
use tokio::time::{Instant, sleep};
use tower::{Layer, Service, ServiceBuilder, ServiceExt, service_fn};

use super::{ReplayBody, ReplayLayer, SettleLayer, Settled};
use crate::classify::{HttpClassify, Opinion, Verdict, classify_fn};
use crate::testing::{Failed, failed, ms, prompt, secs};
use crate::trail::Trail;
use crate::{RetryLayer, TimeoutLayer};

/// A body of frames, that counts how many were asked for and tells when it is dropped.
struct Frames {
    frames: std::vec::IntoIter<Result<Frame<Bytes>, Failed>>,
    asked: Arc<AtomicUsize>,
    dropped: Arc<AtomicBool>,
}

impl Frames {
    fn new(frames: Vec<Result<Frame<Bytes>, Failed>>) -> Self {
        Self { frames: frames.into_iter(), asked: Arc::default(), dropped: Arc::default() }
    }
}

impl Body for Frames {
    type Data = Bytes;
    type Error = Failed;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Failed>>> {
        self.asked.fetch_add(1, Relaxed);
        Poll::Ready(self.frames.next())
    }
}

impl Drop for Frames {
    fn drop(&mut self) {
        self.dropped.store(true, Relaxed);
    }
}

fn data(bytes: &'static str) -> Result<Frame<Bytes>, Failed> {
    Ok(Frame::data(Bytes::from_static(bytes.as_bytes())))
}

async fn settled<B: Body>(status: u16, body: B) -> Response<Settled<B>> {
    let answer = Response::builder().status(status).header("x-kept", "1").body(body).unwrap();
    let answer = std::sync::Mutex::new(Some(answer));
    let service = SettleLayer::new().layer(service_fn(|()| {
        let answer = answer.lock().unwrap().take().unwrap();
        async { Ok::<_, Infallible>(answer) }
    }));
    let answer = service.oneshot(()).await.unwrap();
    assert_eq!(
        (answer.status().as_u16(), &answer.headers()["x-kept"]),
        (status, &"1".parse().unwrap())
    );
    answer
}

// === Settle ===

#[tokio::test(start_paused = true)]
async fn a_good_answer_is_not_touched() {
    let frames = Frames::new(vec![data("one"), data("two")]);
    let asked = frames.asked.clone();
    let body = settled(200, frames).await.into_body();
    assert_eq!((body.read(), body.is_whole(), asked.load(Relaxed)), (None, false, 0));
    assert_eq!(body.collect().await.unwrap().to_bytes(), "onetwo");
}

#[tokio::test(start_paused = true)]
async fn a_failed_answer_is_read_and_lets_go_of_its_connection() {
    let frames = Frames::new(vec![data("no "), data("such "), data("model")]);
    let dropped = frames.dropped.clone();
    let body = settled(404, frames).await.into_body();
    assert!(dropped.load(Relaxed), "the connection is held");
    assert_eq!(body.read().unwrap(), "no such model");
    assert!(body.is_whole());
    assert_eq!(body.size_hint().exact(), Some(13));
    assert!(!body.is_end_stream());
    assert_eq!(body.collect().await.unwrap().to_bytes(), "no such model");
}

#[tokio::test(start_paused = true)]
async fn a_failed_answer_without_a_body_is_whole() {
    let body = settled(503, Frames::new(vec![])).await.into_body();
    assert!(body.is_whole() && body.is_end_stream());
    assert_eq!(body.read().unwrap(), "");
    assert!(body.collect().await.unwrap().to_bytes().is_empty());
}

#[tokio::test(start_paused = true)]
async fn not_more_than_64_kib_are_read_and_nothing_is_lost() {
    let kib: &'static str = "k".repeat(1024).leak();
    let frames = Frames::new((0..100).map(|_| data(kib)).collect());
    let asked = frames.asked.clone();
    let body = settled(500, frames).await.into_body();
    assert_eq!(body.read().unwrap().len(), 64 * 1024);
    assert_eq!(asked.load(Relaxed), 64);
    assert!(!body.is_whole());
    assert_eq!(body.collect().await.unwrap().to_bytes().len(), 100 * 1024);
}

#[tokio::test(start_paused = true)]
async fn nobody_is_waited_for_longer_than_a_second_and_nothing_is_lost() {
    let (mut sender, body) = Channel::<Bytes>::new(8);
    tokio::spawn(async move {
        sender.send_data(Bytes::from_static(b"half ")).await.unwrap();
        sleep(secs(5)).await;
        sender.send_data(Bytes::from_static(b"and half")).await.unwrap();
    });
    let began = Instant::now();
    let body = settled(500, body).await.into_body();
    assert_eq!(began.elapsed(), secs(1));
    assert_eq!(body.read().unwrap(), "half ");
    assert!(!body.is_whole());
    assert_eq!(body.collect().await.unwrap().to_bytes(), "half and half");
    assert_eq!(began.elapsed(), secs(5));
}

#[tokio::test(start_paused = true)]
async fn trailers_are_kept() {
    let mut trailers = HeaderMap::new();
    trailers.insert("grpc-status", "14".parse().unwrap());
    let frames = vec![data("body"), Ok(Frame::trailers(trailers.clone()))];
    let body = settled(503, Frames::new(frames)).await.into_body();
    assert!(body.is_whole());
    // An exact length would let a server leave them out.
    assert_eq!(body.size_hint().exact(), None);
    let all = body.collect().await.unwrap();
    assert_eq!(all.trailers(), Some(&trailers));
    assert_eq!(all.to_bytes(), "body");
}

#[tokio::test(start_paused = true)]
async fn an_error_in_the_middle_comes_after_what_was_there() {
    let frames = vec![data("half"), Err(failed(Class::Connection))];
    let mut body = settled(503, Frames::new(frames)).await.into_body();
    assert!(!body.is_whole());
    // An exact length would make a server end there as if all was well.
    assert_eq!(body.size_hint().exact(), None);
    assert_eq!(body.frame().await.unwrap().unwrap().into_data().unwrap(), "half");
    assert!(!body.is_end_stream());
    assert_eq!(body.frame().await.unwrap().unwrap_err(), failed(Class::Connection));
    assert!(!body.is_whole(), "it has not become whole by being read");
    assert!(body.frame().await.is_none());
}

#[tokio::test(start_paused = true)]
async fn a_classifier_sees_what_was_read() {
    let service = SettleLayer::new().layer(service_fn(|_: Request<Bytes>| async {
        let body = Full::new(Bytes::from_static(b"insufficient_quota"));
        Ok::<_, Failed>(Response::builder().status(429).body(body).unwrap())
    }));
    let quota = classify_fn(|outcome: Result<&Response<Settled<Full<Bytes>>>, &Failed>| {
        let said = outcome.ok().and_then(|answer| answer.body().read());
        match said {
            Some(said) if said == "insufficient_quota" => {
                Verdict::new(Class::QuotaExhausted).into()
            }
            _ => Opinion::None,
        }
    });
    let layer = RetryLayer::http(Policy::default()).classify(HttpClassify::new().then(quota));
    let answer = layer.layer(service).oneshot(Request::new(Bytes::new())).await.unwrap();
    let trail = answer.extensions().get::<Trail>().unwrap();
    assert_eq!(trail.to_string(), "-=quota_exhausted@0ms+0ms");
}

// === ReplayLayer ===

type Streamed = Request<ReplayBody<Channel<Bytes>>>;
type Seen = Arc<std::sync::Mutex<Vec<Bytes>>>;

/// Reads `first` bytes of the first body and all of the others; fails with 503 until the third.
fn upstream(
    first: usize,
) -> (impl Service<Streamed, Response = Response<()>, Error = Failed> + Clone, Seen) {
    let seen = Seen::default();
    let log = seen.clone();
    let service = service_fn(move |request: Streamed| {
        let log = log.clone();
        async move {
            let attempt = log.lock().unwrap().len();
            let mut body = request.into_body();
            let mut read = Vec::new();
            while attempt > 0 || read.len() < first {
                match body.frame().await {
                    Some(Ok(frame)) => read.extend(frame.into_data().unwrap()),
                    Some(Err(_)) => return Err(failed(Class::Connection)),
                    None => break,
                }
            }
            log.lock().unwrap().push(read.into());
            let status = if attempt < 2 { 503 } else { 200 };
            Ok(Response::builder().status(status).body(()).unwrap())
        }
    });
    (service, seen)
}

/// A body that takes its time.
fn streamed(pieces: &'static [&'static str]) -> Channel<Bytes> {
    let (mut sender, body) = Channel::new(1);
    tokio::spawn(async move {
        for piece in pieces {
            sleep(ms(100)).await;
            let _ = sender.send_data(Bytes::from_static(piece.as_bytes())).await;
        }
    });
    body
}

#[tokio::test(start_paused = true)]
async fn a_streamed_body_is_sent_again_from_its_first_byte() {
    for first in [0, 4, 8, 100] {
        let policy = prompt().non_idempotent(true).build().unwrap();
        let (inner, seen) = upstream(first);
        let service = ServiceBuilder::new()
            .layer(ReplayLayer::new(policy.clone()))
            .layer(TimeoutLayer::total(policy.clone()).http())
            .layer(RetryLayer::http(policy.clone()))
            .layer(TimeoutLayer::attempt(policy).http())
            .service(inner);
        let request = Request::post("/").body(streamed(&["a long", " prompt"])).unwrap();
        let answer = service.oneshot(request).await.unwrap();
        assert_eq!(answer.status(), 200);
        let seen = seen.lock().unwrap();
        assert_eq!(seen[1..], ["a long prompt", "a long prompt"], "{first} read at first");
    }
}

#[tokio::test(start_paused = true)]
async fn a_body_that_turns_out_too_large_streams_through_once() {
    let policy = prompt().non_idempotent(true).max_replay_bytes(8).build().unwrap();
    let (inner, seen) = upstream(100);
    let service = ServiceBuilder::new()
        .layer(ReplayLayer::new(policy.clone()))
        .layer(RetryLayer::http(policy))
        .service(inner);
    let request = Request::post("/").body(streamed(&["a long", " prompt"])).unwrap();
    let answer = service.oneshot(request).await.unwrap();
    // Whole, once, and what came of it is the answer.
    assert_eq!(answer.status(), 503);
    assert_eq!(*seen.lock().unwrap(), ["a long prompt"]);
    let trail = answer.extensions().get::<Trail>().unwrap();
    assert_eq!(trail.attempts().len(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_body_that_is_known_to_be_too_large_is_not_kept() {
    struct Known(Full<Bytes>);
    impl Body for Known {
        type Data = Bytes;
        type Error = Infallible;
        fn poll_frame(
            mut self: Pin<&mut Self>,
            cx: &mut Context<'_>,
        ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
            Pin::new(&mut self.0).poll_frame(cx)
        }
        fn size_hint(&self) -> SizeHint {
            self.0.size_hint()
        }
    }
    let policy = prompt().non_idempotent(true).max_replay_bytes(8).build().unwrap();
    let service = ServiceBuilder::new()
        .layer(ReplayLayer::new(policy.clone()))
        .layer(RetryLayer::http(policy))
        .service(service_fn(|request: Request<ReplayBody<Known>>| async move {
            let read =
                request.into_body().collect().await.map_err(|_| failed(Class::Connection))?;
            let status = if read.to_bytes() == "too large" { 503 } else { 500 };
            Ok::<_, Failed>(Response::builder().status(status).body(()).unwrap())
        }));
    let request = Request::new(Known(Full::new(Bytes::from_static(b"too large"))));
    let answer = service.oneshot(request).await.unwrap();
    assert_eq!(answer.status(), 503);
    let trail = answer.extensions().get::<Trail>().unwrap().to_string();
    assert_eq!(trail, "-=service_unavailable@0ms+0ms!not_replayable");
}
