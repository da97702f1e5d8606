"""The openai package: chat completions, and responses."""

import json

from openai import OpenAI
from pydantic import BaseModel

from saying import DEGREES, KEY, PROMPT, QUESTION, SCHEMA, URL, WHO, run

client = OpenAI(base_url=f"{URL}/v1", api_key=KEY)
TOOLS = [{"type": "function", "function": {"name": "weather", "parameters": SCHEMA}}]


class Person(BaseModel):
    name: str
    age: int


def user(text):
    return {"role": "user", "content": text}


def chat(model):
    (choice,) = client.chat.completions.create(model=model, messages=[user(PROMPT)]).choices
    return {"text": choice.message.content, "finish": choice.finish_reason}


def stream(model):
    pieces, finish = [], None
    for chunk in client.chat.completions.create(model=model, messages=[user(PROMPT)], stream=True):
        for choice in chunk.choices:
            pieces += [choice.delta.content] if choice.delta.content else []
            finish = choice.finish_reason or finish
    return {"text": "".join(pieces), "pieces": len(pieces), "finish": finish}


def tool(model):
    message = client.chat.completions.create(model=model, messages=[user(QUESTION)], tools=TOOLS).choices[0].message
    return _called(model, message)


def tool_stream(model):
    # The SDK's own accumulator puts the call together.
    with client.chat.completions.stream(model=model, messages=[user(QUESTION)], tools=TOOLS) as events:
        message = events.get_final_completion().choices[0].message
    return _called(model, message)


def _called(model, message):
    (call,) = message.tool_calls
    answered = {"role": "tool", "tool_call_id": call.id, "content": DEGREES}
    asked = message.model_dump(include={"role", "content", "tool_calls"}, exclude_none=True)
    for made in asked["tool_calls"]:
        made["function"].pop("parsed_arguments", None)
    after = client.chat.completions.create(model=model, messages=[user(QUESTION), asked, answered], tools=TOOLS)
    return {
        "name": call.function.name,
        "arguments": json.loads(call.function.arguments),
        "answer": after.choices[0].message.content,
    }


def structured(model):
    parsed = client.chat.completions.parse(model=model, messages=[user(WHO)], response_format=Person)
    return parsed.choices[0].message.parsed.model_dump()


run(chat, stream, tool, tool_stream, structured)
