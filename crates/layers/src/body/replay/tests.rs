use super::*;
use http::HeaderMap;
use http_body_util::{BodyExt, Empty, Full, channel::Channel, combinators::UnsyncBoxBody};
use proptest::prelude::*;
use std::{
    collections::VecDeque,
    convert::Infallible,
    io,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering::SeqCst},
    },
    task::{Wake, Waker},
};

mod overlap;
mod vectors;

/// A source that is scripted: it answers with what is next, and knows when that was the last.
#[derive(Default)]
struct Script {
    next: VecDeque<Next>,
    size: Size,
}

/// What a source says of its size.
#[derive(Default)]
enum Size {
    #[default]
    Unknown,
    Exact,
    Wrong(u64),
}

enum Next {
    Frame(Frame<Bytes>),
    /// Not now; it wakes its reader at once.
    Later,
    Error,
}

impl Script {
    fn new(frames: impl IntoIterator<Item = Vec<u8>>, trailers: bool) -> Self {
        let data = |bytes| Next::Frame(Frame::data(Bytes::from(bytes)));
        let mut next: VecDeque<_> = frames.into_iter().map(data).collect();
        if trailers {
            next.push_back(Next::Frame(Frame::trailers(some_trailers())));
        }
        let size = Size::Unknown;
        Self { next, size }
    }
}

impl Body for Script {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, io::Error>>> {
        match self.next.pop_front() {
            None => Poll::Ready(None),
            Some(Next::Frame(frame)) => Poll::Ready(Some(Ok(frame))),
            Some(Next::Error) => Poll::Ready(Some(Err(io::Error::other("cut short")))),
            Some(Next::Later) => {
                cx.waker().wake_by_ref();
                Poll::Pending
            }
        }
    }

    fn is_end_stream(&self) -> bool {
        self.next.is_empty()
    }

    fn size_hint(&self) -> SizeHint {
        let data = |next: &Next| match next {
            Next::Frame(frame) => frame.data_ref().map_or(0, Bytes::len) as u64,
            Next::Later | Next::Error => 0,
        };
        match self.size {
            Size::Unknown => SizeHint::default(),
            Size::Exact => SizeHint::with_exact(self.next.iter().map(data).sum()),
            Size::Wrong(size) => SizeHint::with_exact(size),
        }
    }
}

fn some_trailers() -> HeaderMap {
    HeaderMap::from_iter([("x-sum".parse().unwrap(), "1".parse().unwrap())])
}

/// What one poll gives; frames with the data copied out.
#[derive(Debug, PartialEq)]
enum Given {
    Data(Vec<u8>),
    Trailers(HeaderMap),
    End,
    Error(String),
    Pending,
}

fn poll<B: Body + Unpin>(body: &mut ReplayBody<B>) -> Given
where
    B::Error: fmt::Display,
{
    poll_with(body, Waker::noop())
}

fn poll_with<B: Body + Unpin>(body: &mut ReplayBody<B>, waker: &Waker) -> Given
where
    B::Error: fmt::Display,
{
    match Pin::new(body).poll_frame(&mut Context::from_waker(waker)) {
        Poll::Pending => Given::Pending,
        Poll::Ready(None) => Given::End,
        Poll::Ready(Some(Ok(frame))) => match frame.into_data() {
            Ok(data) => Given::Data(data.to_vec()),
            Err(frame) => Given::Trailers(frame.into_trailers().unwrap()),
        },
        Poll::Ready(Some(Err(ReplayError::Body(error)))) => Given::Error(error.to_string()),
        Poll::Ready(Some(Err(error))) => {
            let broken = matches!(error, ReplayError::Broken);
            Given::Error(if broken { "broken" } else { "capped" }.to_owned())
        }
    }
}

