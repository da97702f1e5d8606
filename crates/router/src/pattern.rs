//! Names with `*` in them: which names they cover, and what the `*` stand for.
//!
//! What a caller writes in the place of a `*` goes into a request to a provider, so it may only be what names of
//! models are made of: up to 256 letters, digits and `-._:/@+~`, and no `..`.

use std::fmt;

/// A name in which each `*` stands for any part of a name, an empty one included.
///
/// Of several that cover a name the longest is meant, as in LiteLLM.
///
/// ```
/// use secondwind_router::Pattern;
///
/// let pattern = Pattern::new("openai/*").ok_or("no pattern")?;
/// assert_eq!(pattern.parts("openai/gpt-4o"), Some(vec!["gpt-4o"]));
/// assert!(!pattern.covers("gpt-4o"));
/// # Ok::<(), &'static str>(())
/// ```
#[derive(Clone, Eq, PartialEq)]
pub struct Pattern {
    text: Box<str>,
}

const STAR: char = '*';
/// The longest part of a name that a `*` stands for.
const LONGEST: usize = 256;

// === impl Pattern ===

impl Pattern {
    /// The pattern that `text` is; `None` where there is no `*` in it.
    #[must_use]
    pub fn new(text: &str) -> Option<Self> {
        text.contains(STAR).then(|| Self { text: text.into() })
    }

    /// How it is written.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// Whether it stands for `name`.
    #[must_use]
    pub fn covers(&self, name: &str) -> bool {
        self.parts(name).is_some()
    }

    /// What each `*` stands for in `name`, the first as much as it can; `None` where it does not cover it.
    #[must_use]
    pub fn parts<'a>(&self, name: &'a str) -> Option<Vec<&'a str>> {
        let mut literals = self.text.split(STAR);
        let mut rest = name.strip_prefix(literals.next()?)?;
        let mut parts = Vec::new();
        // From the end, so that those before get as much as there is.
        while let Some(literal) = literals.next_back() {
            let at = if parts.is_empty() {
                rest.ends_with(literal).then(|| rest.len() - literal.len())
            } else {
                rest.rfind(literal)
            }?;
            parts.push(rest.get(at + literal.len()..)?);
            rest = rest.get(..at)?;
        }
        // Each was found behind its literal: what is left is the first, what came first is behind the last.
        parts.push(rest);
        parts.remove(0);
        parts.reverse();
        parts.iter().all(|part| is_part(part)).then_some(parts)
    }

    /// How much it says; of several that cover a name, the one that says most is meant.
    #[must_use]
    pub fn specificity(&self) -> (usize, usize) {
        (self.text.len(), self.text.matches(STAR).count())
    }
}

/// Whether it can be a part of a model's name, and nothing else.
fn is_part(part: &str) -> bool {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-._:/@+~".contains(&byte);
    part.len() <= LONGEST && part.bytes().all(plain) && !part.contains("..")
}

/// `template` with `parts` in the place of its `*`; where it has fewer, the last ones.
pub(crate) fn filled(template: &str, parts: &[&str]) -> String {
    let stars = template.matches(STAR).count();
    let mut parts = parts.iter().skip(parts.len().saturating_sub(stars));
    let mut filled = String::with_capacity(template.len() + 32);
    for (nth, literal) in template.split(STAR).enumerate() {
        if nth > 0 {
            filled.push_str(parts.next().unwrap_or(&"*"));
        }
        filled.push_str(literal);
    }
    filled
}

impl fmt::Debug for Pattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Pattern").field(&self.text).finish()
    }
}

#[cfg(test)]
mod tests;
