"""The openai package: responses, of providers that know chat completions only."""

import json

from openai import OpenAI
from pydantic import BaseModel

from saying import DEGREES, KEY, PROMPT, QUESTION, SCHEMA, URL, WHO, run

client = OpenAI(base_url=f"{URL}/v1", api_key=KEY)
TOOLS = [{"type": "function", "name": "weather", "parameters": SCHEMA, "strict": True}]


class Person(BaseModel):
    name: str
    age: int


def chat(model):
    response = client.responses.create(model=model, input=PROMPT)
    return {"text": response.output_text, "finish": response.status}


def stream(model):
    pieces, whole = [], None
    for event in client.responses.create(model=model, input=PROMPT, stream=True):
        if event.type == "response.output_text.delta":
            pieces.append(event.delta)
        elif event.type == "response.completed":
            whole = event.response
    assert whole.output_text == "".join(pieces)
    return {"text": whole.output_text, "pieces": len(pieces), "finish": whole.status}


def tool(model):
    return _called(model, client.responses.create(model=model, input=QUESTION, tools=TOOLS))


def tool_stream(model):
    # The SDK's own accumulator puts the call together.
    with client.responses.stream(model=model, input=QUESTION, tools=TOOLS) as events:
        return _called(model, events.get_final_response())


def _called(model, response):
    (call,) = [item for item in response.output if item.type == "function_call"]
    made = {"type": "function_call", "call_id": call.call_id, "name": call.name, "arguments": call.arguments}
    result = {"type": "function_call_output", "call_id": call.call_id, "output": DEGREES}
    asked = [{"role": "user", "content": QUESTION}, made, result]
    after = client.responses.create(model=model, input=asked, tools=TOOLS)
    return {"name": call.name, "arguments": json.loads(call.arguments), "answer": after.output_text}


def structured(model):
    return client.responses.parse(model=model, input=WHO, text_format=Person).output_parsed.model_dump()


run(chat, stream, tool, tool_stream, structured)
