//! The fields of a request body that are for whoever routes it, and not for the provider.
//!
//! Some are parameters ([`PARAMETERS`]): LiteLLM's, by LiteLLM's names. The others ([`OPERATORS`]) say where a
//! request goes and with which key, which is never the caller's to say. Names count in any case, so that nobody
//! further on who ignores it takes one for its own.
//!
//! A body without them goes on as it is. [`Peek::strip`] takes them out of one that has any: by their places, so
//! that every other byte stays what it was.

use std::ops::Range;

use bytes::{BufMut, Bytes, BytesMut};

use super::cursor::Cursor;
use super::{Peek, PeekError, name, peek};
use crate::body::json_string;

/// A field that is not for the provider.
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub struct Ours {
    /// Its name, from one of the lists; `metadata.tags` for that one.
    pub name: &'static str,
    /// Where its value stands.
    pub value: Range<usize>,
    /// What to leave out so that the field is gone and the rest is still JSON.
    cut: Range<usize>,
}

macro_rules! names {
    ($($(#[$doc:meta])* $list:ident { $($name:literal)* })*) => {
        $($(#[$doc])* pub const $list: &[&str] = &[$($name),*];)*

        /// The field of that name, which is in lower case.
        pub(crate) fn known(name: &[u8]) -> Option<&'static str> {
            // By length and content at once, which a search through the lists would not be.
            $($(const { assert!($name.len() <= LONGEST) };)*)*
            std::str::from_utf8(name).ok().and_then(|name| match name {
                $($($name => Some($name),)*)*
                _ => None,
            })
        }
    };
}

/// The longest of the names.
pub(super) const LONGEST: usize = 37;

/// The tags of a request, where OpenAI's `metadata` has its own place for them.
pub const METADATA_TAGS: &str = "metadata.tags";

names! {
    /// What a caller may ask of the router.
    PARAMETERS {
        "content_policy_fallbacks"
        "context_window_fallbacks"
        "disable_fallbacks"
        "drop_params"
        "fallbacks"
        "max_fallbacks"
        "mock_testing_content_policy_fallbacks"
        "mock_testing_context_fallbacks"
        "mock_testing_fallbacks"
        "mock_testing_rate_limit_error"
        "num_retries"
        "request_timeout"
        "stream_timeout"
        "tags"
        "timeout"
    }
    /// What is the operator's to say: where requests go, with which key and headers.
    OPERATORS {
        "api_base"
        "api_key"
        "api_type"
        "api_version"
        "aws_access_key_id"
        "aws_bedrock_runtime_endpoint"
        "aws_profile_name"
        "aws_region_name"
        "aws_role_name"
        "aws_secret_access_key"
        "aws_session_name"
        "aws_session_token"
        "aws_sts_endpoint"
        "aws_web_identity_token"
        "azure_ad_token"
        "azure_endpoint"
        "base_url"
        "custom_llm_provider"
        "default_headers"
        "extra_body"
        "extra_headers"
        "extra_query"
        "headers"
        "litellm_credential_name"
        "model_list"
        "organization"
        "router_settings_override"
        "ssl_verify"
        "user_config"
        "vertex_ai_credentials"
        "vertex_ai_location"
        "vertex_ai_project"
        "vertex_credentials"
        "vertex_location"
        "vertex_project"
    }
}

// === impl Peek ===

impl Peek {
    /// Takes the fields that are not for the provider out of `body`, the one that was peeked at; gives what
    /// remains. A body that has none is not copied.
    #[must_use]
    pub fn strip(&mut self, body: &Bytes) -> Bytes {
        if self.ours.is_empty() {
            return body.clone();
        }
        let before = self.ours.iter().take_while(|ours| ours.cut.end <= self.model_range.start);
        let shift: usize = before.map(|ours| ours.cut.len()).sum();
        self.model_range = self.model_range.start - shift..self.model_range.end - shift;
        let stripped = without(body, &self.ours);
        self.ours.clear();
        stripped
    }
}

/// `body` with other values for fields of its outermost object, and what it asks for then. Each value is JSON.
///
/// # Errors
/// Where the outcome is nothing that [`peek`] takes.
pub fn with_fields(body: &Bytes, fields: &[(String, Bytes)]) -> Result<(Bytes, Peek), PeekError> {
    let mut cursor = Cursor { bytes: body, at: 0 };
    cursor.whitespace();
    let start = cursor.at + 1;
    cursor.at = start;
    let (mut replaced, mut kept) = (Vec::new(), false);
    members(&mut cursor, &mut replaced, |_, key, _| {
        let name = name(body, &key)?;
        let other = fields.iter().any(|(field, _)| field.as_bytes() == &*name);
        kept |= !other;
        Ok(other.then_some("another"))
    })?;
    let rest = without(body, &replaced);
    let added: usize = fields.iter().map(|(name, value)| name.len() + value.len() + 8).sum();
    let mut other = BytesMut::with_capacity(rest.len() + added);
    other.put_slice(rest.get(..start).unwrap_or_default());
    for (at, (name, value)) in fields.iter().enumerate() {
        if at > 0 {
            other.put_u8(b',');
        }
        other.put_slice(&json_string(name));
        other.put_u8(b':');
        other.put_slice(value);
    }
    if kept && !fields.is_empty() {
        other.put_u8(b',');
    }
    other.put_slice(rest.get(start..).unwrap_or_default());
    let other = other.freeze();
    let peeked = peek(&other)?;
    Ok((other, peeked))
}

/// `body` without the cuts, which are in their order.
fn without(body: &Bytes, cuts: &[Ours]) -> Bytes {
    let mut rest = BytesMut::with_capacity(body.len());
    let mut from = 0;
    for Ours { cut, .. } in cuts {
        rest.put_slice(body.get(from..cut.start).unwrap_or_default());
        from = cut.end;
    }
    rest.put_slice(body.get(from..).unwrap_or_default());
    rest.freeze()
}

/// Walks over the members of an object whose brace was passed, and passes its end. `see` is shown each key and
/// value, and gives the name of one that is to be noted among `ours`.
pub(super) fn members(
    cursor: &mut Cursor<'_>,
    ours: &mut Vec<Ours>,
    mut see: impl FnMut(
        &mut Vec<Ours>,
        Range<usize>,
        Range<usize>,
    ) -> Result<Option<&'static str>, PeekError>,
) -> Result<(), PeekError> {
    cursor.whitespace();
    if cursor.byte()? == b'}' {
        cursor.at += 1;
        return Ok(());
    }
    // With what was kept before a field goes its comma; with nothing before it, all up to the next field.
    let (mut kept, mut comma) = (false, cursor.at);
    let mut open: Option<usize> = None;
    loop {
        cursor.whitespace();
        let key = cursor.key_and_colon()?;
        if let Some(last) = open.take().and_then(|at| ours.get_mut(at)) {
            last.cut.end = key.start;
        }
        cursor.whitespace();
        let start = key.start;
        let value = cursor.value()?;
        let end = value.end;
        match see(ours, key, value.clone())? {
            Some(name) => {
                if !kept {
                    open = Some(ours.len());
                }
                let cut = if kept { comma } else { start }..end;
                ours.push(Ours { name, value, cut });
            }
            None => kept = true,
        }
        cursor.whitespace();
        comma = cursor.at;
        let end = cursor.byte()?;
        cursor.at += 1;
        match end {
            b',' => {}
            b'}' => return Ok(()),
            _ => return Err(PeekError::NotJson { at: comma }),
        }
    }
}

/// The name of a field that is ours; `None` for any other.
pub(super) fn named(
    name: &[u8],
    at: usize,
    ours: &[Ours],
) -> Result<Option<&'static str>, PeekError> {
    let mut lower = [0; LONGEST];
    let Some(lower) = lower.get_mut(..name.len()) else { return Ok(None) };
    lower.copy_from_slice(name);
    lower.make_ascii_lowercase();
    match known(lower) {
        Some(key) if ours.iter().any(|before| before.name == key) => {
            Err(PeekError::Duplicate { key, at })
        }
        known => Ok(known),
    }
}

/// Notes the tags among the metadata, whose brace stands before `at`.
pub(super) fn of_metadata(body: &[u8], at: usize, ours: &mut Vec<Ours>) -> Result<(), PeekError> {
    let mut cursor = Cursor { bytes: body, at };
    members(&mut cursor, ours, |ours, key, _| {
        if key.len() > 4 * 6 + 2 || !name(body, &key)?.eq_ignore_ascii_case(b"tags") {
            return Ok(None);
        }
        if ours.iter().any(|before| before.name == METADATA_TAGS) {
            return Err(PeekError::Duplicate { key: METADATA_TAGS, at: key.start });
        }
        Ok(Some(METADATA_TAGS))
    })
}

#[cfg(test)]
mod tests;
