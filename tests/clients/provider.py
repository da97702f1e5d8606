"""A provider that answers what every client is asked to do, as OpenAI or as Anthropic, and fails as its address says.

A deployment's `api_base` is `base(place, manner)`; manners are `limited` (429), `broken` (500), `cut` (streams end after
three words) and `healthy`. Which place was asked is kept in `asked`, in order.
"""

import asyncio
import json
from types import SimpleNamespace

from upstream import Handmade

WORDS = "The quick brown fox jumps over the lazy dog."
WEATHER = "It is 21 degrees in Paris."
# What a tool is called with, and what a structured answer says: of these, what the schema has.
FACTS = {"city": "Paris", "name": "Ada", "age": 36}


class Provider:
    """A running one."""

    def __init__(self):
        self._server = Handmade(self._answer)
        self.root = self._server.base.removesuffix("/v1")
        self.asked = []

    def base(self, place, manner):
        return f"{self.root}/{place}/{manner}"

    def key(self, place):
        """The key that a deployment must bring; another one is refused."""
        return f"sk-{place}-00000000"

    def stop(self):
        self._server.stop()

    async def _answer(self, exchange):
        _, place, manner, path = exchange.path.split("/", 3)
        self.asked.append((place, manner))
        dialect = DIALECTS.get(path)
        if dialect is None:
            return await reply(exchange, 404, {"error": {"message": f"no such route: {path}", "type": "not_found"}})
        if dialect.key(exchange.headers) != self.key(place):
            return await reply(exchange, 401, dialect.error("authentication_error", "this is not my key"))
        if manner == "limited":
            return await reply(exchange, 429, dialect.error("rate_limit_error", "slow down"))
        if manner == "broken":
            return await reply(exchange, 500, dialect.error("api_error", "something broke"))
        request = exchange.json
        content = said(dialect.understood(request))
        if not request.get("stream"):
            return await reply(exchange, 200, dialect.whole(request, content))
        events = dialect.events(request, content)
        await exchange.head(200, [("content-type", "text/event-stream")])
        for event in events[: dialect.preamble + 3] if manner == "cut" else events:
            await exchange.send(event.encode())
            await asyncio.sleep(0.002)


async def reply(exchange, status, answer):
    body = json.dumps(answer).encode()
    await exchange.head(status, [("content-type", "application/json"), ("content-length", str(len(body)))])
    await exchange.send(body)


def said(asked):
    """The answer, whatever the dialect: a text, or a call of a tool."""
    if asked.answered:
        return WEATHER
    if asked.tools:
        name, schema = asked.tools[0]
        return SimpleNamespace(name=name, arguments=fitting(schema))
    if asked.schema:
        return json.dumps(fitting(asked.schema))
    return WORDS


def fitting(schema):
    return {name: FACTS[name] for name in schema["properties"]}


def pieces(text, size=None):
    """The text in words with the blank before each, or in pieces of so many characters."""
    if size is None:
        first, *rest = text.split(" ")
        return [first, *(f" {word}" for word in rest)]
    return [text[at : at + size] for at in range(0, len(text), size)]


def sse(data, event=None):
    return (f"event: {event}\n" if event else "") + f"data: {data if isinstance(data, str) else json.dumps(data)}\n\n"


