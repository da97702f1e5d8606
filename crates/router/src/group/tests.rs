use std::collections::VecDeque;
use std::future::poll_fn;
use std::sync::Mutex;
use std::time::{Duration, SystemTime};

use bytes::Bytes;
use http::{HeaderMap, StatusCode};
use secondwind_layers::classify::{Opinion, Standard, Verdict};
use secondwind_layers::retry::Retry;
use secondwind_layers::timeout::AttemptTimeout;
use secondwind_layers::{Context, Deadline, PolicyHandle, RetryLayer, TimeoutLayer};
use secondwind_llm::dialect::{Endpoint, OpenAiChat};
use secondwind_llm::peek::peek;
use secondwind_policy::{Class, PolicyBuilder, WhenAllOpen};
use tokio::time::{advance, sleep};
use tower_layer::Layer;

use super::*;
use crate::health::Registry;
use crate::request::{Call, Routed};
use crate::setup::{Checks, GroupSetup, Setup};
use crate::strategy::SimpleShuffle;
use crate::table::Table;
use crate::target::Target;
use crate::watch::Watch;

mod health;
mod picking;

/// The layers of a deployment, with a script in the place of its provider.
type Stack = Retry<Watch<AttemptTimeout<Scripted, Routed>>, Routed, Standard>;

#[derive(Clone, Copy, Debug)]
enum Step {
    Answer,
    AnswerWith(&'static [(&'static str, &'static str)]),
    Fail(Verdict),
    Hang,
}

/// A provider that does what it is told, an answer where it is told nothing.
#[derive(Clone)]
struct Scripted {
    deployment: Arc<Deployment>,
    stage: Arc<Stage>,
}

#[derive(Default)]
struct Stage {
    scripts: Mutex<Vec<(&'static str, VecDeque<Step>)>>,
    /// How long an answer takes.
    takes: Mutex<Option<Duration>>,
    /// Who was asked, and when.
    asked: Mutex<Vec<(String, Instant)>>,
}

/// A group of scripted deployments, in their order.
struct Play {
    table: Table<Stack>,
    stage: Arc<Stage>,
    began: Instant,
}

impl Service<Request> for Scripted {
    type Response = Response<Body>;
    type Error = RouteError;
    type Future = Pin<Box<dyn Future<Output = Result<Response<Body>, RouteError>>>>;

    fn poll_ready(&mut self, _: &mut TaskContext<'_>) -> Poll<Result<(), RouteError>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request) -> Self::Future {
        let Self { deployment, stage } = self.clone();
        let id = deployment.target.id.to_string();
        stage.asked.lock().unwrap().push((id.clone(), Instant::now()));
        let mut scripts = stage.scripts.lock().unwrap();
        let script = scripts.iter_mut().find(|(name, _)| *name == id);
        let step = script.and_then(|(_, steps)| steps.pop_front()).unwrap_or(Step::Answer);
        let takes = *stage.takes.lock().unwrap();
        Box::pin(async move {
            if let Some(takes) = takes {
                sleep(takes).await;
            }
            let mut response = Response::new(Body::whole(id.into()));
            match step {
                Step::Answer => request.context().judge(Opinion::Success),
                Step::AnswerWith(headers) => {
                    request.context().judge(Opinion::Success);
                    for (name, value) in headers {
                        response.headers_mut().insert(*name, value.parse().unwrap());
                    }
                }
                Step::Fail(verdict) => {
                    *response.status_mut() = StatusCode::INTERNAL_SERVER_ERROR;
                    request.context().judge(verdict);
                }
                Step::Hang => std::future::pending().await,
            }
            Ok(response)
        })
    }
}

impl Play {
    /// Deployments `a`, `b` … with their scripts.
    fn new(policy: PolicyBuilder, scripts: &[&[Step]]) -> Self {
        Self::with(policy, scripts, Checks::default(), |_| {})
    }

    /// The same, with what is checked, and what is different of the deployments.
    fn with(
        policy: PolicyBuilder,
        scripts: &[&[Step]],
        checks: Checks,
        differ: impl Fn(&mut Target),
    ) -> Self {
        Self::known(&Registry::default(), policy, scripts, checks, differ)
    }

