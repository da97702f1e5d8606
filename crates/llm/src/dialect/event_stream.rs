//! Amazon's framing of streams, as far as it takes to hear of an exception in one.
//!
//! Bedrock's own interfaces answer in it. They are not spoken here, only its OpenAI-compatible ones are; but whoever
//! gives the address of the others is told what Bedrock said, and what failed for now is tried again, as after any
//! other failure. A message is its length, that of its headers, a checksum, headers, a payload and a checksum, numbers in
//! network order (Smithy's "Amazon event stream" specification). The checksums are not looked at: what is damaged is no
//! answer either way.

use http::header::{CONTENT_TYPE, HeaderMap};
use http::status::StatusCode;
use serde::Deserialize;

/// What a stream ended with.
#[derive(Debug)]
pub(super) struct Exception<'a> {
    /// Its name: `throttlingException`.
    pub(super) kind: &'a str,
    /// What it says, as JSON.
    pub(super) payload: &'a [u8],
}

/// The first exception in an answer in this framing.
pub(super) fn exception<'a>(headers: &HeaderMap, body: &'a [u8]) -> Option<Exception<'a>> {
    const KIND: &[u8] = b"application/vnd.amazon.eventstream";
    let kind = headers.get(CONTENT_TYPE)?.as_bytes().get(..KIND.len())?;
    if !kind.eq_ignore_ascii_case(KIND) {
        return None;
    }
    let mut rest = body;
    loop {
        let message;
        (message, rest) = first_message(rest)?;
        if let Some(exception) = message {
            return Some(exception);
        }
    }
}

/// The first message, where it is an exception, and what is behind it.
fn first_message(bytes: &[u8]) -> Option<(Option<Exception<'_>>, &[u8])> {
    const CHECKSUM: usize = 4;
    let mut at = Reader(bytes);
    let (whole, of_headers) = (at.number(4)?, at.number(4)?);
    at.take(CHECKSUM)?;
    let mut headers = Reader(at.take(of_headers)?);
    let payload = at.take(whole.checked_sub(4 + 4 + CHECKSUM + of_headers + CHECKSUM)?)?;
    at.take(CHECKSUM)?;
    let (mut is_exception, mut kind) = (false, None);
    while let Some((name, value)) = headers.header() {
        match name {
            ":message-type" => is_exception = matches!(value, Some("exception" | "error")),
            ":exception-type" | ":error-code" => kind = value,
            _ => {}
        }
    }
    let kind = kind.filter(|_| is_exception);
    Some((kind.map(|kind| Exception { kind, payload }), at.0))
}

// === impl Exception ===

impl Exception<'_> {
    /// The status that it would have had as an answer (Bedrock's reference of `ConverseStream`).
    pub(super) fn status(&self) -> StatusCode {
        #[derive(Deserialize)]
        #[serde(rename_all = "camelCase")]
        struct Said {
            original_status_code: Option<u16>,
        }
        let said = serde_json::from_slice::<Said>(self.payload).ok();
        let original = said.and_then(|said| said.original_status_code);
        if let Some(status) = original.and_then(|status| StatusCode::from_u16(status).ok()) {
            return status;
        }
        match self.kind {
            "throttlingException" => StatusCode::TOO_MANY_REQUESTS,
            "validationException" => StatusCode::BAD_REQUEST,
            "accessDeniedException" => StatusCode::FORBIDDEN,
            "resourceNotFoundException" => StatusCode::NOT_FOUND,
            "modelTimeoutException" => StatusCode::REQUEST_TIMEOUT,
            "serviceUnavailableException" => StatusCode::SERVICE_UNAVAILABLE,
            _ => StatusCode::INTERNAL_SERVER_ERROR,
        }
    }
}

struct Reader<'a>(&'a [u8]);

// === impl Reader ===

