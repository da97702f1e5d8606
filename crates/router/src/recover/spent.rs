//! What an answer took that led nowhere.

use secondwind_layers::{Context, Wasted};
use secondwind_llm::stream::{Transcript, Way};
use secondwind_llm::tokens::estimate;

use crate::request::Request;

/// What an attempt took, as far as anybody knows.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) struct Spent {
    /// Its number in the trail.
    number: usize,
    /// Tokens of the question, and of the answer so far.
    input: u64,
    output: u64,
    /// Whether the provider did not say so.
    estimated: bool,
}

// === impl Spent ===

impl Spent {
    /// What the attempt of that number took for its answer to `request`, of which `heard` came.
    pub(crate) fn new(number: usize, request: &Request, heard: &Transcript) -> Self {
        // A word is an event, as a rule, and a token at least.
        let seen = estimate(heard.text.as_bytes()).max(heard.events);
        let told = heard.usage.unwrap_or_default();
        // What is told at the beginning is but that of the question.
        let estimated = told.input == 0 || told.output < heard.events;
        let input = if told.input == 0 { request.tokens() } else { told.input };
        let output = if told.output < heard.events { seen } else { told.output };
        Self { number, input, output, estimated }
    }

    /// All of it was in vain.
    pub(crate) fn in_vain(self, context: &Context) {
        self.note(context, self.input.saturating_add(self.output));
    }

    /// Another went on from it: where it was given what was said, that was of use, and is in the usage that the caller
    /// is told.
    pub(crate) fn followed(self, context: &Context, way: Way) {
        match way {
            Way::Prefill => self.note(context, self.input),
            Way::Afresh => self.in_vain(context),
        }
    }

    fn note(self, context: &Context, tokens: u64) {
        let wasted = if self.estimated { Wasted::estimated } else { Wasted::reported };
        context.waste(self.number, wasted(tokens));
    }
}
