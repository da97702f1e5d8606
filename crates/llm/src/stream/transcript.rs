//! What a caller has been told of an answer.

use bytes::Bytes;

use super::counts::Counts;

/// What the caller has been told of an answer so far.
///
/// A [`Follow`](super::Follow) fills it, event by event; another deployment can carry on from it.
#[derive(Clone, Debug)]
pub struct Transcript {
    /// All text of the answer so far.
    pub text: String,
    /// The answer's id, which further events must repeat.
    pub id: Option<String>,
    /// The model's name, which further events must repeat.
    pub model: Option<String>,
    /// When the answer was begun, in seconds since 1970, which further events must repeat.
    pub created: Option<u64>,
    /// Whether text is all that was told: false once a tool call, reasoning, a refusal, log
    /// probabilities or a second choice was.
    pub resumable: bool,
    /// Whether a finish reason was told.
    pub finished: bool,
    /// The tokens counted, as far as told.
    pub usage: Option<Usage>,
    /// How many events with content were told.
    pub events: u64,
    /// Whether the answer was opened: a role chunk, `message_start`, `response.created`.
    pub(super) started: bool,
    /// Whether the terminator was told.
    pub(super) closed: bool,
    /// Where in the answer's structure the caller is.
    pub(super) place: Place,
}

/// Tokens that an answer cost.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
#[non_exhaustive]
pub struct Usage {
    /// Tokens of the request.
    pub input: u64,
    /// Tokens of the answer.
    pub output: u64,
}

/// A place in the structure of an answer, as far as its dialect has one.
#[derive(Clone, Debug, Default)]
pub(super) struct Place {
    /// The choices that were begun, a bit each, and those that were finished.
    pub(super) begun: u128,
    pub(super) ended: u128,
    /// The content block that is open, and the index of the next.
    pub(super) open: Option<u64>,
    pub(super) next: u64,
    /// Whether the open block is one of text that has none yet.
    pub(super) bare: bool,
    /// The last sequence number.
    pub(super) sequence: Option<u64>,
    /// The event that opened the answer.
    pub(super) opening: Option<Bytes>,
    /// The items of the answer: index and id.
    pub(super) items: Vec<(u64, String)>,
    /// Which events of structure were told.
    pub(super) told: Vec<Step>,
}

/// An event of structure: its kind, and the indexes of the item and the part that it is about.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) struct Step {
    pub(super) kind: &'static str,
    pub(super) item: u64,
    pub(super) part: u64,
}

// === impl Transcript ===

impl Default for Transcript {
    fn default() -> Self {
        Self {
            text: String::new(),
            id: None,
            model: None,
            created: None,
            resumable: true,
            finished: false,
            usage: None,
            events: 0,
            started: false,
            closed: false,
            place: Place::default(),
        }
    }
}

impl Transcript {
    /// Something else than text was told.
    pub(super) fn not_only_text(&mut self) {
        self.resumable = false;
    }

    /// Keeps what identifies the answer, the first time that it is told.
    pub(super) fn identify(&mut self, id: Option<&str>, model: Option<&str>, created: Option<u64>) {
        let keep = |kept: &mut Option<String>, told: Option<&str>| {
            if kept.is_none() {
                *kept = told.filter(|told| !told.is_empty()).map(str::to_owned);
            }
        };
        keep(&mut self.id, id);
        keep(&mut self.model, model);
        self.created = self.created.or(created);
    }

    /// Keeps the counts that were told.
    pub(super) fn count(&mut self, Counts { input, output }: Counts) {
        if input.is_some() || output.is_some() {
            let usage = self.usage.get_or_insert_default();
            usage.input = input.unwrap_or(usage.input);
            usage.output = output.unwrap_or(usage.output);
        }
    }
}
