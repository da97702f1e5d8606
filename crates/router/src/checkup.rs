//! Background checks: each deployment is asked something tiny now and then, whether or not anybody needs it.
//!
//! A check goes through the layers of an attempt, so that the deployment's health hears of it as of any other: a failure
//! counts, and an answer during a rest ends it. One that asked to be left alone is. A check is no request: it
//! draws on no budget and is not counted among the attempts.

use std::future::poll_fn;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::{HeaderMap, Response};
use secondwind_layers::classify::Verdict;
use secondwind_layers::{Alternatives, Context, Error, Name};
use secondwind_llm::dialect::{Endpoint, OpenAiChat};
use secondwind_llm::peek::peek;
use secondwind_policy::Class;
use tokio::sync::Semaphore;
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep, timeout};
use tower_service::Service;

use crate::body::Body;
use crate::error::RouteError;
use crate::health::{Room, Standing, Ticket};
use crate::request::{Call, Request};
use crate::target::{Deployment, TargetError};
use crate::wild;

/// How a deployment is checked in the background.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Checkup {
    /// What it is asked: [`Embeddings`](Endpoint::Embeddings), [`Completions`](Endpoint::Completions), or anything
    /// else for a conversation of one word.
    pub endpoint: Endpoint,
    /// The model that it is asked for, where that is not its own. Without it one with a `*` in its model is not checked.
    pub model: Option<String>,
    /// How long it may take; longer is a timeout.
    pub timeout: Duration,
}

/// What the last check of a deployment came to.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Checked {
    /// When it was over.
    pub at: Instant,
    /// How long it took.
    pub took: Duration,
    /// What it failed with; `None` where it was answered.
    pub failed: Option<Class>,
}

/// The checks of one deployment.
pub(crate) struct Check<S> {
    /// The deployment as it is checked: it has the health of the one that requests go to.
    deployment: Arc<Deployment>,
    group: Name,
    /// Whether another group can stand in for its.
    fallback: bool,
    room: Option<Room>,
    how: Checkup,
    stack: S,
}

// === impl Checkup ===

impl Checkup {
    fn body(&self) -> Bytes {
        Bytes::from_static(match self.endpoint {
            Endpoint::Embeddings => br#"{"model":"check","input":"Hi"}"#,
            Endpoint::Completions => br#"{"model":"check","prompt":"Hi","max_tokens":1}"#,
            _ => br#"{"model":"check","messages":[{"role":"user","content":"Hi"}],"max_tokens":1}"#,
        })
    }
}

/// The deployment as it is checked; `None` where it is not.
pub(crate) fn checked(
    deployment: &Arc<Deployment>,
) -> Option<Result<(Arc<Deployment>, Checkup), TargetError>> {
    let Deployment { target, health, peers, .. } = &**deployment;
    let how = target.checkup.clone()?;
    let model = how.model.as_ref().unwrap_or(&target.model);
    if *model == target.model && !deployment.is_wild() {
        return Some(Ok((Arc::clone(deployment), how)));
    }
    let target = wild::asked_for(target, model.clone())?;
    let made = Deployment::new(target, Arc::clone(health), Arc::clone(peers));
    Some(made.map(|deployment| (Arc::new(deployment), how)))
}

// === impl Check ===

impl<S> Check<S> {
    pub(crate) fn new(
        (deployment, how): (Arc<Deployment>, Checkup),
        group: Name,
        fallback: bool,
        room: Option<Room>,
        stack: S,
    ) -> Self {
        Self { deployment, group, fallback, room, how, stack }
    }
}

impl<S> Check<S>
where
    S: Service<Request, Response = Response<Body>, Error = Error<RouteError>> + Clone,
{
    /// Asks the deployment, unless it asked to be left alone, is busy or is tried by somebody just now.
    pub(crate) async fn check(&self) {
        let Deployment { target, health, peers, .. } = &*self.deployment;
        let began = Instant::now();
        if health.wants_peace(began) {
            return;
        }
        let ticket = match health.standing(began) {
            Standing::Resting(_) => Ticket::anyway(health, self.room.as_ref(), began),
            _ => Ticket::new(health, self.room.as_ref(), began),
        };
        let (Some(_ticket), Some(request)) = (ticket, self.request(began)) else { return };
        let context = request.context().clone();
        let mut stack = self.stack.clone();
        let answered = timeout(self.how.timeout, async {
            poll_fn(|cx| stack.poll_ready(cx)).await?;
            stack.call(request).await
        });
        let outcome = answered.await;
        let now = Instant::now();
        let failed = match outcome {
            Err(_) => {
                let verdict = Verdict::new(Class::Timeout);
                let policy = target.policy.breaker();
                peers.failed(health, &verdict, policy, self.fallback, (began, now));
                Some(Class::Timeout)
            }
            Ok(Ok(answer)) => answer.extensions().get::<Verdict>().map(|verdict| verdict.class),
            Ok(Err(_)) => Some(context.verdict().map_or(Class::Timeout, |verdict| verdict.class)),
        };
        let took = now.saturating_duration_since(began);
        health.note_check(Checked { at: now, took, failed });
    }

    fn request(&self, now: Instant) -> Option<Request> {
        let context = Context::new(now);
        context.set_num_retries(Some(0));
        context.enter_group(self.group.clone(), None, None);
        context.set_fallback_left(self.fallback);
        let id = self.deployment.target.id.clone();
        context.enter_deployment(id, Alternatives::default(), None);
        let body = self.how.body();
        let peek = peek(&body).ok()?;
        let call = Call::new(&OpenAiChat, self.how.endpoint, HeaderMap::new(), body, peek);
        Some(Request::new(call, self.group.clone(), context))
    }
}

/// Checks each deployment once in `every`, `at_once` of them at the same time at most, for as long as it is polled.
/// They begin spread over the first `every`.
pub(crate) async fn checkups<S>(checks: Vec<Arc<Check<S>>>, every: Duration, at_once: usize)
where
    S: Service<Request, Response = Response<Body>, Error = Error<RouteError>> + Clone,
    S: Send + Sync + 'static,
    S::Future: Send,
{
    let room = Arc::new(Semaphore::new(at_once.max(1)));
    // Whoever drops this stops them all.
    let mut tasks = JoinSet::new();
    for check in checks {
        tasks.spawn(again_and_again(check, every, Arc::clone(&room)));
    }
    while tasks.join_next().await.is_some() {}
}

async fn again_and_again<S>(check: Arc<Check<S>>, every: Duration, room: Arc<Semaphore>)
where
    S: Service<Request, Response = Response<Body>, Error = Error<RouteError>> + Clone,
{
    let mut wait = every.mul_f64(fastrand::f64());
    loop {
        sleep(wait).await;
        let Ok(_permit) = room.acquire().await else { return };
        check.check().await;
        wait = every.mul_f64(0.9 + 0.2 * fastrand::f64());
    }
}

#[cfg(test)]
mod tests;
