//! The content of an item: text, images and refusals.

use super::super::responses::Part;
use super::super::wire::{Content, Text};
use super::super::{Options, Refused, chat};

/// What an item may be made of.
#[derive(Clone, Copy, Eq, PartialEq)]
pub(super) enum Allowed {
    /// What is told.
    Text,
    /// What is told or shown.
    Images,
    /// What was answered.
    Answers,
}

/// What is said, and what is refused.
pub(super) type Said<'a> = (Option<Content<'a, chat::Part<'a>>>, Option<Text<'a>>);

pub(super) fn content<'a>(
    content: Content<'a, Part<'a>>,
    path: &str,
    allowed: Allowed,
    options: &Options<'_>,
) -> Result<Said<'a>, Refused> {
    let parts = match content {
        Content::Text(text) if text.is_empty() => return Ok((None, None)),
        Content::Text(text) => return Ok((Some(Content::Text(text)), None)),
        Content::Parts(parts) => parts,
    };
    let mut sent = Vec::with_capacity(parts.len());
    let mut refusal: Option<Text<'a>> = None;
    for (at, part) in parts.into_iter().enumerate() {
        let path = format!("{path}[{at}]");
        match (part.kind.as_str(), allowed) {
            ("refusal", Allowed::Answers) => match (part.refusal, &mut refusal) {
                (None, _) => {
                    let message = "a part of type `refusal` has one";
                    return Err(Refused::bad(format!("{path}.refusal"), message));
                }
                (Some(more), Some(said)) => said.0.to_mut().push_str(more.as_str()),
                (more, None) => refusal = more.filter(|text| !text.is_empty()),
            },
            ("output_text", Allowed::Answers) | ("input_text", _) => {
                sent.extend(text(part, &path)?);
            }
            ("input_image", Allowed::Images) => sent.push(image(part, &path, options)?),
            (kind, _) => return Err(wrong(kind, &format!("{path}.type"))),
        }
    }
    Ok((simplest(sent), refusal))
}

/// A part of text; an empty one says nothing. What an answer's text was annotated with is about it,
/// and no part of what was said.
fn text<'a>(part: Part<'a>, path: &str) -> Result<Option<chat::Part<'a>>, Refused> {
    let Some(text) = part.text else {
        return Err(Refused::bad(format!("{path}.text"), "a part of text has one"));
    };
    let mut extra = part.extra;
    for about in ["annotations", "logprobs"] {
        extra.remove(about);
    }
    extra.retain(|_, value| !value.is_null());
    let said = !text.is_empty();
    let kind = "text".into();
    Ok(said.then(|| chat::Part { kind, text: Some(text), extra, ..chat::Part::default() }))
}

fn image<'a>(part: Part<'a>, path: &str, options: &Options<'_>) -> Result<chat::Part<'a>, Refused> {
    let url = match (part.image_url, part.file_id) {
        (Some(url), _) => url,
        (None, Some(_)) => {
            let message = "the provider cannot see OpenAI's files";
            return Err(Refused::unsupported(format!("{path}.file_id"), message));
        }
        (None, None) => {
            let message = "a part of type `input_image` has one";
            return Err(Refused::bad(format!("{path}.image_url"), message));
        }
    };
    let detail = match part.detail {
        Some(detail) if detail.as_str() == "original" => {
            let message = "the provider knows `auto`, `low` and `high`";
            options.unsupported(format!("{path}.detail"), message)?;
            None
        }
        detail => detail,
    };
    let image_url = Some(chat::ImageUrl { url, detail });
    let mut extra = part.extra;
    extra.retain(|_, value| !value.is_null());
    Ok(chat::Part { kind: "image_url".into(), image_url, extra, ..chat::Part::default() })
}

fn wrong(kind: &str, path: &str) -> Refused {
    match kind {
        "text" | "image_url" => {
            let message = "it is of Chat Completions; Responses writes `input_text`, `input_image` \
                 or `output_text`";
            Refused::bad(path, message)
        }
        "input_image" | "input_file" | "input_audio" => {
            Refused::unsupported(path, "the provider takes none here")
        }
        _ => Refused::bad(path, "it is no part that can be here"),
    }
}

/// One text is written as a string, which every provider reads.
fn simplest<'a>(mut parts: Vec<chat::Part<'a>>) -> Option<Content<'a, chat::Part<'a>>> {
    match parts.pop() {
        None => None,
        Some(chat::Part { text: Some(text), extra, .. })
            if parts.is_empty() && extra.is_empty() =>
        {
            Some(Content::Text(text))
        }
        Some(last) => {
            parts.push(last);
            Some(Content::Parts(parts))
        }
    }
}
