"""Asks the real model one question with the official `openai` client and checks what came back.

    ask.py BASE_URL MODEL...             through the gateway: answer, headers and trail are checked
    ask.py --direct BASE_URL MODEL...    the model server itself: only the answer is checked

The key is read from OPENAI_API_KEY. Each model is asked twice, whole and as a stream. Exits 1 if anything is amiss.
"""

import argparse
import sys
import time

from openai import OpenAI, OpenAIError

QUESTION = "What is the capital of France? Answer in one short sentence."
HEADERS = [
    "x-litellm-model-id",
    "x-litellm-attempted-retries",
    "x-litellm-attempted-fallbacks",
    "x-secondwind-trail",
]
DEAD = {"dead", "doomed-dead"}  # ids of config.yaml
ALIVE = "smollm2-local"


def ask(client, model, stream):
    """One question: the answer, the model that the body names, the finish reason, and the response headers."""
    asked = {
        "model": model,
        "messages": [{"role": "user", "content": QUESTION}],
        "temperature": 0,
        "max_tokens": 40,
    }
    completions = client.chat.completions
    if not stream:
        raw = completions.with_raw_response.create(**asked)
        choice = (whole := raw.parse()).choices[0]
        return choice.message.content or "", whole.model, choice.finish_reason, whole.usage, raw.headers
    said, named, finish, usage = "", None, None, None
    with completions.with_streaming_response.create(
        **asked, stream=True, stream_options={"include_usage": True}
    ) as raw:
        for chunk in raw.parse():
            named, usage = chunk.model, chunk.usage or usage
            for choice in chunk.choices:
                said += choice.delta.content or ""
                finish = choice.finish_reason or finish
        return said, named, finish, usage, raw.headers


def entries(trail):
    """`group/id=class@start+duration;…` as (group, id, class)."""
    for entry in filter(None, trail.split(";")):
        place, _, outcome = entry.strip().partition("=")
        group, _, deployment = place.partition("/")
        yield group, deployment, outcome.partition("@")[0]


def amiss(direct, model, answer, finish, usage, headers):
    """What is wrong with an answer, one sentence each."""
    if not answer.strip():
        yield "the answer is empty"
    elif "Paris" not in answer:
        yield "the answer does not say Paris"
    if finish != "stop":
        yield f"finish_reason is {finish!r}, not 'stop'"
    if usage is None or usage.completion_tokens < 1:
        yield f"no usage was told: {usage}"
    if direct:
        return
    trail = list(entries(headers.get("x-secondwind-trail", "")))
    if not trail:
        yield "there is no trail"
        return
    *before, last = trail
    if last[1:] != (ALIVE, "ok"):
        yield f"the trail does not end with {ALIVE}=ok"
    if not before or any(deployment not in DEAD or what == "ok" for _, deployment, what in before):
        yield "the trail does not show a dead deployment's failure, and nothing else, before its end"
    if trail[0][0] != model:
        yield f"the trail does not begin in the group that was asked for, {model}"
    if headers.get("x-litellm-model-id") != ALIVE:
        yield f"x-litellm-model-id is not {ALIVE}"
    fallbacks = len({group for group, _, _ in trail}) - 1
    retries = len(trail) - 1 - fallbacks  # the first attempt in a group is no retry
    if headers.get("x-litellm-attempted-fallbacks") != str(fallbacks):
        yield f"x-litellm-attempted-fallbacks is not {fallbacks}, as the trail has it"
    if headers.get("x-litellm-attempted-retries") != str(retries):
        yield f"x-litellm-attempted-retries is not {retries}, as the trail has it"


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--direct", action="store_true")
    parser.add_argument("base_url")
    parser.add_argument("models", nargs="+")
    args = parser.parse_args()
    # No retries of the client's own: what fails here is what the gateway let through.
    client = OpenAI(base_url=args.base_url, max_retries=0, timeout=60)
    wrong = 0
    for model in args.models:
        for stream in (False, True):
            print(f"\n{model}, {'as a stream' if stream else 'whole'}")
            began = time.monotonic()
            try:
                answer, named, finish, usage, headers = ask(client, model, stream)
            except OpenAIError as error:
                print(f"  FAILED   {type(error).__name__}: {error}")
                wrong += 1
                continue
            print(f"  answer   {answer!r} ({finish}, {time.monotonic() - began:.2f} s)")
            print(f"  model    {named}")
            for name in HEADERS if not args.direct else []:
                print(f"  {name}: {headers.get(name, '(missing)')}")
            for finding in amiss(args.direct, model, answer, finish, usage, headers):
                print(f"  WRONG    {finding}")
                wrong += 1
    print(f"\n{'all as promised' if not wrong else f'{wrong} things amiss'}")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
