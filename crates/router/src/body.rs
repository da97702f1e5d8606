//! The body of an answer: whole, or as it comes from the provider.

use std::fmt;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use http_body::{Body as HttpBody, Frame, SizeHint};
use secondwind_layers::body::Broken;
use secondwind_layers::classify::Verdict;
use secondwind_layers::timeout::Elapsed;
use secondwind_policy::Class;

use crate::health::Ticket;
use crate::passed::Passing;
use crate::rest::Rest;
use crate::stream::Stream;
use crate::told::Told;
use crate::watch::Watched;

/// The body of an answer.
pub struct Body {
    kind: Kind,
    held: Held,
    /// Whom to tell once it is over; after the body, which may know better.
    told: Option<Told>,
}

/// What is to be told once an answer is over, and held until then.
#[derive(Default)]
pub(crate) struct Held(Option<Box<Holding>>);

#[derive(Default)]
struct Holding {
    watched: Option<Watched>,
    ticket: Option<Ticket>,
}

enum Kind {
    /// All of it.
    Whole(Bytes),
    /// One that is too long to be looked at as a whole.
    Flowing(Box<Rest>),
    /// What is passed on as it comes.
    Passing(Box<Passing>),
    /// A stream that is looked at as it comes.
    Stream(Box<Stream>),
    /// A stream that is carried on by others where it breaks.
    Carried(Pin<Box<dyn HttpBody<Data = Bytes, Error = BodyError> + Send>>),
}

/// Why a body ends before its end.
#[derive(Debug)]
pub struct BodyError(Why);

#[derive(Debug)]
enum Why {
    Read(hyper::Error),
    Broken(Broken),
    Late(Elapsed),
}

impl Body {
    /// A body that is at hand.
    #[must_use]
    pub const fn whole(bytes: Bytes) -> Self {
        Self::of(Kind::Whole(bytes))
    }

    /// An answer that is too long to be looked at as a whole.
    pub(crate) fn flowing(rest: Rest) -> Self {
        Self::of(Kind::Flowing(Box::new(rest)))
    }

    pub(crate) fn passing(passing: Passing) -> Self {
        Self::of(Kind::Passing(Box::new(passing)))
    }

    pub(crate) fn stream(stream: Stream) -> Self {
        Self::of(Kind::Stream(Box::new(stream)))
    }

    pub(crate) fn carried(
        body: impl HttpBody<Data = Bytes, Error = BodyError> + Send + 'static,
    ) -> Self {
        Self::of(Kind::Carried(Box::pin(body)))
    }

    const fn of(kind: Kind) -> Self {
        Self { kind, held: Held::none(), told: None }
    }

    /// Has `told` said when it is over.
    pub(crate) fn tell(&mut self, told: Told) {
        self.told = Some(told);
    }

    /// Tells the health of the deployment how the answer ended.
    pub(crate) fn watch(&mut self, watched: Watched) {
        self.holding().watched = Some(watched);
    }

    /// Holds a request's visit until the answer is over.
    pub(crate) fn hold(&mut self, ticket: Ticket) {
        self.holding().ticket = Some(ticket);
    }

    fn holding(&mut self) -> &mut Holding {
        let held = match &mut self.kind {
            Kind::Stream(stream) => stream.held(),
            _ => &mut self.held,
        };
        held.0.get_or_insert_default()
    }

    /// The bytes, where all of them are at hand.
    #[must_use]
    pub const fn as_whole(&self) -> Option<&Bytes> {
        match &self.kind {
            Kind::Whole(bytes) => Some(bytes),
            Kind::Flowing(_) | Kind::Passing(_) | Kind::Stream(_) | Kind::Carried(_) => None,
        }
    }

    /// The stream that it is.
    ///
    /// # Errors
    /// The body, where it is another.
    pub(crate) fn into_stream(self) -> Result<Box<Stream>, Self> {
        match self.kind {
            Kind::Stream(stream) => Ok(stream),
            kind => Err(Self { kind, held: self.held, told: self.told }),
        }
    }
}

// === impl Held ===

impl Held {
    pub(crate) const fn none() -> Self {
        Self(None)
    }

    /// A part of the answer came by.
    pub(crate) fn saw(&mut self, frame: &Frame<Bytes>) {
        let watched = self.0.as_mut().and_then(|held| held.watched.as_mut());
        if let (Some(watched), Some(data)) = (watched, frame.data_ref()) {
            watched.saw(data);
        }
    }

    /// How many tokens the answer says it took.
    pub(crate) fn counted(&mut self, tokens: u64) {
        if let Some(watched) = self.0.as_mut().and_then(|held| held.watched.as_mut()) {
            watched.counted(tokens);
        }
    }

