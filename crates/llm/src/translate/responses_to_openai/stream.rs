//! The stream: the deltas of one choice as items, one after the other.

use std::fmt;

use super::super::chat::{Said, ToolCall};
use super::super::responses::{Event, OutputItem, OutputPart, Response, Status, Usage};
use super::super::wire::Text;
use super::super::{Malformed, TranslateStream, chunk, sse};
use super::answer::{self, End, Ids};

/// The translation of one stream.
#[derive(Default)]
pub(super) struct Stream {
    begun: bool,
    over: bool,
    ids: Ids,
    created: u64,
    model: String,
    /// The number of the next event.
    sequence: u64,
    /// The items that have been said.
    items: Vec<OutputItem<'static>>,
    /// The item that is being said.
    open: Option<Open>,
    reasonings: usize,
    messages: usize,
    end: Option<End>,
    usage: Option<Usage>,
}

/// An item that is being said.
struct Open {
    id: String,
    kind: Kind,
}

enum Kind {
    /// Parts of text, the last of which is being said.
    Parts {
        reasoning: bool,
        said: Vec<OutputPart<'static>>,
        now: Part,
        text: String,
    },
    Call {
        at: u64,
        call_id: String,
        name: String,
        arguments: String,
    },
}

/// A part that is being said.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Part {
    Reasoning,
    Text,
    Refusal,
}

// === impl Stream ===

impl Stream {
    fn begin(&mut self, id: &Text<'_>, created: u64, model: &Text<'_>, out: &mut Vec<u8>) {
        self.begun = true;
        self.ids = Ids::of(id);
        self.created = created;
        model.as_str().clone_into(&mut self.model);
        for kind in ["response.created", "response.in_progress"] {
            self.respond(kind, None, out);
        }
    }

    fn say(&mut self, said: Said<'_>, out: &mut Vec<u8>) -> Result<(), Malformed> {
        let delta = said.delta;
        for (part, text) in [
            (Part::Reasoning, delta.reasoning_content),
            (Part::Text, delta.content.map(answer::text_of)),
            (Part::Refusal, delta.refusal),
        ] {
            if let Some(text) = text.filter(|text| !text.is_empty()) {
                self.text(part, text.as_str(), out);
            }
        }
        for piece in delta.tool_calls.into_iter().flatten() {
            self.call(piece, out)?;
        }
        if let Some(reason) = said.finish_reason {
            let end = End::of(&reason);
            self.close(end.status, out);
            self.end = Some(end);
        }
        Ok(())
    }

    fn text(&mut self, part: Part, more: &str, out: &mut Vec<u8>) {
        let reasoning = part == Part::Reasoning;
        match &self.open {
            Some(Open { kind: Kind::Parts { now, .. }, .. }) if *now == part => {}
            Some(Open { kind: Kind::Parts { reasoning: open, .. }, .. }) if *open == reasoning => {
                self.end_part(out);
                self.begin_part(part, out);
            }
            _ => {
                self.close(Status::Completed, out);
                let count = if reasoning { &mut self.reasonings } else { &mut self.messages };
                let nth = *count;
                *count += 1;
                let id = self.ids.item(if reasoning { "rs" } else { "msg" }, nth);
                let mut item = item_of(&id, reasoning, Vec::new());
                item.set_status(Status::InProgress);
                let (said, text) = (Vec::new(), String::new());
                let kind = Kind::Parts { reasoning, said, now: part, text };
                self.open = Some(Open { id, kind });
                self.add(&item, out);
                self.begin_part(part, out);
            }
        }
        if let Some(Open { id, kind: Kind::Parts { said, text, .. } }) = &mut self.open {
            text.push_str(more);
            let event = Event {
                item_id: Some(id),
                content_index: Some(said.len()),
                delta: Some(more),
                logprobs: (part == Part::Text).then_some([]),
                ..event(part.delta())
            };
            tell(&mut self.sequence, self.items.len(), event, out);
        }
    }

