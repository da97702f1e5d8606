//! The parts of a message: text and images.

use super::super::chat;
use super::super::gemini::{Blob, FileData, Part};
use super::super::image::{self, NoImage};
use super::super::wire::{Content, Text};
use super::super::{Options, Refused};

/// How long an image may be in base64. Gemini takes no larger request, and would say so only after it
/// has all been sent.
const MAX_BASE64: usize = 20 * 1024 * 1024;

/// What a message may be made of beside text.
#[derive(Clone, Copy, Eq, PartialEq)]
pub(super) enum Allowed {
    Text,
    Images,
    Refusals,
}

/// What is wrong with a field, and which one of a part or a call it is.
pub(super) type InField = (&'static str, Refused);

/// The parts of a message. Empty text says nothing.
pub(super) fn all<'a>(
    content: Option<Content<'a, chat::Part<'a>>>,
    at: usize,
    allowed: Allowed,
    options: &Options<'_>,
) -> Result<Vec<Part<'a>>, Refused> {
    let parts = match content {
        None => return Ok(Vec::new()),
        Some(Content::Text(text)) if text.is_empty() => return Ok(Vec::new()),
        Some(Content::Text(text)) => return Ok(vec![Part::text(text)]),
        Some(Content::Parts(parts)) => parts,
    };
    let mut sent = Vec::with_capacity(parts.len());
    for (index, part) in parts.into_iter().enumerate() {
        let part = one(part, allowed, options).map_err(|(field, refused)| Refused {
            param: Some(format!("messages[{at}].content[{index}].{field}")),
            ..refused
        })?;
        sent.extend(part);
    }
    Ok(sent)
}

fn one<'a>(
    part: chat::Part<'a>,
    allowed: Allowed,
    options: &Options<'_>,
) -> Result<Option<Part<'a>>, InField> {
    let bad = |field, message: &str| Err((field, Refused::bad(field, message)));
    let unsupported = |field, message: &str| Err((field, Refused::unsupported(field, message)));
    let mut extra = part.extra;
    // Gemini's cache needs no marks.
    extra.remove("cache_control");
    match (part.kind.as_str(), part.text, part.refusal, part.image_url) {
        ("text", Some(text), ..) => {
            Ok((!text.is_empty()).then(|| Part { extra, ..Part::text(text) }))
        }
        ("refusal", _, Some(text), _) if allowed == Allowed::Refusals => {
            Ok((!text.is_empty()).then(|| Part::text(text)))
        }
        ("image_url", _, _, Some(image)) if allowed == Allowed::Images => {
            if image.detail.as_ref().is_some_and(|detail| detail.as_str() != "auto") {
                let message = "the provider looks at every image alike: `auto`";
                let field = "image_url.detail";
                options.unsupported(field, message).map_err(|refused| (field, refused))?;
            }
            match image_of(image.url) {
                Ok(part) => Ok(Some(Part { extra, ..part })),
                Err(NoImage::Bad(message)) => bad("image_url.url", message),
                Err(NoImage::Unsupported(message)) => unsupported("image_url.url", message),
            }
        }
        ("text", None, ..) => bad("text", "a part of type `text` has one"),
        ("image_url", _, _, None) => bad("image_url", "a part of type `image_url` has one"),
        ("image_url", ..) => bad("type", "only messages of role `user` have images"),
        ("refusal", ..) => bad("type", "only messages of role `assistant` refuse"),
        ("input_audio" | "file", ..) => unsupported("type", "audio and files are not translated"),
        _ => bad("type", "it is `text` or `image_url`"),
    }
}

fn image_of(url: Text<'_>) -> Result<Part<'_>, NoImage> {
    let text = url.as_str();
    let scheme = text.split(':').next().unwrap_or_default();
    if scheme.eq_ignore_ascii_case("https") || scheme.eq_ignore_ascii_case("http") {
        let mime_type = by_extension(text).map(Text::from);
        let file_data = Some(FileData { mime_type, file_uri: url });
        return Ok(Part { file_data, ..Part::default() });
    }
    if !scheme.eq_ignore_ascii_case("data") {
        return Err(NoImage::Bad("it is neither an http(s) URL nor a data URL"));
    }
    let (media, data) = image::base64(text)?;
    let mime_type = match media {
        "image/jpeg" | "image/jpg" => "image/jpeg",
        "image/png" => "image/png",
        "image/webp" => "image/webp",
        "image/heic" => "image/heic",
        "image/heif" => "image/heif",
        _ => {
            return Err(NoImage::Unsupported(
                "the provider takes images of type image/jpeg, image/png, image/webp, image/heic \
                 and image/heif",
            ));
        }
    };
    if data.len() > MAX_BASE64 {
        return Err(NoImage::Unsupported(
            "the provider takes images of up to 20 MiB in base64; link it by its URL instead",
        ));
    }
    let begin = text.len() - data.len();
    let blob = Blob { mime_type: mime_type.into(), data: url.split_off(begin) };
    Ok(Part { inline_data: Some(blob), ..Part::default() })
}

/// The type of an image by the name of its file, where that tells it.
fn by_extension(url: &str) -> Option<&'static str> {
    let path = url.split(['?', '#']).next()?;
    let (_, extension) = path.rsplit('/').next()?.rsplit_once('.')?;
    match extension.to_ascii_lowercase().as_str() {
        "jpg" | "jpeg" => Some("image/jpeg"),
        "png" => Some("image/png"),
        "webp" => Some("image/webp"),
        "heic" => Some("image/heic"),
        "heif" => Some("image/heif"),
        _ => None,
    }
}