    /// The answer is over, whole or broken.
    pub(crate) fn over(&mut self, ended: Result<(), Verdict>) {
        if let Some(watched) = self.0.take().and_then(|held| held.watched) {
            watched.ended(ended);
        }
    }
}

impl HttpBody for Body {
    type Data = Bytes;
    type Error = BodyError;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BodyError>>> {
        let this = self.get_mut();
        let frame = match &mut this.kind {
            Kind::Whole(bytes) if !bytes.is_empty() => Some(Ok(Frame::data(std::mem::take(bytes)))),
            Kind::Whole(_) => None,
            Kind::Flowing(rest) => {
                let frame = ready!(rest.poll_frame(cx)).map(|frame| frame.map_err(BodyError::from));
                // Trailers are of no use to the caller of an API in JSON.
                frame.filter(|frame| !frame.as_ref().is_ok_and(Frame::is_trailers))
            }
            Kind::Passing(passing) => ready!(passing.poll_frame(cx)),
            // These two tell of their attempts themselves.
            Kind::Stream(stream) => {
                ready!(stream.poll_frame(cx)).map(|frame| frame.map_err(BodyError::from))
            }
            Kind::Carried(body) => ready!(body.as_mut().poll_frame(cx)),
        };
        let mut over = (frame.is_none() || this.is_end_stream()).then_some(Ok(()));
        match &frame {
            Some(Ok(frame)) => this.held.saw(frame),
            Some(Err(_)) => over = Some(Err(Verdict::new(Class::Interrupted))),
            None => {}
        }
        if let Some(ended) = over {
            // Who is told that it is over does not ask again.
            this.held.over(ended);
            if let Some(told) = this.told.take() {
                told.over(ended.err().map(|verdict| verdict.class));
            }
        }
        Poll::Ready(frame)
    }

    fn is_end_stream(&self) -> bool {
        match &self.kind {
            Kind::Whole(bytes) => bytes.is_empty(),
            Kind::Passing(passing) => passing.is_end_stream(),
            // Their end is to be asked for: only then is it known what became of them.
            Kind::Flowing(_) | Kind::Stream(_) => false,
            Kind::Carried(body) => body.is_end_stream(),
        }
    }

    fn size_hint(&self) -> SizeHint {
        match &self.kind {
            Kind::Whole(bytes) => SizeHint::with_exact(bytes.len() as u64),
            Kind::Passing(passing) => passing.size_hint(),
            Kind::Flowing(_) | Kind::Stream(_) | Kind::Carried(_) => SizeHint::new(),
        }
    }
}

impl fmt::Debug for Body {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let kind = match &self.kind {
            Kind::Whole(bytes) => format!("{} bytes", bytes.len()),
            Kind::Flowing(rest) => format!("{} bytes and more", rest.read()),
            Kind::Passing(_) | Kind::Stream(_) | Kind::Carried(_) => "a stream".to_owned(),
        };
        f.debug_tuple("Body").field(&kind).finish()
    }
}

impl From<hyper::Error> for BodyError {
    fn from(error: hyper::Error) -> Self {
        Self(Why::Read(error))
    }
}

impl From<Broken> for BodyError {
    fn from(broken: Broken) -> Self {
        Self(Why::Broken(broken))
    }
}

impl From<Elapsed> for BodyError {
    fn from(elapsed: Elapsed) -> Self {
        Self(Why::Late(elapsed))
    }
}

impl fmt::Display for BodyError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            Why::Read(_) => f.write_str("the connection to the provider broke within the answer"),
            Why::Broken(broken) => broken.fmt(f),
            Why::Late(elapsed) => write!(f, "the provider fell silent: {elapsed}"),
        }
    }
}

impl std::error::Error for BodyError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match &self.0 {
            Why::Read(error) => Some(error),
            Why::Broken(broken) => Some(broken),
            Why::Late(elapsed) => Some(elapsed),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use http_body_util::BodyExt;
    use tokio::time::Instant;

    use super::*;
    use crate::health::Health;

    #[tokio::test(start_paused = true)]
    async fn a_visit_is_over_when_the_answer_is_or_nobody_wants_it_any_more() {
        let now = Instant::now();
        let health = Arc::new(Health::new(now));
        let held = || {
            let mut body = Body::whole(Bytes::from_static(b"an answer"));
            body.hold(Ticket::new(&health, None, now).unwrap());
            body
        };
        let mut read = held();
        let dropped = held();
        assert_eq!(health.load().in_flight(), 2);
        assert!(read.frame().await.is_some());
        // The last of it is out; whether anybody asks once more or not.
        assert_eq!(health.load().in_flight(), 1);
        drop(dropped);
        assert_eq!(health.load().in_flight(), 0);
    }
}
