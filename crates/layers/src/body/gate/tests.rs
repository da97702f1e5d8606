use std::collections::VecDeque;
use std::io;
use std::time::Duration;

use bytes::Bytes;
use http_body::Frame;
use http_body_util::BodyExt;
use secondwind_policy::{Class, Policy, PolicyBuilder};
use tokio::time::{Sleep, sleep};
use tower::{ServiceExt, service_fn};

use super::*;
use crate::body::{Passed, Whole};
use crate::classify::{Blame, Classify, HttpClassify, Opinion, Verdict};
use crate::timeout::Clock;

/// What a body does next.
#[derive(Clone, Copy, Debug)]
enum Step {
    Data(&'static str),
    Wait(u64),
    Reset,
    Hang,
}
use Step::{Data, Hang, Reset, Wait};

/// A body that does what it is told; ends where it is told nothing.
struct Scripted {
    steps: VecDeque<Step>,
    sleep: Option<Pin<Box<Sleep>>>,
}

impl Body for Scripted {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<io::Result<Frame<Bytes>>>> {
        loop {
            if let Some(sleep) = &mut self.sleep {
                ready!(sleep.as_mut().poll(cx));
                self.sleep = None;
            }
            return match self.steps.pop_front() {
                None => Poll::Ready(None),
                Some(Data(data)) => Poll::Ready(Some(Ok(Frame::data(Bytes::from(data))))),
                Some(Reset) => Poll::Ready(Some(Err(io::ErrorKind::ConnectionReset.into()))),
                Some(Hang) => {
                    self.steps.push_front(Hang);
                    Poll::Pending
                }
                Some(Wait(seconds)) => {
                    self.sleep = Some(Box::pin(sleep(Duration::from_secs(seconds))));
                    continue;
                }
            };
        }
    }
}

/// Of this protocol's lines, `.` is a sign of life, `!` is the end, `?` is an error, and all else is content.
#[derive(Debug, Default)]
struct Lines;

impl Inspect for Lines {
    fn data(&mut self, data: Bytes, passed: &mut Passed) -> Result<(), Verdict> {
        for line in data.split_inclusive(|byte| *byte == b'\n') {
            match line {
                b"?\n" => return Err(Verdict::new(Class::InternalServer)),
                b".\n" => {}
                b"!\n" => passed.finish(),
                _ => passed.content(),
            }
            passed.give(data.slice_ref(line));
        }
        Ok(())
    }

