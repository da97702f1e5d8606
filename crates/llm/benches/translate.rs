//! How long a translation takes, beside the pass-through's only look into the body.
//!
//! `cargo bench -p secondwind-llm --bench translate` prints microseconds, each the best of 20
//! rounds.

use std::hint::black_box;
use std::time::Duration;

use secondwind_llm::peek::peek;
use secondwind_llm::translate::{
    AnthropicToOpenAi, OpenAiToAnthropic, OpenAiToGemini, Options, ResponsesToOpenAi, Translate,
};

const TIMES: u32 = 1000;
const CREATED: u64 = 1_741_569_952;

const OPENAI_REQUEST: &str = r#"{"model":"gpt-4o","messages":[
    {"role":"system","content":"You are a helpful assistant that answers briefly."},
    {"role":"user","content":"What is the weather like in Boston today, and what should I wear?"},
    {"role":"assistant","content":null,"tool_calls":[{"id":"call_abc123","type":"function",
        "function":{"name":"get_weather","arguments":"{\"location\":\"Boston, MA\"}"}}]},
    {"role":"tool","tool_call_id":"call_abc123","content":"12 degrees, light rain"},
    {"role":"assistant","content":"It rains lightly at 12 degrees: take a coat and an umbrella."},
    {"role":"user","content":"And tomorrow?"}],
    "tools":[{"type":"function","function":{"name":"get_weather","description":"Get the weather",
        "parameters":{"type":"object","properties":{"location":{"type":"string"}},"required":["location"]}}}],
    "temperature":0.7,"max_tokens":512}"#;

const OPENAI_ANSWER: &str = r#"{"id":"chatcmpl-1","object":"chat.completion","created":1741569952,
    "model":"gpt-4o","choices":[{"index":0,"message":{"role":"assistant","content":
    "Tomorrow it will be sunny and 18 degrees, so a light jacket will do.","refusal":null},
    "logprobs":null,"finish_reason":"stop"}],"usage":{"prompt_tokens":190,"completion_tokens":21,
    "total_tokens":211,"prompt_tokens_details":{"cached_tokens":0}}}"#;

const ANTHROPIC_ANSWER: &str = r#"{"id":"msg_1","type":"message","role":"assistant",
    "model":"claude-sonnet-4-5","content":[{"type":"text","text":
    "Tomorrow it will be sunny and 18 degrees, so a light jacket will do."}],
    "stop_reason":"end_turn","stop_sequence":null,"usage":{"input_tokens":190,"output_tokens":21}}"#;

const ANTHROPIC_EVENT: &str =
    r#"{"type":"content_block_delta","index":0,"delta":{"type":"text_delta","text":" sunny and"}}"#;

const OPENAI_CHUNK: &str = r#"{"id":"chatcmpl-1","object":"chat.completion.chunk","created":1741569952,"model":"gpt-4o","choices":[{"index":0,"delta":{"content":" sunny and"},"logprobs":null,"finish_reason":null}]}"#;

const GEMINI_ANSWER: &str = r#"{"candidates":[{"content":{"parts":[{"text":
    "Tomorrow it will be sunny and 18 degrees, so a light jacket will do."}],"role":"model"},
    "finishReason":"STOP","index":0}],"usageMetadata":{"promptTokenCount":190,
    "candidatesTokenCount":21,"totalTokenCount":211},"modelVersion":"gemini-2.5-flash",
    "responseId":"kQ2vaLrJN5uKxN8P"}"#;

const GEMINI_PIECE: &str = r#"{"candidates":[{"content":{"parts":[{"text":" sunny and"}],"role":"model"},"index":0}],"usageMetadata":{"promptTokenCount":190,"candidatesTokenCount":9,"totalTokenCount":199},"modelVersion":"gemini-2.5-flash","responseId":"kQ2vaLrJN5uKxN8P"}"#;

const RESPONSES_REQUEST: &str = r#"{"model":"gpt-4o",
    "instructions":"You are a helpful assistant that answers briefly.","input":[
    {"role":"user","content":"What is the weather like in Boston today, and what should I wear?"},
    {"type":"function_call","call_id":"call_abc123","name":"get_weather",
        "arguments":"{\"location\":\"Boston, MA\"}"},
    {"type":"function_call_output","call_id":"call_abc123","output":"12 degrees, light rain"},
    {"role":"assistant","content":"It rains lightly at 12 degrees: take a coat and an umbrella."},
    {"role":"user","content":"And tomorrow?"}],
    "tools":[{"type":"function","name":"get_weather","description":"Get the weather",
        "parameters":{"type":"object","properties":{"location":{"type":"string"}},"required":["location"]}}],
    "temperature":0.7,"max_output_tokens":512}"#;

