//! The body of a stream in good hands.

use std::collections::VecDeque;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use http::Response;
use http_body::{Body as HttpBody, Frame};
use secondwind_layers::Error;
use secondwind_layers::classify::Verdict;
use secondwind_llm::dialect::{ErrorDetail, ErrorReply, kind_of};
use secondwind_llm::peek::peek;
use secondwind_llm::stream::{AtEnd, Transcript, Way};
use secondwind_policy::{Class, Recovery};
use tokio::time::Instant;
use tower_service::Service;
use tracing::debug;

use super::spent::Spent;
use super::splicing::{Differs, Splicing};
use super::{ALIVE, Call, Outcome, Ticker};
use crate::body::{Body, BodyError};
use crate::error::RouteError;
use crate::request::{Request, Resume};
use crate::stream::Stream;

/// A stream that is carried on by others where it breaks.
pub(super) struct Carried<S: Service<Request>> {
    call: Call<S>,
    state: State<S::Future>,
    /// What is to be given to the caller next.
    out: VecDeque<Bytes>,
    /// What the caller had been told when the last stream broke, once one did.
    said: Option<Box<Transcript>>,
    recoveries: u32,
    /// The number of the attempt whose answer is on its way.
    number: usize,
    /// What an answer took that broke off, and that nobody has followed yet.
    spent: Option<Spent>,
    ticker: Option<Ticker>,
}

enum State<F> {
    /// An answer is on its way, the second or a later one with what puts it behind the first.
    Flowing { stream: Box<Stream>, splicing: Option<Box<Splicing>> },
    /// An answer is asked for: the first, or another after `broken`.
    Asking { answer: Pin<Box<F>>, broken: Option<Verdict> },
    /// All was given.
    Done,
}

