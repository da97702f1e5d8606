//! The tables of `docs/failover.md`, which are made here and compared with what is there.
//!
//! Times are not compared: they differ from run to run. `SECONDWIND_BLESS=1` writes the tables anew.

use std::fmt::Write as _;
use std::path::PathBuf;
use std::sync::{Mutex, PoisonError};

/// Tests write the file one at a time.
static WRITING: Mutex<()> = Mutex::new(());

/// A table: names of its columns, and its rows. Columns whose names end in `ms` are times.
pub(super) struct Table {
    pub(super) columns: Vec<&'static str>,
    pub(super) rows: Vec<Vec<String>>,
}

// === impl Table ===

impl Table {
    fn text(&self) -> String {
        let line = |cells: &[&str]| format!("| {} |\n", cells.join(" | "));
        let mut text = line(&self.columns);
        writeln!(text, "|{}", "---|".repeat(self.columns.len())).unwrap();
        for row in &self.rows {
            text += &line(&row.iter().map(String::as_str).collect::<Vec<_>>());
        }
        text
    }

    /// Fails where the file's table called `name` is another one.
    pub(super) fn compare(&self, name: &str) {
        let _one = WRITING.lock().unwrap_or_else(PoisonError::into_inner);
        let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../docs/failover.md");
        let file = std::fs::read_to_string(&path).unwrap();
        let (begin, end) = (format!("<!-- table: {name} -->\n"), "<!-- end -->");
        let (before, rest) = file.split_once(&begin).expect("a place for the table");
        let (there, behind) = rest.split_once(end).expect("an end of the table's place");
        if std::env::var_os("SECONDWIND_BLESS").is_some() {
            let file = format!("{before}{begin}{}{end}{behind}", self.text());
            std::fs::write(path, file).unwrap();
            return;
        }
        assert_eq!(
            self.timeless(there),
            self.timeless(&self.text()),
            "the table `{name}` of docs/failover.md is not what came out; SECONDWIND_BLESS=1 writes it anew"
        );
    }

    fn timeless(&self, text: &str) -> Vec<String> {
        let is_time = |at: usize| self.columns.get(at).is_some_and(|name| name.ends_with("ms"));
        let cells = |line: &str| {
            let cells = line.trim().trim_matches('|').split('|').map(str::trim).enumerate();
            cells
                .map(|(at, cell)| if is_time(at) { "–" } else { cell })
                .collect::<Vec<_>>()
                .join("|")
        };
        text.lines().map(cells).collect()
    }
}
