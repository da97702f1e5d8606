//! What is at work now, and can be replaced while requests are under way.

use std::sync::Arc;

use arc_swap::ArcSwap;
use axum::extract::FromRef;

use crate::routes::App;

/// The [`App`] at work: clones share it.
///
/// A request takes it once, when it comes, and ends with what it began with.
#[derive(Clone, Debug)]
pub struct Live(Arc<ArcSwap<App>>);

// === impl Live ===

impl Live {
    /// What new requests get.
    #[must_use]
    pub fn app(&self) -> Arc<App> {
        self.0.load_full()
    }

    /// Gives another one to all requests that come from now on.
    pub fn replace(&self, app: App) {
        self.0.store(Arc::new(app));
    }
}

impl From<Arc<App>> for Live {
    fn from(app: Arc<App>) -> Self {
        Self(Arc::new(ArcSwap::new(app)))
    }
}

/// What a handler asks for as its state.
impl FromRef<Live> for Arc<App> {
    fn from_ref(live: &Live) -> Self {
        live.app()
    }
}
