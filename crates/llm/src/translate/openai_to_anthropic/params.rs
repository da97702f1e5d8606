//! Parameters: those with limits of their own, and those without a counterpart.

use serde_json::Value;

use super::super::messages::{self, MIN_THINKING, Metadata, Thinking};
use super::super::wire::{Content, Extra, Text};
use super::super::{Options, Refused};
use super::version::Version;

const EFFORT: &str = "reasoning_effort";

/// Whether a value says no more than its parameter's absence does.
type Neutral = fn(&Value) -> bool;

/// Parameters of Chat Completions that Anthropic has no word for.
const NO_COUNTERPART: [(&str, Neutral); 19] = [
    ("n", |value| *value == 1),
    ("logprobs", |value| *value == false),
    ("top_logprobs", |value| *value == 0),
    ("logit_bias", |value| value.as_object().is_some_and(Extra::is_empty)),
    ("seed", |_| false),
    ("presence_penalty", |value| value.as_f64() == Some(0.0)),
    ("frequency_penalty", |value| value.as_f64() == Some(0.0)),
    ("prediction", |_| false),
    ("audio", |_| false),
    ("modalities", |value| *value == Value::from(vec!["text"])),
    ("store", |value| *value == false),
    ("web_search_options", |_| false),
    ("verbosity", |value| value == "medium"),
    ("prompt_cache_key", |_| false),
    ("prompt_cache_retention", |_| false),
    ("prompt_cache_options", |_| false),
    ("moderation", |_| false),
    ("functions", |value| value.as_array().is_some_and(Vec::is_empty)),
    ("function_call", |_| false),
];

/// Anthropic's fields that Chat Completions has another word for.
const ANOTHER_WORD: [(&str, &str); 2] = [
    ("system", "it is Anthropic's; Chat Completions writes a message of role `system`"),
    ("stop_sequences", "it is Anthropic's; Chat Completions writes `stop`"),
];

/// What is left of a request once all that has a counterpart is taken out of it.
pub(super) fn rest(mut extra: Extra, options: &Options<'_>) -> Result<Extra, Refused> {
    for (name, message) in ANOTHER_WORD {
        if extra.contains_key(name) {
            return Err(Refused::bad(name, message));
        }
    }
    for (name, neutral) in NO_COUNTERPART {
        if extra.remove(name).is_some_and(|value| !value.is_null() && !neutral(&value)) {
            options.unsupported(name, "the provider has no such parameter")?;
        }
    }
    Ok(extra)
}

/// Who asks. OpenAI's `metadata` is for its own dashboard, Anthropic's is this only.
pub(super) fn metadata_of<'a>(
    user: Option<Text<'a>>,
    extra: &mut Extra,
    options: &Options<'_>,
) -> Result<Option<Metadata<'a>>, Refused> {
    let says = |value: &Value| !value.is_null() && *value != Value::Object(Extra::new());
    if extra.remove("metadata").is_some_and(|value| says(&value)) {
        options.unsupported("metadata", "the provider stores none")?;
    }
    let identifier = match extra.remove("safety_identifier") {
        None | Some(Value::Null) => None,
        Some(Value::String(identifier)) => Some(Text::from(identifier)),
        Some(_) => return Err(Refused::bad("safety_identifier", "it is a string")),
    };
    let user_id = match (identifier, user) {
        (Some(identifier), Some(user)) if identifier != user => {
            let message = "the provider is told of one of `user` and `safety_identifier`";
            options.unsupported("user", message)?;
            Some(identifier)
        }
        (identifier, user) => identifier.or(user),
    };
    Ok(user_id.map(|user_id| Metadata { user_id: Some(user_id), extra: Extra::new() }))
}

/// The samplings, within the limits of OpenAI's documentation and then of Anthropic's.
pub(super) fn sampling(
    sent: &mut messages::Request<'_>,
    temperature: Option<f64>,
    top_p: Option<f64>,
    options: &Options<'_>,
) -> Result<(), Refused> {
    if temperature.is_some_and(|value| !(0.0..=2.0).contains(&value)) {
        return Err(Refused::bad("temperature", "it is a number from 0 to 2"));
    }
    if top_p.is_some_and(|value| !(0.0..=1.0).contains(&value)) {
        return Err(Refused::bad("top_p", "it is a number from 0 to 1"));
    }
    sent.temperature = temperature.map(|value| value.min(1.0));
    sent.top_p = top_p;
    if Version::of(options.model).is_some_and(|version| !version.takes_samplings()) {
        let message = "the model takes no samplings";
        if sent.temperature.take().is_some_and(|value| value < 1.0) {
            options.unsupported("temperature", message)?;
        }
        if sent.top_p.take().is_some_and(|value| value < 1.0) {
            options.unsupported("top_p", message)?;
        }
    }
    Ok(())
}

