//! What there is to say about a configuration, each with its line, a caret and the way out.

use std::fmt;

/// How bad a [`Finding`] is.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub enum Severity {
    /// The configuration cannot be used.
    Error,
    /// The configuration can be used, but something in it has no effect.
    Warning,
}

/// Where something is written.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Place {
    /// The name of the file, as it was given.
    pub file: String,
    /// The line, from 1.
    pub line: usize,
    /// The column in characters, from 1.
    pub column: usize,
    /// How many characters of this line it takes; at least 1.
    pub len: usize,
}

/// One thing to say about a configuration.
///
/// Its text looks like what rustc prints:
///
/// ```text
/// error: unknown key `num_retrys` in `router_settings`
///   --> config.yaml:12:3
///    |
/// 12 |   num_retrys: 3
///    |   ^^^^^^^^^^ did you mean `num_retries`?
/// ```
///
/// No secret is in it: the values of keys that hold one are shown as `***`.
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub struct Finding {
    /// How bad it is.
    pub severity: Severity,
    /// What is wrong.
    pub message: String,
    /// What to write instead, where that is known.
    pub help: Option<String>,
    /// Where; `None` for what has no place in a file.
    pub place: Option<Place>,
    shown: Option<Shown>,
}

/// A line of a source as it may be shown, and what to underline in it.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) struct Shown {
    pub(super) text: String,
    /// How many characters stand before what is underlined.
    pub(super) before: usize,
    /// How many characters are underlined.
    pub(super) len: usize,
}

/// Everything that was found in a configuration that cannot be used, sorted by place; at least one
/// of them is an [error](Severity::Error).
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Findings(Vec<Finding>);

// === impl Finding ===

impl Finding {
    pub(super) fn new(
        severity: Severity,
        message: String,
        help: Option<String>,
        at: Option<(Place, Shown)>,
    ) -> Finding {
        let (place, shown) = at.unzip();
        Finding { severity, message, help, place, shown }
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.severity, self.message)?;
        let (Some(place), Some(shown)) = (&self.place, &self.shown) else {
            return match &self.help {
                Some(help) => write!(f, "\n  = help: {help}"),
                None => Ok(()),
            };
        };
        let number = place.line.to_string();
        let gutter = number.len();
        write!(f, "\n{:gutter$}--> {}:{number}:{}", "", place.file, place.column)?;
        write!(f, "\n{:gutter$} |", "")?;
        write!(f, "\n{number} | {}", shown.text)?;
        write!(f, "\n{:gutter$} | {:before$}", "", "", before = shown.before)?;
        write!(f, "{:^<len$}", "", len = shown.len)?;
        match &self.help {
            Some(help) => write!(f, " {help}"),
            None => Ok(()),
        }
    }
}

// === impl Findings ===

impl Findings {
    pub(super) fn new(findings: Vec<Finding>) -> Findings {
        Findings(findings)
    }

    /// The findings, sorted by place.
    pub fn iter(&self) -> std::slice::Iter<'_, Finding> {
        self.0.iter()
    }

    /// How many of them are errors.
    #[must_use]
    pub fn errors(&self) -> usize {
        self.iter().filter(|finding| finding.severity == Severity::Error).count()
    }

    /// The findings, sorted by place.
    #[must_use]
    pub fn into_vec(self) -> Vec<Finding> {
        self.0
    }
}

impl<'a> IntoIterator for &'a Findings {
    type Item = &'a Finding;
    type IntoIter = std::slice::Iter<'a, Finding>;

    fn into_iter(self) -> Self::IntoIter {
        self.iter()
    }
}

impl fmt::Display for Findings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (n, finding) in self.iter().enumerate() {
            if n > 0 {
                f.write_str("\n\n")?;
            }
            finding.fmt(f)?;
        }
        Ok(())
    }
}

impl std::error::Error for Findings {}

// === impl Severity ===

impl fmt::Display for Severity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Severity::Error => "error",
            Severity::Warning => "warning",
        })
    }
}
