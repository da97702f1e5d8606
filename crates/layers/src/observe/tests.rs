use std::sync::Mutex;
use std::sync::mpsc::{Receiver, Sender, channel};

use tokio::time::Instant;
use tower::{Layer, ServiceExt, service_fn};

use super::*;
use crate::classify::Verdict;
use crate::context::Context;
use crate::kind::Scoped;
use crate::retry::RetryLayer;
use crate::testing::{by_its_word, failed, prompt};
use crate::trail::Ended;

/// Tells what it is told.
struct Telltale(Mutex<Sender<String>>);

impl Telltale {
    fn new() -> (Arc<Self>, Receiver<String>) {
        let (said, heard) = channel();
        (Arc::new(Self(Mutex::new(said))), heard)
    }

    fn say(&self, text: String) {
        // The test may be over.
        let _ = self.0.lock().unwrap().send(text);
    }
}

impl Observer for Telltale {
    fn attempt_succeeded(&self, event: &AttemptEnded) {
        self.say(format!("{} ok", event.number));
    }

    fn attempt_failed(&self, event: &AttemptEnded) {
        let AttemptEnded { id, number, attempt, .. } = event;
        let id = id.as_deref().unwrap_or_default();
        self.say(format!("{id}:{number} {}", attempt.class.unwrap().name()));
    }

    fn request_succeeded(&self, event: &RequestEnded) {
        let asked = event.asked.as_deref().unwrap_or_default();
        self.say(format!("{asked} done, {} retries", event.trail.retries()));
    }

    fn request_failed(&self, event: &RequestEnded) {
        self.say(format!("failed: {}", event.class.unwrap().name()));
    }
}

/// Panics at all that it hears.
struct Broken;

impl Observer for Broken {
    fn request_succeeded(&self, _: &RequestEnded) {
        panic!("an observer's own mistake");
    }
}

/// Hears nothing until it is let go on.
struct Stuck(Mutex<Receiver<()>>, Arc<Telltale>);

impl Observer for Stuck {
    fn request_succeeded(&self, event: &RequestEnded) {
        let _ = self.0.lock().unwrap().recv();
        self.1.say(event.id.as_deref().unwrap_or_default().to_owned());
    }
}

fn next(heard: &Receiver<String>) -> String {
    heard.recv_timeout(Duration::from_secs(20)).unwrap()
}

/// A request that was answered at once.
fn answered(id: &str, observers: &Observers) {
    let now = Instant::now();
    let context = Context::new(now);
    context.set_id(id.into());
    context.observe(Arc::new(observers.clone()));
    context.end_request(now, None);
}

#[tokio::test]
async fn is_told_of_each_attempt_and_of_the_request() {
    let (first, heard) = Telltale::new();
    let (second, also_heard) = Telltale::new();
    let observers = Observers::new([first as _, second as _]).unwrap();
    let retry = RetryLayer::new(prompt().num_retries(2).build().unwrap());
    let service = retry.classify(by_its_word()).in_scope().layer(service_fn(
        |scoped: Scoped<u32>| async move {
            match scoped.context.trail().attempts().len() {
                1 => Err(failed(Class::RateLimit)),
                2 => Err(failed(Class::Connection)),
                _ => Ok(scoped.request),
            }
        },
    ));
    let request = Scoped::new(7, Instant::now());
    let context = request.context.clone();
    context.set_id("r-1".into());
    context.enter_group("g".into(), None, None);
    context.observe(Arc::new(observers));
    assert_eq!(service.oneshot(request).await.unwrap(), 7);
    context.end_request(Instant::now(), None);
    // Only the first to say so is believed.
    context.end_request(Instant::now(), Some(Class::Cancelled));
    for heard in [heard, also_heard] {
        let told: Vec<_> = (0..4).map(|_| next(&heard)).collect();
        assert_eq!(told, ["r-1:1 rate_limit", "r-1:2 connection", "3 ok", "g done, 2 retries"]);
    }
}

