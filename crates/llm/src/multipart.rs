//! Finds the model in a form (`multipart/form-data`, RFC 7578) while the form passes.
//!
//! Of what passes no more is kept than the line at hand. A form has to be read to its end all the same: like
//! [`peek`](crate::peek), what two parsers could read differently is refused, so that no caller is routed by one
//! model and served by another. That is a second `model` in any case, a boundary in a doubtful place, a head of a part
//! that is folded, given twice or escaped. Fields that are for whoever routes the request ([`ours`](crate::peek::ours))
//! are refused as well: a form is passed on as it is but for its model.
//!
//! ```
//! use secondwind_llm::multipart::Form;
//!
//! let mut form = Form::new("multipart/form-data; boundary=x")?;
//! form.feed(b"--x\r\nContent-Disposition: form-data; name=\"mod")?;
//! form.feed(b"el\"\r\n\r\nwhisper-1\r\n--x--\r\n")?;
//! let model = form.model().ok_or("no model")?;
//! assert_eq!((&*model.name, model.range.clone()), ("whisper-1", 53..62));
//! form.finish()?;
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod head;

use std::fmt;
use std::ops::Range;

use bytes::{Buf, BytesMut};
use memchr::memmem;

use self::head::{Field, boundary};

/// How long the head of a part may be.
const LONGEST_HEAD: usize = 16 * 1024;
/// How long the name of a model may be.
const LONGEST_MODEL: usize = 1024;

/// A form that passes.
pub struct Form {
    /// Two dashes and the boundary.
    delimiter: memmem::Finder<'static>,
    state: State,
    /// What was fed and is not done with.
    held: BytesMut,
    /// The last two bytes before it, and how many bytes there were before it.
    before: [u8; 2],
    passed: u64,
    /// Whether there was a field that some parser takes for the model.
    claimed: bool,
    model: Option<Model>,
}

/// The model that a form names.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Model {
    /// Its name.
    pub name: String,
    /// Where the name stands, in bytes from the form's beginning.
    pub range: Range<u64>,
}

#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum State {
    /// Before the first part.
    Start,
    /// Behind a boundary.
    Behind,
    /// In the head of a part.
    Head,
    /// In what a part contains, since there.
    Content { from: u64, is_model: bool },
    /// Behind the last part.
    Over,
}

/// What comes of a look at what is held.
enum Look {
    /// So many bytes are done with.
    Done(usize, State),
    /// There is not enough to tell; so many are done with all the same.
    More(usize),
}

/// Why a form is refused. Every `at` is a place in it, in bytes from its beginning.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum FormError {
    /// The content type has no `boundary`, or none that can be one.
    NoBoundary,
    /// What stands there could be read in two ways, or in none.
    Malformed {
        /// Where.
        at: u64,
    },
    /// It ends before its last boundary.
    CutShort {
        /// How long it is.
        at: u64,
    },
    /// `model` is a file, or no text, or longer than any name.
    ModelNotText,
    /// A second `model`, or one that differs from it in case only.
    ModelTwice,
    /// A field that is for whoever routes the request, and cannot be said in a form.
    Ours {
        /// Its name.
        name: &'static str,
    },
}

/// Whether that content type is a form's.
#[must_use]
pub fn is_form(content_type: &str) -> bool {
    let essence = content_type.split(';').next().unwrap_or_default().trim();
    essence.eq_ignore_ascii_case("multipart/form-data")
}

// === impl Form ===

impl Form {
    /// A form of that content type, of which nothing was seen yet.
    ///
    /// # Errors
    /// Where the type has no boundary that can be one.
    pub fn new(content_type: &str) -> Result<Self, FormError> {
        let boundary = boundary(content_type).ok_or(FormError::NoBoundary)?;
        let delimiter = memmem::Finder::new(&format!("--{boundary}")).into_owned();
        Ok(Self {
            delimiter,
            state: State::Start,
            held: BytesMut::new(),
            before: [0; 2],
            passed: 0,
            claimed: false,
            model: None,
        })
    }

    /// Looks at the next piece.
    ///
    /// # Errors
    /// Where the form is refused; what is fed after that is not looked at.
    pub fn feed(&mut self, piece: &[u8]) -> Result<(), FormError> {
        self.held.extend_from_slice(piece);
        loop {
            match self.look()? {
                Look::Done(bytes, state) => {
                    self.pass(bytes);
                    self.state = state;
                }
                Look::More(bytes) => {
                    self.pass(bytes);
                    return Ok(());
                }
            }
        }
    }

    /// The model, once it was seen.
    #[must_use]
    pub const fn model(&self) -> Option<&Model> {
        self.model.as_ref()
    }

    /// Nothing follows.
    ///
    /// # Errors
    /// Where the form is not over.
    pub fn finish(&self) -> Result<(), FormError> {
        match self.state {
            State::Over => Ok(()),
            _ => Err(FormError::CutShort { at: self.passed + self.held.len() as u64 }),
        }
    }

    fn look(&mut self) -> Result<Look, FormError> {
        match self.state {
            State::Start => self.start(),
            State::Behind => self.behind(),
            State::Head => self.head(),
            State::Content { from, is_model } => self.content(from, is_model),
            State::Over if self.held.iter().all(u8::is_ascii_whitespace) => {
                Ok(Look::More(self.held.len()))
            }
            State::Over => Err(self.malformed(0)),
        }
    }