    fn begin_part(&mut self, part: Part, out: &mut Vec<u8>) {
        let Some(Open { id, kind: Kind::Parts { said, now, .. } }) = &mut self.open else { return };
        *now = part;
        let nothing = part.holding(String::new());
        let event = Event {
            item_id: Some(id),
            content_index: Some(said.len()),
            part: Some(&nothing),
            ..event("response.content_part.added")
        };
        tell(&mut self.sequence, self.items.len(), event, out);
    }

    fn end_part(&mut self, out: &mut Vec<u8>) {
        let Some(Open { id, kind: Kind::Parts { said, now, text, .. } }) = &mut self.open else {
            return;
        };
        let (part, whole) = (*now, std::mem::take(text));
        let (item_id, content_index) = (Some(&**id), Some(said.len()));
        let refusal = part == Part::Refusal;
        let done = Event {
            item_id,
            content_index,
            text: (!refusal).then_some(&whole),
            refusal: refusal.then_some(&whole),
            logprobs: (part == Part::Text).then_some([]),
            ..event(part.done())
        };
        tell(&mut self.sequence, self.items.len(), done, out);
        let whole = part.holding(whole);
        let part = Some(&whole);
        let done = Event { item_id, content_index, part, ..event("response.content_part.done") };
        tell(&mut self.sequence, self.items.len(), done, out);
        said.push(whole);
    }

    /// A piece of a call. One with an id of its own is another call, whatever its index: some servers
    /// count none, or say all of them at 0.
    fn call(&mut self, piece: ToolCall<'_>, out: &mut Vec<u8>) -> Result<(), Malformed> {
        let index = piece.index.unwrap_or(0);
        let id = piece.id.filter(|id| !id.is_empty());
        let function = piece.function.unwrap_or_default();
        let goes_on = matches!(&self.open, Some(Open { kind: Kind::Call { at, call_id, .. }, .. })
            if *at == index && id.as_ref().is_none_or(|id| id.as_str() == call_id));
        if !goes_on {
            let (Some(id), Some(name)) = (id, function.name.filter(|name| !name.is_empty())) else {
                return Err(wrong("a piece of a tool call that is not being said"));
            };
            self.close(Status::Completed, out);
            let (call_id, name) = (id.0.into_owned(), name.0.into_owned());
            let item_id = Ids::call(&call_id);
            let item = call_of(&item_id, call_id.clone(), name.clone(), "", Status::InProgress);
            let kind = Kind::Call { at: index, call_id, name, arguments: String::new() };
            self.open = Some(Open { id: item_id, kind });
            self.add(&item, out);
        }
        if let Some(fragment) = function.arguments.filter(|fragment| !fragment.is_empty()) {
            self.arguments(fragment.as_str(), out);
        }
        Ok(())
    }

    fn arguments(&mut self, fragment: &str, out: &mut Vec<u8>) {
        if let Some(Open { id, kind: Kind::Call { arguments, .. } }) = &mut self.open {
            arguments.push_str(fragment);
            let kind = "response.function_call_arguments.delta";
            let event = Event { item_id: Some(id), delta: Some(fragment), ..event(kind) };
            tell(&mut self.sequence, self.items.len(), event, out);
        }
    }

    /// Ends the item that is being said.
    fn close(&mut self, status: Status, out: &mut Vec<u8>) {
        match &self.open {
            None => return,
            Some(Open { kind: Kind::Parts { .. }, .. }) => self.end_part(out),
            Some(Open { kind: Kind::Call { arguments, .. }, .. }) if arguments.is_empty() => {
                // Callers read what is said as JSON, and nothing is none.
                self.arguments("{}", out);
            }
            Some(_) => {}
        }
        let Some(Open { id, kind }) = self.open.take() else { return };
        let mut item = match kind {
            Kind::Parts { reasoning, said, .. } => item_of(&id, reasoning, said),
            Kind::Call { call_id, name, arguments, .. } => {
                let done = Event {
                    item_id: Some(&id),
                    name: Some(&name),
                    arguments: Some(&arguments),
                    ..event("response.function_call_arguments.done")
                };
                tell(&mut self.sequence, self.items.len(), done, out);
                call_of(&id, call_id, name, &arguments, status)
            }
        };
        item.set_status(status);
        let done = Event { item: Some(&item), ..event("response.output_item.done") };
        tell(&mut self.sequence, self.items.len(), done, out);
        self.items.push(item);
    }