/// Reads on to the end: all data, and trailers if there are any.
fn read_all<B>(body: &mut ReplayBody<B>) -> Result<(Vec<u8>, Option<HeaderMap>), Given>
where
    B: Body + Unpin,
    B::Error: fmt::Display,
{
    let (mut data, mut trailers, mut waited) = (Vec::new(), None, false);
    loop {
        let before = body.size_hint();
        let ended = body.is_end_stream();
        let given = poll(body);
        if ended {
            assert_eq!((&given, before.exact()), (&Given::End, Some(0)));
        }
        waited = match given {
            Given::Data(bytes) => {
                if let Some(size) = before.exact() {
                    let rest = body.size_hint().exact();
                    assert_eq!(rest, Some(size - bytes.len() as u64));
                }
                data.extend(bytes);
                false
            }
            Given::Trailers(map) => {
                trailers = Some(map);
                false
            }
            Given::End => return Ok((data, trailers)),
            Given::Pending if !waited => true,
            other => return Err(other),
        };
    }
}

fn kept<B: Body>(body: B, max: u64) -> ReplayBody<B> {
    ReplayBody::new(body, max).ok().unwrap()
}

#[test]
fn a_body_at_hand_is_given_without_a_copy() {
    let bytes = Bytes::from(vec![7; 100_000]);
    let mut first = ReplayBody::<Script>::full(bytes.clone());
    let mut second = first.clone();
    for body in [&mut first, &mut second] {
        assert_eq!(body.size_hint().exact(), Some(100_000));
        assert!(!body.is_end_stream());
        let frame = Pin::new(&mut *body).poll_frame(&mut Context::from_waker(Waker::noop()));
        let Poll::Ready(Some(Ok(frame))) = frame else { panic!("a frame") };
        assert_eq!(frame.data_ref().unwrap().as_ptr(), bytes.as_ptr());
        assert!(body.is_end_stream());
        assert_eq!(body.size_hint().exact(), Some(0));
        assert_eq!(poll(body), Given::End);
    }
    let mut third = first.try_clone().unwrap();
    assert!(!third.is_end_stream());
    assert_eq!(read_all(&mut third).unwrap().0, bytes);
    assert_eq!(first.is_capped(), Some(false));
}

#[test]
fn an_empty_body_has_no_frames() {
    let bodies = [
        ReplayBody::full(Bytes::new()),
        kept(Script::default(), 0),
        ReplayBody::passthrough(Script::default()),
        ReplayBody::from(Bytes::new()),
    ];
    for mut body in bodies {
        assert!(body.is_end_stream() && body.is_replayable());
        assert_eq!(body.size_hint().exact(), Some(0));
        assert_eq!(poll(&mut body), Given::End);
    }
}

#[test]
fn frames_of_bytes_are_kept_without_a_copy() {
    let frame = Bytes::from(vec![1; 5000]);
    let next = [Next::Frame(Frame::data(frame.clone())), Next::Later].into();
    let script = Script { next, ..Script::default() };
    let mut first = kept(script, 10_000);
    let mut second = first.clone();
    for body in [&mut first, &mut second] {
        let given = Pin::new(body).poll_frame(&mut Context::from_waker(Waker::noop()));
        let Poll::Ready(Some(Ok(given))) = given else { panic!("a frame") };
        assert_eq!(given.data_ref().unwrap().as_ptr(), frame.as_ptr());
    }
}

#[test]
fn a_body_that_is_too_large_comes_back_and_passes_through_once() {
    let body = Full::new(Bytes::from_static(b"too large"));
    let body = ReplayBody::new(body, 8).err().unwrap();

    let mut first = ReplayBody::passthrough(body);
    assert_eq!(first.size_hint().exact(), Some(9));
    assert_eq!(first.is_capped(), Some(true));
    assert!(!first.is_replayable() && first.try_clone().is_none());
    let mut second = first.clone();
    assert_eq!(read_all(&mut first).unwrap().0, b"too large");
    assert!(first.is_end_stream());

    assert!(!second.is_end_stream() && !second.is_replayable());
    for _ in 0..2 {
        assert_eq!(poll(&mut second), Given::Error("capped".to_owned()));
    }
    assert_eq!(poll(&mut second.clone()), Given::Error("capped".to_owned()));
}

