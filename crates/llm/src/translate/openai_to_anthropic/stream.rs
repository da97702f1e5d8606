//! The stream: Anthropic's blocks as the deltas of one choice.

use std::fmt;

use bytes::Bytes;

use super::super::chat::{self, Chunk, Delta, Said};
use super::super::messages::{Answer, Block, Event, Usage};
use super::super::wire::{Content, Json, Text};
use super::super::{Malformed, TranslateStream, sse};
use super::answer;

/// The translation of one stream.
#[derive(Debug)]
pub(super) struct Stream {
    /// Whether the caller wants to be told what it cost.
    include_usage: bool,
    created: u64,
    id: String,
    model: String,
    phase: Phase,
    /// The block that is being said; Anthropic says one at a time.
    open: Option<Open>,
    /// How many calls there have been.
    calls: u64,
    /// How many signed thoughts there have been.
    thoughts: u64,
    usage: Usage<'static>,
}

#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Phase {
    Before,
    Saying,
    Finished,
    Over,
}

/// A block that is being said.
#[derive(Debug)]
struct Open {
    index: u64,
    kind: Kind,
}

enum Kind {
    Text,
    Thinking {
        thought: String,
        signature: String,
    },
    /// A call. `input` is what it began with, to be said if nothing else follows.
    Call {
        at: u64,
        input: Option<String>,
    },
    /// What the caller has no word for.
    Other,
}

// === impl Stream ===

impl Stream {
    pub(super) fn new(include_usage: bool, created: u64) -> Self {
        Self {
            include_usage,
            created,
            id: String::new(),
            model: String::new(),
            phase: Phase::Before,
            open: None,
            calls: 0,
            thoughts: 0,
            usage: Usage::default(),
        }
    }

    fn begin(&mut self, message: Answer<'_>, out: &mut Vec<u8>) -> Result<(), Malformed> {
        if self.phase != Phase::Before {
            return Err(wrong("a second message_start"));
        }
        self.phase = Phase::Saying;
        self.id = message.id.0.into_owned();
        self.model = message.model.0.into_owned();
        self.count(&message.usage);
        let role = Some("assistant".into());
        let content = Some(Content::Text("".into()));
        self.say(out, Delta { role, content, ..Delta::default() });
        Ok(())
    }

    fn open(&mut self, index: u64, block: Block<'_>, out: &mut Vec<u8>) -> Result<(), Malformed> {
        if self.phase != Phase::Saying || self.open.is_some() {
            return Err(wrong("a block begins where none can"));
        }
        let kind = match block.kind.as_str() {
            "text" => {
                self.text(out, block.text);
                Kind::Text
            }
            "thinking" => {
                let signature = block.signature.unwrap_or_default().0.into_owned();
                let thought = block.thinking.unwrap_or_default();
                let begun = thought.as_str().to_owned();
                self.reasoning(out, Some(thought));
                Kind::Thinking { thought: begun, signature }
            }
            "redacted_thinking" => {
                if let Some(thought) = block.thought() {
                    self.signed(out, thought);
                }
                Kind::Other
            }
            "tool_use" => {
                let at = self.calls;
                self.calls += 1;
                let call = chat::ToolCall {
                    index: Some(at),
                    id: block.id,
                    kind: Some("function".into()),
                    function: Some(chat::FunctionCall {
                        name: block.name,
                        arguments: Some("".into()),
                    }),
                    ..chat::ToolCall::default()
                };
                self.say(out, Delta { tool_calls: Some(vec![call]), ..Delta::default() });
                let input = block.input.filter(Json::is_object);
                let input = input.map_or_else(|| "{}".into(), Json::into_text);
                Kind::Call { at, input: Some(input.0.into_owned()) }
            }
            _ => Kind::Other,
        };
        self.open = Some(Open { index, kind });
        Ok(())
    }

    fn add(&mut self, event: Event<'_>, out: &mut Vec<u8>) -> Result<(), Malformed> {
        let delta = event.delta.ok_or_else(|| wrong("a content_block_delta without a delta"))?;
        let open = self.open.as_mut().filter(|open| event.index == Some(open.index));
        let open = open.ok_or_else(|| wrong("a delta of a block that is not open"))?;
        match &mut open.kind {
            Kind::Text => self.text(out, delta.text),
            Kind::Thinking { thought, signature } => {
                signature.push_str(delta.signature.unwrap_or_default().as_str());
                if let Some(more) = delta.thinking {
                    thought.push_str(more.as_str());
                    self.reasoning(out, Some(more));
                }
            }
            Kind::Call { at, input } => {
                let fragment = delta.partial_json.filter(|fragment| !fragment.is_empty());
                if let Some(fragment) = fragment {
                    *input = None;
                    let at = *at;
                    self.arguments(out, at, fragment);
                }
            }
            Kind::Other => {}
        }
        Ok(())
    }

    fn close(&mut self, index: Option<u64>, out: &mut Vec<u8>) -> Result<(), Malformed> {
        let open = self.open.take_if(|open| Some(open.index) == index);
        let open = open.ok_or_else(|| wrong("a block ends that is not open"))?;
        match open.kind {
            Kind::Thinking { thought, signature } if !signature.is_empty() => {
                let block = Block {
                    thinking: Some(thought.into()),
                    signature: Some(signature.into()),
                    ..Block::new("thinking")
                };
                self.signed(out, block);
            }
            Kind::Call { at, input: Some(input) } => self.arguments(out, at, input.into()),
            _ => {}
        }
        Ok(())
    }

