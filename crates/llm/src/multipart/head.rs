//! What the head of a part, and the content type of a form, say.

use crate::peek::ours;

/// A field of a form.
#[derive(Debug, Eq, PartialEq)]
pub(super) struct Field {
    pub(super) name: String,
    /// Whether it has a file's name.
    pub(super) is_file: bool,
}

/// The boundary that a content type names; `None` where it names none that can be one, or two.
pub(super) fn boundary(content_type: &str) -> Option<&str> {
    const OTHERS: &[u8] = b"'()+_,-./:=? ";
    let (_, parameters) = content_type.split_once(';')?;
    let boundary = only(&parameters_of(parameters)?, "boundary")?;
    let can_be = |byte: u8| byte.is_ascii_alphanumeric() || OTHERS.contains(&byte);
    let fits = (1..=70).contains(&boundary.len())
        && !boundary.ends_with(' ')
        && boundary.bytes().all(can_be);
    fits.then_some(boundary)
}

// === impl Field ===

impl Field {
    /// Reads the head of a part; `None` where two could read it differently.
    pub(super) fn read(head: &[u8]) -> Option<Self> {
        let head = std::str::from_utf8(head).ok()?;
        let mut disposition = None;
        for line in head.split("\r\n") {
            if line.contains(['\r', '\n', '\0']) {
                return None;
            }
            let (name, value) = line.split_once(':')?;
            // Neither a space before the colon nor a line that goes on where the last one ended.
            if name.is_empty() || name.contains(char::is_whitespace) {
                return None;
            }
            if name.eq_ignore_ascii_case("content-disposition") {
                if disposition.replace(value.trim()).is_some() {
                    return None;
                }
            } else if name.eq_ignore_ascii_case("content-transfer-encoding") {
                let plain = ["7bit", "8bit", "binary"];
                plain.iter().find(|plain| value.trim().eq_ignore_ascii_case(plain))?;
            }
        }
        let (kind, parameters) = disposition?.split_once(';')?;
        if !kind.trim().eq_ignore_ascii_case("form-data") {
            return None;
        }
        let parameters = parameters_of(parameters)?;
        let name = only(&parameters, "name")?;
        let has = |name: &str| parameters.iter().any(|(known, _)| known.eq_ignore_ascii_case(name));
        if has("name*") || name.contains('\\') {
            return None;
        }
        Some(Self { is_file: has("filename") || has("filename*"), name: name.to_owned() })
    }

    /// The field as one that is for whoever routes the request.
    pub(super) fn ours(&self) -> Option<&'static str> {
        ours::known(self.name.to_ascii_lowercase().as_bytes())
    }
}

/// The value of the one parameter of that name.
fn only<'a>(parameters: &[(&str, &'a str)], name: &str) -> Option<&'a str> {
    let mut values = parameters.iter().filter(|(known, _)| known.eq_ignore_ascii_case(name));
    let (_, value) = values.next()?;
    values.next().is_none().then_some(*value)
}

/// Parameters behind the first semicolon: `name=value; name="value"`.
fn parameters_of(mut text: &str) -> Option<Vec<(&str, &str)>> {
    let mut parameters = Vec::new();
    loop {
        text = text.trim_start_matches([' ', '\t']);
        if text.is_empty() {
            return Some(parameters);
        }
        let (name, rest) = text.split_once('=')?;
        if name.is_empty() || !name.bytes().all(is_token) {
            return None;
        }
        let (value, rest) = match rest.strip_prefix('"') {
            Some(rest) => quoted(rest)?,
            None => {
                let end = rest.find([';', ' ', '\t']).unwrap_or(rest.len());
                let (value, rest) = rest.split_at(end);
                if value.is_empty() || value.contains(['"', '\\']) {
                    return None;
                }
                (value, rest)
            }
        };
        parameters.push((name, value));
        let rest = rest.trim_start_matches([' ', '\t']);
        text = match rest.strip_prefix(';') {
            Some(rest) => rest,
            None if rest.is_empty() => rest,
            None => return None,
        };
    }
}

/// A quoted value, and what follows. Browsers mean a backslash before a quote as it is, mail as an escape: neither is
/// taken.
fn quoted(text: &str) -> Option<(&str, &str)> {
    let (value, rest) = text.split_once('"')?;
    (!value.ends_with('\\')).then_some((value, rest))
}

fn is_token(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte)
}
