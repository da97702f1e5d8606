//! What becomes of a stream that breaks.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::error::Findings;
use crate::inherit::Setting;
use crate::partial::PartialStream;
use crate::written::Written;

#[cfg(test)]
mod tests;

/// What becomes of a stream that breaks after the caller got the first of it.
#[derive(Clone, Debug, PartialEq)]
pub struct StreamPolicy {
    pub(crate) recovery: Recovery,
    pub(crate) keepalive: Option<Duration>,
    pub(crate) max_recoveries: u32,
    pub(crate) max_held_bytes: u64,
}

/// How a stream that broke is carried on.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Recovery {
    /// Another place carries on where it broke. Text only; where that cannot be done without a doubt the caller is
    /// told.
    #[default]
    Continue,
    /// The answer is held until it is complete, so that every failure can be retried; the caller gets it all at
    /// once.
    Buffer,
    /// It is not: the caller is told.
    #[serde(skip)]
    Off,
}

impl Default for StreamPolicy {
    fn default() -> StreamPolicy {
        StreamPolicy {
            recovery: Recovery::Continue,
            keepalive: None,
            max_recoveries: 2,
            max_held_bytes: 16 * 1024 * 1024,
        }
    }
}

// === impl StreamPolicy ===

impl StreamPolicy {
    /// Streams that break are told of, and that is all.
    pub(crate) fn off() -> StreamPolicy {
        StreamPolicy { recovery: Recovery::Off, ..StreamPolicy::default() }
    }

    /// How a stream that broke is carried on. Default [`Recovery::Continue`].
    #[must_use]
    pub fn recovery(&self) -> Recovery {
        self.recovery
    }

    /// How often a caller who waits for a stream gets a sign of life. Default never.
    #[must_use]
    pub fn keepalive(&self) -> Option<Duration> {
        self.keepalive
    }

    /// How often a stream is carried on at most. Default 2.
    #[must_use]
    pub fn max_recoveries(&self) -> u32 {
        self.max_recoveries
    }

    /// How many bytes of an answer are held back at most until it proves itself. Default 16 MiB.
    #[must_use]
    pub fn max_held_bytes(&self) -> u64 {
        self.max_held_bytes
    }
}

impl PartialStream {
    pub(crate) fn lay_on(&self, onto: &mut StreamPolicy, findings: &mut Findings) {
        let recovery = &mut onto.recovery;
        findings.lay("stream.recovery", &self.recovery, recovery, Some(Recovery::Off));
        findings.lay_clock("stream.keepalive", &self.keepalive, &mut onto.keepalive);
        let most = &mut onto.max_recoveries;
        findings.lay("stream.max_recoveries", &self.max_recoveries, most, Some(0));
        let held = &mut onto.max_held_bytes;
        findings.lay("stream.max_held_bytes", &self.max_held_bytes, held, None);
    }
}

impl From<&StreamPolicy> for PartialStream {
    fn from(stream: &StreamPolicy) -> PartialStream {
        PartialStream {
            recovery: stream.recovery.into(),
            keepalive: stream.keepalive.map_or(Setting::Off, |every| Setting::Set(every.into())),
            max_recoveries: Setting::Set(stream.max_recoveries.into()),
            max_held_bytes: Setting::Set(stream.max_held_bytes.into()),
        }
    }
}

// === impl Recovery ===

impl From<Recovery> for Setting<Written<Recovery>> {
    fn from(recovery: Recovery) -> Setting<Written<Recovery>> {
        match recovery {
            Recovery::Off => Setting::Off,
            recovery => Setting::Set(recovery.into()),
        }
    }
}
