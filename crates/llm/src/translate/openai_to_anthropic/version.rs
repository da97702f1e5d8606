//! Which of Anthropic's models take which parameters, by the version in their names.

/// A model's version: `claude-opus-4-7` is 4.7.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub(super) struct Version {
    major: u32,
    minor: u32,
}

/// From here on models think as much as they see fit, and are told how hard to try.
const ADAPTIVE: Version = Version { major: 4, minor: 6 };

/// From here on models take neither budgets for thinking nor samplings.
const NO_SAMPLING: Version = Version { major: 4, minor: 7 };

// === impl Version ===

impl Version {
    /// The version in `model`, whoever lends it: `anthropic.claude-sonnet-4-20250514-v1:0` is 4.0.
    /// None where it names none, as a name of the operator's own does.
    pub(super) fn of(model: &str) -> Option<Self> {
        let (_, name) = model.split_once("claude")?;
        let mut words = name.split(['-', '.', '@', ':', '_']);
        // A date is a number, too, but no version.
        let number = |word: &str| word.parse().ok().filter(|_| word.len() <= 2);
        let major = words.by_ref().find_map(number)?;
        let minor = words.next().and_then(number).unwrap_or(0);
        Some(Self { major, minor })
    }

    pub(super) fn thinks_adaptively(self) -> bool {
        self >= ADAPTIVE
    }

    pub(super) fn takes_samplings(self) -> bool {
        self < NO_SAMPLING
    }

    /// The word for the last step before the utmost, which came with 4.7.
    pub(super) fn xhigh(self) -> &'static str {
        if self >= NO_SAMPLING { "xhigh" } else { "max" }
    }
}