    fn end(&mut self, passed: &mut Passed) -> Result<(), Verdict> {
        if passed.finished() { Ok(()) } else { Err(Verdict::new(Class::Connection)) }
    }
}

type Answer = Result<(Duration, Response<Gated<Scripted, Lines>>), (Duration, Verdict)>;

/// The answer behind a gate, and after how long it is there.
async fn ask(policy: PolicyBuilder, steps: &[Step]) -> Answer {
    let steps: VecDeque<Step> = steps.iter().copied().collect();
    let gate = GateLayer::new(policy.build().unwrap(), |_: &response::Parts| Some(Lines));
    let began = Instant::now();
    let service = gate.layer(service_fn(move |(): ()| {
        let body = Scripted { steps: steps.clone(), sleep: None };
        async { Ok::<_, io::Error>(Response::new(body)) }
    }));
    match service.oneshot(()).await {
        Ok(answer) => Ok((began.elapsed(), answer)),
        Err(error) => {
            let outcome: Result<&Response<()>, _> = Err(&error);
            let Opinion::Failure(verdict) = HttpClassify::new().classify(outcome) else {
                panic!("{error}")
            };
            Err((began.elapsed(), verdict))
        }
    }
}

/// What the caller gets of the body, with the time of each piece, and how it ends.
async fn read(body: Gated<Scripted, Lines>) -> (Vec<(String, u64)>, Option<Broken>) {
    let began = Instant::now();
    let (mut body, mut pieces) = (body, Vec::new());
    while let Some(frame) = body.frame().await {
        match frame {
            Ok(frame) => {
                let text = String::from_utf8(frame.into_data().unwrap().to_vec()).unwrap();
                pieces.push((text, began.elapsed().as_secs()));
            }
            Err(broken) => return (pieces, Some(broken)),
        }
    }
    (pieces, None)
}

fn text(pieces: &[(String, u64)]) -> String {
    pieces.iter().map(|(text, _)| &**text).collect()
}

fn policy() -> PolicyBuilder {
    Policy::builder()
}

fn secs(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

#[tokio::test(start_paused = true)]
async fn nothing_is_released_before_there_is_content_and_then_all_of_it() {
    let steps = [Data(".\n"), Wait(5), Data(".\n"), Wait(5), Data("a\n"), Wait(1), Data("b\n!\n")];
    let (after, answer) = ask(policy(), &steps).await.unwrap();
    assert_eq!(after, secs(10));
    let (pieces, broken) = read(answer.into_body()).await;
    assert!(broken.is_none());
    assert_eq!(text(&pieces), ".\n.\na\nb\n!\n");
    assert_eq!(pieces[2], ("a\n".into(), 0));
    assert_eq!(pieces[3], ("b\n".into(), 1), "the rest flows as it comes");
}

#[tokio::test(start_paused = true)]
async fn what_goes_wrong_before_content_is_an_ordinary_failure() {
    for (steps, class) in [
        (&[Data(".\n"), Data("?\n")][..], Class::InternalServer),
        (&[Data(".\n")], Class::Connection),
        (&[Data(".\n"), Reset], Class::Connection),
        (&[], Class::Connection),
        (&[Data("a\n?\n")], Class::InternalServer),
    ] {
        let (after, verdict) = ask(policy(), steps).await.unwrap_err();
        assert_eq!((verdict.class, after), (class, Duration::ZERO), "{steps:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn what_goes_wrong_after_it_is_an_interruption_and_never_an_end() {
    for (steps, cause) in [
        (&[Data("a\n"), Data("b\n")][..], Class::Connection),
        (&[Data("a\n"), Data("b\n"), Reset], Class::Connection),
        (&[Data("a\n"), Data("b\n?\nc\n")], Class::InternalServer),
        (&[Data("a\n"), Data("b\n"), Hang], Class::Timeout),
    ] {
        let (_, answer) = ask(policy(), steps).await.unwrap();
        let (pieces, broken) = read(answer.into_body()).await;
        let broken = broken.expect("it is told");
        assert_eq!(text(&pieces), "a\nb\n", "{steps:?}");
        assert_eq!(broken.verdict().class, Class::Interrupted);
        assert_eq!(broken.cause().class, cause, "{steps:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn each_clock_is_named_by_the_failure_and_runs_out_in_its_time() {
    let policy = || {
        policy()
            .first_content_timeout(secs(10))
            .idle_timeout(secs(20))
            .content_idle_timeout(secs(50))
            .stream_total_timeout(secs(100))
    };
    let (after, verdict) = ask(policy(), &[Hang]).await.unwrap_err();
    assert_eq!((after, verdict.class), (secs(10), Class::Timeout));
    assert_eq!(verdict.blame, Blame::Deployment);
    let pings = [Data(".\n"), Wait(6)].repeat(10);
    assert_eq!(ask(policy(), &pings).await.unwrap_err().0, secs(10));

    for (steps, clock, seconds) in [
        (vec![Data("a\n"), Hang], Clock::Idle, 20),
        ([&[Data("a\n")][..], &[Wait(15), Data(".\n")].repeat(9)].concat(), Clock::ContentIdle, 50),
        ([Data("a\n"), Wait(15)].repeat(9), Clock::StreamTotal, 100),
    ] {
        let (_, answer) = ask(policy(), &steps).await.unwrap();
        let began = Instant::now();
        let (_, broken) = read(answer.into_body()).await;
        let broken = broken.expect("it is cut");
        assert_eq!(began.elapsed(), secs(seconds), "{clock}");
        assert_eq!(broken.elapsed().unwrap().clock(), clock);
        assert!(broken.to_string().contains(clock.name()), "{broken}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_slow_stream_that_keeps_flowing_is_never_cut() {
    let steps = [&[Data("a\n"), Wait(59)].repeat(100)[..], &[Data("!\n")]].concat();
    let (_, answer) = ask(policy().first_content_timeout(secs(60)), &steps).await.unwrap();
    let began = Instant::now();
    let (pieces, broken) = read(answer.into_body()).await;
    assert!(broken.is_none(), "{broken:?}");
    assert_eq!((pieces.len(), began.elapsed()), (101, secs(5900)));
}

#[tokio::test(start_paused = true)]
async fn signs_of_life_without_end_run_into_the_clocks() {
    // Always ready: nobody waits, so that no timer is ever asked.
    struct Endless;
    impl Body for Endless {
        type Data = Bytes;
        type Error = io::Error;
        fn poll_frame(
            self: Pin<&mut Self>,
            _: &mut Context<'_>,
        ) -> Poll<Option<io::Result<Frame<Bytes>>>> {
            Poll::Ready(Some(Ok(Frame::data(Bytes::from_static(b".\n")))))
        }
    }
    let policy = policy().max_held_bytes(1 << 40).first_content_timeout(secs(1)).build().unwrap();
    let gate = GateLayer::new(policy, |_: &response::Parts| Some(Lines));
    let service =
        gate.layer(service_fn(|(): ()| async { Ok::<_, io::Error>(Response::new(Endless)) }));
    let asked = tokio::spawn(service.oneshot(()));
    tokio::task::yield_now().await;
    // The clock is stopped, and the answer never pauses: time passes only because others get their turn.
    tokio::time::advance(secs(1)).await;
    let error = asked.await.unwrap().unwrap_err();
    assert!(error.to_string().contains("first_content"), "{error}");
}

#[tokio::test(start_paused = true)]
async fn once_all_has_come_the_end_is_not_waited_for_for_long() {
    let (_, answer) = ask(policy(), &[Data("a\n"), Data("!\n"), Hang]).await.unwrap();
    let began = Instant::now();
    let (pieces, broken) = read(answer.into_body()).await;
    assert!(broken.is_none(), "{broken:?}");
    assert_eq!(text(&pieces), "a\n!\n");
    assert_eq!(began.elapsed(), secs(1));
    let (_, answer) = ask(policy(), &[Data("a\n"), Data("!\n"), Reset]).await.unwrap();
    assert!(read(answer.into_body()).await.1.is_none());
}

#[tokio::test(start_paused = true)]
async fn an_answer_longer_than_what_is_held_is_on_its_way() {
    let steps = [&[Data(".........\n.........\n")].repeat(3)[..], &[Hang]].concat();
    let whole = |_: &response::Parts| Some(Whole::new(|_: &Bytes| None));
    let gate = GateLayer::new(policy().max_held_bytes(50).build().unwrap(), whole);
    let service = gate.layer(service_fn(move |(): ()| {
        let body = Scripted { steps: steps.iter().copied().collect(), sleep: None };
        async { Ok::<_, io::Error>(Response::new(body)) }
    }));
    let mut body = service.oneshot(()).await.unwrap().into_body();
    for _ in 0..3 {
        assert_eq!(body.frame().await.unwrap().unwrap().into_data().unwrap().len(), 20);
    }
    let broken = body.frame().await.unwrap().unwrap_err();
    assert_eq!(broken.elapsed().unwrap().clock(), Clock::Idle);
}

#[tokio::test(start_paused = true)]
async fn a_body_that_broke_is_let_go_of_at_once() {
    let (dropped, gone) = std::sync::mpsc::channel::<()>();
    struct Held(Scripted, #[allow(dead_code)] std::sync::mpsc::Sender<()>);
    impl Body for Held {
        type Data = Bytes;
        type Error = io::Error;
        fn poll_frame(
            mut self: Pin<&mut Self>,
            cx: &mut Context<'_>,
        ) -> Poll<Option<io::Result<Frame<Bytes>>>> {
            Pin::new(&mut self.0).poll_frame(cx)
        }
    }
    let body = Scripted { steps: [Data("a\n"), Data("?\n"), Hang].into(), sleep: None };
    let now = Instant::now();
    let mut gated = Gated::inspected(Held(body, dropped), Lines, Limits::default(), now);
    std::future::poll_fn(|cx| gated.poll_proof(cx, 100)).await.unwrap();
    assert!(gated.frame().await.unwrap().is_ok());
    assert!(gated.frame().await.unwrap().is_err());
    assert_eq!(gone.try_recv(), Err(std::sync::mpsc::TryRecvError::Disconnected));
    assert!(gated.into_inspector().is_some(), "what it had seen is still known");
}
