//! What is wrong with a policy, and at which path in it.

use std::fmt;

/// A policy that cannot be: everything that is wrong with it, not only the first of it.
///
/// Its text has one line for each [`Finding`].
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Invalid {
    findings: Vec<Finding>,
}

/// One thing that is wrong with a policy, and where.
///
/// Its text is `retry.backoff.max: must not be below base (2s < 5s)`.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Finding {
    /// The way to the value from the policy's root, names joined by dots: `retry.backoff.max`.
    pub path: String,
    /// What is wrong with it and what to write instead, e.g. `must not be below base (2s < 5s)`.
    pub message: String,
}

// === impl Invalid ===

impl Invalid {
    /// Everything that is wrong; at least one finding.
    #[must_use]
    pub fn findings(&self) -> &[Finding] {
        &self.findings
    }

    /// Everything that is wrong, to be added to other findings.
    #[must_use]
    pub fn into_findings(self) -> Vec<Finding> {
        self.findings
    }
}

impl fmt::Display for Invalid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (n, finding) in self.findings.iter().enumerate() {
            if n > 0 {
                f.write_str("\n")?;
            }
            finding.fmt(f)?;
        }
        Ok(())
    }
}

impl std::error::Error for Invalid {}

// === impl Finding ===

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.path, self.message)
    }
}

/// Collects findings while a policy is looked through.
#[derive(Debug, Default)]
pub(crate) struct Findings(Vec<Finding>);

impl Findings {
    /// Notes that the value at `path` is wrong.
    pub(crate) fn add(&mut self, path: impl Into<String>, message: impl Into<String>) {
        self.0.push(Finding { path: path.into(), message: message.into() });
    }

    /// `value`, if nothing was found to be wrong with it.
    pub(crate) fn verdict<T>(self, value: T) -> Result<T, Invalid> {
        if self.0.is_empty() { Ok(value) } else { Err(Invalid { findings: self.0 }) }
    }
}
