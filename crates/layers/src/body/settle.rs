//! Middleware that reads the body of a failed answer before anything is decided about it.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use bytes::{Buf, Bytes, BytesMut};
use http::{Response, response};
use http_body::{Body, Frame, SizeHint};
use pin_project_lite::pin_project;
use tokio::time::{Sleep, sleep};
use tower_layer::Layer;
use tower_service::Service;

use crate::classify::class_of_status;

/// Reads the body of every answer whose status is a failure, up to 64 KiB and for up to a second.
///
/// It belongs between the retries and the client. Then a classifier can see what the server wrote
/// ([`Settled::read`]), the connection is free for the next attempt, and nothing is held while it is
/// waited for. Nothing is lost: what was not read within the bounds follows after what was.
#[derive(Clone, Copy, Debug)]
pub struct SettleLayer {
    bounds: Bounds,
}

/// The service made by [`SettleLayer`].
#[derive(Clone, Copy, Debug)]
pub struct Settle<S> {
    inner: S,
    bounds: Bounds,
}

#[derive(Clone, Copy, Debug)]
struct Bounds {
    bytes: usize,
    time: Duration,
}

pin_project! {
    /// A body of which the beginning may have been read already.
    pub struct Settled<B: Body> {
        read: Option<Bytes>,
        is_whole: bool,
        given: bool,
        // What followed the bytes that were read, and was seen before anybody asked for it.
        seen: Option<Result<Frame<Bytes>, B::Error>>,
        // A body that was begun, and may have more to give.
        begun: Option<Pin<Box<B>>>,
        // A body that was not touched.
        #[pin]
        whole: Option<B>,
    }
}

pin_project! {
    /// The future of [`Settle`].
    #[project = Projection]
    #[must_use = "futures do nothing unless polled"]
    pub struct ResponseFuture<F, B: Body> {
        #[pin]
        state: State<F, B>,
        bounds: Bounds,
    }
}

pin_project! {
    #[project = StateProjection]
    enum State<F, B: Body> {
        // The answer is awaited.
        Calling { #[pin] inner: F },
        // It failed; its body is being read until the timer says stop.
        Reading { failed: Option<Failed<B>>, #[pin] stop: Sleep },
    }
}

struct Failed<B> {
    head: response::Parts,
    body: Pin<Box<B>>,
    read: BytesMut,
}

// === impl SettleLayer ===

impl SettleLayer {
    /// The layer, with bounds of 64 KiB and one second.
    #[must_use]
    pub const fn new() -> Self {
        Self { bounds: Bounds { bytes: 64 * 1024, time: Duration::from_secs(1) } }
    }
}

impl Default for SettleLayer {
    fn default() -> Self {
        Self::new()
    }
}

impl<S> Layer<S> for SettleLayer {
    type Service = Settle<S>;

    fn layer(&self, inner: S) -> Self::Service {
        Settle { inner, bounds: self.bounds }
    }
}

// === impl Settle ===

impl<S, Req, B> Service<Req> for Settle<S>
where
    S: Service<Req, Response = Response<B>>,
    B: Body,
{
    type Response = Response<Settled<B>>;
    type Error = S::Error;
    type Future = ResponseFuture<S::Future, B>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, request: Req) -> Self::Future {
        ResponseFuture {
            state: State::Calling { inner: self.inner.call(request) },
            bounds: self.bounds,
        }
    }
}

// === impl ResponseFuture ===

impl<F, B, E> Future for ResponseFuture<F, B>
where
    F: Future<Output = Result<Response<B>, E>>,
    B: Body,
{
    type Output = Result<Response<Settled<B>>, E>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let mut this = self.project();
        loop {
            match this.state.as_mut().project() {
                StateProjection::Calling { inner } => {
                    let response = ready!(inner.poll(cx))?;
                    if class_of_status(response.status()).is_none() {
                        return Poll::Ready(Ok(response.map(Settled::whole)));
                    }
                    let (head, body) = response.into_parts();
                    let failed = Failed { head, body: Box::pin(body), read: BytesMut::new() };
                    let stop = sleep(this.bounds.time);
                    this.state.set(State::Reading { failed: Some(failed), stop });
                }
                StateProjection::Reading { failed, stop } => {
                    let Some(reading) = failed.as_mut() else {
                        return Poll::Pending;
                    };
                    let seen = match reading.read_on(this.bounds.bytes, cx) {
                        Poll::Ready(seen) => seen,
                        Poll::Pending => {
                            ready!(stop.poll(cx));
                            Seen::Enough
                        }
                    };
                    let Some(failed) = failed.take() else {
                        return Poll::Pending;
                    };
                    return Poll::Ready(Ok(failed.settle(seen)));
                }
            }
        }
    }
}

