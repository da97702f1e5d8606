// The openai package of npm: chat completions.

import OpenAI from "openai";
import { zodResponseFormat } from "openai/helpers/zod";
import { z } from "zod";

import { DEGREES, KEY, PROMPT, QUESTION, SCHEMA, URL, WHO, run } from "./saying.mjs";

const client = new OpenAI({ baseURL: `${URL}/v1`, apiKey: KEY });
const tools = [{ type: "function", function: { name: "weather", parameters: SCHEMA } }];
const user = (content) => ({ role: "user", content });

async function chat(model) {
  const { choices } = await client.chat.completions.create({ model, messages: [user(PROMPT)] });
  return { text: choices[0].message.content, finish: choices[0].finish_reason };
}

async function stream(model) {
  const pieces = [];
  let finish;
  for await (const { choices } of await client.chat.completions.create({ model, messages: [user(PROMPT)], stream: true })) {
    for (const { delta, finish_reason } of choices) {
      if (delta.content) pieces.push(delta.content);
      finish = finish_reason ?? finish;
    }
  }
  return { text: pieces.join(""), pieces: pieces.length, finish };
}

async function tool(model) {
  const { choices } = await client.chat.completions.create({ model, messages: [user(QUESTION)], tools });
  return called(model, choices[0].message);
}

async function tool_stream(model) {
  // The SDK's own accumulator puts the call together.
  const { choices } = await client.chat.completions.stream({ model, messages: [user(QUESTION)], tools }).finalChatCompletion();
  return called(model, choices[0].message);
}

async function called(model, { tool_calls }) {
  const [{ id, type, function: { name, arguments: said } }] = tool_calls;
  const made = { role: "assistant", tool_calls: [{ id, type, function: { name, arguments: said } }] };
  const answered = { role: "tool", tool_call_id: id, content: DEGREES };
  const after = await client.chat.completions.create({ model, messages: [user(QUESTION), made, answered], tools });
  return { name, arguments: JSON.parse(said), answer: after.choices[0].message.content };
}

async function structured(model) {
  const person = zodResponseFormat(z.object({ name: z.string(), age: z.number() }), "person");
  const { choices } = await client.chat.completions.parse({ model, messages: [user(WHO)], response_format: person });
  return choices[0].message.parsed;
}

await run({ chat, stream, tool, tool_stream, structured });
