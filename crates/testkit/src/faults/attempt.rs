//! What became of each request.

use std::sync::Mutex;

use serde_json::Value;
use tokio::sync::watch;
use tokio::time::Instant;

use crate::lock;

/// One request, and what became of it.
#[non_exhaustive]
#[derive(Clone, Debug)]
pub struct Attempt {
    /// The model that was asked for.
    pub model: String,
    /// The whole body.
    pub body: Value,
    /// The text to go on from, where the last message is the assistant's.
    pub prefill: Option<String>,
    /// When the whole request was there.
    pub asked: Instant,
    /// When the first word was written.
    pub spoke: Option<Instant>,
    /// When the fault began.
    pub broke: Option<Instant>,
    /// When the script had been played to its end.
    pub ended: Option<Instant>,
    /// When the client went away, before that.
    pub left: Option<Instant>,
    /// How many bytes were written.
    pub written: u64,
}

/// All attempts; the channel tells that there is news.
#[derive(Debug, Default)]
pub(super) struct Record {
    attempts: Mutex<Vec<Attempt>>,
    news: watch::Sender<()>,
}

/// An attempt under way, as the player of its script sees it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Entry<'a> {
    record: &'a Record,
    number: usize,
}

// === impl Attempt ===

impl Attempt {
    /// Whether it was asked for a stream.
    #[must_use]
    pub fn streams(&self) -> bool {
        self.body["stream"] == true
    }

    /// Whether its client is still there and waits.
    #[must_use]
    pub fn is_open(&self) -> bool {
        self.ended.is_none() && self.left.is_none()
    }
}

// === impl Record ===

impl Record {
    pub(super) fn attempts(&self) -> Vec<Attempt> {
        lock(&self.attempts).clone()
    }

    pub(super) async fn until(&self, mut enough: impl FnMut(&[Attempt]) -> bool) -> Vec<Attempt> {
        let mut news = self.news.subscribe();
        loop {
            {
                let attempts = lock(&self.attempts);
                if enough(&attempts) {
                    return attempts.clone();
                }
            }
            // It only fails when the sender is gone, and that is `self`.
            let _ = news.changed().await;
        }
    }

    /// Notes a request, whose number is told, 0 first.
    pub(super) fn asked(&self, model: String, body: Value, prefill: Option<String>) -> Entry<'_> {
        let mut attempts = lock(&self.attempts);
        let number = attempts.len();
        attempts.push(Attempt {
            model,
            body,
            prefill,
            asked: Instant::now(),
            spoke: None,
            broke: None,
            ended: None,
            left: None,
            written: 0,
        });
        drop(attempts);
        self.news.send_replace(());
        Entry { record: self, number }
    }
}

// === impl Entry ===

impl Entry<'_> {
    pub(super) fn number(&self) -> usize {
        self.number
    }

    fn note(&self, note: impl FnOnce(&mut Attempt)) {
        note(&mut lock(&self.record.attempts)[self.number]);
        self.record.news.send_replace(());
    }

    pub(super) fn spoke(&self) {
        self.note(|attempt| {
            attempt.spoke.get_or_insert_with(Instant::now);
        });
    }

    pub(super) fn broke(&self) {
        self.note(|attempt| {
            attempt.broke.get_or_insert_with(Instant::now);
        });
    }

    pub(super) fn ended(&self) {
        self.note(|attempt| attempt.ended = Some(Instant::now()));
    }

    pub(super) fn left(&self) {
        self.note(|attempt| attempt.left = Some(Instant::now()));
    }

    /// Counts bytes; no news to anybody.
    pub(super) fn wrote(&self, bytes: usize) {
        lock(&self.record.attempts)[self.number].written += bytes as u64;
    }
}