impl<S> Carried<S>
where
    S: Service<Request, Response = Response<Body>, Error = Error<Error<RouteError>>> + Clone,
{
    pub(super) fn flowing(call: Call<S>, stream: Box<Stream>) -> Self {
        Self::new(call, State::Flowing { stream, splicing: None })
    }

    pub(super) fn asking(call: Call<S>, answer: Pin<Box<S::Future>>) -> Self {
        Self::new(call, State::Asking { answer, broken: None })
    }

    fn new(call: Call<S>, state: State<S::Future>) -> Self {
        let ticker = call.policy.stream().keepalive().map(Ticker::new);
        let (out, said) = (VecDeque::new(), None);
        let number = call.request.context().attempts();
        Self { call, state, out, said, recoveries: 0, number, spent: None, ticker }
    }

    /// A sign of life is due now.
    pub(super) fn overdue(mut self) -> Self {
        self.out.push_back(Bytes::from_static(ALIVE));
        self
    }

    /// Does what can be done now, which may give the caller's next piece; what more there is to give is in `out`.
    fn advance(&mut self, cx: &mut Context<'_>) -> Poll<Option<Bytes>> {
        match &mut self.state {
            State::Done => return Poll::Pending,
            State::Flowing { stream, splicing } => {
                let frame = ready!(stream.poll_frame(cx));
                match (frame, splicing) {
                    (Some(Ok(frame)), splicing) => {
                        let Ok(data) = frame.into_data() else { return Poll::Ready(None) };
                        let Some(splicing) = splicing else { return Poll::Ready(Some(data)) };
                        let out = &mut self.out;
                        if splicing.data(data, |bytes| out.push_back(bytes)) == Err(Differs) {
                            self.said = Some(Box::new(splicing.transcript().clone()));
                            splicing.in_vain(self.number, &self.call.request);
                            self.give_up(Verdict::new(Class::Interrupted), DIFFERS);
                        }
                    }
                    (Some(Err(broken)), _) => self.broke(broken.cause(), &broken.to_string()),
                    (None, Some(splicing)) if !splicing.transcript().finished => {
                        self.said = Some(Box::new(splicing.transcript().clone()));
                        splicing.in_vain(self.number, &self.call.request);
                        self.give_up(Verdict::new(Class::Interrupted), DIFFERS);
                    }
                    (None, _) => self.state = State::Done,
                }
            }
            State::Asking { answer, broken } => {
                let outcome = ready!(answer.as_mut().poll(cx));
                let broken = *broken;
                self.answered(outcome, broken);
            }
        }
        Poll::Ready(None)
    }

    /// What the caller had been told when the last stream broke.
    fn said(&mut self) -> &mut Transcript {
        self.said.get_or_insert_default()
    }

    /// The answer that was asked for is there.
    fn answered(&mut self, outcome: Outcome, broken: Option<Verdict>) {
        let answer = match outcome {
            Ok(answer) => answer,
            Err(error) => {
                let message = error.to_string();
                let class = match error.flatten().into_inner() {
                    Ok(error) => error.verdict().class,
                    Err(_elapsed) => Class::Timeout,
                };
                return match broken {
                    Some(broken) => self.give_up(broken, BROKE),
                    None => self.tell(class, &message, &ErrorDetail::default()),
                };
            }
        };
        let verdict = answer.extensions().get::<Verdict>().copied();
        self.number = self.call.request.context().attempts();
        let way = answer.extensions().get::<Way>().copied().unwrap_or(Way::Afresh);
        if let Some(spent) = self.spent.take_if(|_| verdict.is_none()) {
            spent.followed(self.call.request.context(), way);
        }
        let (head, body) = answer.into_parts();
        match (verdict, body.into_stream()) {
            (None, Ok(stream)) => {
                let dialect = self.call.dialect;
                let splicing = broken.map(|_| Box::new(Splicing::new(dialect, self.said(), way)));
                self.state = State::Flowing { stream, splicing };
            }
            // A whole answer, which was made a stream.
            (None, Err(body)) => {
                let whole = body.as_whole().cloned().unwrap_or_default();
                self.state = State::Done;
                if broken.is_none() {
                    self.out.push_back(whole);
                    return;
                }
                let dialect = self.call.dialect;
                let mut splicing = Splicing::new(dialect, self.said(), way);
                let out = &mut self.out;
                let spliced = splicing.data(whole, |bytes| out.push_back(bytes));
                self.said = Some(Box::new(splicing.transcript().clone()));
                if spliced.is_err() || !splicing.transcript().finished {
                    splicing.in_vain(self.number, &self.call.request);
                    self.give_up(Verdict::new(Class::Interrupted), DIFFERS);
                }
            }
            (Some(verdict), body) => match broken {
                Some(broken) => self.give_up(broken, BROKE),
                None => {
                    let said = body.as_ref().err().and_then(Body::as_whole);
                    let said = said.map_or(&[][..], |body| body);
                    let detail = self.call.request.call().dialect.error_detail(said);
                    let came =
                        format!("the provider answered with status {}", head.status.as_u16());
                    let message = detail.message.clone().unwrap_or(came);
                    self.tell(verdict.class, &message, &detail);
                }
            },
        }
    }

    /// The stream broke: another is asked for, or the caller is told.
    fn broke(&mut self, cause: Verdict, message: &str) {
        let State::Flowing { stream, splicing } = std::mem::replace(&mut self.state, State::Done)
        else {
            return;
        };
        let echoed = stream.echoed();
        let (heard, end) = match stream.into_events() {
            Some(events) => {
                let end = events.at_end();
                (events.into_transcript(), end)
            }
            None => (Transcript::default(), AtEnd::Broken),
        };
        let spent = Spent::new(self.number, &self.call.request, &heard);
        let end = match splicing {
            Some(splicing) => {
                self.said = Some(Box::new(splicing.transcript().clone()));
                splicing.at_end()
            }
            None => {
                self.said = Some(Box::new(heard));
                end
            }
        };
        // What was said goes to whoever carries on.
        self.said().resumable &= !echoed;
        if end == AtEnd::Broken {
            self.spent = Some(spent);
        }
        match end {
            // All was said that counts.
            AtEnd::Complete => {}
            AtEnd::Missing(terminator) => self.out.push_back(terminator),
            AtEnd::Broken if self.may_recover() => self.recover(cause),
            AtEnd::Broken => self.give_up(cause, message),
        }
    }

    fn may_recover(&self) -> bool {
        let Call { request, policy, dialect, .. } = &self.call;
        let stream = policy.stream();
        let body = &request.call().body;
        stream.recovery() == Recovery::Continue
            && self.recoveries < stream.max_recoveries()
            && self.said.as_ref().is_some_and(|said| said.resumable)
            && body.len() as u64 <= policy.retry().max_replay_bytes()
            && dialect.resumable(body)
    }

    /// Asks for another answer to the same request.
    fn recover(&mut self, broken: Verdict) {
        let Call { service, request, dialect, policy } = &mut self.call;
        self.recoveries += 1;
        debug!(class = broken.class.name(), recovery = self.recoveries, "the stream broke");
        let said = self.said.get_or_insert_default();
        let prefill = dialect.resume(&request.call().body, said, Way::Prefill);
        // What was said may be the answer to what one of the request's own fallbacks asks.
        let prefill = prefill.filter(|_| request.call().hops.is_empty());
        let prefill = prefill.and_then(|body| Some((body.clone(), peek(&body).ok()?)));
        request.context().recover();
        // Its clocks above the group are again those of the group that was asked for.
        request.context().set_policy(Some(Arc::clone(policy)));
        let request = request.resuming(Resume { prefill });
        let answer = Box::pin(service.call(request));
        self.state = State::Asking { answer, broken: Some(broken) };
    }

    /// Tells the caller that the answer broke off.
    fn give_up(&mut self, cause: Verdict, message: &str) {
        debug!(class = cause.class.name(), message, "the stream is given up");
        self.tell(Class::Interrupted, message, &ErrorDetail::default());
    }

    /// Tells the caller, within the stream, and ends it.
    fn tell(&mut self, class: Class, message: &str, detail: &ErrorDetail) {
        let context = self.call.request.context();
        if let Some(spent) = self.spent.take() {
            spent.in_vain(context);
        }
        context.end_request(Instant::now(), Some(class));
        let trail = context.trail().to_string();
        let error = ErrorReply {
            message,
            kind: detail.kind.as_deref().unwrap_or(kind_of(class)),
            code: detail.code.as_deref(),
            param: detail.param.as_deref(),
            class,
            trail: Some(&trail),
        };
        let dialect = self.call.dialect;
        let event = dialect.error_event(&error, self.said());
        self.out.push_back(event);
        self.state = State::Done;
    }
}

