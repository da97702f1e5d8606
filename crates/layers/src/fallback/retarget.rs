//! Which group a request asks for, and how to point it to another.

use std::fmt;

/// Which group a request asks for, and how to point it to another.
pub trait Retarget<Req> {
    /// The group that the request asks for.
    fn group<'a>(&'a self, request: &'a Req) -> &'a str;

    /// Points a copy of the original request to `group`; `false` where this request cannot go there,
    /// which passes the group over.
    fn retarget(&self, request: &mut Req, group: &str) -> bool;
}

/// See [`retarget_fn`].
#[derive(Clone, Copy)]
pub struct RetargetFn<G, T> {
    group: G,
    retarget: T,
}

/// A [`Retarget`] of two closures: one reads the group, one writes it.
pub const fn retarget_fn<Req, G, T>(group: G, retarget: T) -> RetargetFn<G, T>
where
    G: for<'a> Fn(&'a Req) -> &'a str,
    T: Fn(&mut Req, &str),
{
    RetargetFn { group, retarget }
}

impl<Req, G, T> Retarget<Req> for RetargetFn<G, T>
where
    G: for<'a> Fn(&'a Req) -> &'a str,
    T: Fn(&mut Req, &str),
{
    fn group<'a>(&'a self, request: &'a Req) -> &'a str {
        (self.group)(request)
    }

    fn retarget(&self, request: &mut Req, group: &str) -> bool {
        (self.retarget)(request, group);
        true
    }
}

impl<G, T> fmt::Debug for RetargetFn<G, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RetargetFn").finish_non_exhaustive()
    }
}
