//! Reads a chunk of a stream of Chat Completions.

use bytes::Bytes;
use serde::Deserialize;

use super::Malformed;
use super::chat::Chunk;
use super::wire::Json;

/// Whether an event is an error.
#[derive(Deserialize)]
struct Told<'a> {
    #[serde(borrow, default)]
    error: Option<Json<'a>>,
}

/// An event's data as a chunk, unless it tells an error.
pub(super) fn read(data: &[u8]) -> Result<Chunk<'_>, Malformed> {
    let chunk: Chunk<'_> = match serde_json::from_slice(data) {
        Ok(chunk) => chunk,
        Err(error) => return Err(told_error(data).unwrap_or_else(|| error.into())),
    };
    match told_error(data) {
        Some(error) if chunk.choices.is_empty() => Err(error),
        _ => Ok(chunk),
    }
}

/// An error that is told in the place of a chunk.
fn told_error(data: &[u8]) -> Option<Malformed> {
    let told: Told<'_> = serde_json::from_slice(data).ok()?;
    told.error.map(|_| Malformed::Error(Bytes::copy_from_slice(data)))
}