const DIFFERS: &str = "the answer was interrupted, and the one that was to carry it on is another";
const BROKE: &str = "the answer was interrupted, and nobody could carry it on";

impl<S> HttpBody for Carried<S>
where
    S: Service<Request, Response = Response<Body>, Error = Error<Error<RouteError>>> + Clone,
{
    type Data = Bytes;
    type Error = BodyError;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BodyError>>> {
        // Nothing in it is pinned in place: futures and streams are in boxes.
        let this = self.get_mut();
        let piece = loop {
            if let Some(piece) = this.out.pop_front() {
                break piece;
            }
            if matches!(this.state, State::Done) {
                return Poll::Ready(None);
            }
            match this.advance(cx) {
                Poll::Ready(Some(piece)) => break piece,
                Poll::Ready(None) => {}
                Poll::Pending => {
                    let Some(ticker) = &mut this.ticker else { return Poll::Pending };
                    ready!(ticker.poll(cx));
                    return Poll::Ready(Some(Ok(Frame::data(Bytes::from_static(ALIVE)))));
                }
            }
        };
        if let Some(ticker) = &mut this.ticker {
            ticker.put_off();
        }
        Poll::Ready(Some(Ok(Frame::data(piece))))
    }

    fn is_end_stream(&self) -> bool {
        self.out.is_empty() && matches!(self.state, State::Done)
    }
}

impl<S: Service<Request>> Unpin for Carried<S> {}

impl<S: Service<Request>> Drop for Carried<S> {
    fn drop(&mut self) {
        if let Some(spent) = self.spent.take() {
            spent.in_vain(self.call.request.context());
        }
        let all_said = self.out.is_empty()
            && match &self.state {
                State::Flowing { stream, splicing: None } => stream.is_whole(),
                State::Flowing { splicing: Some(splicing), .. } => {
                    splicing.at_end() == AtEnd::Complete
                }
                State::Asking { .. } => false,
                State::Done => true,
            };
        if all_said {
            // Who leaves after the last word did not go without an answer.
            self.call.request.context().end_request(Instant::now(), None);
        }
    }
}