#[test]
fn a_failed_source_is_not_read_again() {
    let mut script = Script::new([vec![1, 2]], false);
    script.next.push_back(Next::Error);
    script.next.push_back(Next::Frame(Frame::data(Bytes::from_static(b"?"))));
    let mut first = kept(script, 100);
    let mut second = first.clone();
    assert_eq!(poll(&mut first), Given::Data(vec![1, 2]));
    assert_eq!(poll(&mut first), Given::Error("cut short".to_owned()));

    // Neither of them says that the body ended.
    for body in [&mut first, &mut second] {
        assert!(!body.is_end_stream() && !body.is_replayable());
        assert_eq!(body.is_capped(), Some(false));
        for _ in 0..2 {
            assert_eq!(poll(body), Given::Error("broken".to_owned()));
        }
    }
}

#[test]
fn the_rest_of_a_capped_body_goes_out_and_is_then_let_go() {
    let alive = Arc::new(());
    let script =
        Tracked(Script::new([vec![1; 5], vec![2; 5], vec![3; 5]], true), Arc::clone(&alive));
    let mut first = kept(script, 8);
    let second = first.clone();
    assert_eq!(poll(&mut first), Given::Data(vec![1; 5]));
    assert!(second.is_replayable());
    assert_eq!(poll(&mut first), Given::Data(vec![2; 5]));
    assert!(!second.is_replayable() && second.try_clone().is_none());
    assert_eq!(poll(&mut first), Given::Data(vec![3; 5]));
    assert_eq!(poll(&mut first), Given::Trailers(some_trailers()));
    assert!(first.is_end_stream());
    assert_eq!(poll(&mut first), Given::End);
    assert_eq!(Arc::strong_count(&alive), 1, "the source is dropped at its end");

    let script = Tracked(Script::new([vec![1; 9], vec![2; 5]], true), Arc::clone(&alive));
    let mut first = kept(script, 8);
    let second = first.clone();
    assert_eq!(poll(&mut first), Given::Data(vec![1; 9]));
    drop(first);
    assert_eq!(Arc::strong_count(&alive), 1, "nobody can use the rest");
    assert_eq!(second.is_capped(), Some(true));
}