#[tokio::test]
async fn a_failed_request_is_told_as_one() {
    let (telltale, heard) = Telltale::new();
    let observers = Observers::new([telltale as _]).unwrap();
    let now = Instant::now();
    let context = Context::new(now);
    context.observe(Arc::new(observers));
    context.begin_attempt(now, None, Duration::ZERO, true);
    context.end_attempt(now, Some(&Verdict::new(Class::Timeout)), Ended::Abandoned);
    context.end_request(now, Some(Class::Timeout));
    assert_eq!([next(&heard), next(&heard)], [":1 timeout", "failed: timeout"]);
}

/// An attempt was answered, and its answer's body is still to come.
fn flowing(context: &Context, now: Instant) {
    context.begin_attempt(now, None, Duration::ZERO, true);
    context.begin_answer();
    context.end_attempt(now, None, Ended::Answered);
}

#[tokio::test]
async fn an_answer_that_is_still_to_come_is_told_of_at_its_end() {
    let interrupted = Verdict::new(Class::Interrupted);
    for (ends, end, told) in [
        (Some(None), None, ["1 ok", " done, 0 retries"]),
        (
            Some(Some(&interrupted)),
            Some(Class::Interrupted),
            [":1 interrupted", "failed: interrupted"],
        ),
        // Nobody read it to its end.
        (None, Some(Class::Cancelled), [":1 cancelled", "failed: cancelled"]),
        (None, None, ["1 ok", " done, 0 retries"]),
    ] {
        let (telltale, heard) = Telltale::new();
        let now = Instant::now();
        let context = Context::new(now);
        context.observe(Arc::new(Observers::new([telltale as _]).unwrap()));
        flowing(&context, now);
        assert!(heard.recv_timeout(Duration::from_millis(50)).is_err(), "its head says nothing");
        if let Some(verdict) = ends {
            context.end_answer(now, verdict);
        }
        context.end_request(now, end);
        assert_eq!([next(&heard), next(&heard)], told);
        drop(context);
        assert!(heard.recv().is_err(), "once");
    }
}

#[tokio::test]
async fn one_that_panics_breaks_neither_requests_nor_the_others() {
    let (telltale, heard) = Telltale::new();
    let observers = Observers::new([Arc::new(Broken) as _, telltale as _]).unwrap();
    for _ in 0..3 {
        answered("", &observers);
        assert_eq!(next(&heard), " done, 0 retries");
    }
    let began = Instant::now();
    while observers.panicked() < 3 {
        assert!(began.elapsed() < Duration::from_secs(20), "{observers:?}");
        std::thread::yield_now();
    }
    assert_eq!(observers.dropped(), 0);
}

#[tokio::test]
async fn one_that_is_stuck_misses_the_oldest_and_delays_nobody() {
    let ((go, wait), (telltale, heard)) = (channel(), Telltale::new());
    let (other, also_heard) = Telltale::new();
    let stuck = Arc::new(Stuck(Mutex::new(wait), telltale));
    let observers = Observers::with_capacity(4, [stuck as _, other as _]).unwrap();
    for at in 0..100 {
        answered(&at.to_string(), &observers);
        // The other keeps up, whatever the first does.
        assert_eq!(next(&also_heard), " done, 0 retries");
    }
    drop(go);
    let last: Vec<u32> = std::iter::from_fn(|| Some(next(&heard).parse().unwrap()))
        .take_while(|at| *at < 99)
        .collect();
    // Whatever it was busy with at first, and the last four.
    assert!((3..=4).contains(&last.len()), "{last:?}");
    assert!(last.ends_with(&[96, 97, 98]), "{last:?}");
    assert_eq!(observers.dropped() + last.len() as u64 + 1, 100);
}

#[tokio::test]
async fn observers_are_let_go_with_the_last_who_tells_them() {
    let (telltale, heard) = Telltale::new();
    let observers = Observers::new([telltale as _]).unwrap();
    answered("", &observers);
    drop(observers);
    assert_eq!(next(&heard), " done, 0 retries");
    assert!(heard.recv().is_err(), "its thread has ended and let go of it");
}
