//! A provider's stream: looked at as it comes, and its outcome told at its end.

use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use http_body::{Body, Frame};
use hyper::body::Incoming;
use secondwind_layers::body::{Broken, Gated};
use secondwind_layers::classify::Verdict;
use secondwind_llm::stream::{AtEnd, Events};
use tokio::time::Instant;

use crate::attempt::Sent;
use crate::body::Held;

/// A provider's stream on its way.
pub(crate) struct Stream {
    gated: Gated<Incoming, Events>,
    /// Whoever wants to know what became of it; `None` once that was told.
    sent: Option<Sent>,
    held: Held,
    /// Whether our key was found in the words of it when it broke.
    echoed: bool,
}

impl Stream {
    pub(crate) const fn new(gated: Gated<Incoming, Events>, sent: Sent) -> Self {
        Self { gated, sent: Some(sent), held: Held::none(), echoed: false }
    }

    /// What ends with it.
    pub(crate) const fn held(&mut self) -> &mut Held {
        &mut self.held
    }

    pub(crate) fn poll_frame(
        &mut self,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Broken>>> {
        let frame = ready!(Pin::new(&mut self.gated).poll_frame(cx));
        Poll::Ready(match frame {
            Some(Ok(frame)) => Some(Ok(match &self.sent {
                // Of our key nothing goes to the caller.
                Some(sent) => frame.map_data(|data| sent.scrubbed(data)),
                None => frame,
            })),
            Some(Err(broken)) => {
                if let Some(sent) = self.sent.take() {
                    let events = self.gated.inspector();
                    self.echoed =
                        events.is_some_and(|events| sent.echoes(&events.transcript().text));
                    sent.interrupted(&broken, Instant::now());
                }
                self.over(Err(broken.cause()));
                Some(Err(broken))
            }
            None => {
                if let Some(sent) = self.sent.take() {
                    sent.completed(Instant::now());
                }
                self.over(Ok(()));
                None
            }
        })
    }

    fn over(&mut self, ended: Result<(), Verdict>) {
        let events = self.gated.inspector();
        if let Some(usage) = events.and_then(Events::usage) {
            self.held.counted(usage.input.saturating_add(usage.output));
        }
        self.held.over(ended);
    }

    /// Whether the deployment's key is in what was said: nobody else may be told that.
    pub(crate) const fn echoed(&self) -> bool {
        self.echoed
    }

    /// Whether all of it was passed on, but that the provider has not said so yet.
    pub(crate) fn is_whole(&self) -> bool {
        let ended = |events: &Events| events.at_end() == AtEnd::Complete;
        self.gated.is_drained() && self.gated.inspector().is_some_and(ended)
    }

    /// What was seen of it; the provider is let go of.
    pub(crate) fn into_events(self) -> Option<Events> {
        self.gated.into_inspector()
    }
}
