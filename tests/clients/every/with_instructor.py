"""The instructor package: structured output by a tool call that must be made, and all else that it passes on to openai."""

import instructor
from openai import OpenAI
from pydantic import BaseModel, Field

from saying import DEGREES, KEY, PROMPT, QUESTION, URL, WHO, run

client = instructor.from_openai(OpenAI(base_url=f"{URL}/v1", api_key=KEY))
strict = instructor.from_openai(OpenAI(base_url=f"{URL}/v1", api_key=KEY), mode=instructor.Mode.JSON_SCHEMA)


class Person(BaseModel):
    name: str
    age: int


class Weather(BaseModel):
    """The weather of a city."""

    city: str = Field(min_length=1)


def user(text):
    return [{"role": "user", "content": text}]


def chat(model):
    completion = client.create(model=model, messages=user(PROMPT), response_model=None)
    return {"text": completion.choices[0].message.content, "finish": completion.choices[0].finish_reason}


def stream(model):
    pieces, finish = [], None
    for chunk in client.create(model=model, messages=user(PROMPT), response_model=None, stream=True):
        for choice in chunk.choices:
            pieces += [choice.delta.content] if choice.delta.content else []
            finish = choice.finish_reason or finish
    return {"text": "".join(pieces), "pieces": len(pieces), "finish": finish}


def tool(model):
    made, completion = client.create_with_completion(model=model, messages=user(QUESTION), response_model=Weather)
    (call,) = completion.choices[0].message.tool_calls
    return _called(model, made, call.id)


def tool_stream(model):
    *_, made = client.create_partial(model=model, messages=user(QUESTION), response_model=Weather)
    # The package does not say under which id the call came.
    return _called(model, made, "call_1")


def _called(model, made, id):
    function = {"name": "Weather", "arguments": made.model_dump_json()}
    call = {"role": "assistant", "content": None, "tool_calls": [{"id": id, "type": "function", "function": function}]}
    turns = [*user(QUESTION), call, {"role": "tool", "tool_call_id": id, "content": DEGREES}]
    answer = client.create(model=model, messages=turns, response_model=None).choices[0].message.content
    return {"name": "weather", "arguments": made.model_dump(), "answer": answer}


def structured(model):
    return strict.create(model=model, messages=user(WHO), response_model=Person).model_dump()


run(chat, stream, tool, tool_stream, structured)
