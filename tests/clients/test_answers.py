"""What a provider answers is what the caller gets."""

import json

import openai
import pytest

from gateway import place
from sdk import Answer, Caller, every_caller, paired_callers, streamed_callers, unstreamed_callers
from upstream import answer, fail, http, reply, stall, stream, truncate

TEXT = "Grüße, 世界: “two words” \\ and\na line."

# Spacing, order and fields that no serializer of ours would write.
ODD_ANSWER = (
    '{ "vendor_note": {"b":1,  "a":[1e2, 0.10]},\n  "id":"chatcmpl-1", "object":"chat.completion",'
    '"created":1, "model":"upstream-model-2026-01-01","choices":[ {"index":0,"finish_reason":"stop",'
    '"message":{"role":"assistant","content":"Gr\\u00fc\\u00dfe 世界"} } ],"usage":{"prompt_tokens":1,'
    '"completion_tokens":2,"total_tokens":3}}\n'
).encode()


def odd_chunk(delta, finish="null"):
    """One event of a stream, written as no serializer of ours would."""
    return (
        'data:  {"vendor_note":[1e2],"id":"chatcmpl-1", "object":"chat.completion.chunk","created":1,'
        f'"model":"upstream-model-2026-01-01","choices":[{{"delta":{delta},"index":0,"finish_reason":{finish}}}]}}\n\n'
    ).encode()


ODD_STREAM = [
    odd_chunk('{"role":"assistant","content":""}'),
    odd_chunk('{"content":"Gr\\u00fc\\u00dfe "}'),
    b": a comment\n\n",
    odd_chunk('{"content":"世界"}'),
    odd_chunk("{}", '"stop"'),
    b"data: [DONE]\n\n",
]


@every_caller
def test_an_answer_arrives_unchanged(caller, serve, llmock):
    llmock.script(reply(TEXT))
    gateway = serve(place("chat", "only", llmock))
    got = caller.chat(gateway, "chat")
    assert got.text == TEXT
    assert got.finish_reason == "stop"
    assert llmock.statuses() == [200]


@streamed_callers
def test_a_stream_arrives_chunk_by_chunk_and_ends_with_its_finish_reason(caller, serve, llmock):
    llmock.script(reply("one two three four five"), stall(after_chunks=3, seconds=0.6))
    gateway = serve(place("chat", "only", llmock))
    got = caller.chat(gateway, "chat")
    texts = [text for _, text, _ in got.chunks]
    assert texts == ["", "one ", "two ", "three ", "four ", "five", None]
    assert [finish for _, _, finish in got.chunks] == [None] * 6 + ["stop"]
    # The upstream paused after "two": nobody may have held that back until the rest came.
    arrived = {text: at for at, text, _ in got.chunks}
    assert arrived["three "] - arrived["two "] > 0.4
    assert llmock.statuses() == [200]


def test_the_usage_of_a_stream_arrives_where_it_was_asked_for(serve, llmock):
    gateway = serve(place("chat", "only", llmock))
    got = Caller(stream=True).chat(gateway, "chat", stream_options={"include_usage": True})
    assert got.usage.total_tokens == got.usage.prompt_tokens + got.usage.completion_tokens > 0
    assert got.finish_reason == "stop"
    assert llmock.statuses() == [200]


@pytest.mark.parametrize("streamed", [False, True], ids=["whole", "stream"])
def test_an_answer_keeps_every_byte(streamed, serve, handmade):
    if streamed:
        sent, behaviour = b"".join(ODD_STREAM), stream(ODD_STREAM)
    else:
        sent, behaviour = ODD_ANSWER, answer(ODD_ANSWER)
    upstream = handmade(behaviour)
    gateway = serve(place("chat", "only", upstream))
    with openai.OpenAI(base_url=gateway.base, api_key=gateway.key, max_retries=0) as client:
        with client.chat.completions.with_streaming_response.create(
            model=gateway.name("chat"), messages=[{"role": "user", "content": "Hi"}], stream=streamed
        ) as got:
            assert b"".join(got.iter_bytes()) == sent
    assert len(upstream.exchanges) == 1


@unstreamed_callers
def test_a_request_arrives_as_it_was_asked_with_only_the_model_renamed(caller, serve, handmade):
    upstream = handmade(answer(ODD_ANSWER))
    gateway = serve(place("chat", "only", upstream, model="vendor/their-name"))
    unknown_to_us = {"vendor_option": {"depth": [1, None]}}
    caller.chat(gateway, "chat", prompt=TEXT, temperature=0.1, seed=7, extra_body=unknown_to_us)
    (exchange,) = upstream.exchanges
    assert exchange.method == "POST"
    assert exchange.path == "/v1/chat/completions"
    assert exchange.json == {
        "model": "vendor/their-name",
        "messages": [{"role": "user", "content": TEXT}],
        "temperature": 0.1,
        "seed": 7,
        **unknown_to_us,
    }


