//! Readers of one body that are at work at the same time.

use super::*;
use std::{thread, time::Duration};

/// Counts how often it was woken.
#[derive(Default)]
struct Bell(AtomicUsize);

impl Wake for Bell {
    fn wake(self: Arc<Self>) {
        self.0.fetch_add(1, SeqCst);
    }
}

fn bell() -> (Arc<Bell>, Waker) {
    let bell = Arc::new(Bell::default());
    (Arc::clone(&bell), Waker::from(bell))
}

#[test]
fn an_attempt_that_is_stuck_does_not_hold_up_the_next() {
    let (mut sender, channel) = Channel::<Bytes, Infallible>::new(4);
    let mut stuck = kept(channel, 1000);
    let mut next = stuck.clone();
    sender.try_send(Frame::data(Bytes::from_static(b"one"))).unwrap();
    assert_eq!(poll(&mut stuck), Given::Data(b"one".to_vec()));

    // The first body is neither polled nor dropped from here on.
    sender.try_send(Frame::data(Bytes::from_static(b"two"))).unwrap();
    drop(sender);
    assert_eq!(read_all(&mut next).unwrap().0, b"onetwo");
    assert_eq!(read_all(&mut stuck).unwrap().0, b"two");
}

#[test]
fn all_who_wait_hear_of_a_frame_though_one_of_them_has_gone() {
    let (mut sender, channel) = Channel::<Bytes, Infallible>::new(4);
    let mut bodies = [kept(channel, 1000)].to_vec();
    bodies.push(bodies[0].clone());
    bodies.push(bodies[0].clone());
    let (bells, wakers): (Vec<_>, Vec<_>) = (0..3).map(|_| bell()).unzip();
    for (body, waker) in bodies.iter_mut().zip(&wakers) {
        assert_eq!(poll_with(body, waker), Given::Pending);
        assert_eq!(poll_with(body, waker), Given::Pending);
    }
    // The last one to poll the source goes away.
    bodies.pop();
    sender.try_send(Frame::data(Bytes::from_static(b"one"))).unwrap();
    assert_eq!(bells[0].0.load(SeqCst), 1);
    assert_eq!(bells[1].0.load(SeqCst), 1);
    for (body, waker) in bodies.iter_mut().zip(&wakers) {
        assert_eq!(poll_with(body, waker), Given::Data(b"one".to_vec()));
    }
    drop(sender);
    for (body, waker) in bodies.iter_mut().zip(&wakers) {
        assert_eq!(poll_with(body, waker), Given::End);
    }
}

#[test]
fn who_reads_a_frame_wakes_those_who_wait_for_it() {
    let script = Script {
        next: [Next::Later, Next::Frame(Frame::data(Bytes::from_static(b"one")))].into(),
        ..Script::default()
    };
    let mut first = kept(script, 1000);
    let mut second = first.clone();
    let (bell, waker) = bell();
    assert_eq!(poll_with(&mut first, &waker), Given::Pending);
    let woken = bell.0.load(SeqCst);
    assert_eq!(woken, 1);
    assert_eq!(poll_with(&mut second, Waker::noop()), Given::Data(b"one".to_vec()));
    assert_eq!(poll_with(&mut first, &waker), Given::Data(b"one".to_vec()));
}

#[test]
fn of_two_the_one_behind_fails_when_the_cap_is_passed() {
    let mut ahead = kept(Script::new([vec![1; 5], vec![2; 5], vec![3; 5]], false), 8);
    let mut behind = ahead.clone();
    assert_eq!(poll(&mut ahead), Given::Data(vec![1; 5]));
    assert_eq!(poll(&mut behind), Given::Data(vec![1; 5]));
    assert_eq!(poll(&mut ahead), Given::Data(vec![2; 5]));
    assert_eq!(poll(&mut behind), Given::Error("capped".to_owned()));
    assert_eq!(behind.is_capped(), None);
    assert_eq!(poll(&mut ahead), Given::Data(vec![3; 5]));
    assert_eq!(poll(&mut ahead), Given::End);
    assert_eq!(poll(&mut behind), Given::Error("capped".to_owned()));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 3)]
async fn attempts_on_several_threads_all_get_the_whole_body() {
    for round in 0..20_u8 {
        let (mut sender, channel) = Channel::<Bytes, Infallible>::new(2);
        let first = kept(channel, u64::MAX);
        let readers: Vec<_> = (0..3).map(|_| tokio::spawn(first.clone().collect())).collect();
        let early = tokio::spawn(first.into_future_of_some_frames(round));
        let mut whole = Vec::new();
        for frame in 0..200_usize {
            let data = vec![frame as u8; frame * 37 % 2000];
            whole.extend_from_slice(&data);
            sender.send_data(Bytes::from(data)).await.unwrap();
        }
        drop(sender);
        early.await.unwrap();
        for reader in readers {
            assert_eq!(reader.await.unwrap().unwrap().to_bytes(), whole);
        }
    }
}

impl<B: Body + Unpin> ReplayBody<B> {
    /// Reads so many frames, then goes away.
    async fn into_future_of_some_frames(mut self, frames: u8) {
        for _ in 0..frames {
            let _frame = self.frame().await;
        }
    }
}

#[test]
fn a_panic_in_the_source_is_not_passed_on() {
    struct Panics(bool);
    impl Body for Panics {
        type Data = Bytes;
        type Error = Infallible;
        fn poll_frame(
            mut self: Pin<&mut Self>,
            _: &mut Context<'_>,
        ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
            assert!(mem::replace(&mut self.0, true), "as it should");
            Poll::Ready(None)
        }
    }
    let mut first = kept(Panics(false), 10);
    let mut second = first.clone();
    let reader = thread::Builder::new().name("panics".into());
    assert!(reader.spawn(move || poll(&mut first)).unwrap().join().is_err());
    assert_eq!(poll(&mut second), Given::End);
}

proptest! {
    #[test]
    fn readers_in_any_order_all_get_the_whole_body(
        frames in frames(),
        later in prop::collection::vec(any::<bool>(), 40),
        trailers in any::<bool>(),
        turns in prop::collection::vec(0..4_usize, 0..200),
    ) {
        let whole = frames.concat();
        let mut script = Script::new(frames, trailers);
        let next = mem::take(&mut script.next);
        for (at, next) in next.into_iter().enumerate() {
            if later.get(at) == Some(&true) {
                script.next.push_back(Next::Later);
            }
            script.next.push_back(next);
        }
        let first = kept(script, u64::MAX);
        let mut readers: Vec<_> = (0..4).map(|_| (first.clone(), Vec::new())).collect();
        drop(first);
        for turn in turns {
            let (body, read) = &mut readers[turn];
            if let Given::Data(data) = poll(body) {
                read.extend(data);
            }
            prop_assert!(whole.starts_with(read));
        }
        for (mut body, mut read) in readers {
            read.extend(read_all(&mut body).unwrap().0);
            prop_assert_eq!(&read, &whole);
        }
    }
}

/// Waiting is not spinning: nobody is woken while nothing happens.
#[tokio::test(start_paused = true)]
async fn a_reader_that_waits_sleeps() {
    let (_sender, channel) = Channel::<Bytes, Infallible>::new(2);
    let first = kept(channel, 100);
    let (one, two) = (first.clone().collect(), first.collect());
    let both = async { tokio::join!(one, two) };
    let waited = tokio::time::timeout(Duration::from_secs(60), both).await;
    assert!(waited.is_err());
}
