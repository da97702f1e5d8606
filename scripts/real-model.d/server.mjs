// Serves one GGUF model on loopback in the shape of OpenAI's Chat Completions, through node-llama-cpp.
//
//   node server.mjs --modules DIR/node_modules --model FILE.gguf [--name smollm2] [--port 0]
//
// There is one llama context: requests wait their turn, and one whose caller has gone is dropped. With
// REAL_MODEL_API_KEY set, that key is asked for. What the model cannot do is refused with 400 rather than ignored.
import { createServer } from 'node:http';
import { randomUUID } from 'node:crypto';
import { resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { parseArgs } from 'node:util';

const { values: args } = parseArgs({ options: {
  modules: { type: 'string' }, model: { type: 'string' },
  name: { type: 'string', default: 'smollm2' }, port: { type: 'string', default: '0' },
} });
const WINDOW = 2048; // tokens, prompt and answer together
const MAX_BODY = 1 << 20; // bytes
const REFUSED = ['tools', 'functions', 'response_format', 'logprobs', 'audio'];

class ApiError extends Error {
  constructor(status, message, { code = null, param = null, type = 'invalid_request_error' } = {}) {
    super(message);
    Object.assign(this, { status, body: { error: { message, type, param, code } } });
  }
}

// The package lives in a cache folder, out of reach of Node's own search from this file.
const { getLlama, LlamaChat } = await import(pathToFileURL(resolve(args.modules, 'node-llama-cpp/dist/index.js')));
// One thread: the library's own choice is never below four, and on two cores those spin against each other (25 s an
// answer instead of 0.1 s). It also leaves the other cores to the gateway.
const llama = await getLlama({ gpu: false, build: 'never', skipDownload: true, logLevel: 'error', maxThreads: 1 });
const model = await llama.loadModel({ modelPath: args.model });
// Larger than WINDOW, so that the library never makes room by dropping what was said.
const context = await model.createContext({ contextSize: WINDOW + 512, threads: 1 });
const chat = new LlamaChat({ contextSequence: context.getSequence() });

/** Turns OpenAI's messages into the model's history, or says what is wrong with them. */
function history(messages) {
  if (!Array.isArray(messages) || messages.length === 0)
    throw new ApiError(400, "'messages' must be a non-empty array.", { param: 'messages' });
  const items = messages.map((message, i) => {
    const parts = [message?.content].flat().map(part => part?.type === 'text' ? part.text : part);
    if (!parts.every(part => typeof part === 'string'))
      throw new ApiError(400, 'Only text is supported.', { param: `messages[${i}].content` });
    const text = parts.join('');
    if (message.role === 'system' || message.role === 'developer') return { type: 'system', text };
    if (message.role === 'user') return { type: 'user', text };
    if (message.role === 'assistant') return { type: 'model', response: [text] };
    throw new ApiError(400, `The role '${message.role}' is not supported.`, { param: `messages[${i}].role` });
  });
  return items.at(-1).type === 'model' ? items : [...items, { type: 'model', response: [] }];
}

/** Checks a request's body and gives back what the generation needs. */
function parse(body) {
  if (body?.model !== args.name)
    throw new ApiError(404, `The model '${body?.model}' does not exist.`, { param: 'model', code: 'model_not_found' });
  const refused = REFUSED.find(key => body[key]) ?? ((body.n ?? 1) === 1 ? undefined : 'n');
  if (refused)
    throw new ApiError(400, `'${refused}' is not supported.`, { param: refused, code: 'unsupported_parameter' });
  const odd = ['temperature', 'top_p', 'seed'].find(key => body[key] != null && typeof body[key] !== 'number');
  if (odd) throw new ApiError(400, `'${odd}' must be a number.`, { param: odd });
  const items = history(body.messages);
  const { contextText } = chat.chatWrapper.generateContextState({ chatHistory: items });
  const prompt = contextText.tokenize(model.tokenizer).length;
  const asked = body.max_completion_tokens ?? body.max_tokens ?? null;
  if (asked !== null && !(Number.isInteger(asked) && asked > 0))
    throw new ApiError(400, "'max_tokens' must be a whole number above 0.", { param: 'max_tokens' });
  if (prompt + (asked ?? 1) > WINDOW)
    throw new ApiError(400, `This model's maximum context length is ${WINDOW} tokens; the messages have ${prompt} ` +
      `and ${asked ?? 1} more were asked for.`, { param: 'messages', code: 'context_length_exceeded' });
  return { items, prompt, options: {
    maxTokens: asked ?? Math.min(256, WINDOW - prompt), temperature: body.temperature ?? 1, topP: body.top_p ?? 1,
    seed: body.seed ?? undefined, customStopTriggers: [body.stop ?? []].flat() } };
}

let turn = Promise.resolve();
/** Runs `job` when all that were queued before it are done. */
function queued(job) {
  const mine = turn.then(job);
  turn = mine.catch(() => {});
  return mine;
}

async function complete(req, res) {
  const body = await read(req);
  const { items, prompt, options } = parse(body);
  const gone = new AbortController();
  res.on('close', () => gone.abort(new Error('the caller has gone')));
  const head = { id: `chatcmpl-${randomUUID()}`, created: Math.floor(Date.now() / 1000), model: args.name };
  const counted = body.stream_options?.include_usage;
  const chunk = (choices, usage = null) => res.write(`data: ${JSON.stringify(
    { ...head, object: 'chat.completion.chunk', choices, ...(counted && { usage }) })}\n\n`);
  const delta = (part, finish_reason = null) => chunk([{ index: 0, delta: part, logprobs: null, finish_reason }]);

  await queued(async () => {
    gone.signal.throwIfAborted();
    if (body.stream) {
      res.writeHead(200, { 'content-type': 'text/event-stream', 'cache-control': 'no-cache' });
      delta({ role: 'assistant', content: '' });
    }
    let tokens = 0;
    const { response, metadata } = await chat.generateResponse(items, { ...options, signal: gone.signal,
      onToken: some => { tokens += some.length; },
      onTextChunk: content => { if (body.stream && content) delta({ content }); } });
    const finish_reason = metadata.stopReason === 'maxTokens' ? 'length' : 'stop';
    const usage = { prompt_tokens: prompt, completion_tokens: tokens, total_tokens: prompt + tokens };
    if (!body.stream) return reply(res, 200, { ...head, object: 'chat.completion', usage, choices: [
      { index: 0, message: { role: 'assistant', content: response, refusal: null }, logprobs: null, finish_reason }] });
    delta({}, finish_reason);
    if (counted) chunk([], usage);
    res.end('data: [DONE]\n\n');
  });
}

async function read(req) {
  const parts = [];
  let size = 0;
  for await (const part of req) {
    if ((size += part.length) > MAX_BODY) throw new ApiError(413, `The body is longer than ${MAX_BODY} bytes.`);
    parts.push(part);
  }
  try {
    return JSON.parse(Buffer.concat(parts).toString());
  } catch {
    throw new ApiError(400, 'The body is not valid JSON.');
  }
}

function reply(res, status, body) {
  res.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body));
}

async function route(req, res) {
  const key = process.env.REAL_MODEL_API_KEY;
  if (key && req.headers.authorization !== `Bearer ${key}`)
    throw new ApiError(401, 'Incorrect API key provided.', { code: 'invalid_api_key' });
  const card = { id: args.name, object: 'model', created: 0, owned_by: 'local' };
  if (req.method === 'GET' && req.url === '/v1/models') return reply(res, 200, { object: 'list', data: [card] });
  if (req.method === 'POST' && req.url === '/v1/chat/completions') return complete(req, res);
  throw new ApiError(404, `Unknown request URL: ${req.method} ${req.url}.`, { code: 'unknown_url' });
}

const server = createServer((req, res) => route(req, res).catch(error => {
  if (res.destroyed) return; // the caller has gone: nobody is left to tell
  const told = error instanceof ApiError ? error : new ApiError(500, error.message, { type: 'server_error' });
  if (!res.headersSent) return reply(res, told.status, told.body);
  res.end(`data: ${JSON.stringify(told.body)}\n\n`); // the stream has begun: told in-band, and no [DONE] after it
}));
server.listen(Number(args.port), '127.0.0.1', () => console.log(`ready: http://127.0.0.1:${server.address().port}/v1`));