struct Tracked(Script, #[allow(dead_code, reason = "counts")] Arc<()>);

impl Body for Tracked {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, io::Error>>> {
        Pin::new(&mut self.0).poll_frame(cx)
    }

    fn is_end_stream(&self) -> bool {
        self.0.is_end_stream()
    }
}

#[test]
fn a_body_in_tiny_pieces_weighs_what_it_is_long() {
    let mut buffer = buffer::Buffer::new(u64::MAX);
    for byte in 0..=255_u8 {
        for _ in 0..1000 {
            assert!(buffer.push(&Bytes::copy_from_slice(&[byte])));
        }
    }
    assert!(buffer.pieces() <= 256_000 / (16 * 1024) + 1);
    let (mut at, mut all) = (0, Vec::new());
    while let Some(bytes) = buffer.read(at) {
        at += bytes.len() as u64;
        all.extend_from_slice(&bytes);
    }
    assert_eq!(all.len(), 256_000);
    assert!(all.is_sorted());
}

#[test]
fn a_source_that_lies_about_its_size_does_no_harm() {
    let mut script = Script::new([vec![1; 10], vec![2; 10]], false);
    script.size = Size::Wrong(3);
    let mut first = kept(script, 100);
    let mut second = first.clone();
    assert_eq!(poll(&mut first), Given::Data(vec![1; 10]));
    assert_eq!(second.size_hint().exact(), Some(13));
    assert_eq!(poll(&mut first), Given::Data(vec![2; 10]));
    assert_eq!(second.size_hint().exact(), Some(20));
    assert_eq!(read_all(&mut second).unwrap().0.len(), 20);
    let full = Size::Wrong(u64::MAX);
    let script = Script { size: full, ..Script::new([vec![1]], false) };
    assert!(kept(script, u64::MAX).size_hint().lower() > 0);
}

#[test]
fn errors_tell_their_own_level_and_link_the_rest() {
    let error = ReplayError::Body(io::Error::other("cut short"));
    let source = std::error::Error::source(&error).unwrap();
    assert_eq!(source.to_string(), "cut short");
    assert_eq!(error.to_string(), "the request body failed");
    assert!(error.into_body().is_some());
    let capped = ReplayError::<io::Error>::Capped;
    assert!(capped.is_capped() && std::error::Error::source(&capped).is_none());
    assert!(!format!("{:?}", ReplayBody::<Script>::full("secret".into())).contains("secret"));
}

#[test]
fn moves_where_its_source_may_move() {
    fn moves<T: Send + Sync + Unpin + 'static>() {}
    moves::<ReplayBody<Full<Bytes>>>();
    fn sends<T: Send + Unpin + 'static>() {}
    sends::<ReplayBody<UnsyncBoxBody<Bytes, Infallible>>>();
}

/// Frames of a body: mostly small, some large, some empty; and whether trailers follow.
fn frames() -> impl Strategy<Value = Vec<Vec<u8>>> {
    let size = prop_oneof![4 => 0..40_usize, 2 => 900..1200_usize, 1 => 10_000..20_000_usize];
    let frame = (size, any::<u8>()).prop_map(|(size, byte)| vec![byte; size]);
    prop::collection::vec(frame, 0..40)
}

proptest! {
    #[test]
    fn a_replay_is_the_original_wherever_the_first_readers_stopped(
        frames in frames(),
        trailers in any::<bool>(),
        stops in prop::collection::vec(0..50_usize, 0..5),
    ) {
        let whole = frames.concat();
        let script = Script { size: Size::Exact, ..Script::new(frames, trailers) };
        let mut body = kept(script, u64::MAX);
        for stop in stops {
            let next = body.try_clone().unwrap();
            prop_assert_eq!(next.size_hint().exact(), Some(whole.len() as u64));
            let mut read = Vec::new();
            for _ in 0..stop {
                match poll(&mut body) {
                    Given::Data(bytes) => read.extend(bytes),
                    Given::Trailers(_) | Given::End => break,
                    other => panic!("{other:?}"),
                }
            }
            prop_assert_eq!(&read, &whole[..read.len()]);
            body = next;
        }
        let again = body.clone();
        for mut body in [body, again] {
            let (data, map) = read_all(&mut body).unwrap();
            prop_assert_eq!(&data, &whole);
            prop_assert_eq!(map.is_some(), trailers);
            prop_assert!(body.is_end_stream());
        }
    }

    #[test]
    fn a_first_reader_always_gets_all_and_a_replay_all_or_an_error(
        frames in frames(),
        trailers in any::<bool>(),
        max in 0..60_000_u64,
        stop in 0..50_usize,
    ) {
        let whole = frames.concat();
        let mut first = kept(Script::new(frames.clone(), trailers), max);
        let mut second = first.clone();
        for _ in 0..stop {
            let _ = poll(&mut first);
        }
        let passed = frames.iter().take(stop).map(Vec::len).sum::<usize>() as u64 > max;
        prop_assert_eq!(second.is_replayable(), !passed);

        let mut third = second.clone();
        drop(first);
        match read_all(&mut second) {
            Ok((data, map)) => {
                prop_assert!(!passed);
                prop_assert_eq!(&data, &whole);
                prop_assert_eq!(map.is_some(), trailers);
            }
            Err(error) => {
                prop_assert!(passed);
                prop_assert_eq!(error, Given::Error("capped".to_owned()));
            }
        }
        let fits = whole.len() as u64 <= max;
        prop_assert_eq!(read_all(&mut third).is_ok(), fits);
    }
}
