//! The router: takes a request to whoever can answer it.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use http::Response;
use pin_project_lite::pin_project;
use secondwind_layers::classify::Verdict;
use secondwind_layers::observe::{Sink, Sinks};
use secondwind_layers::{Error, Name};
use secondwind_policy::{Class, Policy};
use tokio::time::Instant;
use tower_service::Service;

use crate::body::Body;
use crate::checkup::checkups;
#[cfg(test)]
use crate::client::{Clients, memory::Network};
use crate::error::RouteError;
use crate::health::Registry;
use crate::recover::{Recover, RecoverFuture};
use crate::request::Request;
use crate::setup::{Setup, SetupError};
use crate::stack::{DeploymentStack, RequestStack, deployment_stack, request_stack};
use crate::state::DeploymentState;
use crate::table::Table;
use crate::told::Told;

/// Takes each request to whoever can answer it: a Tower service, always ready, cheap to clone.
///
/// Answers with any status come back as answers; what they were judged to be is in the request's context.
#[derive(Clone)]
pub struct Router {
    table: Arc<Table<DeploymentStack>>,
    stack: Recover<RequestStack>,
    registry: Registry,
    observed: Option<Arc<Sinks>>,
}

pin_project! {
    /// The future of [`Router`].
    #[must_use = "futures do nothing unless polled"]
    pub struct RouteFuture {
        #[pin]
        inner: RecoverFuture<RequestStack>,
        told: Option<Told>,
    }
}

impl Router {
    /// Puts the groups of `setup` to work. Connects to nobody yet.
    ///
    /// # Errors
    /// Where a deployment's address or key cannot be used, or TLS is wanted and the system's root certificates
    /// cannot be read.
    pub fn new(setup: Setup) -> Result<Self, SetupError> {
        Self::with_registry(setup, Registry::default())
    }

    /// A router for another setup, in the place of this one. What is known of the health of a deployment goes
    /// over to the one that has its id, unless that has another address, model or key. Who observes this one does
    /// not observe the other.
    ///
    /// # Errors
    /// As those of [`new`](Self::new).
    pub fn successor(&self, setup: Setup) -> Result<Self, SetupError> {
        Self::with_registry(setup, self.registry.clone())
    }

    fn with_registry(setup: Setup, registry: Registry) -> Result<Self, SetupError> {
        let table = Table::new(setup, &registry, Instant::now(), deployment_stack)?;
        Ok(Self::of(table, registry))
    }

    /// A router whose providers are in `network`.
    #[cfg(test)]
    pub(crate) fn over(network: &Network, setup: Setup) -> Result<Self, SetupError> {
        let (clients, registry) = (Clients::over(network.connector()), Registry::default());
        let now = Instant::now();
        let table = Table::dialled_by(clients, setup, &registry, now, deployment_stack)?;
        Ok(Self::of(table, registry))
    }

    fn of(table: Table<DeploymentStack>, registry: Registry) -> Self {
        let table = Arc::new(table);
        Self { stack: Recover::new(request_stack(&table)), table, registry, observed: None }
    }

    /// The same, with `sink` told what becomes of its attempts and requests, beside any before:
    /// [`Observers`](secondwind_layers::observe::Observers), or counters of your own.
    #[must_use]
    pub fn observed_by(mut self, sink: Arc<dyn Sink>) -> Self {
        let before = self.observed.as_deref().cloned().unwrap_or_default();
        self.observed = Some(Arc::new(before.with(sink)));
        self
    }

    /// What the deployments are and how they do, by group in the order configured.
    #[must_use]
    pub fn deployments(&self) -> Vec<DeploymentState> {
        let now = Instant::now();
        let groups = self.table.names().iter().filter_map(|name| self.table.group(name));
        groups.flat_map(|group| group.states(now)).collect()
    }

    /// Checks each deployment that has a [`Checkup`](crate::Checkup) once in `every`, give or take a tenth, and at most
    /// `at_once` of them at the same time, for as long as it is polled. What a check comes to counts for the
    /// deployment's health as any attempt does. It is over at once where none is to be checked.
    pub fn checkups(
        &self,
        every: Duration,
        at_once: usize,
    ) -> impl Future<Output = ()> + Send + use<> {
        checkups(self.table.checks().to_vec(), every, at_once)
    }

    /// The names of the groups, in the order configured.
    #[must_use]
    pub fn groups(&self) -> &[Name] {
        self.table.names()
    }

    /// The name of the group that answers for `name`: its own, the one that an alias stands for, or one with `*` that
    /// covers it. One with `*` itself is no name that could be asked for.
    #[must_use]
    pub fn group(&self, name: &str) -> Option<&Name> {
        self.table.group(name).filter(|_| !name.contains('*')).map(|group| group.name())
    }

    /// The policy of the group called `group`.
    #[must_use]
    pub fn policy_of(&self, group: &str) -> Option<&Policy> {
        self.table.group(group).map(|group| &**group.policy())
    }

    /// The first deployment of `group` whose provider speaks OpenAI's own API: what belongs to an account (files, batches)
    /// is passed through to it.
    #[must_use]
    pub fn account_of(&self, group: &str) -> Option<&Name> {
        self.table.group(group).and_then(|group| group.account())
    }

    /// The host that the deployment called `deployment` of `group` is at; never more of its address.
    #[must_use]
    pub fn host_of(&self, group: &str, deployment: &str) -> Option<&str> {
        self.table.host_of(group, deployment)
    }
}

impl Service<Request> for Router {
    type Response = Response<Body>;
    type Error = Error<Error<RouteError>>;
    type Future = RouteFuture;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        // The stack below readies itself inside the call, so that waiting counts.
        let _ = cx;
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request) -> Self::Future {
        let context = request.context();
        let policy = self.table.group(request.group()).map(|group| {
            // The clocks above the group are those of the group that was asked for.
            context.enter_group(group.name().clone(), Some(Arc::clone(group.policy())), None);
            Arc::clone(group.policy())
        });
        let told = self.observed.as_ref().map(|sinks| {
            context.observe(Arc::clone(sinks) as _);
            Told::new(context.clone())
        });
        RouteFuture { inner: self.stack.send(request, policy), told }
    }
}

impl Future for RouteFuture {
    type Output = Result<Response<Body>, Error<Error<RouteError>>>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.project();
        let mut outcome = ready!(this.inner.poll(cx));
        if let Some(told) = this.told.take() {
            match &mut outcome {
                Ok(answer) => match answer.extensions().get::<Verdict>() {
                    Some(verdict) => told.over(Some(verdict.class)),
                    None if answer.body().as_whole().is_some() => told.over(None),
                    None => answer.body_mut().tell(told),
                },
                Err(error) => told.over(Some(class_of(error))),
            }
        }
        Poll::Ready(outcome)
    }
}

/// What a request without an answer failed with.
fn class_of(error: &Error<Error<RouteError>>) -> Class {
    let within = error.inner().and_then(Error::inner);
    // Without an error of ours a clock ran out.
    within.map_or(Class::Timeout, |error| error.verdict().class)
}

impl fmt::Debug for RouteFuture {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RouteFuture").finish_non_exhaustive()
    }
}

impl fmt::Debug for Router {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Router").field("table", &self.table).finish_non_exhaustive()
    }
}