    /// A form begins with its boundary: what stood before would be read by some and not by others.
    fn start(&self) -> Result<Look, FormError> {
        let delimiter = self.delimiter.needle();
        let seen = self.held.len().min(delimiter.len());
        if self.held.get(..seen) != delimiter.get(..seen) {
            return Err(self.malformed(0));
        }
        let done = seen == delimiter.len();
        Ok(if done { Look::Done(seen, State::Behind) } else { Look::More(0) })
    }

    fn behind(&self) -> Result<Look, FormError> {
        match *self.held {
            [b'\r', b'\n', ..] => Ok(Look::Done(2, State::Head)),
            [b'-', b'-', ..] => Ok(Look::Done(2, State::Over)),
            [] | [b'\r' | b'-'] => Ok(Look::More(0)),
            _ => Err(self.malformed(0)),
        }
    }

    fn head(&mut self) -> Result<Look, FormError> {
        let Some(end) = memmem::find(&self.held, b"\r\n\r\n") else {
            let too_long = self.held.len() > LONGEST_HEAD;
            return if too_long { Err(self.malformed(0)) } else { Ok(Look::More(0)) };
        };
        let head = self.held.get(..end).unwrap_or_default();
        let Some(field) = Field::read(head).filter(|_| end <= LONGEST_HEAD) else {
            return Err(self.malformed(0));
        };
        let from = self.passed + end as u64 + 4;
        let is_model = self.claim(&field)?;
        Ok(Look::Done(end + 4, State::Content { from, is_model }))
    }

    /// Whether the field is the model.
    fn claim(&mut self, field: &Field) -> Result<bool, FormError> {
        if let Some(name) = field.ours() {
            return Err(FormError::Ours { name });
        }
        if !field.name.eq_ignore_ascii_case("model") {
            return Ok(false);
        }
        if std::mem::replace(&mut self.claimed, true) {
            return Err(FormError::ModelTwice);
        }
        if field.is_file {
            return Err(FormError::ModelNotText);
        }
        Ok(field.name == "model")
    }

    fn content(&mut self, from: u64, is_model: bool) -> Result<Look, FormError> {
        let length = self.delimiter.needle().len();
        let mut places = self.delimiter.find_iter(&self.held);
        // A boundary counts at the beginning of a line only, and a line ends with both, as everybody has it. Where some
        // would see the end of one and others not, nobody is to decide.
        let end = loop {
            let Some(at) = places.next() else { break None };
            match (self.byte_before(at, 2, from), self.byte_before(at, 1, from)) {
                (Some(b'\r'), Some(b'\n')) => break Some(at),
                (_, Some(b'\r' | b'\n') | None) => return Err(self.malformed(at)),
                _ => {}
            }
        };
        match end {
            Some(end) => {
                if is_model {
                    let value = self.held.get(..end - 2).unwrap_or_default();
                    let name = std::str::from_utf8(value).ok().filter(|it| is_name(it));
                    let name = name.ok_or(FormError::ModelNotText)?.to_owned();
                    self.model = Some(Model { range: from..from + name.len() as u64, name });
                }
                Ok(Look::Done(end + length, State::Behind))
            }
            None if is_model && self.held.len() > LONGEST_MODEL + length + 2 => {
                Err(FormError::ModelNotText)
            }
            None if is_model => Ok(Look::More(0)),
            // The rest may be the beginning of one.
            None => Ok(Look::More(self.held.len().saturating_sub(length - 1))),
        }
    }

    /// The byte so many before `at`, of a content that began at `from`.
    fn byte_before(&self, at: usize, by: usize, from: u64) -> Option<u8> {
        if self.passed + (at as u64) < from + by as u64 {
            return None;
        }
        match at.checked_sub(by) {
            Some(at) => self.held.get(at).copied(),
            None => self.before.get(2 + at - by).copied(),
        }
    }

    /// So many bytes are done with.
    fn pass(&mut self, bytes: usize) {
        let bytes = bytes.min(self.held.len());
        self.before = match self.held.get(..bytes) {
            Some([.., last_but_one, last]) => [*last_but_one, *last],
            Some([last]) => [self.before[1], *last],
            _ => self.before,
        };
        self.held.advance(bytes);
        self.passed += bytes as u64;
    }

    const fn malformed(&self, at: usize) -> FormError {
        FormError::Malformed { at: self.passed + at as u64 }
    }
}

/// Whether a text can be the name of a model.
fn is_name(text: &str) -> bool {
    !text.is_empty() && text.len() <= LONGEST_MODEL && !text.contains(char::is_control)
}

impl fmt::Debug for Form {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Not what is held: it is nobody's business but the caller's and the provider's.
        f.debug_struct("Form").field("state", &self.state).finish_non_exhaustive()
    }
}

// === impl FormError ===

impl FormError {
    /// The field that is wrong, where it is one that has a name.
    #[must_use]
    pub const fn param(&self) -> Option<&'static str> {
        match self {
            Self::ModelNotText | Self::ModelTwice => Some("model"),
            Self::Ours { name } => Some(name),
            Self::NoBoundary | Self::Malformed { .. } | Self::CutShort { .. } => None,
        }
    }
}

impl fmt::Display for FormError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoBoundary => f.write_str("the content-type of the form has no boundary"),
            Self::Malformed { at } => write!(f, "the form is malformed at byte {at}"),
            Self::CutShort { at } => write!(f, "the form is cut short at byte {at}"),
            Self::ModelNotText => f.write_str("`model` is not the name of a model"),
            Self::ModelTwice => f.write_str("`model` is given twice"),
            Self::Ours { name } => {
                write!(f, "`{name}` cannot be said in a form; some such things can in a header")
            }
        }
    }
}

impl std::error::Error for FormError {}

#[cfg(test)]
mod tests;
