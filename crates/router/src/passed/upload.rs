//! A request's body that is sent while it comes from the caller.
//!
//! It is kept as far as it came, up to a number of bytes, so that it can be sent again; beyond that it streams through
//! once. A form is looked at while it passes, whoever reads it: what is wrong with it breaks it off, so that no
//! provider takes it for whole.

use std::collections::VecDeque;
use std::error::Error;
use std::fmt;
use std::ops::Range;
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};
use http_body_util::BodyExt;
use http_body_util::combinators::UnsyncBoxBody;
use secondwind_layers::body::ReplayBody;
use secondwind_llm::multipart::{Form, FormError};

type BoxError = Box<dyn Error + Send + Sync>;

/// A request's body that is sent while it comes from the caller.
pub struct Upload {
    body: Mutex<ReplayBody<Source>>,
    /// Where the model's name stands, which is another at each deployment.
    model: Option<Range<u64>>,
    come: Arc<Come>,
}

/// How far the caller came with it.
#[derive(Debug, Default)]
struct Come {
    all: AtomicBool,
    fault: OnceLock<UploadError>,
}

/// The body as it comes from the caller.
struct Source {
    /// What was read of it before.
    read: Bytes,
    rest: UnsyncBoxBody<Bytes, BoxError>,
    form: Option<Form>,
    come: Arc<Come>,
}

/// The body for one attempt.
pub(crate) struct Reader {
    body: ReplayBody<Source>,
    /// The bytes that were read of it.
    at: u64,
    model: Option<Replaced>,
    /// What is to be sent before more is read.
    pieces: VecDeque<Bytes>,
}

/// What is sent in the place of other bytes.
struct Replaced {
    place: Range<u64>,
    by: Bytes,
    /// Whether it was sent.
    done: bool,
}

/// Why a body cannot be sent to its end.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum UploadError {
    /// The caller did not send it to its end.
    Broken,
    /// It is no form that can be passed on.
    Form(FormError),
    /// It was too long to be kept, and is gone.
    Gone,
}

// === impl Upload ===

impl Upload {
    /// `read`, which came already, and `rest`, which is to come; at most `max_replay_bytes` of it are kept. `form` has
    /// seen what was read, and looks at the rest: where it knows of a model, each deployment gets its own name for it.
    #[must_use]
    pub fn new<B>(read: Bytes, rest: B, form: Option<Form>, max_replay_bytes: u64) -> Self
    where
        B: Body<Data = Bytes> + Send + 'static,
        B::Error: Into<BoxError>,
    {
        let come = Arc::new(Come::default());
        let model = form.as_ref().and_then(Form::model).map(|model| model.range.clone());
        let rest = rest.map_err(Into::into).boxed_unsync();
        let source = Source { read, rest, form, come: Arc::clone(&come) };
        if source.is_end_stream() {
            come.all.store(true, Ordering::Relaxed);
        }
        let body = ReplayBody::new(source, max_replay_bytes);
        let body = Mutex::new(body.unwrap_or_else(ReplayBody::passthrough));
        Self { body, model, come }
    }

    /// Whether it can be sent from its first byte, as far as is known.
    pub(crate) fn is_replayable(&self) -> bool {
        self.body().is_replayable()
    }

    /// Whether all of it came.
    pub(crate) fn is_read(&self) -> bool {
        self.come.all.load(Ordering::Relaxed)
    }

    /// What is wrong with it, as far as it came.
    pub(crate) fn fault(&self) -> Option<UploadError> {
        self.come.fault.get().copied()
    }

    /// The body for an attempt at a deployment that calls the model so.
    pub(crate) fn reader(&self, model: &str) -> Reader {
        let mut own = self.body();
        let body = own.try_clone().unwrap_or_else(|| {
            // There is but one.
            let gone = own.clone();
            std::mem::replace(&mut *own, gone)
        });
        let by = || Bytes::copy_from_slice(model.as_bytes());
        let model = self.model.clone().map(|place| Replaced { place, by: by(), done: false });
        Reader { body, at: 0, model, pieces: VecDeque::new() }
    }

    fn body(&self) -> MutexGuard<'_, ReplayBody<Source>> {
        self.body.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

// === impl Source ===

impl Source {
    /// Looks at a piece that comes for the first time.
    fn look(&mut self, data: &[u8]) -> Result<(), UploadError> {
        self.form.as_mut().map_or(Ok(()), |form| form.feed(data)).map_err(UploadError::Form)
    }

    fn ended(&self) -> Result<(), UploadError> {
        self.form.as_ref().map_or(Ok(()), Form::finish).map_err(UploadError::Form)
    }