    fn add(&mut self, item: &OutputItem<'_>, out: &mut Vec<u8>) {
        let added = Event { item: Some(item), ..event("response.output_item.added") };
        tell(&mut self.sequence, self.items.len(), added, out);
    }

    /// The terminator: only now is it known that the usage has been told, if it ever is.
    fn done(&mut self, out: &mut Vec<u8>) -> Result<(), Malformed> {
        let Some(end) = self.end else { return Err(wrong("it ends without saying why")) };
        self.over = true;
        let kind = match end.status {
            Status::Incomplete => "response.incomplete",
            _ => "response.completed",
        };
        self.respond(kind, Some(end), out);
        Ok(())
    }

    /// An event that tells the answer as far as it has come.
    fn respond(&mut self, kind: &str, end: Option<End>, out: &mut Vec<u8>) {
        let status = end.map_or(Status::InProgress, |end| end.status);
        let model = self.model.as_str().into();
        let whole = answer::response(self.ids.response(), self.created, model, status, &self.items);
        let response = Response {
            usage: self.usage.clone(),
            incomplete_details: end.and_then(|end| end.details),
            ..whole
        };
        let sequence_number = self.sequence;
        self.sequence += 1;
        let event = Event { response: Some(&response), sequence_number, ..event(kind) };
        sse::event(out, kind, &event);
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
            self.usage = Some(answer::usage(&usage));
        }
        let said = chunk.choices.into_iter().find(|said| said.index == 0);
        let Some(said) = said else { return Ok(()) };
        if self.end.is_some() {
            return Ok(());
        }
        let begin = out.len();
        if !self.begun {
            self.begin(&chunk.id, chunk.created, &chunk.model, out);
        }
        self.say(said, out).inspect_err(|_| out.truncate(begin))
    }
}

// What is said is nobody's business but the caller's and the provider's.
impl fmt::Debug for Stream {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Stream")
            .field("sequence", &self.sequence)
            .field("items", &self.items.len())
            .field("end", &self.end)
            .finish_non_exhaustive()
    }
}

// === impl Part ===

impl Part {
    fn delta(self) -> &'static str {
        match self {
            Self::Reasoning => "response.reasoning_text.delta",
            Self::Text => "response.output_text.delta",
            Self::Refusal => "response.refusal.delta",
        }
    }

    fn done(self) -> &'static str {
        match self {
            Self::Reasoning => "response.reasoning_text.done",
            Self::Text => "response.output_text.done",
            Self::Refusal => "response.refusal.done",
        }
    }

    fn holding(self, text: String) -> OutputPart<'static> {
        match self {
            Self::Reasoning => OutputPart::ReasoningText { text: text.into() },
            Self::Text => OutputPart::output_text(text.into()),
            Self::Refusal => OutputPart::Refusal { refusal: text.into() },
        }
    }
}

fn item_of(id: &str, reasoning: bool, content: Vec<OutputPart<'static>>) -> OutputItem<'static> {
    if reasoning {
        answer::reasoning(id.to_owned(), content)
    } else {
        answer::said(id.to_owned(), content)
    }
}

fn call_of(
    id: &str,
    call_id: String,
    name: String,
    arguments: &str,
    status: Status,
) -> OutputItem<'static> {
    OutputItem::FunctionCall {
        id: id.to_owned(),
        call_id: call_id.into(),
        name: name.into(),
        arguments: arguments.to_owned().into(),
        status,
    }
}

/// Writes an event about the item at `output_index`.
fn tell(sequence: &mut u64, output_index: usize, event: Event<'_>, out: &mut Vec<u8>) {
    let (output_index, sequence_number) = (Some(output_index), *sequence);
    *sequence += 1;
    sse::event(out, event.kind, &Event { output_index, sequence_number, ..event });
}

fn event(kind: &str) -> Event<'_> {
    Event { kind, ..Event::default() }
}

fn wrong(message: &str) -> Malformed {
    Malformed::Event(message.to_owned())
}
