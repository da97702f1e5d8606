//! The body behind the gate: held back, then released, and looked at to its end.

use std::error::Error as StdError;
use std::fmt;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::{Buf, Bytes};
use http::HeaderMap;
use http_body::{Body, Frame, SizeHint};
use secondwind_policy::Class;
use tokio::time::Instant;

use super::broken::{Broken, Cause};
use super::idle::{Clocks, Limits, Over};
use super::inspect::{Inspect, Passed};
use crate::classify::{Verdict, verdict_of_clock};
use crate::timeout::Elapsed;

/// A body that went through the gate.
///
/// It ends as the inner one does, or with [`Broken`].
pub struct Gated<B, I>(Kind<B, I>);

enum Kind<B, I> {
    /// It passed unread.
    Open(B),
    /// It is inspected as it comes.
    Inspected(Box<Inspected<B, I>>),
}

struct Inspected<B, I> {
    /// `None` once it ended or broke.
    body: Option<B>,
    inspect: I,
    passed: Passed,
    // In a box, since few answers have any.
    trailers: Option<Box<HeaderMap>>,
    clocks: Clocks,
    broken: Option<Broken>,
    /// How many bytes came.
    read: u64,
    released: bool,
}

/// So many pieces are looked at before others get their turn.
const AT_ONCE: usize = 64;

// === impl Gated ===

impl<B, I> Gated<B, I> {
    /// A body that passes unread.
    pub const fn open(body: B) -> Self {
        Self(Kind::Open(body))
    }

    /// A body that `inspect` is to look at; the attempt began at `began`, its head is there now.
    pub fn inspected(body: B, inspect: I, limits: Limits, began: Instant) -> Self {
        Self(Kind::Inspected(Box::new(Inspected {
            body: Some(body),
            inspect,
            passed: Passed::default(),
            trailers: None,
            clocks: Clocks::new(limits, began, Instant::now()),
            broken: None,
            read: 0,
            released: false,
        })))
    }

    /// What looked at it, where it was inspected.
    pub fn inspector(&self) -> Option<&I> {
        match &self.0 {
            Kind::Open(_) => None,
            Kind::Inspected(inspected) => Some(&inspected.inspect),
        }
    }

    /// Whether all that came so far was passed on.
    pub fn is_drained(&self) -> bool {
        match &self.0 {
            Kind::Open(_) => true,
            Kind::Inspected(inspected) => inspected.passed.is_empty(),
        }
    }

    /// What looked at it, alone: the body itself is dropped.
    pub fn into_inspector(self) -> Option<I> {
        match self.0 {
            Kind::Open(_) => None,
            Kind::Inspected(inspected) => Some(inspected.inspect),
        }
    }
}

impl<B, I> Gated<B, I>
where
    B: Body<Error: Into<Box<dyn StdError + Send + Sync>>> + Unpin,
    I: Inspect,
{
    /// Ready when the answer has proved itself, or when more than `most` bytes of it are held.
    ///
    /// # Errors
    /// What broke it before.
    pub fn poll_proof(&mut self, cx: &mut Context<'_>, most: u64) -> Poll<Result<(), Broken>> {
        match &mut self.0 {
            Kind::Open(_) => Poll::Ready(Ok(())),
            Kind::Inspected(inspected) => inspected.poll_proof(cx, most),
        }
    }
}

