//! The text of a file, and how much of it may be shown.

use std::ops::Range;
use std::sync::Arc;

use super::findings::{Place, Shown};
use super::guess;
use super::mask;
use super::node::{Node, Span};

/// A configuration as text.
#[derive(Clone)]
pub struct Source {
    /// What to call it in findings, e.g. the name of its file.
    pub name: String,
    /// The YAML.
    pub text: String,
}

/// A source that findings can point into.
#[derive(Debug)]
pub(super) struct Text {
    name: String,
    text: Arc<str>,
    /// Where each line begins.
    lines: Vec<usize>,
    /// Where its secrets are written; `None` as long as nobody has understood it.
    secrets: Option<Vec<Range<usize>>>,
}

/// The most characters of a line that are shown.
const WIDEST: usize = 160;

/// How much of a long line is shown before what is underlined.
const LEAD: usize = 60;

// === impl Source ===

/// The text is left out: it may hold secrets.
impl std::fmt::Debug for Source {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Source").field("name", &self.name).finish_non_exhaustive()
    }
}

// === impl Text ===

impl Text {
    pub(super) fn new(name: String, text: Arc<str>) -> Text {
        let breaks = text.bytes().enumerate().filter(|&(_, byte)| byte == b'\n');
        let lines = std::iter::once(0).chain(breaks.map(|(at, _)| at + 1)).collect();
        Text { name, text, lines, secrets: None }
    }

    /// Learns from the parsed file where its secrets are.
    pub(super) fn understand(&mut self, root: &Node) {
        self.secrets = Some(mask::secrets(root));
    }

    /// Keeps parts from being shown that turned out not to be known.
    pub(super) fn hide(&mut self, parts: Vec<Range<usize>>) {
        let secrets = self.secrets.get_or_insert_default();
        for part in parts {
            let index = secrets.partition_point(|secret| secret.start < part.start);
            secrets.insert(index, part);
        }
    }

    /// The place for people, and its line as it may be shown.
    pub(super) fn show(&self, span: Span) -> (Place, Shown) {
        let number = (span.line as usize).clamp(1, self.lines.len());
        let line = self.line(number);
        let text = self.text.get(line.clone()).unwrap_or_default();

        let start = byte_of_column(text, span.column as usize);
        let end = (start + span.len as usize).clamp(start, text.len());
        let end = text.ceil_char_boundary(end);
        let chars = text.get(start..end).map_or(0, |part| part.chars().count());

        let mut masked = match &self.secrets {
            Some(secrets) => overlaps(secrets, &line),
            None => guess::hidden(&self.text, &self.lines, number),
        };
        masked.extend(mask::tokens(text));
        // A comment has nothing to say about what is wrong before it, and who knows what is in it.
        let from = if span.len == 0 { 0 } else { end };
        let rest = text.get(from..).unwrap_or_default();
        let text = text.get(..from + rest.find(" #").unwrap_or(rest.len()));
        let text = text.unwrap_or_default().trim_end();
        let shown = draw(text, start..end, &masked);
        let column = span.column as usize;
        (Place { file: self.name.clone(), line: number, column, len: chars.max(1) }, shown)
    }

    /// The bytes of a line, without its end.
    fn line(&self, number: usize) -> Range<usize> {
        line(&self.text, &self.lines, number)
    }
}

/// The bytes of a line, from 1, without its end.
pub(super) fn line(text: &str, lines: &[usize], number: usize) -> Range<usize> {
    let start = lines.get(number - 1).copied().unwrap_or(text.len());
    let end = lines.get(number).map_or(text.len(), |next| next - 1);
    let line = text.get(start..end).unwrap_or_default();
    start..start + line.trim_end_matches('\r').len()
}

/// The byte of a line at which a column, from 1, begins.
fn byte_of_column(line: &str, column: usize) -> usize {
    line.char_indices().nth(column.saturating_sub(1)).map_or(line.len(), |(byte, _)| byte)
}

/// The parts of the line that are secret, counted from its beginning.
fn overlaps(secrets: &[Range<usize>], line: &Range<usize>) -> Vec<Range<usize>> {
    let first = secrets.partition_point(|secret| secret.end <= line.start);
    secrets[first..]
        .iter()
        .take_while(|secret| secret.start < line.end)
        .map(|secret| {
            let start = secret.start.max(line.start) - line.start;
            start..secret.end.min(line.end) - line.start
        })
        .collect()
}

/// The line with `***` for each secret, nothing that a terminal could mistake for a command, and
/// not too long.
fn draw(line: &str, marked: Range<usize>, masked: &[Range<usize>]) -> Shown {
    let secret = |byte: usize| masked.iter().any(|range| range.contains(&byte));
    let mut text = Vec::new();
    let (mut before, mut len) = (None, 0);
    let mut hidden = false;
    for (byte, char) in line.char_indices() {
        let first = text.len();
        if !secret(byte) {
            hidden = false;
            text.push(match char {
                '\t' => ' ',
                char if char.is_control() => '\u{fffd}',
                char => char,
            });
        } else if !hidden {
            hidden = true;
            text.extend(['*'; 3]);
        }
        if byte >= marked.start {
            // What is underlined may begin within a secret.
            before.get_or_insert(if hidden { text.len() - 3 } else { first });
        }
        if marked.contains(&byte) {
            len = text.len();
        }
    }
    let before = before.unwrap_or(text.len());
    let len = len.saturating_sub(before).max(1);
    if text.len() <= WIDEST {
        return Shown { text: text.into_iter().collect(), before, len };
    }
    let skip = before.saturating_sub(LEAD).min(text.len() - WIDEST);
    let text: String = text.into_iter().skip(skip).take(WIDEST).collect();
    let len = len.min(WIDEST.saturating_sub(before - skip).max(1));
    match skip {
        0 => Shown { text: format!("{text}…"), before, len },
        _ => Shown { text: format!("…{text}…"), before: before - skip + 1, len },
    }
}
