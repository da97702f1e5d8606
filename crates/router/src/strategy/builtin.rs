//! The one list of the strategies that a configuration can name.

use std::sync::Arc;

use super::{SimpleShuffle, Strategy};

/// The names, as LiteLLM's `routing_strategy` has them.
pub const NAMES: &[&str] = &["simple-shuffle"];

/// The strategy called `name`.
#[must_use]
pub fn by_name(name: &str) -> Option<Arc<dyn Strategy>> {
    match name {
        "simple-shuffle" => Some(Arc::new(SimpleShuffle)),
        _ => None,
    }
}
