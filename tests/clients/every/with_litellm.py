"""The litellm package as a client."""

import json

import litellm
from pydantic import BaseModel

from saying import DEGREES, KEY, PROMPT, QUESTION, SCHEMA, URL, WHO, run

TOOLS = [{"type": "function", "function": {"name": "weather", "parameters": SCHEMA}}]


class Person(BaseModel):
    name: str
    age: int


def ask(model, *messages, **params):
    return litellm.completion(
        model=f"litellm_proxy/{model}", messages=list(messages), api_base=f"{URL}/v1", api_key=KEY, **params
    )


def user(text):
    return {"role": "user", "content": text}


def chat(model):
    (choice,) = ask(model, user(PROMPT)).choices
    return {"text": choice.message.content, "finish": choice.finish_reason}


def stream(model):
    pieces, finish = [], None
    for chunk in ask(model, user(PROMPT), stream=True):
        for choice in chunk.choices:
            pieces += [choice.delta.content] if choice.delta.content else []
            finish = choice.finish_reason or finish
    return {"text": "".join(pieces), "pieces": len(pieces), "finish": finish}


def tool(model):
    return _called(model, ask(model, user(QUESTION), tools=TOOLS))


def tool_stream(model):
    # The package's own accumulator puts the call together.
    chunks = list(ask(model, user(QUESTION), tools=TOOLS, stream=True))
    return _called(model, litellm.stream_chunk_builder(chunks))


def _called(model, completion):
    message = completion.choices[0].message
    (call,) = message.tool_calls
    answered = {"role": "tool", "tool_call_id": call.id, "content": DEGREES}
    after = ask(model, user(QUESTION), message.model_dump(exclude_none=True), answered, tools=TOOLS)
    return {
        "name": call.function.name,
        "arguments": json.loads(call.function.arguments),
        "answer": after.choices[0].message.content,
    }


def structured(model):
    said = ask(model, user(WHO), response_format=Person).choices[0].message.content
    return Person.model_validate_json(said).model_dump()


run(chat, stream, tool, tool_stream, structured)
