//! Strikes a deployment's key out of what its provider says.
//!
//! What is at hand as a whole is scrubbed as a whole. Of bytes that come in pieces, the end of one that may be the
//! beginning of the key is held until the next shows whether it is. Any other piece goes through as it came.

use bytes::{Bytes, BytesMut};
use memchr::{memchr_iter, memmem};

/// What stands in the place of a key.
const STRUCK: &[u8] = b"***";

/// What is shorter is no secret, and stands in many an innocent word.
const SHORTEST: usize = 8;

/// The key of a deployment.
pub(crate) struct Secret(memmem::Finder<'static>);

/// How a key is struck out: [`Secret::scrubbed`], or where the length was told [`Secret::masked`].
pub(crate) type Strike = fn(&Secret, Bytes) -> Bytes;

/// Bytes that come in pieces.
pub(crate) struct Pieces {
    strike: Strike,
    /// The end of the last piece: the beginning of the key, as far as anybody knows.
    held: Bytes,
}

// === impl Secret ===

impl Secret {
    /// `None` for a key that is none.
    pub(crate) fn new(key: &str) -> Option<Self> {
        (key.len() >= SHORTEST).then(|| Self(memmem::Finder::new(key).into_owned()))
    }

    pub(crate) fn is_in(&self, bytes: &[u8]) -> bool {
        self.0.find(bytes).is_some()
    }

    /// `bytes` with the key struck out.
    pub(crate) fn scrubbed(&self, bytes: Bytes) -> Bytes {
        let mut scrubbed = Vec::new();
        let mut from = 0;
        for at in self.0.find_iter(&bytes) {
            scrubbed.extend_from_slice(bytes.get(from..at).unwrap_or_default());
            scrubbed.extend_from_slice(STRUCK);
            from = at + self.0.needle().len();
        }
        if from == 0 {
            return bytes;
        }
        scrubbed.extend_from_slice(bytes.get(from..).unwrap_or_default());
        scrubbed.into()
    }

    /// `bytes` with the key struck out, and as many as they were.
    pub(crate) fn masked(&self, bytes: Bytes) -> Bytes {
        let mut echoes = self.0.find_iter(&bytes).peekable();
        if echoes.peek().is_none() {
            return bytes;
        }
        let mut masked = bytes.to_vec();
        for at in echoes {
            if let Some(echo) = masked.get_mut(at..at + self.0.needle().len()) {
                echo.fill(b'*');
            }
        }
        masked.into()
    }

    /// Where the end of `bytes` begins that may be the beginning of the key; their length, where there is none.
    fn begins(&self, bytes: &[u8]) -> usize {
        let key = self.0.needle();
        let Some(first) = key.first() else { return bytes.len() };
        let from = bytes.len().saturating_sub(key.len() - 1);
        let end = bytes.get(from..).unwrap_or_default();
        let begins = |at: &usize| end.get(*at..).is_some_and(|end| key.starts_with(end));
        memchr_iter(*first, end).find(begins).map_or(bytes.len(), |at| from + at)
    }
}

// === impl Pieces ===

impl Pieces {
    pub(crate) const fn new(strike: Strike) -> Self {
        Self { strike, held: Bytes::new() }
    }

    /// What of the next piece, and of what was held before, can be passed on: nothing, it may be.
    pub(crate) fn next(&mut self, secret: &Secret, piece: Bytes) -> Bytes {
        let held = std::mem::take(&mut self.held);
        let all = if held.is_empty() {
            piece
        } else {
            let mut all = BytesMut::with_capacity(held.len() + piece.len());
            all.extend_from_slice(&held);
            all.extend_from_slice(&piece);
            all.freeze()
        };
        // Struck out first: what is left at the end is behind the last key.
        let mut all = (self.strike)(secret, all);
        self.held = all.split_off(secret.begins(&all));
        all
    }

    /// How many bytes are held.
    pub(crate) const fn len(&self) -> usize {
        self.held.len()
    }

    /// There is no more: what was held is not the key.
    pub(crate) fn end(&mut self) -> Bytes {
        std::mem::take(&mut self.held)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const KEY: &str = "sk-sk-sk-secret";

    /// What comes out of pieces, piece by piece.
    fn scrubbed(pieces: &[&[u8]]) -> Vec<Bytes> {
        let secret = Secret::new(KEY).unwrap();
        let mut kept = Pieces::new(Secret::scrubbed);
        let mut out: Vec<Bytes> =
            pieces.iter().map(|piece| kept.next(&secret, Bytes::copy_from_slice(piece))).collect();
        out.push(kept.end());
        out
    }

    #[test]
    fn a_key_is_struck_out_wherever_it_is_parted() {
        let text = format!("a {KEY}, sk-{KEY}{KEY} sk-sk-sk-other sk-sk").into_bytes();
        let expected = "a ***, sk-****** sk-sk-sk-other sk-sk";
        for first in 0..=text.len() {
            for second in first..=text.len() {
                let pieces = [&text[..first], &text[first..second], &text[second..]];
                assert_eq!(scrubbed(&pieces).concat(), expected.as_bytes(), "{first}, {second}");
            }
        }
        let bytes: Vec<_> = text.chunks(1).collect();
        assert_eq!(scrubbed(&bytes).concat(), expected.as_bytes());
    }

    #[test]
    fn a_key_in_a_body_of_known_length_is_struck_out_at_its_length() {
        let secret = Secret::new(KEY).unwrap();
        let text = format!("a {KEY}, sk-{KEY} sk-sk-sk-other sk-sk").into_bytes();
        let struck = "*".repeat(KEY.len());
        let expected = format!("a {struck}, sk-{struck} sk-sk-sk-other sk-sk").into_bytes();
        for at in 0..=text.len() {
            let mut pieces = Pieces::new(Secret::masked);
            let mut next =
                |piece: &[u8]| pieces.next(&secret, Bytes::copy_from_slice(piece)).to_vec();
            let mut all = next(&text[..at]);
            all.extend(next(&text[at..]));
            all.extend(pieces.end());
            assert_eq!(all, expected, "{at}");
        }
    }

    #[test]
    fn what_cannot_be_a_key_goes_through_as_it_came() {
        let secret = Secret::new(KEY).unwrap();
        for piece in ["", "word", "a task.", "sk-other", "data: {}\n\n", &KEY[1..]] {
            let piece = Bytes::copy_from_slice(piece.as_bytes());
            let out = Pieces::new(Secret::scrubbed).next(&secret, piece.clone());
            assert_eq!(out, piece);
            assert!(piece.is_empty() || out.as_ptr() == piece.as_ptr(), "it was copied");
        }
        // And what may be waits, and no more of it.
        let out = scrubbed(&[b"a sk-s", b"k-tail"]);
        assert_eq!(out, [&b"a "[..], b"sk-sk-tail", b""]);
    }

    #[test]
    fn a_short_key_is_no_secret() {
        assert!(Secret::new("none").is_none());
    }
}
