//! Tells those who observe the router that a request is over, a stream at its end.

use secondwind_layers::Context;
use secondwind_policy::Class;
use tokio::time::Instant;

/// To be told when a request is over; dropped before, its caller went away.
pub(crate) struct Told(Option<Context>);

impl Told {
    pub(crate) const fn new(context: Context) -> Self {
        Self(Some(context))
    }

    /// It is over: answered, or failed with `class`.
    pub(crate) fn over(mut self, class: Option<Class>) {
        if let Some(context) = self.0.take() {
            context.end_request(Instant::now(), class);
        }
    }
}

impl Drop for Told {
    fn drop(&mut self) {
        if let Some(context) = self.0.take() {
            context.end_request(Instant::now(), Some(Class::Cancelled));
        }
    }
}
