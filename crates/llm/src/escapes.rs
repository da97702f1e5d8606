//! Escapes in a URI's path and query (RFC 3986, section 2.1), resolved.

/// `text` with its escapes (`%2F`) resolved. What looks like one and is none stays.
///
/// ```
/// use secondwind_llm::escapes::decoded;
///
/// assert_eq!(decoded("a%2fb%20%C3%A4"), b"a/b \xc3\xa4");
/// assert_eq!(decoded("100%, %zz%"), b"100%, %zz%");
/// ```
#[must_use]
pub fn decoded(text: &str) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let [first, after @ ..] = rest {
        let escaped = (*first == b'%').then_some(after).and_then(escaped);
        let (byte, after) = escaped.unwrap_or((*first, after));
        bytes.push(byte);
        rest = after;
    }
    bytes
}

/// The byte that two digits stand for, and what follows them.
fn escaped(text: &[u8]) -> Option<(u8, &[u8])> {
    let (digits, after) = text.split_at_checked(2)?;
    let mut byte = 0;
    for digit in digits {
        byte = byte * 16 + char::from(*digit).to_digit(16)?;
    }
    Some((u8::try_from(byte).ok()?, after))
}
