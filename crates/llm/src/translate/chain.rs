//! Two translations, one behind the other, by way of an API that both know.

use bytes::Bytes;

use super::{Malformed, NoAnswer, Options, Refused, Translate, TranslateStream};
use crate::sse::{EventTooLarge, Framer};

/// The caller's API over another, and that over the provider's.
#[derive(Debug)]
pub(super) struct Chain {
    /// From the caller's to the one between.
    pub(super) outer: &'static dyn Translate,
    /// From the one between to the provider's.
    pub(super) inner: &'static dyn Translate,
}

/// The translation of one stream.
#[derive(Debug)]
struct Stream {
    outer: Box<dyn TranslateStream>,
    inner: Box<dyn TranslateStream>,
    framer: Framer,
}

// === impl Chain ===

impl Translate for Chain {
    fn request(&self, body: &[u8], options: &Options<'_>) -> Result<Bytes, Refused> {
        // What is said of a field here is said in the words of the API between, which are mostly the caller's, too.
        self.inner.request(&self.outer.request(body, options)?, options)
    }

    fn answer(&self, body: &[u8], created: u64) -> Result<Bytes, NoAnswer> {
        self.outer.answer(&self.inner.answer(body, created)?, created)
    }

    fn stream(&self, request: &[u8], created: u64) -> Box<dyn TranslateStream> {
        // The request went through once: what it asks of the stream is in it, whatever had to be left out.
        let options = Options { drop_params: true, ..Options::new("") };
        let between = self.outer.request(request, &options).unwrap_or_default();
        let (outer, inner) =
            (self.outer.stream(request, created), self.inner.stream(&between, created));
        Box::new(Stream { outer, inner, framer: Framer::new() })
    }
}

// === impl Stream ===

impl TranslateStream for Stream {
    fn event(
        &mut self,
        name: Option<&str>,
        data: &[u8],
        out: &mut Vec<u8>,
    ) -> Result<(), Malformed> {
        let mut between = Vec::new();
        self.inner.event(name, data, &mut between)?;
        if between.is_empty() {
            return Ok(());
        }
        self.framer.push(between.into());
        let too_large = |error: EventTooLarge| Malformed::Event(error.to_string());
        while let Some(event) = self.framer.next_event().map_err(too_large)? {
            match event.data() {
                Some(data) => self.outer.event(event.name(), data, out)?,
                // A comment is one in every API.
                None => out.extend_from_slice(event.raw()),
            }
        }
        Ok(())
    }
}