    fn failed(&self, fault: UploadError) -> UploadError {
        *self.come.fault.get_or_init(|| fault)
    }
}

impl Body for Source {
    type Data = Bytes;
    type Error = UploadError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, UploadError>>> {
        let this = &mut *self;
        if !this.read.is_empty() {
            return Poll::Ready(Some(Ok(Frame::data(std::mem::take(&mut this.read)))));
        }
        loop {
            let looked = match ready!(Pin::new(&mut this.rest).poll_frame(cx)) {
                Some(Ok(frame)) => match frame.into_data() {
                    Ok(data) => this.look(&data).map(|()| Some(data)),
                    // Trailers: nobody knows what they are for.
                    Err(_) => continue,
                },
                Some(Err(_)) => Err(UploadError::Broken),
                None => this.ended().map(|()| None),
            };
            let over = matches!(looked, Ok(None)) || this.rest.is_end_stream();
            let looked = match looked {
                // Who was told the length does not ask again once that much came.
                Ok(Some(data)) if over => this.ended().map(|()| Some(data)),
                looked => looked,
            };
            this.come.all.fetch_or(over, Ordering::Relaxed);
            let frame = looked.map_err(|fault| this.failed(fault)).transpose();
            return Poll::Ready(frame.map(|data| data.map(Frame::data)));
        }
    }

    fn is_end_stream(&self) -> bool {
        self.read.is_empty() && self.rest.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        longer_by(&self.rest.size_hint(), self.read.len() as u64)
    }
}

/// The same, and so many bytes more.
fn longer_by(hint: &SizeHint, bytes: u64) -> SizeHint {
    let mut longer = SizeHint::new();
    longer.set_lower(hint.lower().saturating_add(bytes));
    if let Some(upper) = hint.upper() {
        longer.set_upper(upper.saturating_add(bytes));
    }
    longer
}

// === impl Reader ===

impl Reader {
    /// Takes the next piece, without what stands in the model's place.
    fn take(&mut self, mut data: Bytes) {
        let from = self.at;
        self.at += data.len() as u64;
        let Some(Replaced { place, by, done }) = &mut self.model else {
            self.pieces.push_back(data);
            return;
        };
        // What is longer than the piece is all of it.
        let within = |to: u64, data: &Bytes| {
            usize::try_from(to.saturating_sub(from)).unwrap_or(usize::MAX).min(data.len())
        };
        let behind = data.split_off(within(place.end, &data));
        data.truncate(within(place.start, &data));
        let by = (!*done && self.at >= place.start).then(|| by.clone());
        *done |= by.is_some();
        let pieces = [Some(data), by, Some(behind)].into_iter().flatten();
        self.pieces.extend(pieces.filter(|piece| !piece.is_empty()));
    }
}

impl Body for Reader {
    type Data = Bytes;
    type Error = UploadError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, UploadError>>> {
        loop {
            if let Some(piece) = self.pieces.pop_front() {
                return Poll::Ready(Some(Ok(Frame::data(piece))));
            }
            match ready!(Pin::new(&mut self.body).poll_frame(cx)) {
                Some(Ok(frame)) => {
                    if let Ok(data) = frame.into_data() {
                        self.take(data);
                    }
                }
                Some(Err(error)) => {
                    return Poll::Ready(Some(Err(error.into_body().unwrap_or(UploadError::Gone))));
                }
                None => return Poll::Ready(None),
            }
        }
    }

    fn is_end_stream(&self) -> bool {
        self.pieces.is_empty() && self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        let pieces: usize = self.pieces.iter().map(Bytes::len).sum();
        let hint = longer_by(&self.body.size_hint(), pieces as u64);
        let Some(Replaced { place, by, done }) = &self.model else { return hint };
        let away = place.end.saturating_sub(place.start.max(self.at));
        let more = if *done { 0 } else { by.len() as u64 };
        // Both bounds by the same: what goes away is part of either.
        let mut other = SizeHint::new();
        other.set_lower((hint.lower() + more).saturating_sub(away));
        if let Some(upper) = hint.upper() {
            other.set_upper((upper + more).saturating_sub(away).max(other.lower()));
        }
        other
    }
}

impl fmt::Debug for Upload {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Upload").field("come", &self.come).finish_non_exhaustive()
    }
}

// === impl UploadError ===

impl UploadError {
    /// The field that is wrong, where it is one that has a name.
    #[must_use]
    pub const fn param(&self) -> Option<&'static str> {
        match self {
            Self::Form(error) => error.param(),
            Self::Broken | Self::Gone => None,
        }
    }
}

impl fmt::Display for UploadError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Broken => f.write_str("the body broke off before its end"),
            Self::Form(error) => error.fmt(f),
            Self::Gone => f.write_str("the body was too long to be sent again"),
        }
    }
}

impl Error for UploadError {}

#[cfg(test)]
mod tests;
