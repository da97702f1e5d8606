//! The stream: the deltas of one choice as Anthropic's blocks, one after the other.

use super::super::chat::{self, Said, ToolCall};
use super::super::messages::{Answer, Block, Delta, Event};
use super::super::wire::{Json, Text};
use super::super::{Malformed, TranslateStream, chunk, sse};
use super::answer::{self, Reason};

/// The translation of one stream.
#[derive(Debug, Default)]
pub(super) struct Stream {
    begun: bool,
    over: bool,
    /// The block that is being said.
    open: Option<Open>,
    /// How many blocks there have been.
    blocks: u64,
    calls: bool,
    refused: bool,
    finish_reason: Option<String>,
    stop_sequence: Option<Text<'static>>,
    usage: chat::Usage,
}

/// A block that is being said.
#[derive(Debug)]
enum Open {
    /// Text, or a refusal in the place of it.
    Text { refusal: bool },
    /// A call, with its index and id at the provider.
    Call {
        at: u64,
        id: String,
        /// Whether any of its arguments were said.
        said: bool,
    },
}

// === impl Stream ===

impl Stream {
    fn begin(&mut self, id: Text<'_>, model: Text<'_>, out: &mut Vec<u8>) {
        self.begun = true;
        let usage = answer::usage(&chat::Usage::default());
        let (kind, role) = ("message".into(), "assistant".into());
        let message = Some(Answer { id, kind, role, model, usage, ..Answer::default() });
        write(out, &Event { message, ..event("message_start") });
    }

    fn say(&mut self, said: Said<'_>, out: &mut Vec<u8>) -> Result<(), Malformed> {
        let delta = said.delta;
        let silent = |text: &Text<'_>| text.is_empty();
        // Reasoning that is not signed is kept from the caller, but not that it goes on.
        if delta.reasoning_content.is_some_and(|thought| !silent(&thought)) {
            write(out, &event("ping"));
        }
        for block in delta.thinking_blocks.into_iter().flatten().filter_map(Block::thought) {
            self.thought(block, out);
        }
        for text in answer::texts(delta.content) {
            self.text(text, false, out);
        }
        if let Some(text) = delta.refusal.filter(|text| !silent(text)) {
            self.refused = true;
            self.text(text, true, out);
        }
        for piece in delta.tool_calls.into_iter().flatten() {
            self.call(piece, out)?;
        }
        self.stop_sequence = answer::stop_sequence(said.stop_reason).or(self.stop_sequence.take());
        if let Some(reason) = said.finish_reason {
            self.close(out);
            self.finish_reason = Some(reason.0.into_owned());
        }
        Ok(())
    }

    fn text(&mut self, text: Text<'_>, refusal: bool, out: &mut Vec<u8>) {
        if !matches!(self.open, Some(Open::Text { refusal: open }) if open == refusal) {
            self.close(out);
            self.start(Block::text("".into()), out);
            self.open = Some(Open::Text { refusal });
        }
        self.add(Delta { text: Some(text), ..delta("text_delta") }, out);
    }

    /// A signed block of thinking, at once.
    fn thought(&mut self, mut block: Block<'_>, out: &mut Vec<u8>) {
        self.close(out);
        if block.kind.as_str() != "thinking" {
            self.start(block, out);
            self.end(out);
            return;
        }
        let (thinking, signature) = (block.thinking.take(), block.signature.take());
        let (empty, kind) = (Some("".into()), block.kind);
        self.start(Block { kind, thinking: empty.clone(), signature: empty, ..block }, out);
        self.add(Delta { thinking, ..delta("thinking_delta") }, out);
        self.add(Delta { signature, ..delta("signature_delta") }, out);
        self.end(out);
    }

