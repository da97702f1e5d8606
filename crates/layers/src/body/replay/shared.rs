//! The readers of a body that is kept while it is read, and what they share.
//!
//! There are two locks: that of the state, held while the source is polled, and that of the list of
//! those who wait, held for a moment. The second may be taken under the first (a source may wake
//! whoever polls it), never the other way round. Readers are woken, and what is no longer needed is
//! dropped, when neither is held.

use super::{ReplayError, buffer::Buffer, into_bytes};
use bytes::Bytes;
use http::HeaderMap;
use http_body::{Body, Frame, SizeHint};
use std::{
    mem,
    pin::Pin,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU64, Ordering::Relaxed},
    },
    task::{Context, Poll, Wake, Waker},
};

/// One who reads the body, from its first byte on.
pub(super) struct Reader<B> {
    shared: Arc<Shared<B>>,
    /// Tells readers apart.
    id: u64,
    /// How many bytes it has given.
    given: u64,
    /// Has it given everything, trailers included?
    done: bool,
}

struct Shared<B> {
    /// Locked while the source is polled, too: one reader at a time polls it.
    state: Mutex<State<B>>,
    waiting: Arc<Waiting>,
    /// The id of the next reader.
    next_id: AtomicU64,
}

struct State<B> {
    source: Source<B>,
    /// Who read from the source last, and has not been dropped since.
    holder: Option<u64>,
    /// What was read; `None` where a replay cannot be had any more.
    buffer: Option<Buffer>,
    /// The trailers, kept when the source has ended.
    trailers: Option<HeaderMap>,
    /// Wakes all who wait: what the source is polled with, so that whoever polled it last may go
    /// away, and the others still hear of it.
    waker: Waker,
}

enum Source<B> {
    /// There may be more to come.
    Open(B),
    /// It was read to its end, or nobody can use the rest of it.
    Ended,
    /// It failed.
    Failed,
}

/// Readers that wait for the source, and are woken together.
#[derive(Default)]
struct Waiting(Mutex<Wakers>);

/// Mostly one, which needs no allocation.
#[derive(Default)]
struct Wakers {
    one: Option<Waker>,
    more: Vec<Waker>,
}

type Polled<E> = Poll<Option<Result<Frame<Bytes>, ReplayError<E>>>>;

// === impl Reader ===

impl<B> Reader<B> {
    /// The first reader of a body, of which at most `max` bytes are kept.
    pub(super) fn new(body: B, max: u64) -> Self {
        let waiting = Arc::new(Waiting::default());
        let state = State {
            source: Source::Open(body),
            holder: Some(0),
            buffer: Some(Buffer::new(max)),
            trailers: None,
            waker: Waker::from(Arc::clone(&waiting)),
        };
        let shared = Shared { state: Mutex::new(state), waiting, next_id: AtomicU64::new(1) };
        Self { shared: Arc::new(shared), id: 0, given: 0, done: false }
    }

    /// Another reader, from the first byte.
    pub(super) fn another(&self) -> Self {
        Self {
            shared: Arc::clone(&self.shared),
            id: self.shared.next_id.fetch_add(1, Relaxed),
            given: 0,
            done: false,
        }
    }

    pub(super) fn is_replayable(&self) -> bool {
        self.shared.lock().buffer.is_some()
    }

    pub(super) fn is_capped(&self) -> Option<bool> {
        let state = self.shared.lock();
        let held = state.holder.is_some_and(|holder| holder != self.id);
        match &state.source {
            Source::Open(_) if held => None,
            Source::Open(_) | Source::Ended => Some(state.buffer.is_none()),
            Source::Failed => Some(false),
        }
    }
}

