//! Which of Gemini's models take which parameters, by the version in their names.

/// A model's version: `gemini-2.5-flash` is 2.5.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub(super) struct Version {
    major: u32,
    minor: u32,
}

/// From here on models think.
pub(super) const THINKING: Version = Version { major: 2, minor: 5 };

/// From here on models are told in a word how hard to think, want the signatures of their calls back,
/// and take tools beside a format.
pub(super) const LEVELS: Version = Version { major: 3, minor: 0 };

/// From here on the larger models have a word between the lowest and the highest.
pub(super) const PRO_MEDIUM: Version = Version { major: 3, minor: 1 };

// === impl Version ===

impl Version {
    /// The version in `model`, whoever lends it: `models/gemini-2.0-flash-001` is 2.0. None where it
    /// names none, as `gemini-flash-latest` does.
    pub(super) fn of(model: &str) -> Option<Self> {
        let (_, name) = model.split_once("gemini-")?;
        let number = name.split('-').next().unwrap_or_default();
        let (major, minor) = number.split_once('.').unwrap_or((number, "0"));
        Some(Self { major: major.parse().ok()?, minor: minor.parse().ok()? })
    }
}
