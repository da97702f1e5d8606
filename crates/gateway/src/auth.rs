//! Who may ask: one key for all, compared in a time that tells nothing of it.

use std::fmt;

use http::HeaderMap;
use http::header::AUTHORIZATION;
use subtle::{Choice, ConstantTimeEq};

/// The headers that a caller may bring the key in, besides `authorization`: those of LiteLLM's, Azure's and
/// Anthropic's clients.
const HEADERS: [&str; 3] = ["x-litellm-api-key", "api-key", "x-api-key"];

/// The key that callers must bring.
#[derive(Clone)]
pub struct MasterKey(Box<[u8]>);

impl MasterKey {
    /// The key; `None` where it is empty.
    #[must_use]
    pub fn new(key: &str) -> Option<Self> {
        (!key.is_empty()).then(|| Self(key.as_bytes().into()))
    }

    /// Whether a request with these headers brings the key.
    #[must_use]
    pub fn admits(&self, headers: &HeaderMap) -> bool {
        let bearer = headers.get(AUTHORIZATION).and_then(|value| {
            let (scheme, key) = value.as_bytes().split_at_checked(7)?;
            scheme.eq_ignore_ascii_case(b"bearer ").then_some(key)
        });
        let others = HEADERS.iter().filter_map(|name| headers.get(*name));
        let keys = bearer.into_iter().chain(others.map(http::HeaderValue::as_bytes));
        let mut admitted = Choice::from(0);
        for key in keys {
            admitted |= self.is(key.trim_ascii());
        }
        admitted.into()
    }

    /// Takes as long as `given` is, whatever the key is.
    fn is(&self, given: &[u8]) -> Choice {
        let same_length = (given.len() as u64).ct_eq(&(self.0.len() as u64));
        let key = self.0.iter().cycle();
        given.iter().zip(key).fold(same_length, |same, (given, key)| same & given.ct_eq(key))
    }
}

impl fmt::Debug for MasterKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("MasterKey(***)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn admits(name: &'static str, value: &str) -> bool {
        let mut headers = HeaderMap::new();
        headers.insert(name, value.parse().unwrap());
        MasterKey::new("sk-1234").unwrap().admits(&headers)
    }

    #[test]
    fn admits_who_brings_the_key() {
        assert!(admits("authorization", "Bearer sk-1234"));
        assert!(admits("authorization", "bearer  sk-1234 "));
        assert!(admits("api-key", "sk-1234"));
        assert!(admits("x-api-key", "sk-1234"));
        assert!(admits("x-litellm-api-key", "sk-1234"));
    }

    #[test]
    fn refuses_everybody_else() {
        for wrong in ["", "sk-123", "sk-12345", "sk-1235", "sk-1234sk-1234", "SK-1234"] {
            assert!(!admits("authorization", &format!("Bearer {wrong}")), "{wrong:?}");
            assert!(!admits("x-api-key", wrong), "{wrong:?}");
        }
        assert!(!admits("authorization", "sk-1234"));
        assert!(!admits("authorization", "Basic sk-1234"));
        assert!(!MasterKey::new("sk-1234").unwrap().admits(&HeaderMap::new()));
    }

    #[test]
    fn an_empty_key_is_no_key() {
        assert!(MasterKey::new("").is_none());
    }

    #[test]
    fn does_not_show_itself() {
        let shown = format!("{:?}", MasterKey::new("sk-1234"));
        assert!(!shown.contains("1234"), "{shown}");
    }
}
