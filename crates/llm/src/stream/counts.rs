//! How many tokens an answer cost, by whatever names its dialect has for that.

use std::fmt;

use serde::de::{Deserialize, Deserializer, MapAccess, Visitor};

use super::piece::Piece;

/// The counts of a `usage`, as far as they are told.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Counts {
    /// Tokens of the request.
    pub(super) input: Option<u64>,
    /// Tokens of the answer.
    pub(super) output: Option<u64>,
}

impl<'de> Deserialize<'de> for Counts {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(AnyCounts)
    }
}

struct AnyCounts;

impl<'de> Visitor<'de> for AnyCounts {
    type Value = Counts;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("counts of tokens")
    }

    fn visit_unit<E>(self) -> Result<Counts, E> {
        Ok(Counts::default())
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Counts, A::Error> {
        let mut counts = Counts::default();
        // The details are passed over as pieces: serde_json would allocate to ignore them.
        while let Some((key, value)) = map.next_entry::<Piece<'_>, Piece<'_>>()? {
            match key.text().unwrap_or_default() {
                "prompt_tokens" | "input_tokens" | "promptTokenCount" => {
                    counts.input = value.number();
                }
                "completion_tokens" | "output_tokens" | "candidatesTokenCount" => {
                    counts.output = value.number();
                }
                _ => {}
            }
        }
        Ok(counts)
    }
}
