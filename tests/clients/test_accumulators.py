"""Translated streams, read by the official SDKs' own accumulators: the message is the one of the answer that comes whole.

A provider's stream (the fixtures of `crates/llm/testdata/translate`) is sent in two pieces, split at one byte after another. What
the SDK of the caller's API makes of each must equal what it makes of the whole answer, which is the SDK of the provider's API's
own reading of the same stream.

  SECONDWIND_SPLITS   1: at every byte, which wants a SECONDWIND_TEST_LIMIT of some minutes; 61: at every 61st (the default)
"""

import asyncio
import json
import os
from pathlib import Path

import anthropic
import openai
import pytest

from gateway import place

EVERY = int(os.environ.get("SECONDWIND_SPLITS", "61"))
FIXTURES = Path(__file__).resolve().parents[2] / "crates/llm/testdata/translate"
# So many callers at a time.
AT_ONCE = 24
WORDS = [{"role": "user", "content": "Well?"}]


def fixture(name):
    return (FIXTURES / name / "given.sse").read_bytes()


# === What the provider says, read by its own SDK ===


async def whole_of_chat(base, key):
    async with openai.AsyncOpenAI(base_url=f"{base}/v1", api_key=key) as client:
        async with client.chat.completions.stream(model="m", messages=WORDS) as stream:
            return (await stream.get_final_completion()).to_dict()


async def whole_of_messages(base, key):
    async with anthropic.AsyncAnthropic(base_url=base, api_key=key) as client:
        async with client.messages.stream(model="m", max_tokens=9, messages=WORDS) as stream:
            return (await stream.get_final_message()).to_dict()


async def whole_of_gemini(base, key):
    """Nobody's accumulator: neighbouring texts are joined, the rest is what came last."""
    async with openai.AsyncOpenAI(base_url=f"{base}/v1", api_key=key) as client:
        answer = await client.post("/x", cast_to=str, body={"stream": True})
    whole, parts = {}, []
    for line in answer.splitlines():
        if not line.startswith("data: "):
            continue
        whole |= (chunk := json.loads(line[6:]))
        for part in chunk["candidates"][0].get("content", {}).get("parts", []):
            if parts and part.keys() == parts[-1].keys() == {"text"}:
                part = {"text": parts.pop()["text"] + part["text"]}
            parts.append(part)
    whole["candidates"][0]["content"] = {"role": "model", "parts": parts}
    return whole


# === What the caller hears, read by the SDK of its API ===


class Chat:
    def __init__(self, gateway):
        self._client = openai.AsyncOpenAI(base_url=gateway.base, api_key=gateway.key, max_retries=0)

    async def whole(self):
        return self._told(await self._client.chat.completions.create(model="group", messages=WORDS))

    async def streamed(self):
        usage = {"include_usage": True}
        async with self._client.chat.completions.stream(model="group", messages=WORDS, stream_options=usage) as stream:
            return self._told(await stream.get_final_completion())

    @staticmethod
    def _told(completion):
        told = completion.to_dict()
        for choice in told["choices"]:
            # What only the accumulator adds, or only one of the two says of nothing: no text is `null` or empty.
            choice["message"] = {key: value for key, value in choice["message"].items() if value not in (None, "")}
            for block in choice["message"].get("thinking_blocks", []):
                block.pop("index", None)
            choice["message"].pop("parsed", None)
            for call in choice["message"].get("tool_calls", []):
                call.pop("index", None)
                call["function"].pop("parsed_arguments", None)
                call["function"]["arguments"] = json.loads(call["function"]["arguments"])
        return {
            "model": told["model"],
            "choices": [{"message": each["message"], "finish_reason": each["finish_reason"]} for each in told["choices"]],
            "usage": {key: told["usage"][key] for key in ("prompt_tokens", "completion_tokens", "total_tokens")},
        }