    /// A piece of a call. One with an id of its own is another call, whatever its index: some
    /// servers count none, or say all of them at 0.
    fn call(&mut self, piece: ToolCall<'_>, out: &mut Vec<u8>) -> Result<(), Malformed> {
        let at = piece.index.unwrap_or(0);
        let id = piece.id.filter(|id| !id.is_empty());
        let function = piece.function.unwrap_or_default();
        let goes_on = matches!(&self.open, Some(Open::Call { at: open, id: of, .. })
            if *open == at && id.as_ref().is_none_or(|id| id.as_str() == of));
        if !goes_on {
            let (Some(id), Some(name)) = (id, function.name.filter(|name| !name.is_empty())) else {
                return Err(wrong("a piece of a tool call that is not being said"));
            };
            self.close(out);
            let open = Open::Call { at, id: id.as_str().to_owned(), said: false };
            let input = Json::object("{}".into()).ok();
            let block = Block { id: Some(id), name: Some(name), input, ..Block::new("tool_use") };
            self.start(block, out);
            self.open = Some(open);
            self.calls = true;
        }
        if let Some(fragment) = function.arguments.filter(|fragment| !fragment.is_empty()) {
            if let Some(Open::Call { said, .. }) = &mut self.open {
                *said = true;
            }
            self.add(Delta { partial_json: Some(fragment), ..delta("input_json_delta") }, out);
        }
        Ok(())
    }

    fn start(&mut self, block: Block<'_>, out: &mut Vec<u8>) {
        let index = Some(self.blocks);
        let content_block = Some(block);
        write(out, &Event { index, content_block, ..event("content_block_start") });
    }

    fn add(&mut self, delta: Delta<'_>, out: &mut Vec<u8>) {
        let (index, delta) = (Some(self.blocks), Some(delta));
        write(out, &Event { index, delta, ..event("content_block_delta") });
    }

    fn end(&mut self, out: &mut Vec<u8>) {
        write(out, &Event { index: Some(self.blocks), ..event("content_block_stop") });
        self.blocks += 1;
    }

    fn close(&mut self, out: &mut Vec<u8>) {
        match self.open.take() {
            None => return,
            Some(Open::Call { said: false, .. }) => {
                // Callers put the input together from what is said, and nothing is no JSON.
                let partial_json = Some("{}".into());
                self.add(Delta { partial_json, ..delta("input_json_delta") }, out);
            }
            Some(_) => {}
        }
        self.end(out);
    }

    /// The terminator: only now is it known that the usage has been told, if it ever is.
    fn done(&mut self, out: &mut Vec<u8>) -> Result<(), Malformed> {
        let Some(finish_reason) = self.finish_reason.take() else {
            return Err(wrong("it ends without saying why"));
        };
        self.over = true;
        let (calls, refused) = (self.calls, self.refused);
        let reason = Reason { calls, refused, sequence: self.stop_sequence.is_some() };
        let delta = Delta {
            stop_reason: Some(reason.stop_reason(&finish_reason.into()).into()),
            stop_sequence: self.stop_sequence.take(),
            ..Delta::default()
        };
        let usage = Some(answer::usage(&self.usage));
        write(out, &Event { delta: Some(delta), usage, ..event("message_delta") });
        write(out, &event("message_stop"));
        Ok(())
    }
}

impl TranslateStream for Stream {
    fn event(
        &mut self,
        _name: Option<&str>,
        data: &[u8],
        out: &mut Vec<u8>,
    ) -> Result<(), Malformed> {
        if self.over {
            return Ok(());
        }
        if data.trim_ascii() == b"[DONE]" {
            return self.done(out);
        }
        let chunk = chunk::read(data)?;
        if let Some(usage) = chunk.usage.flatten() {
            self.usage = usage;
        }
        let said = chunk.choices.into_iter().find(|said| said.index == 0);
        let Some(said) = said else { return Ok(()) };
        if self.finish_reason.is_some() {
            return Ok(());
        }
        let begin = out.len();
        if !self.begun {
            self.begin(chunk.id, chunk.model, out);
        }
        self.say(said, out).inspect_err(|_| out.truncate(begin))
    }
}

fn event(kind: &str) -> Event<'_> {
    Event { kind: kind.into(), ..Event::default() }
}

fn delta(kind: &str) -> Delta<'_> {
    Delta { kind: Some(kind.into()), ..Delta::default() }
}

fn write(out: &mut Vec<u8>, event: &Event<'_>) {
    sse::event(out, event.kind.as_str(), event);
}

fn wrong(message: &str) -> Malformed {
    Malformed::Event(message.to_owned())
}
