"""The langchain-openai package."""

from langchain_core.messages import HumanMessage, ToolMessage
from langchain_core.tools import tool as define
from langchain_openai import ChatOpenAI
from pydantic import BaseModel

from saying import DEGREES, KEY, PROMPT, QUESTION, URL, WHO, run


class Person(BaseModel):
    """A person."""

    name: str
    age: int


@define
def weather(city: str) -> str:
    """The weather of a city."""
    return DEGREES


def model_named(model):
    return ChatOpenAI(model=model, base_url=f"{URL}/v1", api_key=KEY)


def chat(model):
    message = model_named(model).invoke(PROMPT)
    return {"text": message.content, "finish": message.response_metadata["finish_reason"]}


def stream(model):
    pieces, finish = [], None
    for chunk in model_named(model).stream(PROMPT):
        pieces += [chunk.content] if chunk.content else []
        finish = chunk.response_metadata.get("finish_reason", finish)
    return {"text": "".join(pieces), "pieces": len(pieces), "finish": finish}


def tool(model):
    return _called(model, model_named(model).bind_tools([weather]).invoke(QUESTION))


def tool_stream(model):
    # Chunks add up to the message.
    first, *rest = model_named(model).bind_tools([weather]).stream(QUESTION)
    return _called(model, sum(rest, first))


def _called(model, message):
    (call,) = message.tool_calls
    result = ToolMessage(weather.invoke(call["args"]), tool_call_id=call["id"])
    after = model_named(model).bind_tools([weather]).invoke([HumanMessage(QUESTION), message, result])
    return {"name": call["name"], "arguments": call["args"], "answer": after.content}


def structured(model):
    return model_named(model).with_structured_output(Person).invoke(WHO).model_dump()


run(chat, stream, tool, tool_stream, structured)
