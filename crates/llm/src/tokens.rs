//! How many tokens a request or an answer is about.
//!
//! [`estimate`] guesses, before anybody has counted, and rather too low than too high: it is for keeping a prompt
//! from where it surely does not fit. [`total_tokens`] reads what an answer says.

use memchr::memmem;

/// So many bytes of JSON are taken for a token.
const BYTES_PER_TOKEN: usize = 4;
/// A run of base64 as long as this is a picture or a sound: it costs what it shows, not what it weighs.
const LONGEST_WORD: usize = 1024;

/// About how many tokens a request body is, rather too few than too many.
#[must_use]
pub fn estimate(body: &[u8]) -> u64 {
    let is_base64 = |byte: &u8| {
        byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'/' | b'=' | b'-' | b'_')
    };
    let text: usize = body
        .chunk_by(|a, b| is_base64(a) == is_base64(b))
        .map(<[u8]>::len)
        .filter(|len| *len < LONGEST_WORD)
        .sum();
    (text / BYTES_PER_TOKEN) as u64
}

/// What a part of an answer says of all tokens together: the last `total_tokens` in it. It need not be JSON as a
/// whole; within a string the key's quotes would be escaped.
#[must_use]
pub fn total_tokens(part: &[u8]) -> Option<u64> {
    let key = b"\"total_tokens\"";
    let after = part.get(memmem::rfind(part, key)? + key.len()..)?;
    let number = after.trim_ascii_start().strip_prefix(b":")?.trim_ascii_start();
    let digits = number.iter().take_while(|byte| byte.is_ascii_digit()).count();
    std::str::from_utf8(number.get(..digits)?).ok()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_is_estimated_and_pictures_are_not() {
        assert_eq!(estimate(b""), 0);
        assert_eq!(estimate("twelve bytes".repeat(100).as_bytes()), 300);
        let picture = format!("look: \"data:image/png;base64,{}\"", "iVBORw0KGgo+/".repeat(10_000));
        assert!(estimate(picture.as_bytes()) < 20);
    }

    #[test]
    fn the_last_total_is_the_one_that_counts() {
        for (part, total) in [
            (r#"{"usage": {"prompt_tokens": 3, "total_tokens": 12}}"#, Some(12)),
            (r#"{"total_tokens":1} data: {"total_tokens" : 25}"#, Some(25)),
            (r#"{"content": "\"total_tokens\": 99"}"#, None),
            (r#"{"total_tokens": null}"#, None),
            (r#"{"total_tokens": -3}"#, None),
            (r#"{"total_tokens""#, None),
            ("", None),
        ] {
            assert_eq!(total_tokens(part.as_bytes()), total, "{part}");
        }
    }
}