class Messages:
    def __init__(self, gateway):
        self._client = anthropic.AsyncAnthropic(base_url=gateway.root, api_key=gateway.key, max_retries=0)

    async def whole(self):
        return self._told(await self._client.messages.create(model="group", max_tokens=9, messages=WORDS))

    async def streamed(self):
        async with self._client.messages.stream(model="group", max_tokens=9, messages=WORDS) as stream:
            return self._told(await stream.get_final_message())

    @staticmethod
    def _told(message):
        told = message.to_dict()
        content = [{key: value for key, value in block.items() if value is not None} for block in told["content"]]
        usage = {key: told["usage"][key] for key in ("input_tokens", "output_tokens")}
        return {"content": content, "stop_reason": told["stop_reason"], "model": told["model"], "usage": usage}


class Responses:
    def __init__(self, gateway):
        self._client = openai.AsyncOpenAI(base_url=gateway.base, api_key=gateway.key, max_retries=0)

    async def whole(self):
        return self._told(await self._client.responses.create(model="group", input="Well?"))

    async def streamed(self):
        async with self._client.responses.stream(model="group", input="Well?") as stream:
            return self._told(await stream.get_final_response())

    @staticmethod
    def _told(response):
        told, output = response.to_dict(), []
        for item in told["output"]:
            if item["type"] == "function_call":
                output.append((item["call_id"], item["name"], json.loads(item["arguments"])))
            else:
                output.append([part.get("text") for part in item["content"]])
        usage = {key: told["usage"][key] for key in ("input_tokens", "output_tokens", "total_tokens")}
        return {"status": told["status"], "output": output, "model": told["model"], "usage": usage}


CASES = [
    (Chat, "anthropic", whole_of_messages, "openai_to_anthropic/stream_text"),
    (Chat, "anthropic", whole_of_messages, "openai_to_anthropic/stream_thinking"),
    (Chat, "anthropic", whole_of_messages, "openai_to_anthropic/stream_tool_use"),
    (Chat, "gemini", whole_of_gemini, "openai_to_gemini/stream_text"),
    (Chat, "gemini", whole_of_gemini, "openai_to_gemini/stream_functions"),
    (Messages, "custom_openai", whole_of_chat, "anthropic_to_openai/stream_text"),
    (Messages, "custom_openai", whole_of_chat, "anthropic_to_openai/stream_tools"),
    (Messages, "gemini", whole_of_gemini, "openai_to_gemini/stream_text"),
    (Messages, "gemini", whole_of_gemini, "openai_to_gemini/stream_functions"),
    (Responses, "custom_openai", whole_of_chat, "responses_to_openai/stream_text"),
    (Responses, "custom_openai", whole_of_chat, "responses_to_openai/stream_functions"),
    (Responses, "anthropic", whole_of_messages, "openai_to_anthropic/stream_text"),
    (Responses, "anthropic", whole_of_messages, "openai_to_anthropic/stream_tool_use"),
    (Responses, "gemini", whole_of_gemini, "openai_to_gemini/stream_text"),
]


@pytest.mark.gateway_only
@pytest.mark.parametrize(
    "caller, provider, read, name", CASES, ids=[f"{case[0].__name__} over {case[3].replace('/', ' ')}" for case in CASES]
)
def test_a_stream_is_accumulated_to_the_whole_answer_wherever_it_is_split(handmade, serve, caller, provider, read, name):
    given = fixture(name)
    splits = iter([])
    whole = None

    async def answer(exchange):
        if exchange.json.get("stream") or "streamGenerateContent" in exchange.path:
            at = next(splits, len(given))
            await exchange.head(200, [("content-type", "text/event-stream")])
            await exchange.send(given[:at])
            await asyncio.sleep(0.002)
            await exchange.send(given[at:])
        else:
            await exchange.head(200, [("content-type", "application/json")])
            await exchange.send(json.dumps(whole).encode())

    upstream = handmade(answer)
    root = upstream.base.removesuffix("/v1")
    whole = asyncio.run(read(root, "sk-0"))
    if provider == "anthropic":
        upstream.base = root
    gateway = serve(place("group", "only", upstream, provider=provider))

    async def ask():
        asking = caller(gateway)
        expected = await asking.whole()
        places = range(1, len(given), EVERY)
        nonlocal splits
        splits = iter(places)
        turn = asyncio.Semaphore(AT_ONCE)

        async def once():
            async with turn:
                return await asking.streamed()

        for heard in await asyncio.gather(*(once() for _ in places)):
            assert heard == expected

    asyncio.run(ask())
