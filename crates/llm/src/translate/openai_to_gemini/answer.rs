//! The whole answer, and what it shares with a stream: why it ended, what it cost.

use bytes::Bytes;

use super::super::gemini::{Answer, Candidate, FunctionCall, PromptFeedback, Usage};
use super::super::wire::{self, Content, Json, Text};
use super::super::{NoAnswer, chat};

pub(super) fn translate(body: &[u8], created: u64) -> Result<Bytes, NoAnswer> {
    let given: Answer<'_> = serde_json::from_slice(body)?;
    if given.error.is_some() {
        return Err(NoAnswer::new("it is an error"));
    }
    let mut choices = Vec::with_capacity(given.candidates.len());
    for candidate in given.candidates {
        choices.push(choice(candidate, &given.response_id)?);
    }
    if choices.is_empty() {
        let refusal = blocked(given.prompt_feedback.as_ref());
        let refusal = refusal.ok_or_else(|| NoAnswer::new("it has no candidates"))?;
        let message = chat::Message {
            role: "assistant".into(),
            refusal: Some(refusal.into()),
            ..chat::Message::default()
        };
        let finish_reason = Some("content_filter".into());
        choices.push(chat::Answered { index: 0, message, finish_reason, stop_reason: None });
    }
    Ok(wire::json(&chat::Completion {
        id: given.response_id,
        object: "chat.completion".into(),
        created,
        model: given.model_version,
        choices,
        usage: given.usage_metadata.as_ref().map(usage),
        service_tier: None,
        extra: given.extra,
    }))
}

fn choice<'a>(
    candidate: Candidate<'a>,
    response_id: &Text<'_>,
) -> Result<chat::Answered<'a>, NoAnswer> {
    let Some(reason) = &candidate.finish_reason else {
        return Err(NoAnswer::new("it does not say why it finished"));
    };
    let mut message = chat::Message { role: "assistant".into(), ..chat::Message::default() };
    let mut text = None;
    let mut calls = Vec::new();
    for part in candidate.content.unwrap_or_default().parts {
        let thought = part.thought == Some(true);
        append(if thought { &mut message.reasoning_content } else { &mut text }, part.text);
        if let Some(call) = part.function_call {
            let at = calls.len() as u64;
            let id = call_id(response_id, candidate.index, at);
            calls.push(tool_call(call, part.thought_signature, id)?);
        }
    }
    let finish = finish_reason(reason, !calls.is_empty());
    let finish =
        finish.map_err(|wrong| NoAnswer::new(wrong_end(wrong, &candidate.finish_message)))?;
    message.content = text.map(Content::Text);
    message.tool_calls = Some(calls).filter(|calls| !calls.is_empty());
    let (index, finish_reason) = (candidate.index, Some(finish.into()));
    Ok(chat::Answered { index, message, finish_reason, stop_reason: None })
}

/// Parts of text are one text to Chat Completions. An empty one is none.
fn append<'a>(all: &mut Option<Text<'a>>, more: Option<Text<'a>>) {
    let Some(more) = more.filter(|more| !more.is_empty()) else { return };
    match all {
        None => *all = Some(more),
        Some(all) => all.0.to_mut().push_str(more.as_str()),
    }
}

/// The id of a call that Gemini gave none: of one answer's, each has its own.
pub(super) fn call_id(response_id: &Text<'_>, candidate: u64, at: u64) -> String {
    format!("call_{}_{candidate}_{at}", response_id.as_str())
}

pub(super) fn tool_call<'a>(
    call: FunctionCall<'a>,
    signature: Option<Text<'a>>,
    id: String,
) -> Result<chat::ToolCall<'a>, NoAnswer> {
    if call.name.is_empty() {
        return Err(NoAnswer::new("a function call has no name"));
    }
    let arguments = match call.args {
        None => "{}".into(),
        Some(args) if args.is_object() => Json::into_text(args),
        Some(_) => return Err(NoAnswer::new("a function call's args are no object")),
    };
    let google = signature.map(|text| chat::Google { thought_signature: Some(text) });
    Ok(chat::ToolCall {
        index: None,
        id: call.id.filter(|id| !id.is_empty()).or(Some(id.into())),
        kind: Some("function".into()),
        function: Some(chat::FunctionCall { name: Some(call.name), arguments: Some(arguments) }),
        extra_content: google.map(|google| chat::ExtraContent { google: Some(google) }),
    })
}

/// Why an answer ended, in OpenAI's words; an error where it went wrong.
pub(super) fn finish_reason<'r>(
    reason: &'r Text<'_>,
    called: bool,
) -> Result<&'static str, &'r str> {
    match reason.as_str() {
        "MAX_TOKENS" => Ok("length"),
        "SAFETY"
        | "RECITATION"
        | "LANGUAGE"
        | "BLOCKLIST"
        | "PROHIBITED_CONTENT"
        | "SPII"
        | "MODEL_ARMOR"
        | "IMAGE_SAFETY"
        | "IMAGE_PROHIBITED_CONTENT"
        | "IMAGE_RECITATION" => Ok("content_filter"),
        wrong @ ("FINISH_REASON_UNSPECIFIED"
        | "OTHER"
        | "MALFORMED_FUNCTION_CALL"
        | "MALFORMED_RESPONSE"
        | "UNEXPECTED_TOOL_CALL"
        | "TOO_MANY_TOOL_CALLS"
        | "MISSING_THOUGHT_SIGNATURE"
        | "IMAGE_OTHER"
        | "NO_IMAGE") => Err(wrong),
        // `STOP`, and what Google may add.
        _ if called => Ok("tool_calls"),
        _ => Ok("stop"),
    }
}

/// What to say of a generation that went wrong.
pub(super) fn wrong_end(reason: &str, message: &Option<Text<'_>>) -> String {
    match message {
        Some(message) => format!("it ended with {reason}: {}", message.as_str()),
        None => format!("it ended with {reason}"),
    }
}

/// Why a prompt was not answered, if that is said.
pub(super) fn blocked(feedback: Option<&PromptFeedback<'_>>) -> Option<String> {
    let feedback = feedback?;
    let reason = feedback.block_reason.as_ref()?.as_str();
    Some(match &feedback.block_reason_message {
        Some(message) => message.as_str().to_owned(),
        None => format!("The prompt was blocked: {reason}"),
    })
}

/// OpenAI counts thoughts with the answer and what tools were told with the prompt, Gemini beside.
pub(super) fn usage(given: &Usage) -> chat::Usage {
    let prompt_tokens = given.prompt_token_count + given.tool_use_prompt_token_count;
    let completion_tokens =
        given.candidates_token_count + given.thoughts_token_count.unwrap_or_default();
    chat::Usage {
        prompt_tokens,
        completion_tokens,
        total_tokens: prompt_tokens + completion_tokens,
        prompt_tokens_details: Some(chat::PromptTokens {
            cached_tokens: Some(given.cached_content_token_count),
            cache_write_tokens: None,
        }),
        completion_tokens_details: given
            .thoughts_token_count
            .map(|tokens| chat::CompletionTokens { reasoning_tokens: Some(tokens) }),
    }
}
