"""The callers: the OpenAI SDK, in every way that it can be called."""

import asyncio
import itertools
import time
from dataclasses import dataclass, field

import openai
import pytest

# Longer than any test may take, so that a test never passes because the SDK lost patience.
PATIENCE = 20.0


@dataclass
class Answer:
    """What a caller got of a chat: the text, and all that came with it."""

    headers: dict = None
    sdk_retries: int = None
    text: str = ""
    finish_reason: str = None
    models: set = field(default_factory=set)
    usage: object = None
    # Streams only: (seconds since the request, text, finish reason) of each chunk that has a choice.
    chunks: list = field(default_factory=list)

    def head(self, raw):
        self.headers, self.sdk_retries = raw.headers, raw.retries_taken

    def whole(self, completion):
        (choice,) = completion.choices
        self.text, self.finish_reason = choice.message.content, choice.finish_reason
        self.models, self.usage = {completion.model}, completion.usage

    def chunk(self, chunk, at):
        self.models.add(chunk.model)
        self.usage = chunk.usage or self.usage
        for choice in chunk.choices:
            self.text += choice.delta.content or ""
            self.finish_reason = choice.finish_reason or self.finish_reason
            self.chunks.append((at, choice.delta.content, choice.finish_reason))


@dataclass(frozen=True)
class Caller:
    """One way of calling: sync or async client, its own retries on (as by default) or off, streaming or not."""

    asynchronous: bool = False
    retries: bool = False
    stream: bool = False

    def __str__(self):
        return "-".join([
            "async" if self.asynchronous else "sync",
            "retrying" if self.retries else "once",
            "stream" if self.stream else "whole",
        ])

    def options(self, gateway, key=None, timeout=PATIENCE):
        """How the SDK's client is made."""
        off = {} if self.retries else {"max_retries": 0}
        return {"base_url": gateway.base, "api_key": key or gateway.key, "timeout": timeout, **off}

    def chat(self, gateway, group, *, prompt="Say something.", into=None, key=None, timeout=PATIENCE, **params):
        """One chat. `into` is an `Answer` that keeps what came before an error."""
        answer = Answer() if into is None else into
        options = self.options(gateway, key, timeout)
        params = {
            "model": gateway.name(group),
            "messages": [{"role": "user", "content": prompt}],
            **({"stream": True} if self.stream else {}),
            **params,
        }
        if self.asynchronous:
            asyncio.run(self._async_chat(options, params, answer))
        else:
            self._sync_chat(options, params, answer)
        return answer

    def _sync_chat(self, options, params, answer):
        begun = time.monotonic()
        with openai.OpenAI(**options) as client:
            raw = client.chat.completions.with_raw_response.create(**params)
            answer.head(raw)
            if not self.stream:
                answer.whole(raw.parse())
                return
            for chunk in raw.parse():
                answer.chunk(chunk, time.monotonic() - begun)

    async def _async_chat(self, options, params, answer):
        begun = time.monotonic()
        async with openai.AsyncOpenAI(**options) as client:
            raw = await client.chat.completions.with_raw_response.create(**params)
            answer.head(raw)
            if not self.stream:
                answer.whole(raw.parse())
                return
            async for chunk in raw.parse():
                answer.chunk(chunk, time.monotonic() - begun)

    def embed(self, gateway, group, texts):
        """One embeddings request."""
        return self._call(gateway, lambda client: client.embeddings.create(model=gateway.name(group), input=texts))

    def models(self, gateway):
        """The names that the server lists."""
        return [model.id for model in self._call(gateway, lambda client: client.models.list()).data]

    def _call(self, gateway, call):
        options = self.options(gateway)
        if not self.asynchronous:
            with openai.OpenAI(**options) as client:
                return call(client)

        async def asynchronous():
            async with openai.AsyncOpenAI(**options) as client:
                return await call(client)

        return asyncio.run(asynchronous())


_EVERY = [Caller(*way) for way in itertools.product([False, True], repeat=3)]
# Each two of the three choices meet in each combination: enough where a test has to wait.
_PAIRS = [way for way in _EVERY if way.stream == (way.asynchronous != way.retries)]
_UNSTREAMED = [way for way in _EVERY if not way.stream]
_STREAMED = [way for way in _EVERY if way.stream]

every_caller = pytest.mark.parametrize("caller", _EVERY, ids=str)
paired_callers = pytest.mark.parametrize("caller", _PAIRS, ids=str)
unstreamed_callers = pytest.mark.parametrize("caller", _UNSTREAMED, ids=str)
streamed_callers = pytest.mark.parametrize("caller", _STREAMED, ids=str)
