"""The pydantic-ai package."""

from pydantic import BaseModel
from pydantic_ai import Agent, NativeOutput
from pydantic_ai.messages import ModelResponse
from pydantic_ai.models.openai import OpenAIChatModel
from pydantic_ai.providers.openai import OpenAIProvider

from saying import DEGREES, KEY, PROMPT, QUESTION, URL, WHO, run

provider = OpenAIProvider(base_url=f"{URL}/v1", api_key=KEY)


class Person(BaseModel):
    name: str
    age: int


def agent(model, **more):
    return Agent(OpenAIChatModel(model, provider=provider), **more)


def finish(result):
    return [message for message in result.all_messages() if isinstance(message, ModelResponse)][-1].finish_reason


def chat(model):
    result = agent(model).run_sync(PROMPT)
    return {"text": result.output, "finish": finish(result)}


def stream(model):
    result = agent(model).run_stream_sync(PROMPT)
    pieces = list(result.stream_text(delta=True, debounce_by=None))
    return {"text": "".join(pieces), "pieces": len(pieces), "finish": finish(result)}


# The package itself calls the tool and sends its result.
def with_weather(model):
    cities = []

    def weather(city: str) -> str:
        """The weather of a city."""
        cities.append(city)
        return DEGREES

    return agent(model, tools=[weather]), cities


def tool(model):
    asked, cities = with_weather(model)
    answer = asked.run_sync(QUESTION).output
    return {"name": "weather", "arguments": {"city": cities[0]}, "answer": answer}


def tool_stream(model):
    asked, cities = with_weather(model)
    answer = asked.run_stream_sync(QUESTION).get_output()
    return {"name": "weather", "arguments": {"city": cities[0]}, "answer": answer}


def structured(model):
    return agent(model, output_type=NativeOutput(Person)).run_sync(WHO).output.model_dump()


run(chat, stream, tool, tool_stream, structured)