class OpenAIChat:
    """`POST /chat/completions`."""

    preamble = 1

    @staticmethod
    def key(headers):
        return headers.get("authorization", "").removeprefix("Bearer ")

    @staticmethod
    def error(kind, message):
        return {"error": {"message": message, "type": kind, "param": None, "code": None}}

    @staticmethod
    def understood(request):
        form = request.get("response_format") or {}
        return SimpleNamespace(
            answered=request["messages"][-1]["role"] == "tool",
            tools=[(tool["function"]["name"], tool["function"]["parameters"]) for tool in request.get("tools") or []],
            schema=form.get("json_schema", {}).get("schema"),
        )

    @classmethod
    def whole(cls, request, content):
        if isinstance(content, str):
            message, finish = {"role": "assistant", "content": content, "refusal": None}, "stop"
        else:
            function = {"name": content.name, "arguments": json.dumps(content.arguments)}
            calls = [{"id": "call_1", "type": "function", "function": function}]
            message, finish = {"role": "assistant", "content": None, "refusal": None, "tool_calls": calls}, "tool_calls"
        choice = {"index": 0, "message": message, "finish_reason": finish, "logprobs": None}
        return {**cls._head(request, "chat.completion"), "choices": [choice], "usage": cls._usage()}

    @classmethod
    def events(cls, request, content):
        def chunk(delta, finish=None):
            choice = {"index": 0, "delta": delta, "finish_reason": finish, "logprobs": None}
            return sse({**cls._head(request, "chat.completion.chunk"), "choices": [choice]})

        if isinstance(content, str):
            finish = "stop"
            said = [chunk({"content": piece}) for piece in pieces(content)]
        else:
            finish = "tool_calls"
            begun = {"name": content.name, "arguments": ""}
            said = [chunk({"tool_calls": [{"index": 0, "id": "call_1", "type": "function", "function": begun}]})]
            for piece in pieces(json.dumps(content.arguments), 5):
                said.append(chunk({"tool_calls": [{"index": 0, "function": {"arguments": piece}}]}))
        ended = [chunk({}, finish)]
        if (request.get("stream_options") or {}).get("include_usage"):
            ended.append(sse({**cls._head(request, "chat.completion.chunk"), "choices": [], "usage": cls._usage()}))
        return [chunk({"role": "assistant", "content": "" if finish == "stop" else None}), *said, *ended, sse("[DONE]")]

    @staticmethod
    def _head(request, kind):
        return {"id": "chatcmpl-1", "object": kind, "created": 1_790_000_000, "model": request["model"]}

    @staticmethod
    def _usage():
        return {"prompt_tokens": 12, "completion_tokens": 9, "total_tokens": 21}


class AnthropicMessages:
    """`POST /v1/messages`."""

    # message_start, content_block_start, ping
    preamble = 3

    @staticmethod
    def key(headers):
        # Without a version the real one refuses as well.
        return headers.get("x-api-key") if headers.get("anthropic-version") else None

    @staticmethod
    def error(kind, message):
        return {"type": "error", "error": {"type": kind, "message": message}, "request_id": "req_1"}

    @staticmethod
    def understood(request):
        last = request["messages"][-1]["content"]
        form = (request.get("output_config") or {}).get("format") or request.get("output_format") or {}
        return SimpleNamespace(
            answered=isinstance(last, list) and any(block["type"] == "tool_result" for block in last),
            tools=[(tool["name"], tool["input_schema"]) for tool in request.get("tools") or []],
            schema=form.get("schema"),
        )

    @classmethod
    def whole(cls, request, content):
        if isinstance(content, str):
            block, stop = {"type": "text", "text": content}, "end_turn"
        else:
            block, stop = {"type": "tool_use", "id": "toolu_1", "name": content.name, "input": content.arguments}, "tool_use"
        return {**cls._message(request), "content": [block], "stop_reason": stop, "usage": cls._usage(9)}

    @classmethod
    def events(cls, request, content):
        def event(kind, **fields):
            return sse({"type": kind, **fields}, kind)

        if isinstance(content, str):
            block, stop = {"type": "text", "text": ""}, "end_turn"
            deltas = [{"type": "text_delta", "text": piece} for piece in pieces(content)]
        else:
            block, stop = {"type": "tool_use", "id": "toolu_1", "name": content.name, "input": {}}, "tool_use"
            parts = pieces(json.dumps(content.arguments), 5)
            deltas = [{"type": "input_json_delta", "partial_json": piece} for piece in ["", *parts]]
        return [
            event("message_start", message={**cls._message(request), "usage": cls._usage(1)}),
            event("content_block_start", index=0, content_block=block),
            event("ping"),
            *(event("content_block_delta", index=0, delta=delta) for delta in deltas),
            event("content_block_stop", index=0),
            event("message_delta", delta={"stop_reason": stop, "stop_sequence": None}, usage={"output_tokens": 9}),
            event("message_stop"),
        ]

    @staticmethod
    def _message(request):
        return {
            "id": "msg_1",
            "type": "message",
            "role": "assistant",
            "model": request["model"],
            "content": [],
            "stop_reason": None,
            "stop_sequence": None,
        }

    @staticmethod
    def _usage(output):
        return {"input_tokens": 12, "output_tokens": output}


DIALECTS = {"chat/completions": OpenAIChat, "v1/messages": AnthropicMessages}
