"""The anthropic package: messages."""

from anthropic import Anthropic
from pydantic import BaseModel

from saying import DEGREES, KEY, PROMPT, QUESTION, SCHEMA, URL, WHO, run

client = Anthropic(base_url=URL, api_key=KEY)
TOOLS = [{"name": "weather", "description": "The weather of a city.", "input_schema": SCHEMA}]


class Person(BaseModel):
    name: str
    age: int


def asking(model, text, *more, **params):
    return {"model": model, "max_tokens": 100, "messages": [{"role": "user", "content": text}, *more], **params}


def chat(model):
    message = client.messages.create(**asking(model, PROMPT))
    return {"text": _text(message), "finish": message.stop_reason}


def stream(model):
    with client.messages.stream(**asking(model, PROMPT)) as events:
        pieces = list(events.text_stream)
        message = events.get_final_message()
    assert _text(message) == "".join(pieces)
    return {"text": "".join(pieces), "pieces": len(pieces), "finish": message.stop_reason}


def tool(model):
    return _called(model, client.messages.create(**asking(model, QUESTION, tools=TOOLS)))


def tool_stream(model):
    # The SDK's own accumulator puts the call together.
    with client.messages.stream(**asking(model, QUESTION, tools=TOOLS)) as events:
        message = events.get_final_message()
    return _called(model, message)


def _called(model, message):
    (call,) = [block for block in message.content if block.type == "tool_use"]
    result = {"type": "tool_result", "tool_use_id": call.id, "content": DEGREES}
    made = [{"type": "tool_use", "id": call.id, "name": call.name, "input": call.input}]
    turns = {"role": "assistant", "content": made}, {"role": "user", "content": [result]}
    after = client.messages.create(**asking(model, QUESTION, *turns, tools=TOOLS))
    return {"name": call.name, "arguments": call.input, "answer": _text(after)}


def structured(model):
    return client.messages.parse(**asking(model, WHO), output_format=Person).parsed_output.model_dump()


def _text(message):
    return "".join(block.text for block in message.content if block.type == "text")


run(chat, stream, tool, tool_stream, structured)