impl<B, I> Inspected<B, I>
where
    B: Body<Error: Into<Box<dyn StdError + Send + Sync>>> + Unpin,
    I: Inspect,
{
    fn poll_proof(&mut self, cx: &mut Context<'_>, most: u64) -> Poll<Result<(), Broken>> {
        for _ in 0..AT_ONCE {
            if self.released {
                return Poll::Ready(Ok(()));
            }
            // First: what is wrong with it, even if there was content just before.
            if let Some(broken) = self.broken.take() {
                return Poll::Ready(Err(broken));
            }
            if self.passed.proof() || self.body.is_none() {
                self.released = true;
            } else if self.read >= most {
                self.inspect.commit(&mut self.passed);
                self.clocks.content(Instant::now());
                self.released = true;
            } else {
                ready!(self.poll_more(cx));
            }
        }
        cx.waker().wake_by_ref();
        Poll::Pending
    }

    fn poll_frame(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Broken>>> {
        for _ in 0..AT_ONCE {
            if let Some(piece) = self.passed.take() {
                return Poll::Ready(Some(Ok(Frame::data(piece))));
            }
            if let Some(broken) = self.broken.take() {
                return Poll::Ready(Some(Err(broken)));
            }
            if self.body.is_none() {
                return Poll::Ready(self.trailers.take().map(|all| Ok(Frame::trailers(*all))));
            }
            ready!(self.poll_more(cx));
        }
        cx.waker().wake_by_ref();
        Poll::Pending
    }

    /// Reads on: ready when something came of it.
    fn poll_more(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        let Some(body) = &mut self.body else { return Poll::Ready(()) };
        let frame = match Pin::new(body).poll_frame(cx) {
            Poll::Ready(frame) => frame,
            Poll::Pending => {
                match ready!(self.clocks.poll(cx)) {
                    Over::Elapsed(elapsed) => self.run_out(elapsed),
                    Over::Finished => self.body = None,
                }
                return Poll::Ready(());
            }
        };
        let seen = match frame {
            Some(Ok(frame)) => match frame.into_data() {
                Ok(mut data) => {
                    let data = data.copy_to_bytes(data.remaining());
                    self.read += data.len() as u64;
                    self.inspect.data(data, &mut self.passed)
                }
                Err(frame) => {
                    self.trailers = frame.into_trailers().ok().map(Box::new);
                    Ok(())
                }
            },
            None => {
                self.body = None;
                self.inspect.end(&mut self.passed)
            }
            Some(Err(_)) if self.passed.finished() => {
                self.body = None;
                Ok(())
            }
            Some(Err(error)) => {
                self.fail(Verdict::new(Class::Connection), Some(Cause::Body(error.into())));
                Ok(())
            }
        };
        let now = Instant::now();
        self.clocks.bytes(now);
        if self.passed.take_content() {
            self.clocks.content(now);
        }
        if self.passed.finished() {
            self.clocks.finish(now);
        }
        match seen {
            Err(verdict) => self.fail(verdict, None),
            // Who sends without a pause is not awaited, and has his clocks all the same.
            Ok(()) if self.body.is_some() => {
                if let Some(Over::Elapsed(elapsed)) = self.clocks.over(now) {
                    self.run_out(elapsed);
                }
            }
            Ok(()) => {}
        }
        Poll::Ready(())
    }

    fn run_out(&mut self, elapsed: Elapsed) {
        self.fail(verdict_of_clock(&elapsed), Some(Cause::Clock(elapsed)));
    }

    /// Lets go of the body at once: nothing more is wanted of whoever sent it.
    fn fail(&mut self, verdict: Verdict, cause: Option<Cause>) {
        self.body = None;
        self.broken = Some(Broken { verdict, released: self.released, cause });
    }
}

impl<B, I> Body for Gated<B, I>
where
    B: Body<Error: Into<Box<dyn StdError + Send + Sync>>> + Unpin,
    I: Inspect + Unpin,
{
    type Data = Bytes;
    type Error = Broken;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Broken>>> {
        match &mut self.get_mut().0 {
            Kind::Inspected(inspected) => inspected.poll_frame(cx),
            Kind::Open(body) => {
                let frame = ready!(Pin::new(body).poll_frame(cx));
                Poll::Ready(frame.map(|frame| match frame {
                    Ok(frame) => {
                        Ok(frame.map_data(|mut data| data.copy_to_bytes(data.remaining())))
                    }
                    Err(error) => Err(Broken {
                        verdict: Verdict::new(Class::Connection),
                        released: true,
                        cause: Some(Cause::Body(error.into())),
                    }),
                }))
            }
        }
    }

    fn is_end_stream(&self) -> bool {
        match &self.0 {
            Kind::Open(body) => body.is_end_stream(),
            Kind::Inspected(inspected) => {
                inspected.body.is_none()
                    && inspected.passed.is_empty()
                    && inspected.broken.is_none()
                    && inspected.trailers.is_none()
            }
        }
    }

    fn size_hint(&self) -> SizeHint {
        match &self.0 {
            Kind::Open(body) => body.size_hint(),
            Kind::Inspected(inspected)
                if inspected.body.is_none()
                    && inspected.broken.is_none()
                    && inspected.trailers.is_none() =>
            {
                SizeHint::with_exact(inspected.passed.len() as u64)
            }
            Kind::Inspected(_) => SizeHint::new(),
        }
    }
}

impl<B, I> fmt::Debug for Gated<B, I> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            Kind::Open(_) => f.debug_tuple("Open").finish(),
            Kind::Inspected(inspected) => f
                .debug_struct("Inspected")
                .field("held", &inspected.passed.len())
                .field("released", &inspected.released)
                .finish_non_exhaustive(),
        }
    }
}