/// Where reading stopped.
enum Seen<E> {
    End,
    Enough,
    Other(Result<Frame<Bytes>, E>),
}

impl<B: Body> Failed<B> {
    fn read_on(&mut self, most: usize, cx: &mut Context<'_>) -> Poll<Seen<B::Error>> {
        loop {
            if self.read.len() >= most {
                return Poll::Ready(Seen::Enough);
            }
            match ready!(self.body.as_mut().poll_frame(cx)) {
                None => return Poll::Ready(Seen::End),
                Some(Err(error)) => return Poll::Ready(Seen::Other(Err(error))),
                Some(Ok(frame)) => match frame.into_data() {
                    Ok(data) => {
                        let mut data = data;
                        while data.has_remaining() {
                            let chunk = data.chunk();
                            let length = chunk.len();
                            self.read.extend_from_slice(chunk);
                            data.advance(length);
                        }
                    }
                    Err(frame) => {
                        // Trailers: the last there is.
                        let Ok(trailers) = frame.into_trailers() else {
                            continue;
                        };
                        return Poll::Ready(Seen::Other(Ok(Frame::trailers(trailers))));
                    }
                },
            }
        }
    }

    fn settle(self, seen: Seen<B::Error>) -> Response<Settled<B>> {
        let Self { head, body, read } = self;
        let is_whole = matches!(seen, Seen::End | Seen::Other(Ok(_)));
        let (seen, begun) = match seen {
            Seen::End => (None, None),
            Seen::Enough => (None, Some(body)),
            Seen::Other(seen) => (Some(seen), None),
        };
        let read = Some(read.freeze());
        let body = Settled { read, is_whole, given: false, seen, begun, whole: None };
        Response::from_parts(head, body)
    }
}

// === impl Settled ===

impl<B: Body> Settled<B> {
    /// A body that was not touched.
    pub const fn whole(body: B) -> Self {
        Self {
            read: None,
            is_whole: false,
            given: false,
            seen: None,
            begun: None,
            whole: Some(body),
        }
    }

    /// What was read of a failed answer's body; `None` for one that was not touched.
    #[must_use]
    pub const fn read(&self) -> Option<&Bytes> {
        self.read.as_ref()
    }

    /// Whether what was read is the whole body.
    #[must_use]
    pub const fn is_whole(&self) -> bool {
        self.is_whole
    }
}

impl<B: Body> Body for Settled<B> {
    type Data = Bytes;
    type Error = B::Error;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, B::Error>>> {
        let this = self.project();
        if let (Some(read), false) = (this.read.as_ref(), *this.given) {
            *this.given = true;
            if !read.is_empty() {
                return Poll::Ready(Some(Ok(Frame::data(read.clone()))));
            }
        }
        if let Some(seen) = this.seen.take() {
            return Poll::Ready(Some(seen));
        }
        let polled = match (this.begun, this.whole.as_pin_mut()) {
            (Some(begun), _) => ready!(begun.as_mut().poll_frame(cx)),
            (None, Some(whole)) => ready!(whole.poll_frame(cx)),
            (None, None) => None,
        };
        Poll::Ready(polled.map(|frame| {
            frame.map(|frame| frame.map_data(|mut data| data.copy_to_bytes(data.remaining())))
        }))
    }

    fn is_end_stream(&self) -> bool {
        let read = self.given || self.read.as_ref().is_none_or(Bytes::is_empty);
        read && self.seen.is_none()
            && self.begun.as_ref().is_none_or(Body::is_end_stream)
            && self.whole.as_ref().is_none_or(Body::is_end_stream)
    }

    fn size_hint(&self) -> SizeHint {
        let read = match (&self.read, self.given) {
            (Some(read), false) => read.len() as u64,
            _ => 0,
        };
        let rest = match (&self.begun, &self.whole) {
            (Some(begun), _) => begun.size_hint(),
            (None, Some(whole)) => whole.size_hint(),
            (None, None) => SizeHint::with_exact(0),
        };
        let mut hint = SizeHint::new();
        // Where an error or trailers follow no length is told: who takes the body for complete at a certain
        // length would not ask for them.
        let upper = rest.upper().filter(|_| self.seen.is_none());
        if let Some(upper) = upper.and_then(|upper| upper.checked_add(read)) {
            hint.set_upper(upper);
        }
        hint.set_lower(rest.lower().saturating_add(read));
        hint
    }
}

impl<B: Body> fmt::Debug for Settled<B> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Settled")
            .field("read", &self.read.as_ref().map(Bytes::len))
            .finish_non_exhaustive()
    }
}

impl<F, B: Body> fmt::Debug for ResponseFuture<F, B> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("settle::ResponseFuture").finish_non_exhaustive()
    }
}
