//! Images: the URL that one API knows, the source that the other does.

use super::chat::ImageUrl;
use super::messages::Source;
use super::wire::Text;

/// How long an image may be in base64. Anthropic takes none above, and would say so only after it
/// has all been sent.
pub(super) const MAX_BASE64: usize = 10 * 1024 * 1024;

/// Why an image cannot be passed on.
#[derive(Debug)]
pub(super) enum NoImage {
    /// The URL is none of an image.
    Bad(&'static str),
    /// The provider takes no such image.
    Unsupported(&'static str),
}

/// An image's URL as Anthropic's source.
pub(super) fn source(url: Text<'_>) -> Result<Source<'_>, NoImage> {
    let text = url.as_str();
    let scheme = text.split(':').next().unwrap_or_default();
    if scheme.eq_ignore_ascii_case("https") || scheme.eq_ignore_ascii_case("http") {
        return Ok(Source { kind: "url".into(), url: Some(url), ..Source::default() });
    }
    if !scheme.eq_ignore_ascii_case("data") {
        return Err(NoImage::Bad("it is neither an http(s) URL nor a data URL"));
    }
    let (media, data) = base64(text)?;
    let media_type = match media {
        "image/jpeg" | "image/jpg" => "image/jpeg",
        "image/png" => "image/png",
        "image/gif" => "image/gif",
        "image/webp" => "image/webp",
        _ => {
            return Err(NoImage::Unsupported(
                "the provider takes images of type image/jpeg, image/png, image/gif and image/webp",
            ));
        }
    };
    if data.len() > MAX_BASE64 {
        return Err(NoImage::Unsupported(
            "the provider takes images of up to 10 MiB in base64; link it by its URL instead",
        ));
    }
    let begin = text.len() - data.len();
    let (kind, media_type) = ("base64".into(), Some(media_type.into()));
    Ok(Source { kind, media_type, data: Some(url.split_off(begin)), url: None })
}

/// The media type of a data URL, and what it says in base64.
pub(super) fn base64(url: &str) -> Result<(&str, &str), NoImage> {
    let Some((head, data)) = url.split_once(',') else {
        return Err(NoImage::Bad("it is a data URL without data"));
    };
    let about = head.get("data:".len()..).unwrap_or_default();
    let Some(media) = about.strip_suffix(";base64") else {
        return Err(NoImage::Bad("it is a data URL that is not in base64"));
    };
    if data.is_empty() {
        return Err(NoImage::Bad("it is a data URL without data"));
    }
    Ok((media.split(';').next().unwrap_or_default(), data))
}

/// Anthropic's source as an image's URL.
pub(super) fn url(source: Source<'_>) -> Result<ImageUrl<'_>, NoImage> {
    let url = match (source.kind.as_str(), source.url, source.media_type, source.data) {
        ("url", Some(url), ..) => url,
        ("base64", _, Some(media_type), Some(data)) if !data.is_empty() => {
            format!("data:{};base64,{}", media_type.as_str(), data.as_str()).into()
        }
        ("url", ..) => return Err(NoImage::Bad("a source of type `url` has a `url`")),
        ("base64", ..) => {
            return Err(NoImage::Bad("a source of type `base64` has `media_type` and `data`"));
        }
        ("file", ..) => {
            return Err(NoImage::Unsupported("the provider cannot see Anthropic's files"));
        }
        _ => return Err(NoImage::Bad("a source is of type `base64`, `url` or `file`")),
    };
    Ok(ImageUrl { url, detail: None })
}