impl<B> Reader<B>
where
    B: Body + Unpin,
{
    pub(super) fn poll_frame(&mut self, cx: &mut Context<'_>) -> Polled<B::Error> {
        if self.done {
            return Poll::Ready(None);
        }
        let mut guard = self.shared.lock();
        let state = &mut *guard;
        if let Some(bytes) = (state.buffer.as_mut()).and_then(|kept| kept.read(self.given)) {
            self.given += bytes.len() as u64;
            return Poll::Ready(Some(Ok(Frame::data(bytes))));
        }
        let source = match &mut state.source {
            Source::Failed => return Poll::Ready(Some(Err(ReplayError::Broken))),
            // It is not there to be read whole, and the one who may read on is another.
            _ if state.buffer.is_none() && state.holder != Some(self.id) => {
                return Poll::Ready(Some(Err(ReplayError::Capped)));
            }
            Source::Ended => {
                self.done = true;
                let trailers = state.trailers.clone();
                return Poll::Ready(trailers.map(|trailers| Ok(Frame::trailers(trailers))));
            }
            Source::Open(source) => source,
        };

        // Before the source is asked: it may call back at any time from then on.
        self.shared.waiting.add(cx.waker());
        state.holder = Some(self.id);
        let polled = Pin::new(&mut *source).poll_frame(&mut Context::from_waker(&state.waker));
        let Poll::Ready(frame) = polled else {
            return Poll::Pending;
        };
        let frame = frame.map(|result| result.map(|frame| frame.map_data(into_bytes)));
        let ended = match &frame {
            Some(Ok(frame)) => frame.is_trailers() || source.is_end_stream(),
            Some(Err(_)) => false,
            None => true,
        };
        let unused = match &frame {
            Some(Ok(frame)) => {
                self.given += frame.data_ref().map_or(0, |data| data.len() as u64);
                (state.keep(frame), ended.then(|| state.end(Source::Ended)))
            }
            Some(Err(_)) => (state.buffer.take(), Some(state.end(Source::Failed))),
            None => (None, Some(state.end(Source::Ended))),
        };
        self.done = ended;

        drop(guard);
        // Code of others runs outside of the lock.
        drop(unused);
        self.shared.waiting.wake_others(cx.waker());
        Poll::Ready(frame.map(|result| result.map_err(ReplayError::Body)))
    }

    pub(super) fn is_end_stream(&self) -> bool {
        if self.done {
            return true;
        }
        let state = self.shared.lock();
        if !state.is_readable(self) {
            // It has yet to fail.
            return false;
        }
        match &state.source {
            Source::Open(source) => state.kept() <= self.given && source.is_end_stream(),
            Source::Ended => state.kept() <= self.given && state.trailers.is_none(),
            Source::Failed => false,
        }
    }

    pub(super) fn size_hint(&self) -> SizeHint {
        if self.done {
            return SizeHint::with_exact(0);
        }
        let state = self.shared.lock();
        if !state.is_readable(self) {
            return SizeHint::default();
        }
        let kept = state.kept().saturating_sub(self.given);
        let rest = match &state.source {
            Source::Open(source) => source.size_hint(),
            Source::Ended => SizeHint::with_exact(0),
            Source::Failed => return SizeHint::default(),
        };
        let mut hint = SizeHint::default();
        hint.set_lower(rest.lower().saturating_add(kept));
        if let Some(upper) = rest.upper() {
            hint.set_upper(upper.saturating_add(kept));
        }
        hint
    }
}

impl<B> Drop for Reader<B> {
    fn drop(&mut self) {
        let mut state = self.shared.lock();
        if state.holder != Some(self.id) {
            return;
        }
        state.holder = None;
        // Nobody can use the rest of a body whose beginning is gone.
        let open = matches!(state.source, Source::Open(_));
        let unused = (open && state.buffer.is_none()).then(|| state.end(Source::Ended));
        drop(state);
        drop(unused);
    }
}

// === impl Shared ===

impl<B> Shared<B> {
    fn lock(&self) -> MutexGuard<'_, State<B>> {
        // Only the source can panic, and the state is as it was before then.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

// === impl State ===

impl<B> State<B> {
    /// Keeps a frame; gives back what was kept where it is too much now.
    #[must_use]
    fn keep(&mut self, frame: &Frame<Bytes>) -> Option<Buffer> {
        let buffer = self.buffer.as_mut()?;
        if let Some(trailers) = frame.trailers_ref() {
            self.trailers = Some(trailers.clone());
        }
        let kept = frame.data_ref().is_none_or(|data| buffer.push(data));
        if kept { None } else { self.buffer.take() }
    }

    /// Closes the source, and gives it back.
    #[must_use]
    fn end(&mut self, end: Source<B>) -> Source<B> {
        mem::replace(&mut self.source, end)
    }

    /// Whether this reader can still come to the end of the body.
    fn is_readable(&self, reader: &Reader<B>) -> bool {
        self.buffer.is_some() || self.holder == Some(reader.id)
    }

    /// How many bytes are kept.
    fn kept(&self) -> u64 {
        self.buffer.as_ref().map_or(0, Buffer::len)
    }
}

// === impl Waiting ===

impl Waiting {
    fn lock(&self) -> MutexGuard<'_, Wakers> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn add(&self, waker: &Waker) {
        let mut wakers = self.lock();
        if wakers.iter().any(|other| other.will_wake(waker)) {
            return;
        }
        if wakers.one.is_none() {
            wakers.one = Some(waker.clone());
        } else {
            wakers.more.push(waker.clone());
        }
    }

    fn wake_others(&self, waker: &Waker) {
        let others = |other: &Waker| !other.will_wake(waker);
        let mut guard = self.lock();
        if !guard.iter().any(others) {
            return;
        }
        let wakers = mem::take(&mut *guard);
        drop(guard);
        wakers.into_iter().filter(others).for_each(Waker::wake);
    }
}

impl Wake for Waiting {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        let wakers = mem::take(&mut *self.lock());
        wakers.into_iter().for_each(Waker::wake);
    }
}

// === impl Wakers ===

impl Wakers {
    fn iter(&self) -> impl Iterator<Item = &Waker> {
        self.one.iter().chain(&self.more)
    }

    fn into_iter(self) -> impl Iterator<Item = Waker> {
        self.one.into_iter().chain(self.more)
    }
}
