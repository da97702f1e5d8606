//! The stream: Gemini's pieces of an answer as the deltas of its choices.

use bytes::Bytes;
use serde::Deserialize;

use super::super::chat::{self, Chunk, Delta, Said};
use super::super::gemini::{Answer, Candidate, Usage};
use super::super::wire::Content;
use super::super::{Malformed, NoAnswer, TranslateStream, sse};
use super::answer;

/// The translation of one stream.
#[derive(Debug, Default)]
pub(super) struct Stream {
    /// Whether the caller wants to be told what it cost.
    include_usage: bool,
    created: u64,
    id: String,
    model: String,
    /// How far each answer has come, by its index.
    choices: Vec<Choice>,
    over: bool,
    usage: Usage,
}

#[derive(Clone, Debug, Default)]
struct Choice {
    begun: bool,
    finished: bool,
    calls: u64,
}

/// Of all that a request says, what its stream depends on.
#[derive(Default, Deserialize)]
struct Asked {
    #[serde(default)]
    stream_options: Option<chat::StreamOptions>,
    #[serde(default)]
    n: Option<usize>,
}

// === impl Stream ===

impl Stream {
    pub(super) fn new(request: &[u8], created: u64) -> Self {
        let asked: Asked = serde_json::from_slice(request).unwrap_or_default();
        let usage = asked.stream_options.and_then(|options| options.include_usage);
        let count = asked.n.unwrap_or(1).clamp(1, 8);
        let choices = vec![Choice::default(); count];
        Self { include_usage: usage == Some(true), created, choices, ..Self::default() }
    }

    fn add(&mut self, candidate: Candidate<'_>, out: &mut Vec<u8>) -> Result<(), Malformed> {
        let index = candidate.index;
        let at = usize::try_from(index).unwrap_or(usize::MAX);
        let choice = self.choices.get(at).ok_or_else(|| wrong("a candidate too many"))?;
        let (begun, finished, mut calls) = (choice.begun, choice.finished, choice.calls);
        let parts = candidate.content.unwrap_or_default().parts;
        if finished {
            return match parts.is_empty() {
                true => Ok(()),
                false => Err(wrong("it goes on after its end")),
            };
        }
        if !begun {
            let (role, content) = (Some("assistant".into()), Some(Content::Text("".into())));
            self.say(out, index, Delta { role, content, ..Delta::default() });
        }
        for part in parts {
            if let Some(text) = part.text.filter(|text| !text.is_empty()) {
                let delta = match part.thought {
                    Some(true) => Delta { reasoning_content: Some(text), ..Delta::default() },
                    _ => Delta { content: Some(Content::Text(text)), ..Delta::default() },
                };
                self.say(out, index, delta);
            }
            if let Some(call) = part.function_call {
                let id = answer::call_id(&self.id.as_str().into(), index, calls);
                let call = answer::tool_call(call, part.thought_signature, id)?;
                let call = chat::ToolCall { index: Some(calls), ..call };
                self.say(out, index, Delta { tool_calls: Some(vec![call]), ..Delta::default() });
                calls += 1;
            }
        }
        let reason = candidate.finish_reason;
        if let Some(reason) = &reason {
            let finish = answer::finish_reason(reason, calls > 0);
            let finish =
                finish.map_err(|end| wrong(&answer::wrong_end(end, &candidate.finish_message)))?;
            let finish_reason = Some(finish.into());
            self.chunk(out, Said { index, finish_reason, ..Said::default() });
        }
        if let Some(choice) = self.choices.get_mut(at) {
            *choice = Choice { begun: true, finished: reason.is_some(), calls };
        }
        Ok(())
    }

    /// A prompt that is not answered is refused by every choice.
    fn refuse(&mut self, refusal: &str, out: &mut Vec<u8>) {
        self.choices.truncate(1);
        for choice in &mut self.choices {
            choice.finished = true;
        }
        let (role, content) = (Some("assistant".into()), Some(Content::Text("".into())));
        let refusal = Some(refusal.into());
        self.say(out, 0, Delta { role, content, refusal, ..Delta::default() });
        let finish_reason = Some("content_filter".into());
        self.chunk(out, Said { finish_reason, ..Said::default() });
    }

    fn end(&mut self, out: &mut Vec<u8>) {
        self.over = true;
        if self.include_usage {
            let usage = Some(Some(answer::usage(&self.usage)));
            sse::data(out, &Chunk { usage, ..self.empty_chunk() });
        }
        sse::done(out);
    }

    fn read(&mut self, given: Answer<'_>, out: &mut Vec<u8>) -> Result<(), Malformed> {
        if self.id.is_empty() {
            self.id = given.response_id.0.into_owned();
        }
        if self.model.is_empty() {
            self.model = given.model_version.0.into_owned();
        }
        self.usage = given.usage_metadata.unwrap_or(std::mem::take(&mut self.usage));
        let silent = given.candidates.is_empty() && self.choices.iter().all(|said| !said.begun);
        for candidate in given.candidates {
            self.add(candidate, out)?;
        }
        if let Some(refusal) = answer::blocked(given.prompt_feedback.as_ref()) {
            if !silent {
                return Err(wrong("a prompt is blocked that was being answered"));
            }
            self.refuse(&refusal, out);
        }
        if self.choices.iter().all(|choice| choice.finished) {
            self.end(out);
        }
        Ok(())
    }

    fn say(&self, out: &mut Vec<u8>, index: u64, delta: Delta<'_>) {
        self.chunk(out, Said { index, delta, ..Said::default() });
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
        _name: Option<&str>,
        data: &[u8],
        out: &mut Vec<u8>,
    ) -> Result<(), Malformed> {
        if self.over {
            return Ok(());
        }
        let given: Answer<'_> = serde_json::from_slice(data)?;
        if given.error.is_some() {
            return Err(Malformed::Error(Bytes::copy_from_slice(data)));
        }
        let begin = out.len();
        self.read(given, out).inspect_err(|_| out.truncate(begin))
    }
}

impl From<NoAnswer> for Malformed {
    fn from(error: NoAnswer) -> Self {
        Self::Event(error.message)
    }
}

fn wrong(message: &str) -> Malformed {
    Malformed::Event(message.to_owned())
}