    /// The same, with what is known of their health.
    fn known(
        registry: &Registry,
        policy: PolicyBuilder,
        scripts: &[&[Step]],
        checks: Checks,
        differ: impl Fn(&mut Target),
    ) -> Self {
        let policy = Arc::new(policy.build().unwrap());
        let names = ["a", "b", "c"];
        let target = |(order, id): (u32, &&str)| {
            let at = format!("http://{id}.example/v1").parse().unwrap();
            let policy = Arc::clone(&policy);
            Target { order, policy, ..Target::new(*id, &OpenAiChat, "m", at) }
        };
        let mut targets: Vec<_> = (0..).zip(&names[..scripts.len()]).map(target).collect();
        targets.iter_mut().for_each(differ);
        let stage = Arc::new(Stage::default());
        let scripts =
            names.into_iter().zip(scripts.iter().map(|steps| steps.iter().copied().collect()));
        *stage.scripts.lock().unwrap() = scripts.collect();
        let groups = vec![GroupSetup { name: "g".into(), policy, targets, listed: true }];
        let setup = Setup {
            groups,
            aliases: vec![("best".into(), "g".into())],
            strategy: Arc::new(SimpleShuffle),
            checks,
        };
        let began = Instant::now();
        let table = Table::new(setup, registry, began, |deployment, _| {
            let policy = PolicyHandle::from(Arc::clone(&deployment.target.policy));
            let scripted =
                Scripted { deployment: Arc::clone(&deployment), stage: Arc::clone(&stage) };
            let clock = TimeoutLayer::attempt(policy.clone()).kind(Routed);
            RetryLayer::new(policy).kind(Routed).layer(Watch::new(
                deployment,
                || SystemTime::UNIX_EPOCH,
                clock.layer(scripted),
            ))
        });
        Self { table: table.unwrap(), stage, began }
    }

    /// Asks the group, with a deadline.
    async fn ask_within(&self, total: Option<Duration>) -> (Context, Outcome) {
        let context = Context::new(Instant::now());
        let outcome = self.ask_with(&context, total).await;
        (context, outcome)
    }