impl<'a> Reader<'a> {
    fn take(&mut self, count: usize) -> Option<&'a [u8]> {
        let (taken, rest) = self.0.split_at_checked(count)?;
        self.0 = rest;
        Some(taken)
    }

    fn number(&mut self, bytes: usize) -> Option<usize> {
        let digits = self.take(bytes)?;
        Some(digits.iter().fold(0, |number, digit| number << 8 | usize::from(*digit)))
    }

    /// A header's name, and its value where that is text.
    fn header(&mut self) -> Option<(&'a str, Option<&'a str>)> {
        let length = self.number(1)?;
        let name = std::str::from_utf8(self.take(length)?).ok()?;
        let length = match self.number(1)? {
            // True and false have no bytes of their own.
            0 | 1 => 0,
            2 => 1,
            3 => 2,
            4 => 4,
            5 | 8 => 8,
            6 => self.number(2)?,
            7 => {
                let length = self.number(2)?;
                return Some((name, std::str::from_utf8(self.take(length)?).ok()));
            }
            9 => 16,
            _ => return None,
        };
        self.take(length)?;
        Some((name, None))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A message with these headers, each a name, the number of its type, and its bytes.
    fn message(headers: &[(&str, u8, &[u8])], payload: &[u8]) -> Vec<u8> {
        let mut own = Vec::new();
        for (name, kind, value) in headers {
            own.push(name.len() as u8);
            own.extend_from_slice(name.as_bytes());
            own.push(*kind);
            if matches!(kind, 6 | 7) {
                own.extend_from_slice(&(value.len() as u16).to_be_bytes());
            }
            own.extend_from_slice(value);
        }
        let whole = 12 + own.len() + payload.len() + 4;
        let mut message = (whole as u32).to_be_bytes().to_vec();
        message.extend_from_slice(&(own.len() as u32).to_be_bytes());
        message.extend_from_slice(b"sum1");
        message.extend_from_slice(&own);
        message.extend_from_slice(payload);
        message.extend_from_slice(b"sum2");
        message
    }

    fn framed() -> HeaderMap {
        let kind = http::HeaderValue::from_static("application/vnd.amazon.eventstream");
        HeaderMap::from_iter([(CONTENT_TYPE, kind)])
    }

    #[test]
    fn an_exception_is_found_behind_words_and_headers_of_every_kind() {
        let words = message(
            &[(":message-type", 7, b"event"), (":event-type", 7, b"contentBlockDelta")],
            b"{}",
        );
        let kinds: Vec<(&str, u8, &[u8])> = vec![
            ("true", 0, b""),
            ("byte", 2, b"1"),
            ("short", 3, b"12"),
            ("int", 4, b"1234"),
            ("long", 5, b"12345678"),
            ("bytes", 6, b"any"),
            ("time", 8, b"12345678"),
            ("uuid", 9, b"1234567890123456"),
            (":message-type", 7, b"exception"),
            (":exception-type", 7, b"serviceUnavailableException"),
        ];
        let body = [words.clone(), message(&kinds, b"{\"message\":\"later\"}"), words].concat();
        let found = exception(&framed(), &body).unwrap();
        assert_eq!((found.kind, found.status().as_u16()), ("serviceUnavailableException", 503));
        assert_eq!(found.payload, b"{\"message\":\"later\"}");
        assert!(exception(&HeaderMap::new(), &body).is_none(), "in another framing");
    }

    #[test]
    fn what_is_cut_or_damaged_holds_no_exception_and_hurts_nobody() {
        let headers: [(&str, u8, &[u8]); 2] =
            [(":message-type", 7, b"error"), (":error-code", 7, b"InternalError")];
        let whole = message(&headers, b"{}");
        assert_eq!(exception(&framed(), &whole).unwrap().status().as_u16(), 500);
        for cut in 0..whole.len() {
            assert!(exception(&framed(), &whole[..cut]).is_none(), "{cut}");
        }
        for at in 0..whole.len() {
            for byte in [0, 1, 127, 255] {
                let mut damaged = whole.clone();
                damaged[at] = byte;
                let _ = exception(&framed(), &damaged);
            }
        }
    }
}
