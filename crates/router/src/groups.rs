//! All groups as one service: each request goes to the group that it names, and can be pointed to another.

use std::fmt;
use std::sync::Arc;
use std::task::{Context, Poll};

use http::Response;
use secondwind_layers::Error;
use secondwind_layers::fallback::Retarget;
use tower_service::Service;

use crate::body::Body;
use crate::error::RouteError;
use crate::group::GroupFuture;
use crate::request::Request;
use crate::table::Table;

/// Sends each request to the group that it names.
pub(crate) struct Groups<S>(pub(crate) Arc<Table<S>>);

/// Points requests to the groups of a table.
pub(crate) struct ToGroup<S>(pub(crate) Arc<Table<S>>);

// === impl Groups ===

impl<S> Service<Request> for Groups<S>
where
    S: Service<Request, Response = Response<Body>, Error = Error<RouteError>> + Clone,
{
    type Response = Response<Body>;
    type Error = Error<RouteError>;
    type Future = GroupFuture<S>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request) -> Self::Future {
        if let Some(class) = request.mocked() {
            let error = RouteError::mocked(class);
            return GroupFuture::unasked(request, error);
        }
        match self.0.group(request.group()) {
            Some(group) => group.call(request),
            None => {
                let error = RouteError::unknown_group(request.group());
                GroupFuture::unasked(request, error)
            }
        }
    }
}

impl<S> Clone for Groups<S> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

impl<S> fmt::Debug for Groups<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Groups").field(&self.0).finish()
    }
}

// === impl ToGroup ===

impl<S> Retarget<Request> for ToGroup<S> {
    fn group<'a>(&'a self, request: &'a Request) -> &'a str {
        request.group()
    }

    fn retarget(&self, request: &mut Request, group: &str) -> bool {
        if request.call().place().is_some() {
            // Nobody else has it.
            return false;
        }
        let hop = request.call().hops.iter().find(|hop| *hop.label == *group).cloned();
        let name = hop.as_ref().map_or(group, |hop| &hop.group);
        let Some(group) = self.0.group(name) else { return false };
        request.point_to(group.name().clone());
        hop.is_none_or(|hop| request.become_hop(&hop))
    }
}

impl<S> Clone for ToGroup<S> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}