    async fn ask_with(&self, context: &Context, total: Option<Duration>) -> Outcome {
        if let Some(deadline) = total.and_then(|total| Deadline::after(Instant::now(), total)) {
            context.shorten_deadline(deadline);
        }
        self.ask_call(context, call(br#"{"model": "g"}"#)).await
    }

    async fn ask_call(&self, context: &Context, call: Call) -> Outcome {
        let group = self.table.group("g").unwrap();
        group.call(Request::new(call, "g".into(), context.clone())).await
    }

    async fn ask(&self) -> (Context, Outcome) {
        self.ask_within(None).await
    }

    /// Who was asked, and how many seconds after the beginning.
    fn asked(&self) -> Vec<(String, f64)> {
        let asked = self.stage.asked.lock().unwrap();
        let since = |at: Instant| (at - self.began).as_secs_f64();
        asked.iter().map(|(id, at)| (id.clone(), since(*at))).collect()
    }

    fn names(&self) -> String {
        self.asked().into_iter().map(|(id, _)| id).collect()
    }

    fn rest(&self, place: usize, secs: u64, for_rate_limit: bool) {
        let member = &self.table.group("g").unwrap().members[place];
        member.deployment.health.rest(Instant::now(), self::secs(secs), for_rate_limit);
    }
}

/// All of them at once.
async fn futures<F: Future>(all: impl Iterator<Item = F>) -> Vec<F::Output> {
    let mut all: Vec<_> = all.map(|future| (Box::pin(future), None)).collect();
    poll_fn(|cx| {
        let mut waiting = false;
        for (future, output) in all.iter_mut().filter(|(_, output)| output.is_none()) {
            match future.as_mut().poll(cx) {
                Poll::Ready(ready) => *output = Some(ready),
                Poll::Pending => waiting = true,
            }
        }
        if waiting { Poll::Pending } else { Poll::Ready(()) }
    })
    .await;
    all.into_iter().filter_map(|(_, output)| output).collect()
}

fn call(body: impl AsRef<[u8]>) -> Call {
    let body = Bytes::copy_from_slice(body.as_ref());
    let (peek, headers) = (peek(&body).unwrap(), HeaderMap::new());
    Call::new(&OpenAiChat, Endpoint::ChatCompletions, headers, body, peek)
}

fn secs(secs: u64) -> Duration {
    Duration::from_secs(secs)
}

/// Retries that wait for exactly as long as they are told.
fn policy() -> PolicyBuilder {
    Policy::builder().backoff(Duration::ZERO, 1.0, Duration::ZERO)
}

fn fail(class: Class) -> Step {
    Step::Fail(Verdict::new(class))
}

fn limited(secs: u64) -> Step {
    Step::Fail(Verdict::new(Class::RateLimit).with_hint(self::secs(secs)))
}

/// Who answered.
fn from(outcome: &Outcome) -> String {
    let answer = outcome.as_ref().unwrap();
    String::from_utf8(answer.body().as_whole().unwrap().to_vec()).unwrap()
}

fn refused(outcome: &Outcome) -> &RouteError {
    outcome.as_ref().unwrap_err().inner().unwrap()
}

/// Whether a moment is the one that was asked for, or up to a tenth of the wait later.
fn is_about(at: f64, wanted: f64) -> bool {
    (wanted..=wanted * 1.1 + 0.001).contains(&at)
}

const DOWN: Step = Step::Fail(Verdict::new(Class::InternalServer));

#[tokio::test(start_paused = true)]
async fn an_untried_deployment_is_asked_at_once() {
    let play = Play::new(policy().retry_after(secs(30)), &[&[DOWN], &[DOWN], &[]]);
    let (_, outcome) = play.ask().await;
    assert_eq!(from(&outcome), "c");
    assert_eq!(play.asked(), [("a".into(), 0.0), ("b".into(), 0.0), ("c".into(), 0.0)]);
}

#[tokio::test(start_paused = true)]
async fn when_all_were_tried_the_one_that_may_be_tried_first_is_waited_for() {
    let policy = policy().num_retries(5);
    let play = Play::new(policy, &[&[limited(7)], &[limited(3)], &[limited(5)]]);
    let (_, outcome) = play.ask().await;
    assert_eq!(from(&outcome), "b");
    assert_eq!(play.names(), "abcb");
    assert!(is_about(play.asked()[3].1, 3.0), "{:?}", play.asked());
}

#[tokio::test(start_paused = true)]
async fn no_more_attempts_are_made_in_a_group_than_its_retries_allow() {
    for retries in 0..5 {
        let down = [DOWN; 9];
        let play = Play::new(policy().num_retries(retries), &[&down, &down]);
        let (context, outcome) = play.ask().await;
        assert_eq!(outcome.unwrap().status(), 500);
        assert_eq!(play.asked().len() as u32, 1 + retries);
        assert_eq!(context.trail().retries(), retries);
    }
}

#[tokio::test(start_paused = true)]
async fn a_resting_deployment_is_passed_over_until_it_is_back() {
    let play = Play::new(policy(), &[&[], &[]]);
    play.rest(0, 10, true);
    assert_eq!(from(&play.ask().await.1), "b");
    advance(secs(10)).await;
    assert_eq!(from(&play.ask().await.1), "a");
}

#[tokio::test(start_paused = true)]
async fn a_deployment_that_began_to_rest_meanwhile_is_not_moved_to() {
    let play = Play::new(policy().retry_after(secs(2)), &[&[DOWN], &[]]);
    play.rest(1, 60, true);
    let (_, outcome) = play.ask().await;
    assert_eq!(from(&outcome), "a");
    assert_eq!(play.asked(), [("a".into(), 0.0), ("a".into(), 2.0)]);
}

#[tokio::test(start_paused = true)]
async fn a_sibling_that_is_back_sooner_is_waited_for_instead() {
    let play = Play::new(policy().retry_after(secs(20)), &[&[DOWN], &[]]);
    play.rest(1, 10, true);
    let (_, outcome) = play.ask().await;
    assert_eq!(from(&outcome), "b");
    assert!(is_about(play.asked()[1].1, 10.0), "{:?}", play.asked());
}

#[tokio::test(start_paused = true)]
async fn where_all_rest_the_first_to_be_back_is_waited_for_and_that_spends_a_retry() {
    let play = Play::new(policy().num_retries(1), &[&[], &[DOWN, DOWN]]);
    play.rest(0, 30, true);
    play.rest(1, 10, true);
    let (context, outcome) = play.ask().await;
    assert_eq!(outcome.unwrap().status(), 500, "no retry was left");
    assert_eq!(play.names(), "b");
    assert!(is_about(play.asked()[0].1, 10.0), "{:?}", play.asked());
    assert_eq!(context.trail().attempts().len(), 1);
}

#[tokio::test(start_paused = true)]
async fn those_who_wait_come_back_one_by_one() {
    let play = Play::new(policy(), &[&[]]);
    play.rest(0, 20, true);
    let contexts: Vec<Context> = (0..50).map(|_| Context::new(Instant::now())).collect();
    let mut waiting: Vec<_> =
        contexts.iter().map(|context| Box::pin(play.ask_with(context, None))).collect();
    poll_fn(|cx| {
        waiting.retain_mut(|waits| waits.as_mut().poll(cx).is_pending());
        if waiting.is_empty() { Poll::Ready(()) } else { Poll::Pending }
    })
    .await;
    let mut times: Vec<u64> = play.asked().iter().map(|(_, at)| (at * 1e3) as u64).collect();
    assert!(times.iter().all(|at| (20_000..=22_001).contains(at)), "{times:?}");
    times.dedup();
    assert!(times.len() > 5, "{times:?}");
}

#[tokio::test(start_paused = true)]
async fn nobody_is_waited_for_longer_than_the_policy_or_the_deadline_allows() {
    for (rest, total, retries, is_waited) in [
        (60, None, 1, true),
        (61, None, 1, false),
        (10, Some(11), 1, true),
        (10, Some(10), 1, false),
        (10, None, 0, false),
    ] {
        let play = Play::new(policy().num_retries(retries), &[&[]]);
        play.rest(0, rest, true);
        let (context, outcome) = play.ask_within(total.map(secs)).await;
        assert_eq!(outcome.is_ok(), is_waited, "{rest} s within {total:?}");
        if !is_waited {
            let error = refused(&outcome);
            assert!(error.is_all_resting());
            assert_eq!(error.verdict().hint, Some(secs(rest)));
            assert_eq!(context.verdict(), Some(error.verdict()));
            assert!(context.trail().attempts().is_empty());
            assert_eq!(Instant::now(), play.began, "told at once");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn only_where_all_rest_for_a_rate_limit_is_it_one() {
    for (limited, class) in [(true, Class::RateLimit), (false, Class::ServiceUnavailable)] {
        let play = Play::new(policy().num_retries(0), &[&[], &[]]);
        play.rest(0, 20, true);
        play.rest(1, 30, limited);
        let (_, outcome) = play.ask().await;
        assert_eq!(refused(&outcome).verdict().class, class);
        let message = refused(&outcome).to_string();
        assert_eq!(message, "no deployment of `g` is available; the first is back in 20s");
    }
}

#[tokio::test(start_paused = true)]
async fn with_a_fallback_left_nobody_waits() {
    let play = Play::new(policy(), &[&[]]);
    play.rest(0, 1, true);
    let context = Context::new(Instant::now());
    context.set_fallback_left(true);
    let outcome = play.ask_with(&context, None).await;
    assert!(refused(&outcome).is_all_resting());
    assert_eq!(Instant::now(), play.began);
}

#[tokio::test(start_paused = true)]
async fn the_least_bad_is_the_first_to_be_back() {
    let policy = policy().when_all_open(WhenAllOpen::LeastBad);
    let play = Play::new(policy, &[&[], &[]]);
    play.rest(0, 500, true);
    play.rest(1, 400, true);
    assert_eq!(from(&play.ask().await.1), "b");
    assert_eq!(play.asked(), [("b".into(), 0.0)]);
}

#[tokio::test(start_paused = true)]
async fn a_place_that_asked_for_too_much_time_is_not_come_back_to() {
    // With a breaker it rests; without one the request itself remembers.
    for breaker in [policy(), policy().no_breaker()] {
        let policy = breaker.num_retries(2).retry_after(secs(20)).max_retry_after(secs(5));
        let play = Play::new(policy, &[&[limited(10)], &[DOWN]]);
        let (_, outcome) = play.ask().await;
        assert_eq!(from(&outcome), "b");
        assert_eq!(play.asked(), [("a".into(), 0.0), ("b".into(), 0.0), ("b".into(), 20.0)]);
    }
}

#[tokio::test(start_paused = true)]
async fn a_short_patience_with_hints_does_not_shorten_a_backoff() {
    let policy = policy().retry_after(secs(20)).max_retry_after(secs(1)).num_retries(2);
    let play = Play::new(policy, &[&[DOWN], &[DOWN]]);
    assert_eq!(play.ask().await.1.unwrap().status(), 200);
    assert_eq!(play.asked()[2], ("a".into(), 20.0));
}

#[tokio::test(start_paused = true)]
async fn a_key_that_was_refused_is_not_tried_twice() {
    let refused = fail(Class::Authentication);
    let play = Play::new(policy().num_retries(5), &[&[refused], &[DOWN, DOWN]]);
    assert_eq!(from(&play.ask().await.1), "b");
    assert_eq!(play.names(), "abbb");
}

#[tokio::test(start_paused = true)]
async fn what_went_wrong_before_the_deadline_cut_in_is_what_is_told() {
    let overloaded = Verdict::new(Class::ServiceUnavailable);
    let play = Play::new(policy(), &[&[Step::Fail(overloaded)], &[Step::Hang]]);
    let (context, outcome) = play.ask_within(Some(secs(8))).await;
    assert_eq!(from(&outcome), "a");
    assert_eq!(context.verdict(), Some(overloaded));
    assert_eq!(Instant::now() - play.began, secs(8));
    let classes: Vec<_> = context.trail().attempts().iter().map(|attempt| attempt.class).collect();
    assert_eq!(classes, [Some(Class::ServiceUnavailable), Some(Class::Timeout)]);
}

#[tokio::test(start_paused = true)]
async fn a_wait_that_would_pass_the_deadline_is_not_begun() {
    let play = Play::new(policy().retry_after(secs(5)), &[&[DOWN], &[DOWN]]);
    let (_, outcome) = play.ask_within(Some(secs(5))).await;
    assert_eq!(outcome.unwrap().status(), 500);
    assert_eq!(play.names(), "ab");
    assert_eq!(Instant::now(), play.began);
}

#[tokio::test(start_paused = true)]
async fn a_place_that_hangs_leaves_time_for_the_next() {
    let play = Play::new(policy(), &[&[Step::Hang], &[]]);
    let (_, outcome) = play.ask_within(Some(secs(20))).await;
    assert_eq!(from(&outcome), "b");
    // A quarter of what remains is left.
    assert_eq!(play.asked()[1].1, 15.0);
}

#[tokio::test(start_paused = true)]
async fn moves_draw_on_the_budget_of_the_group() {
    let down = [DOWN; 99];
    let policy = policy().num_retries(3).budget(0.5, 0, secs(10));
    let play = Play::new(policy, &[&down, &down]);
    for _ in 0..40 {
        assert_eq!(play.ask().await.1.unwrap().status(), 500);
    }
    assert_eq!(play.asked().len(), 60);
}

#[tokio::test(start_paused = true)]
async fn whoever_walks_away_while_waiting_is_not_asked_for() {
    let play = Play::new(policy().retry_after(secs(5)), &[&[DOWN], &[DOWN]]);
    tokio::select! {
        _ = play.ask() => panic!("it was to wait"),
        () = sleep(secs(2)) => {}
    }
    sleep(secs(10)).await;
    assert_eq!(play.names(), "ab");
}

#[tokio::test(start_paused = true)]
async fn an_alias_leads_to_its_group_and_nothing_else_does() {
    let play = Play::new(policy(), &[&[]]);
    let name = |name: &str| play.table.group(name).map(|group| group.name().to_string());
    assert_eq!([name("g"), name("best"), name("G")], [Some("g".into()), Some("g".into()), None]);
    assert_eq!(play.table.host_of("g", "a"), Some("a.example"));
    assert_eq!(play.table.host_of("g", "b"), None);
}
