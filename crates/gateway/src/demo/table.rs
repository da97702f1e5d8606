//! Columns: the first to the left, the others to the right.

use super::screen::{Style, Tone};

/// A table, row by row.
#[derive(Clone, Debug, Default)]
pub(super) struct Table(Vec<Vec<Cell>>);

/// A place in a table.
#[derive(Clone, Debug)]
pub(super) struct Cell {
    text: String,
    tone: Tone,
}

// === impl Table ===

impl Table {
    /// Adds a row. A shorter one has nothing in its last columns.
    pub(super) fn row(&mut self, cells: impl IntoIterator<Item = Cell>) -> &mut Self {
        self.0.push(cells.into_iter().collect());
        self
    }

    /// The rows as lines, without what would be blank at their ends.
    pub(super) fn lines(&self, style: Style) -> Vec<String> {
        const GAP: &str = "  ";
        let columns = self.0.iter().map(Vec::len).max().unwrap_or_default();
        let widths: Vec<usize> = (0..columns)
            .map(|n| {
                self.0
                    .iter()
                    .filter_map(|row| row.get(n))
                    .map(Cell::width)
                    .max()
                    .unwrap_or_default()
            })
            .collect();
        let line = |row: &Vec<Cell>| {
            let mut line = String::new();
            let mut blank = 0;
            for (n, (cell, width)) in row.iter().zip(&widths).enumerate() {
                let pad = width - cell.width();
                let (before, after) = if n == 0 { (0, pad) } else { (pad, 0) };
                blank += before + if n == 0 { 0 } else { GAP.len() };
                if !cell.text.is_empty() {
                    line.push_str(&" ".repeat(blank));
                    line.push_str(&style.paint(cell.tone, &cell.text));
                    blank = 0;
                }
                blank += after;
            }
            line
        };
        self.0.iter().map(line).collect()
    }
}

// === impl Cell ===

impl Cell {
    /// A place with this text, in a colour.
    pub(super) fn new(tone: Tone, text: impl Into<String>) -> Self {
        Self { text: text.into(), tone }
    }

    /// A count; none is less important than some.
    pub(super) fn count(count: usize) -> Self {
        Self::new(if count == 0 { Tone::Dim } else { Tone::Plain }, count.to_string())
    }

    fn width(&self) -> usize {
        self.text.chars().count()
    }
}

impl From<&str> for Cell {
    fn from(text: &str) -> Self {
        Self::new(Tone::Plain, text)
    }
}

impl From<String> for Cell {
    fn from(text: String) -> Self {
        Self::new(Tone::Plain, text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_are_as_wide_as_their_widest_cell() {
        let mut table = Table::default();
        table
            .row(["".into(), "direct".into(), "gateway".into()])
            .row(["answered".into(), "71.4 %".into(), Cell::new(Tone::Good, "100.0 %")])
            .row(["p50".into(), Cell::count(0)]);
        assert_eq!(
            table.lines(Style::PLAIN),
            [
                "          direct  gateway", //
                "answered  71.4 %  100.0 %",
                "p50            0",
            ]
        );
    }

    #[test]
    fn a_table_without_rows_has_no_lines() {
        assert!(Table::default().lines(Style::PLAIN).is_empty());
    }
}