/// `reasoning_effort` as Anthropic has it. `max_tokens` is what the caller asked for: reasoning is
/// within it. Comes last, since thinking goes with few of the other parameters.
pub(super) fn reasoning(
    sent: &mut messages::Request<'_>,
    effort: Option<&Text<'_>>,
    max_tokens: Option<u64>,
    options: &Options<'_>,
) -> Result<(), Refused> {
    let version = Version::of(options.model);
    // What older models are given tokens for, newer ones are told in a word.
    let (budget, word) = match effort.map(Text::as_str) {
        None | Some("none") => return Ok(()),
        Some("minimal" | "low") => (MIN_THINKING, "low"),
        Some("medium") => (2048, "medium"),
        Some("high") => (4096, "high"),
        Some("xhigh") => (8192, version.map_or("xhigh", Version::xhigh)),
        Some("max") => (16384, "max"),
        Some(_) => {
            let message = "it is `none`, `minimal`, `low`, `medium`, `high`, `xhigh` or `max`";
            return Err(Refused::bad(EFFORT, message));
        }
    };
    for twice in ["thinking", "output_config"] {
        if sent.extra.contains_key(twice) {
            let message = "it is Anthropic's; say it there or in `reasoning_effort`, not in both";
            return Err(Refused::bad(twice, message));
        }
    }
    if matches!(&sent.tool_choice, Some(choice) if matches!(choice.kind.as_str(), "any" | "tool")) {
        return options.unsupported(EFFORT, "the provider does not think where a tool is forced");
    }
    let adaptive = version.is_some_and(Version::thinks_adaptively);
    if !adaptive && !budgeted(sent, max_tokens, options)? {
        return Ok(());
    }
    if sent.temperature.is_some_and(|value| value < 1.0) {
        options.unsupported("temperature", "the provider thinks at a temperature of 1 only")?;
        sent.temperature = None;
    }
    if sent.top_p.is_some_and(|value| value < 0.95) {
        options.unsupported("top_p", "the provider thinks at a top_p of 0.95 or more only")?;
        sent.top_p = None;
    }
    if max_tokens.is_none() {
        sent.max_tokens += budget;
    }
    let (kind, budget_tokens) = if adaptive {
        sent.output_config.get_or_insert_default().effort = Some(word.into());
        ("adaptive", None)
    } else {
        ("enabled", Some(max_tokens.map_or(budget, |most| budget.min(most - 1))))
    };
    sent.thinking = Some(Thinking { kind: kind.into(), budget_tokens, extra: Extra::new() });
    Ok(())
}

/// Whether thinking within a budget is possible. What is not is refused, or left out.
fn budgeted(
    sent: &messages::Request<'_>,
    max_tokens: Option<u64>,
    options: &Options<'_>,
) -> Result<bool, Refused> {
    let message = if max_tokens.is_some_and(|most| most <= MIN_THINKING) {
        "the provider thinks in 1024 tokens or more, and these are to be less than the answer's"
    } else if answers_unsigned_calls(&sent.messages) {
        "the provider does not think on after tool calls whose `thinking_blocks` are not in the \
         conversation"
    } else {
        return Ok(true);
    };
    options.unsupported(EFFORT, message).map(|()| false)
}

/// Whether the conversation ends with the results of calls that do not say how they were thought
/// of.
fn answers_unsigned_calls(conversation: &[messages::Message<'_>]) -> bool {
    let Some([before, last]) = conversation.last_chunk() else { return false };
    let kinds = |message: &messages::Message<'_>, kind: &str| match &message.content {
        Content::Text(_) => false,
        Content::Parts(blocks) => blocks.iter().any(|block| block.kind.as_str() == kind),
    };
    kinds(last, "tool_result") && !kinds(before, "thinking") && !kinds(before, "redacted_thinking")
}
