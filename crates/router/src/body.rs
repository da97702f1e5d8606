//! The body of an answer: whole, or as it comes from the provider.

use std::fmt;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use http_body::{Body as HttpBody, Frame, SizeHint};
use hyper::body::Incoming;
use secondwind_policy::Class;

use crate::health::Ticket;
use crate::watch::Watched;

/// The body of an answer.
pub struct Body {
    kind: Kind,
    /// What is to be told once it is over, and held until then.
    held: Option<Held>,
}

/// What ends with the answer.
#[derive(Default)]
struct Held {
    watched: Option<Watched>,
    ticket: Option<Ticket>,
}

enum Kind {
    /// All of it.
    Whole(Bytes),
    /// What was read, and what still comes from the provider.
    Flowing { read: Bytes, rest: Incoming },
}

impl Body {
    /// A body that is at hand.
    #[must_use]
    pub const fn whole(bytes: Bytes) -> Self {
        Self { kind: Kind::Whole(bytes), held: None }
    }

    pub(crate) const fn flowing(read: Bytes, rest: Incoming) -> Self {
        Self { kind: Kind::Flowing { read, rest }, held: None }
    }

    /// Tells the health of the deployment how the answer ended.
    pub(crate) fn watch(&mut self, watched: Watched) {
        self.held.get_or_insert_default().watched = Some(watched);
    }

    /// Holds a request's visit until the answer is over.
    pub(crate) fn hold(&mut self, ticket: Ticket) {
        self.held.get_or_insert_default().ticket = Some(ticket);
    }

    fn over(&mut self, ended: Result<(), Class>) {
        if let Some(watched) = self.held.take().and_then(|held| held.watched) {
            watched.ended(ended);
        }
    }

    /// The bytes, where all of them are at hand.
    #[must_use]
    pub const fn as_whole(&self) -> Option<&Bytes> {
        match &self.kind {
            Kind::Whole(bytes) => Some(bytes),
            Kind::Flowing { .. } => None,
        }
    }
}

impl HttpBody for Body {
    type Data = Bytes;
    type Error = hyper::Error;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, hyper::Error>>> {
        let this = self.get_mut();
        let frame = match &mut this.kind {
            Kind::Whole(bytes) | Kind::Flowing { read: bytes, .. } if !bytes.is_empty() => {
                Some(Ok(Frame::data(std::mem::take(bytes))))
            }
            Kind::Whole(_) => None,
            Kind::Flowing { rest, .. } => ready!(Pin::new(rest).poll_frame(cx)),
        };
        if let Some(Err(_)) = &frame {
            this.over(Err(Class::Interrupted));
            return Poll::Ready(frame);
        }
        if let (Some(Ok(frame)), Some(held)) = (&frame, &mut this.held)
            && let (Some(data), Some(watched)) = (frame.data_ref(), &mut held.watched)
        {
            watched.saw(data);
        }
        if frame.is_none() || this.is_end_stream() {
            // Who is told that it is over does not ask again.
            this.over(Ok(()));
        }
        Poll::Ready(frame)
    }

    fn is_end_stream(&self) -> bool {
        match &self.kind {
            Kind::Whole(bytes) => bytes.is_empty(),
            Kind::Flowing { read, rest } => read.is_empty() && rest.is_end_stream(),
        }
    }

    fn size_hint(&self) -> SizeHint {
        match &self.kind {
            Kind::Whole(bytes) => SizeHint::with_exact(bytes.len() as u64),
            Kind::Flowing { read, rest } => {
                let (read, rest) = (read.len() as u64, rest.size_hint());
                let mut hint = SizeHint::new();
                hint.set_lower(rest.lower().saturating_add(read));
                if let Some(upper) = rest.upper().and_then(|upper| upper.checked_add(read)) {
                    hint.set_upper(upper);
                }
                hint
            }
        }
    }
}

impl fmt::Debug for Body {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let kind = match &self.kind {
            Kind::Whole(bytes) => format!("{} bytes", bytes.len()),
            Kind::Flowing { read, .. } => format!("{} bytes and more", read.len()),
        };
        f.debug_tuple("Body").field(&kind).finish()
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
