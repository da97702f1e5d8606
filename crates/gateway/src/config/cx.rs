//! Collects what is found while a configuration is read.

use std::collections::{HashMap, HashSet};

use super::env::Env;
use super::findings::{Finding, Findings, Severity};
use super::known::Section;
use super::mask;
use super::node::{Entry, Span};
use super::source::Text;
use super::stamp::Stamped;

/// What reading a configuration knows and has found so far.
pub(super) struct Cx<'a> {
    pub(super) env: Env<'a>,
    /// The files that were read, or were to be.
    pub(super) files: Vec<Stamped>,
    sources: Vec<Text>,
    notes: Vec<Note>,
    /// The keys without effect that were told already, and where.
    told: HashMap<(Section, String), usize>,
}

/// A finding to be.
struct Note {
    severity: Severity,
    message: String,
    help: Option<String>,
    at: Option<Span>,
    /// How often; told if more than once.
    times: usize,
}

// === impl Cx ===

impl<'a> Cx<'a> {
    pub(super) fn new(env: &'a dyn Fn(&str) -> Option<String>) -> Cx<'a> {
        let env = Env::new(env);
        Cx { env, files: Vec::new(), sources: Vec::new(), notes: Vec::new(), told: HashMap::new() }
    }

    /// Takes in a source; its number is what spans refer to it by.
    pub(super) fn add_source(&mut self, text: Text) -> u32 {
        self.sources.push(text);
        u32::try_from(self.sources.len() - 1).unwrap_or(u32::MAX)
    }

    pub(super) fn source(&self, file: u32) -> Option<&Text> {
        self.sources.get(file as usize)
    }

    pub(super) fn source_mut(&mut self, file: u32) -> Option<&mut Text> {
        self.sources.get_mut(file as usize)
    }

    /// Keeps the texts of a tree from being shown, and so for the key above it where `key` says so.
    pub(super) fn hide(&mut self, entry: &Entry, key: bool) {
        let mut parts = Vec::new();
        mask::texts(&entry.node, &mut parts);
        if key {
            let start = entry.at.start as usize;
            parts.push(start..start + entry.at.len as usize);
        }
        if let Some(source) = self.source_mut(entry.at.file) {
            source.hide(parts);
        }
    }

    /// Notes something that makes the configuration unusable.
    pub(super) fn error(
        &mut self,
        at: impl Into<Option<Span>>,
        message: impl Into<String>,
        help: Option<String>,
    ) {
        self.note(Severity::Error, at.into(), message.into(), help);
    }

    /// Notes something that has no effect.
    pub(super) fn warn(
        &mut self,
        at: impl Into<Option<Span>>,
        message: impl Into<String>,
        help: Option<String>,
    ) {
        self.note(Severity::Warning, at.into(), message.into(), help);
    }

    /// Warns of a key once, however often it occurs.
    pub(super) fn warn_once(
        &mut self,
        section: Section,
        key: &str,
        at: Span,
        message: impl FnOnce() -> String,
        help: impl FnOnce() -> Option<String>,
    ) {
        let told = self.told.get(&(section, key.to_owned()));
        if let Some(note) = told.and_then(|&index| self.notes.get_mut(index)) {
            note.times += 1;
            return;
        }
        self.told.insert((section, key.to_owned()), self.notes.len());
        self.warn(at, message(), help());
    }

    /// How many errors were found so far.
    pub(super) fn errors(&self) -> usize {
        self.notes.iter().filter(|note| note.severity == Severity::Error).count()
    }

    fn note(
        &mut self,
        severity: Severity,
        at: Option<Span>,
        message: String,
        help: Option<String>,
    ) {
        self.notes.push(Note { severity, message, help, at, times: 1 });
    }

    /// What was read, with the warnings; or everything that was found, if there was an error.
    pub(super) fn finish<T>(mut self, read: Option<T>) -> Result<(T, Vec<Finding>), Findings> {
        let failed = self.errors() > 0;
        self.notes.sort_by_key(|note| note.at.map(|at| (at.file, at.line, at.column)));
        let mut seen = HashSet::new();
        let mut findings = Vec::new();
        for note in std::mem::take(&mut self.notes) {
            let at = note.at.map(|at| (at.file, at.line, at.column));
            if seen.insert((at, note.message.clone())) {
                findings.push(self.finding(note));
            }
        }
        match read {
            Some(read) if !failed => Ok((read, findings)),
            _ => Err(Findings::new(findings)),
        }
    }

    fn finding(&self, note: Note) -> Finding {
        let at = note.at.and_then(|at| Some(self.source(at.file)?.show(at)));
        let message = match note.times {
            1 => note.message,
            times => format!("{} ({times} times)", note.message),
        };
        Finding::new(note.severity, mask::hush(message), note.help.map(mask::hush), at)
    }
}