fn main() {
    let options = Options::new("theirs");
    let asked = OPENAI_REQUEST.as_bytes();
    let messages = OpenAiToAnthropic.request(asked, &options).unwrap_or_default();
    let image = with_image(4 * 1024 * 1024);

    report("peek at the request (pass-through)", || peek(black_box(asked)).is_ok());
    report("request, OpenAI to Anthropic", || {
        OpenAiToAnthropic.request(black_box(asked), &options).is_ok()
    });
    report("answer, Anthropic to OpenAI", || {
        OpenAiToAnthropic.answer(black_box(ANTHROPIC_ANSWER.as_bytes()), CREATED).is_ok()
    });
    report("request, Anthropic to OpenAI", || {
        AnthropicToOpenAi.request(black_box(&messages), &options).is_ok()
    });
    report("answer, OpenAI to Anthropic", || {
        AnthropicToOpenAi.answer(black_box(OPENAI_ANSWER.as_bytes()), CREATED).is_ok()
    });

    report("request, OpenAI to Gemini", || {
        OpenAiToGemini.request(black_box(asked), &options).is_ok()
    });
    report("answer, Gemini to OpenAI", || {
        OpenAiToGemini.answer(black_box(GEMINI_ANSWER.as_bytes()), CREATED).is_ok()
    });
    report("request, Responses to OpenAI", || {
        ResponsesToOpenAi.request(black_box(RESPONSES_REQUEST.as_bytes()), &options).is_ok()
    });
    report("answer, OpenAI to Responses", || {
        ResponsesToOpenAi.answer(black_box(OPENAI_ANSWER.as_bytes()), CREATED).is_ok()
    });

    let mut out = Vec::new();
    let mut stream = OpenAiToAnthropic.stream(asked, CREATED);
    for begin in [
        r#"{"type":"message_start","message":{"id":"msg_1","model":"m","content":[]}}"#,
        r#"{"type":"content_block_start","index":0,"content_block":{"type":"text","text":""}}"#,
    ] {
        assert!(stream.event(None, begin.as_bytes(), &mut out).is_ok());
    }
    report("an event, Anthropic to OpenAI", || {
        out.clear();
        stream.event(None, black_box(ANTHROPIC_EVENT.as_bytes()), &mut out).is_ok()
    });
    let mut stream = AnthropicToOpenAi.stream(&messages, CREATED);
    report("an event, OpenAI to Anthropic", || {
        out.clear();
        stream.event(None, black_box(OPENAI_CHUNK.as_bytes()), &mut out).is_ok()
    });

    let mut stream = OpenAiToGemini.stream(asked, CREATED);
    report("an event, Gemini to OpenAI", || {
        out.clear();
        stream.event(None, black_box(GEMINI_PIECE.as_bytes()), &mut out).is_ok()
    });
    let mut stream = ResponsesToOpenAi.stream(RESPONSES_REQUEST.as_bytes(), CREATED);
    report("an event, OpenAI to Responses", || {
        out.clear();
        stream.event(None, black_box(OPENAI_CHUNK.as_bytes()), &mut out).is_ok()
    });

    report("peek at a request with 4 MiB of image", || peek(black_box(&image)).is_ok());
    report("the same, OpenAI to Anthropic", || {
        OpenAiToAnthropic.request(black_box(&image), &options).is_ok()
    });
    report("the same, OpenAI to Gemini", || {
        OpenAiToGemini.request(black_box(&image), &options).is_ok()
    });
}

/// A request with an image of so many bytes in base64.
fn with_image(bytes: usize) -> Vec<u8> {
    let data = "A".repeat(bytes);
    format!(
        r#"{{"model":"m","messages":[{{"role":"user","content":[{{"type":"image_url","image_url":{{"url":"data:image/png;base64,{data}"}}}}]}}]}}"#
    )
    .into_bytes()
}

fn report(name: &str, mut work: impl FnMut() -> bool) {
    // What takes long is not done as often.
    let times = if round(1, &mut work) > Duration::from_micros(500) { 5 } else { TIMES };
    let best = (0..20).map(|_| round(times, &mut work)).min().unwrap_or_default();
    println!("{name:<40} {:>9.2} µs", best.as_secs_f64() * 1e6 / f64::from(times));
}

// The clock of the standard library: nothing is to be stopped here.
#[allow(clippy::disallowed_types)]
fn round(times: u32, work: &mut impl FnMut() -> bool) -> Duration {
    let began = std::time::Instant::now();
    for _ in 0..times {
        assert!(black_box(work()));
    }
    began.elapsed()
}
