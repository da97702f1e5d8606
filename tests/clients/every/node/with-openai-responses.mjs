// The openai package of npm: responses, of providers that know chat completions only.

import OpenAI from "openai";
import { zodTextFormat } from "openai/helpers/zod";
import { z } from "zod";

import { DEGREES, KEY, PROMPT, QUESTION, SCHEMA, URL, WHO, run } from "./saying.mjs";

const client = new OpenAI({ baseURL: `${URL}/v1`, apiKey: KEY });
const tools = [{ type: "function", name: "weather", parameters: SCHEMA, strict: true }];

async function chat(model) {
  const response = await client.responses.create({ model, input: PROMPT });
  return { text: response.output_text, finish: response.status };
}

async function stream(model) {
  const pieces = [];
  let finish;
  for await (const event of await client.responses.create({ model, input: PROMPT, stream: true })) {
    if (event.type === "response.output_text.delta") pieces.push(event.delta);
    if (event.type === "response.completed") finish = event.response.status;
  }
  return { text: pieces.join(""), pieces: pieces.length, finish };
}

async function tool(model) {
  return called(model, await client.responses.create({ model, input: QUESTION, tools }));
}

async function tool_stream(model) {
  // The SDK's own accumulator puts the call together.
  return called(model, await client.responses.stream({ model, input: QUESTION, tools }).finalResponse());
}

async function called(model, { output }) {
  const { call_id, name, arguments: said } = output.find(({ type }) => type === "function_call");
  const made = { type: "function_call", call_id, name, arguments: said };
  const result = { type: "function_call_output", call_id, output: DEGREES };
  const after = await client.responses.create({ model, input: [{ role: "user", content: QUESTION }, made, result], tools });
  return { name, arguments: JSON.parse(said), answer: after.output_text };
}

async function structured(model) {
  const person = zodTextFormat(z.object({ name: z.string(), age: z.number() }), "person");
  const { output_parsed } = await client.responses.parse({ model, input: WHO, text: { format: person } });
  return output_parsed;
}

await run({ chat, stream, tool, tool_stream, structured });
