//! The terminal: a table that is redrawn in place; where there is none, a line a second.
//!
//! Colours only on a terminal, and not where `NO_COLOR` is set (no-color.org). Whether anybody reads does
//! not matter: a closed pipe ends nothing.

use std::env;
use std::io::{self, IsTerminal, Write};
use std::time::Duration;

use super::providers::Simulated;
use super::report;
use super::tally::Totals;
use super::traffic::Progress;

/// Where there is no terminal, this often a line.
const LINE: Duration = Duration::from_secs(1);

/// Standard output, as a demo shows itself on it.
#[derive(Debug)]
pub(super) struct Screen {
    /// Whether what was shown can be redrawn.
    redraws: bool,
    style: Style,
    /// The lines to redraw.
    drawn: usize,
    next_line: Duration,
}

/// Whether there are colours.
#[derive(Clone, Copy, Debug)]
pub(super) struct Style {
    coloured: bool,
}

/// What a text is, and so which colour it has.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Tone {
    /// As everything else.
    Plain,
    /// Less important.
    Dim,
    /// A heading.
    Bold,
    /// It is as it should be.
    Good,
    /// It could be better.
    Poor,
    /// It is not as it should be.
    Bad,
}

// === impl Screen ===

impl Screen {
    pub(super) fn stdout() -> Self {
        let set = |name| env::var_os(name).is_some_and(|value| !value.is_empty());
        let terminal =
            io::stdout().is_terminal() && env::var_os("TERM").is_none_or(|term| term != "dumb");
        let style = Style { coloured: terminal && !set("NO_COLOR") };
        Self { redraws: terminal, style, drawn: 0, next_line: LINE }
    }

    pub(super) const fn style(&self) -> Style {
        self.style
    }

    /// Shows this for good.
    pub(super) fn say(&mut self, text: &str) {
        write(text);
    }

    /// Shows how it stands.
    pub(super) fn show(&mut self, progress: Progress, totals: &Totals, simulated: &Simulated) {
        if self.redraws {
            let lines = report::live(progress, totals, simulated, self.style);
            write(&frame(self.drawn, &lines));
            self.drawn = lines.len();
        } else if progress.elapsed >= self.next_line {
            self.next_line += LINE;
            write(&report::line(progress, totals, simulated));
        }
    }

    /// Takes away what was shown of how it stood.
    pub(super) fn clear(&mut self) {
        if self.drawn > 0 {
            write(&frame(self.drawn, &[]));
            self.drawn = 0;
        }
    }
}

/// Lines in place of so many others. Lines that are too long are cut by the terminal, not wrapped: so many
/// lines are so many rows.
fn frame(drawn: usize, lines: &[String]) -> String {
    let mut frame = String::from("\x1b[?7l");
    if drawn > 0 {
        frame.push_str(&format!("\x1b[{drawn}F"));
    }
    for line in lines {
        frame.push_str(line);
        frame.push_str("\x1b[K\n");
    }
    frame.push_str("\x1b[J\x1b[?7h");
    frame
}

fn write(text: &str) {
    let mut stdout = io::stdout().lock();
    // If nobody reads, so be it.
    let _ = stdout.write_all(text.as_bytes()).and_then(|()| stdout.flush());
}

// === impl Style ===

impl Style {
    /// No colours.
    #[cfg(test)]
    pub(super) const PLAIN: Self = Self { coloured: false };

    /// The text in its colour.
    pub(super) fn paint(self, tone: Tone, text: &str) -> String {
        let code = match tone {
            _ if !self.coloured => return text.to_owned(),
            Tone::Plain => return text.to_owned(),
            Tone::Dim => 2,
            Tone::Bold => 1,
            Tone::Good => 32,
            Tone::Poor => 33,
            Tone::Bad => 31,
        };
        format!("\x1b[{code}m{text}\x1b[0m")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_frame_takes_the_place_of_the_one_before() {
        assert_eq!(frame(0, &["a".into()]), "\x1b[?7la\x1b[K\n\x1b[J\x1b[?7h");
        assert_eq!(frame(3, &[]), "\x1b[?7l\x1b[3F\x1b[J\x1b[?7h");
    }

    #[test]
    fn without_colours_there_is_no_escape() {
        assert_eq!(Style::PLAIN.paint(Tone::Bad, "x"), "x");
        assert_eq!(Style { coloured: true }.paint(Tone::Bad, "x"), "\x1b[31mx\x1b[0m");
    }
}