    fn finish(&mut self, event: Event<'_>, out: &mut Vec<u8>) -> Result<(), Malformed> {
        if self.phase != Phase::Saying {
            return Err(wrong("a message_delta where none can be"));
        }
        if let Some(open) = &self.open {
            self.close(Some(open.index), out)?;
        }
        if let Some(usage) = &event.usage {
            self.count(usage);
        }
        let delta = event.delta.unwrap_or_default();
        let Some(reason) = delta.stop_reason else { return Ok(()) };
        self.phase = Phase::Finished;
        let refusal = delta.stop_details.and_then(answer::refusal);
        let said = Said {
            index: 0,
            delta: Delta { refusal, ..Delta::default() },
            finish_reason: Some(answer::finish_reason(&reason).into()),
            stop_reason: delta.stop_sequence.map(|sequence| sequence.as_str().into()),
        };
        self.chunk(out, said);
        Ok(())
    }

    fn end(&mut self, out: &mut Vec<u8>) -> Result<(), Malformed> {
        if self.phase != Phase::Finished {
            return Err(wrong("it ends without saying why"));
        }
        self.phase = Phase::Over;
        if self.include_usage {
            let usage = Some(Some(answer::usage(&self.usage)));
            sse::data(out, &Chunk { usage, ..self.empty_chunk() });
        }
        sse::done(out);
        Ok(())
    }

    /// What an event does not count is as the one before counted it.
    fn count(&mut self, usage: &Usage<'_>) {
        let told = &mut self.usage;
        told.input_tokens = usage.input_tokens.or(told.input_tokens);
        told.output_tokens = usage.output_tokens.or(told.output_tokens);
        told.cache_read_input_tokens =
            usage.cache_read_input_tokens.or(told.cache_read_input_tokens);
        told.cache_creation_input_tokens =
            usage.cache_creation_input_tokens.or(told.cache_creation_input_tokens);
        let details = usage.output_tokens_details.clone();
        told.output_tokens_details = details.or(told.output_tokens_details.take());
    }

    fn text(&self, out: &mut Vec<u8>, text: Option<Text<'_>>) {
        if let Some(content) = text.filter(|text| !text.is_empty()) {
            let content = Some(Content::Text(content));
            self.say(out, Delta { content, ..Delta::default() });
        }
    }

    fn reasoning(&self, out: &mut Vec<u8>, thought: Option<Text<'_>>) {
        if let Some(thought) = thought.filter(|thought| !thought.is_empty()) {
            self.say(out, Delta { reasoning_content: Some(thought), ..Delta::default() });
        }
    }

    /// Signed thoughts are counted: clients put no list together whose entries are not.
    fn signed(&mut self, out: &mut Vec<u8>, mut block: Block<'_>) {
        block.extra.insert("index".to_owned(), self.thoughts.into());
        self.thoughts += 1;
        let thinking_blocks = Some(vec![block]);
        self.say(out, Delta { thinking_blocks, ..Delta::default() });
    }

    fn arguments(&self, out: &mut Vec<u8>, at: u64, fragment: Text<'_>) {
        let call = chat::ToolCall {
            index: Some(at),
            function: Some(chat::FunctionCall { name: None, arguments: Some(fragment) }),
            ..chat::ToolCall::default()
        };
        self.say(out, Delta { tool_calls: Some(vec![call]), ..Delta::default() });
    }

    fn say(&self, out: &mut Vec<u8>, delta: Delta<'_>) {
        self.chunk(out, Said { delta, ..Said::default() });
    }

    fn chunk(&self, out: &mut Vec<u8>, said: Said<'_>) {
        sse::data(out, &Chunk { choices: vec![said], ..self.empty_chunk() });
    }

    fn empty_chunk(&self) -> Chunk<'_> {
        Chunk {
            id: self.id.as_str().into(),
            object: "chat.completion.chunk".into(),
            created: self.created,
            model: self.model.as_str().into(),
            choices: Vec::new(),
            usage: self.include_usage.then_some(None),
        }
    }
}

impl TranslateStream for Stream {
    fn event(
        &mut self,
        name: Option<&str>,
        data: &[u8],
        out: &mut Vec<u8>,
    ) -> Result<(), Malformed> {
        if name == Some("error") {
            return Err(Malformed::Error(Bytes::copy_from_slice(data)));
        }
        let event: Event<'_> = serde_json::from_slice(data)?;
        let index = event.index.unwrap_or(0);
        match event.kind.as_str() {
            "error" => Err(Malformed::Error(Bytes::copy_from_slice(data))),
            _ if self.phase == Phase::Over => Ok(()),
            "ping" => {
                sse::comment(out, "ping");
                Ok(())
            }
            "message_start" => {
                let message = event.message.ok_or_else(|| wrong("it begins with no message"))?;
                self.begin(message, out)
            }
            "content_block_start" => {
                let block = event.content_block.ok_or_else(|| wrong("a block that is none"))?;
                self.open(index, block, out)
            }
            "content_block_delta" => self.add(event, out),
            "content_block_stop" => self.close(event.index, out),
            "message_delta" => self.finish(event, out),
            "message_stop" => self.end(out),
            // Anthropic may add kinds of events, and asks to be read on.
            _ => Ok(()),
        }
    }
}

// === impl Kind ===

// What is thought is nobody's business but the caller's and the provider's.
impl fmt::Debug for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Text => "Text",
            Self::Thinking { .. } => "Thinking",
            Self::Call { .. } => "Call",
            Self::Other => "Other",
        })
    }
}

fn wrong(message: &str) -> Malformed {
    Malformed::Event(message.to_owned())
}
