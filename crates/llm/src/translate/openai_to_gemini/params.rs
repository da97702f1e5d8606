//! Parameters: those with limits of their own, and those without a counterpart.

use serde::de::DeserializeOwned;
use serde_json::Value;

use super::super::gemini::{GenerationConfig, Thinking, ThinkingConfig};
use super::super::unsaid::{self, Neutral};
use super::super::wire::{Extra, Text};
use super::super::{Options, Refused, chat};
use super::version::{LEVELS, PRO_MEDIUM, THINKING, Version};

const EFFORT: &str = "reasoning_effort";

/// How many answers to one prompt Gemini gives at most.
const MAX_CANDIDATES: u32 = 8;

/// Parameters of Chat Completions that Gemini has no word for.
const NO_COUNTERPART: [(&str, Neutral); 18] = [
    ("logprobs", |value| *value == false),
    ("top_logprobs", |value| *value == 0),
    ("logit_bias", |value| value.as_object().is_some_and(Extra::is_empty)),
    ("prediction", |_| false),
    ("audio", |_| false),
    ("modalities", |value| *value == Value::from(vec!["text"])),
    ("store", |value| *value == false),
    ("metadata", |value| value.as_object().is_some_and(Extra::is_empty)),
    ("safety_identifier", |_| false),
    ("web_search_options", |_| false),
    ("verbosity", |value| value == "medium"),
    ("prompt_cache_key", |_| false),
    ("prompt_cache_retention", |_| false),
    ("prompt_cache_options", |_| false),
    ("moderation", |_| false),
    ("functions", |value| value.as_array().is_some_and(Vec::is_empty)),
    ("function_call", |_| false),
    // Anthropic's, which callers of several providers often send.
    ("cache_control", |_| true),
];

/// Gemini's fields that Chat Completions has another word for.
const ANOTHER_WORD: [(&str, &str); 7] = [
    ("contents", "it is Gemini's; Chat Completions writes `messages`"),
    ("systemInstruction", "it is Gemini's; Chat Completions writes a message of role `system`"),
    ("system_instruction", "it is Gemini's; Chat Completions writes a message of role `system`"),
    ("toolConfig", "it is Gemini's; Chat Completions writes `tool_choice`"),
    ("tool_config", "it is Gemini's; Chat Completions writes `tool_choice`"),
    ("generationConfig", "it is Gemini's; Chat Completions writes its fields beside `messages`"),
    ("generation_config", "it is Gemini's; Chat Completions writes its fields beside `messages`"),
];

/// All but the conversation and the tools. What is left is in nobody's documentation.
pub(super) fn translate(
    sent: &mut GenerationConfig<'_>,
    asked: &mut chat::Request<'_>,
    options: &Options<'_>,
) -> Result<Extra, Refused> {
    let mut extra = std::mem::take(&mut asked.extra);
    unsaid::another_word(&extra, &ANOTHER_WORD)?;
    unsaid::take(&mut extra, &NO_COUNTERPART, options)?;
    if asked.user.is_some() {
        options.unsupported("user", "the provider is not told who asks")?;
    }
    if asked.service_tier.as_ref().is_some_and(|tier| !matches!(tier.as_str(), "auto" | "default"))
    {
        options.unsupported("service_tier", "the provider has no such tier")?;
    }
    sampling(sent, asked, &mut extra, options)?;
    if let Some(effort) = &asked.reasoning_effort {
        sent.thinking_config = thinking(effort, options)?;
    }
    Ok(extra)
}

fn sampling(
    sent: &mut GenerationConfig<'_>,
    asked: &chat::Request<'_>,
    extra: &mut Extra,
    options: &Options<'_>,
) -> Result<(), Refused> {
    let within = |name: &str, value: Option<f64>, least: f64, most: f64| match value {
        Some(value) if !(least..=most).contains(&value) => {
            Err(Refused::bad(name, format!("it is a number from {least} to {most}")))
        }
        value => Ok(value),
    };
    sent.temperature = within("temperature", asked.temperature, 0.0, 2.0)?;
    sent.top_p = within("top_p", asked.top_p, 0.0, 1.0)?;
    // Nobody's but widespread.
    sent.top_k = field(extra, "top_k", "it is a number")?;
    for name in ["presence_penalty", "frequency_penalty"] {
        let value = within(name, field(extra, name, "it is a number")?, -2.0, 2.0)?;
        let value = value.filter(|value| *value != 0.0);
        match name {
            "presence_penalty" => sent.presence_penalty = value,
            _ => sent.frequency_penalty = value,
        }
    }
    if let Some(seed) = field::<i64>(extra, "seed", "it is an integer")? {
        match i32::try_from(seed) {
            Ok(seed) => sent.seed = Some(seed),
            Err(_) => options.unsupported("seed", "the provider's are of 32 bits")?,
        }
    }
    match field::<u32>(extra, "n", "it is an integer from 1 on")? {
        None | Some(1) => {}
        Some(0) => return Err(Refused::bad("n", "it is an integer from 1 on")),
        Some(count @ 2..=MAX_CANDIDATES) => sent.candidate_count = Some(count),
        Some(_) => options.unsupported("n", "the provider gives 8 answers at most")?,
    }
    Ok(())
}

fn field<T: DeserializeOwned>(
    extra: &mut Extra,
    name: &str,
    message: &str,
) -> Result<Option<T>, Refused> {
    match extra.remove(name) {
        None => Ok(None),
        Some(value) => serde_json::from_value(value).map_err(|_| Refused::bad(name, message)),
    }
}

/// `reasoning_effort` as Google's own layer for OpenAI's API translates it.
fn thinking(effort: &Text<'_>, options: &Options<'_>) -> Result<Option<ThinkingConfig>, Refused> {
    let version = Version::of(options.model);
    let pro = options.model.contains("-pro");
    let levels = version.is_some_and(|version| version >= LEVELS);
    // What older models are given tokens for, newer ones are told in a word.
    let (budget, level) = match effort.as_str() {
        "none" if version.is_some_and(|version| version < THINKING) => return Ok(None),
        "none" if levels || (pro && version.is_some()) => {
            options.unsupported(EFFORT, "the model always thinks")?;
            return Ok(None);
        }
        "none" => (0, "minimal"),
        "minimal" => (1024, if pro { "low" } else { "minimal" }),
        "low" => (1024, "low"),
        "medium" if pro && version.is_some_and(|version| version < PRO_MEDIUM) => (8192, "high"),
        "medium" => (8192, "medium"),
        "high" | "xhigh" | "max" => (24576, "high"),
        _ => {
            let message = "it is `none`, `minimal`, `low`, `medium`, `high`, `xhigh` or `max`";
            return Err(Refused::bad(EFFORT, message));
        }
    };
    if version.is_some_and(|version| version < THINKING) {
        options.unsupported(EFFORT, "the model does not think")?;
        return Ok(None);
    }
    let thinking = if levels { Thinking::Level(level) } else { Thinking::Budget(budget) };
    Ok(Some(ThinkingConfig { include_thoughts: effort.as_str() != "none", thinking }))
}
