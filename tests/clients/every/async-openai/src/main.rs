//! async-openai as a client: called with the asks, it says in JSON, a line each, what it saw.

use std::collections::BTreeMap;
use std::env::{args, var};
use std::error::Error;

use async_openai::Client;
use async_openai::config::OpenAIConfig;
use async_openai::types::chat::{
    ChatCompletionMessageToolCalls, ChatCompletionResponseMessage, CreateChatCompletionRequest,
    CreateChatCompletionResponse,
};
use futures::StreamExt;
use serde_json::{Value, from_str, from_value, json};

type Saw = Result<Value, Box<dyn Error>>;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error>> {
    let config = OpenAIConfig::new()
        .with_api_base(format!("{}/v1", var("SECONDWIND_URL")?))
        .with_api_key(var("SECONDWIND_KEY")?);
    let client = Client::with_config(config);
    let asks: Vec<(String, String)> = from_str(&args().nth(1).ok_or("called without the asks")?)?;
    for (what, model) in asks {
        let saw = match &*what {
            "chat" => chat(&client, &model).await,
            "stream" => stream(&client, &model).await,
            "tool" => tool(&client, &model).await,
            "tool_stream" => tool_stream(&client, &model).await,
            "structured" => structured(&client, &model).await,
            _ => Err(format!("no such ask: {what}").into()),
        };
        let saw = saw.unwrap_or_else(|error| json!({"error": error.to_string()}));
        println!("{}", json!({"what": what, "model": model, "saw": saw}));
    }
    Ok(())
}

async fn chat(client: &Client<OpenAIConfig>, model: &str) -> Saw {
    let answer = client.chat().create(saying(model)?).await?;
    let choice = answer.choices.first().ok_or("no choice")?;
    Ok(json!({"text": choice.message.content, "finish": choice.finish_reason}))
}

async fn stream(client: &Client<OpenAIConfig>, model: &str) -> Saw {
    let mut chunks = client.chat().create_stream(saying(model)?).await?;
    let (mut pieces, mut finish) = (Vec::new(), None);
    while let Some(chunk) = chunks.next().await {
        for choice in chunk?.choices {
            pieces.extend(choice.delta.content.filter(|piece| !piece.is_empty()));
            finish = choice.finish_reason.or(finish);
        }
    }
    Ok(json!({"text": pieces.concat(), "pieces": pieces.len(), "finish": finish}))
}

async fn tool(client: &Client<OpenAIConfig>, model: &str) -> Saw {
    let made = message(client.chat().create(questioning(model, &[])?).await?)?;
    let calls = made.tool_calls.unwrap_or_default();
    let Some(ChatCompletionMessageToolCalls::Function(call)) = calls.into_iter().next() else {
        return Err("no call of a function".into());
    };
    called(client, model, &call.id, &call.function.name, &call.function.arguments).await
}

async fn tool_stream(client: &Client<OpenAIConfig>, model: &str) -> Saw {
    let mut chunks = client.chat().create_stream(questioning(model, &[])?).await?;
    // By index: id, name, arguments.
    let mut calls: BTreeMap<u32, (String, String, String)> = BTreeMap::new();
    while let Some(chunk) = chunks.next().await {
        for part in
            chunk?.choices.into_iter().filter_map(|choice| choice.delta.tool_calls).flatten()
        {
            let (id, name, arguments) = calls.entry(part.index).or_default();
            id.extend(part.id);
            if let Some(function) = part.function {
                name.extend(function.name);
                arguments.extend(function.arguments);
            }
        }
    }
    let (_, (id, name, arguments)) = calls.pop_first().ok_or("no call")?;
    called(client, model, &id, &name, &arguments).await
}

/// Sends the tool's answer and reads what is made of it.
async fn called(
    client: &Client<OpenAIConfig>,
    model: &str,
    id: &str,
    name: &str,
    arguments: &str,
) -> Saw {
    let call =
        json!({"id": id, "type": "function", "function": {"name": name, "arguments": arguments}});
    let turns = [
        json!({"role": "assistant", "tool_calls": [call]}),
        json!({"role": "tool", "tool_call_id": id, "content": "21 degrees"}),
    ];
    let after = message(client.chat().create(questioning(model, &turns)?).await?)?;
    Ok(json!({"name": name, "arguments": from_str::<Value>(arguments)?, "answer": after.content}))
}

async fn structured(client: &Client<OpenAIConfig>, model: &str) -> Saw {
    let schema = json!({
        "type": "object",
        "properties": {"name": {"type": "string"}, "age": {"type": "integer"}},
        "required": ["name", "age"],
        "additionalProperties": false,
    });
    let request = from_value(json!({
        "model": model,
        "messages": [{"role": "user", "content": "Who wrote the first program?"}],
        "response_format": {
            "type": "json_schema",
            "json_schema": {"name": "person", "schema": schema, "strict": true},
        },
    }))?;
    let said = message(client.chat().create(request).await?)?.content.ok_or("no content")?;
    Ok(from_str(&said)?)
}

fn saying(model: &str) -> serde_json::Result<CreateChatCompletionRequest> {
    from_value(json!({"model": model, "messages": [{"role": "user", "content": "Say something."}]}))
}

fn questioning(model: &str, more: &[Value]) -> serde_json::Result<CreateChatCompletionRequest> {
    let question = json!({"role": "user", "content": "What is the weather in Paris?"});
    let messages = [&[question], more].concat();
    let city =
        json!({"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]});
    from_value(json!({
        "model": model,
        "messages": messages,
        "tools": [{"type": "function", "function": {"name": "weather", "parameters": city}}],
    }))
}

fn message(
    answer: CreateChatCompletionResponse,
) -> Result<ChatCompletionResponseMessage, &'static str> {
    answer.choices.into_iter().next().map(|choice| choice.message).ok_or("no choice")
}
