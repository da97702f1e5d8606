"""Nobody waits for ever, and nobody works for a caller who has gone."""

import asyncio
import time

import openai
import pytest

from gateway import place
from sdk import Caller, paired_callers
from upstream import answer, hang, stream, wait_until

# 50 ms are promised; the rest is for two busy cores and a Python event loop that has to notice.
DROPPED_WITHIN = 0.5

FIRST_WORDS = [
    b'data: {"id":"1","object":"chat.completion.chunk","created":1,"model":"m",'
    b'"choices":[{"index":0,"delta":{"role":"assistant","content":"One "},"finish_reason":null}]}\n\n',
]


@pytest.mark.gateway_only
@paired_callers
def test_an_upstream_slower_than_its_clock_is_a_gateway_timeout(caller, serve, handmade):
    upstream = handmade(hang)
    gateway = serve(place("chat", "slow", upstream, timeout=1), router={"num_retries": 0})
    begun = time.monotonic()
    # The SDK keeps APITimeoutError for its own clock; a 504 is an InternalServerError to it.
    with pytest.raises(openai.InternalServerError) as failed:
        caller.chat(gateway, "chat")
    assert 0.95 <= time.monotonic() - begun < 3
    assert failed.value.status_code == 504
    assert failed.value.body["class"] == "timeout"
    assert len(upstream.exchanges) == 1
    upstream.wait_left(DROPPED_WITHIN)


def test_a_504_of_the_upstream_is_an_internal_server_error_to_the_sdk(serve, handmade):
    body = b'{"error": {"message": "too slow", "type": "server_error", "param": null, "code": null}}'
    upstream = handmade(answer(body, status=504))
    gateway = serve(place("chat", "slow", upstream), router={"num_retries": 0})
    with pytest.raises(openai.InternalServerError) as failed:
        Caller().chat(gateway, "chat")
    assert failed.value.status_code == 504
    assert "too slow" in failed.value.message
    assert len(upstream.exchanges) == 1


@pytest.mark.gateway_only
def test_an_attempt_that_took_too_long_is_given_up_and_the_next_one_answers(serve, llmock):
    llmock.script({"type": "delay", "seconds": 2, "times": 1})
    gateway = serve(place("chat", "slow", llmock, timeout=1), router={"num_retries": 1})
    got = Caller().chat(gateway, "chat")
    assert got.finish_reason == "stop"
    assert got.headers["x-litellm-attempted-retries"] == "1"
    assert len(llmock.attempts()) == 2


@pytest.mark.parametrize("streamed", [False, True], ids=["whole", "stream"])
def test_a_caller_that_hangs_up_ends_the_upstream_request(streamed, serve, handmade):
    upstream = handmade(hang)
    gateway = serve(place("chat", "slow", upstream))
    with pytest.raises(openai.APITimeoutError):
        Caller(stream=streamed).chat(gateway, "chat", timeout=0.5)
    upstream.wait_left(DROPPED_WITHIN)
    # And nobody goes on asking for someone who is not there.
    time.sleep(0.3)
    assert len(upstream.exchanges) == 1


def test_a_caller_that_leaves_a_stream_ends_the_upstream_request(serve, handmade):
    upstream = handmade(stream(FIRST_WORDS, then_hang=True))
    gateway = serve(place("chat", "endless", upstream))
    with openai.OpenAI(base_url=gateway.base, api_key=gateway.key, max_retries=0, timeout=10) as client:
        chunks = client.chat.completions.create(
            model=gateway.name("chat"), messages=[{"role": "user", "content": "Count."}], stream=True
        )
        assert next(iter(chunks)).choices[0].delta.content == "One "
        assert upstream.exchanges[0].left_at is None
        chunks.close()
        upstream.wait_left(DROPPED_WITHIN)
    assert len(upstream.exchanges) == 1


def test_a_cancelled_task_ends_the_upstream_request(serve, handmade):
    upstream = handmade(hang)
    gateway = serve(place("chat", "slow", upstream))

    async def cancel_in_flight():
        async with openai.AsyncOpenAI(base_url=gateway.base, api_key=gateway.key, max_retries=0) as client:
            task = asyncio.create_task(
                client.chat.completions.create(
                    model=gateway.name("chat"), messages=[{"role": "user", "content": "Hi"}]
                )
            )
            await asyncio.to_thread(wait_until, lambda: upstream.exchanges, 5, "the request arriving")
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task

    asyncio.run(cancel_in_flight())
    upstream.wait_left(DROPPED_WITHIN)
    assert len(upstream.exchanges) == 1
