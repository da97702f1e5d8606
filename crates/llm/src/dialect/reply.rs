//! What replies are no answers, whatever the dialect.

use http::StatusCode;
use http::header::{self, HeaderMap};
use secondwind_layers::classify::Verdict;
use secondwind_policy::Class;
use serde::Deserialize;

use super::ErrorDetail;
use crate::classify::Said;
use crate::redact::redact;

/// Why a body with the status of a success is none of the answers that are known.
pub(super) enum Unread {
    /// It is no JSON, or was cut off.
    NoJson(Verdict),
    /// It is JSON in another shape: that of an error, perhaps.
    OtherShape,
}

/// The verdict on a head that says success; `None` where an answer may follow.
pub(super) fn classify_head(status: StatusCode, headers: &HeaderMap) -> Option<Verdict> {
    let page = headers
        .get(header::CONTENT_TYPE)
        .and_then(|kind| kind.as_bytes().get(..9))
        .is_some_and(|kind| kind.eq_ignore_ascii_case(b"text/html"));
    let empty = matches!(status, StatusCode::NO_CONTENT | StatusCode::RESET_CONTENT)
        || headers.get(header::CONTENT_LENGTH).is_some_and(|length| length == "0");
    // Nobody asked for an encoding, and what is in it cannot be looked at.
    let encoded = headers.get(header::CONTENT_ENCODING).is_some_and(|kind| kind != "identity");
    (page || empty || encoded).then(|| no_answer(Class::InternalServer, status))
}

/// A body as `T`.
pub(super) fn parsed<'a, T: Deserialize<'a>>(body: &'a [u8]) -> Result<T, Unread> {
    serde_json::from_slice(body).map_err(|error| {
        let class = match () {
            // Cut off on the way, as if the connection had been.
            () if error.is_eof() && !body.is_empty() => Class::Connection,
            () if error.is_syntax() || error.is_eof() => Class::InternalServer,
            () => return Unread::OtherShape,
        };
        Unread::NoJson(no_answer(class, StatusCode::OK))
    })
}

/// What an error says, without the keys in it.
pub(super) fn detail(said: &Said) -> ErrorDetail {
    let clean = |text: Option<&str>| text.map(|text| redact(text).into_owned());
    ErrorDetail {
        message: clean(said.message()),
        kind: clean(said.kind()),
        code: clean(said.code()),
        param: clean(said.param()),
    }
}

/// A reply of that status which is no answer, and says no more than that.
pub(super) fn no_answer(class: Class, status: StatusCode) -> Verdict {
    Verdict::new(class).with_status(status.as_u16())
}
