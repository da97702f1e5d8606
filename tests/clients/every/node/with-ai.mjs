// Vercel's ai package, with its provider for OpenAI-compatible servers.

import { createOpenAICompatible } from "@ai-sdk/openai-compatible";
import { Output, generateText, jsonSchema, stepCountIs, streamText, tool as define } from "ai";
import { z } from "zod";

import { DEGREES, KEY, PROMPT, QUESTION, SCHEMA, URL, WHO, run } from "./saying.mjs";

const server = createOpenAICompatible({
  name: "secondwind",
  baseURL: `${URL}/v1`,
  apiKey: KEY,
  supportsStructuredOutputs: true,
});

async function chat(model) {
  const { text, finishReason } = await generateText({ model: server(model), prompt: PROMPT });
  return { text, finish: finishReason };
}

async function stream(model) {
  const answer = streamText({ model: server(model), prompt: PROMPT });
  const pieces = [];
  for await (const piece of answer.textStream) pieces.push(piece);
  return { text: pieces.join(""), pieces: pieces.length, finish: await answer.finishReason };
}

// The package itself calls the tool and sends its result.
const agent = (model, ran) => ({
  model: server(model),
  prompt: QUESTION,
  stopWhen: stepCountIs(2),
  tools: {
    weather: define({
      description: "The weather of a city.",
      inputSchema: jsonSchema(SCHEMA),
      execute: async (input) => {
        ran.push(input);
        return DEGREES;
      },
    }),
  },
});

async function tool(model) {
  const ran = [];
  const { text } = await generateText(agent(model, ran));
  return { name: "weather", arguments: ran[0], answer: text };
}

async function tool_stream(model) {
  const ran = [];
  const answer = streamText(agent(model, ran));
  await answer.consumeStream();
  return { name: "weather", arguments: ran[0], answer: await answer.text };
}

async function structured(model) {
  const schema = z.object({ name: z.string(), age: z.number() });
  const { output } = await generateText({ model: server(model), prompt: WHO, output: Output.object({ schema }) });
  return output;
}

await run({ chat, stream, tool, tool_stream, structured });
