//! Parameters that a provider has no word for, or the caller's API another one.

use serde_json::Value;

use super::wire::Extra;
use super::{Options, Refused};

/// Whether a value says no more than its parameter's absence does.
pub(super) type Neutral = fn(&Value) -> bool;

/// Takes what the provider has no word for out of `extra`.
pub(super) fn take(
    extra: &mut Extra,
    names: &[(&'static str, Neutral)],
    options: &Options<'_>,
) -> Result<(), Refused> {
    for (name, neutral) in names {
        if extra.remove(*name).is_some_and(|value| !value.is_null() && !neutral(&value)) {
            options.unsupported(*name, "the provider has no such parameter")?;
        }
    }
    Ok(())
}

/// Refuses the provider's own words, each with the caller's in its place.
pub(super) fn another_word(extra: &Extra, words: &[(&str, &str)]) -> Result<(), Refused> {
    match words.iter().find(|(name, _)| extra.contains_key(*name)) {
        Some((name, message)) => Err(Refused::bad(*name, *message)),
        None => Ok(()),
    }
}
