// The @anthropic-ai/sdk package: messages.

import Anthropic from "@anthropic-ai/sdk";
import { zodOutputFormat } from "@anthropic-ai/sdk/helpers/zod";
import { z } from "zod";

import { DEGREES, KEY, PROMPT, QUESTION, SCHEMA, URL, WHO, run } from "./saying.mjs";

const client = new Anthropic({ baseURL: URL, apiKey: KEY });
const tools = [{ name: "weather", description: "The weather of a city.", input_schema: SCHEMA }];
const asking = (model, text, ...more) => ({ model, max_tokens: 100, messages: [{ role: "user", content: text }, ...more] });
const textOf = ({ content }) => content.filter(({ type }) => type === "text").map(({ text }) => text).join("");

async function chat(model) {
  const message = await client.messages.create(asking(model, PROMPT));
  return { text: textOf(message), finish: message.stop_reason };
}

async function stream(model) {
  const pieces = [];
  const events = client.messages.stream(asking(model, PROMPT)).on("text", (piece) => pieces.push(piece));
  const message = await events.finalMessage();
  if (textOf(message) !== pieces.join("")) throw new Error("the pieces are not the message");
  return { text: pieces.join(""), pieces: pieces.length, finish: message.stop_reason };
}

async function tool(model) {
  return called(model, await client.messages.create({ ...asking(model, QUESTION), tools }));
}

async function tool_stream(model) {
  // The SDK's own accumulator puts the call together.
  return called(model, await client.messages.stream({ ...asking(model, QUESTION), tools }).finalMessage());
}

async function called(model, { content }) {
  const { id, name, input } = content.find(({ type }) => type === "tool_use");
  const made = { role: "assistant", content: [{ type: "tool_use", id, name, input }] };
  const answered = { role: "user", content: [{ type: "tool_result", tool_use_id: id, content: DEGREES }] };
  const after = await client.messages.create({ ...asking(model, QUESTION, made, answered), tools });
  return { name, arguments: input, answer: textOf(after) };
}

async function structured(model) {
  const format = zodOutputFormat(z.object({ name: z.string(), age: z.number() }));
  const message = await client.messages.parse({ ...asking(model, WHO), output_config: { format } });
  return message.parsed_output;
}

await run({ chat, stream, tool, tool_stream, structured });