@every_caller
def test_the_model_is_named_as_the_provider_named_it(caller, serve, llmock):
    gateway = serve(place("chat", "only", llmock, model="upstream-model"))
    got = caller.chat(gateway, "chat")
    assert got.models == {"upstream-model"}
    assert [attempt["model"] for attempt in llmock.attempts()] == ["upstream-model"]


@unstreamed_callers
def test_embeddings_arrive_unchanged(caller, serve, llmock):
    texts = ["a cat", "ein Hund 世界"]
    _, _, straight = http("POST", f"{llmock.base}/embeddings", {"model": "small", "input": texts})
    llmock.reset()
    gateway = serve(place("embed", "only", llmock, model="small"))
    got = caller.embed(gateway, "embed", texts)
    assert [item.embedding for item in got.data] == [item["embedding"] for item in json.loads(straight)["data"]]
    assert got.model == "small"
    (attempt,) = llmock.attempts()
    assert attempt["path"] == "/v1/embeddings"


@pytest.mark.gateway_only
@unstreamed_callers
def test_embeddings_are_tried_again_too(caller, serve, llmock):
    llmock.script(fail(503, retry_after=0.2))
    gateway = serve(place("embed", "only", llmock))
    assert len(caller.embed(gateway, "embed", ["a cat"]).data) == 1
    assert llmock.statuses() == [503, 200]


@pytest.mark.gateway_only
@unstreamed_callers
def test_the_list_of_models_is_the_list_of_groups(caller, serve, llmock):
    gateway = serve(
        place("chat", "chat-1", llmock),
        place("chat", "chat-2", llmock),
        place("embed", "embed-1", llmock),
    )
    assert sorted(caller.models(gateway)) == ["chat", "embed"]
    assert llmock.attempts() == []


@pytest.mark.gateway_only
@paired_callers
def test_the_headers_say_who_answered(caller, serve, llmock):
    gateway = serve(place("chat", "only", llmock))
    headers = caller.chat(gateway, "chat").headers
    assert headers["x-litellm-model-id"] == "only"
    assert headers["x-litellm-model-group"] == "chat"
    assert headers["x-litellm-attempted-retries"] == "0"
    assert headers["x-litellm-attempted-fallbacks"] == "0"
    # The host, and nothing of the path or of what else an address may hold.
    assert llmock.root.removeprefix("http://").startswith(headers["x-litellm-model-api-base"].removeprefix("http://"))
    assert llmock.statuses() == [200]


@pytest.mark.gateway_only
@paired_callers
def test_every_call_has_an_id_of_its_own_errors_included(caller, serve, llmock):
    gateway = serve(place("chat", "only", llmock))
    ids = [caller.chat(gateway, "chat").headers["x-litellm-call-id"] for _ in range(2)]
    llmock.script(fail(400))
    with pytest.raises(openai.BadRequestError) as refused:
        caller.chat(gateway, "chat")
    ids.append(refused.value.response.headers["x-litellm-call-id"])
    assert all(ids) and len(set(ids)) == 3
    assert llmock.statuses() == [200, 200, 400]


@pytest.mark.gateway_only
def test_a_stream_cut_before_its_first_word_is_asked_for_again(serve, llmock):
    llmock.script(reply("one two three", times=2), truncate(after_chunks=1))
    gateway = serve(place("chat", "only", llmock))
    got = Caller(stream=True).chat(gateway, "chat")
    assert (got.text, got.finish_reason) == ("one two three", "stop")
    assert llmock.statuses() == [200, 200]
    llmock.assert_clean_report()


@pytest.mark.gateway_only
def test_a_stream_cut_after_its_first_word_is_never_called_finished(serve, llmock):
    llmock.script(reply("one two three", times=3), truncate(after_chunks=3), truncate(after_chunks=3), truncate(after_chunks=3))
    gateway = serve(place("chat", "only", llmock))
    got = Answer()
    with pytest.raises(openai.APIError):
        Caller(stream=True).chat(gateway, "chat", into=got)
    assert (got.text, got.finish_reason) == ("one two ", None)
    assert llmock.statuses() == [200, 200, 200], "two more were asked to carry on"


@pytest.mark.gateway_only
def test_a_stream_cut_after_its_first_word_is_carried_on_unnoticed(serve, llmock):
    llmock.script(reply("one two three", times=2), truncate(after_chunks=3))
    gateway = serve(place("chat", "only", llmock))
    got = Caller(stream=True).chat(gateway, "chat")
    assert (got.text, got.finish_reason) == ("one two three", "stop")
    assert llmock.statuses() == [200, 200]
