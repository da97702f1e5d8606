"""Keys go where they belong and nowhere else."""

import json
import secrets

import openai
import pytest

from gateway import place
from sdk import Caller, paired_callers, unstreamed_callers
from upstream import answer, fail

pytestmark = pytest.mark.gateway_only

# So much of a key in one piece is a leak, wherever it is cut.
PIECE = 12


def new_key():
    """A key that nothing else looks like."""
    return f"sk-{secrets.token_hex(20)}"


def leaks(keys, text):
    """The pieces of keys that occur in a text."""
    secret = [key.removeprefix("sk-") for key in keys]
    pieces = {key[at : at + PIECE] for key in secret for at in range(len(key) - PIECE + 1)}
    return sorted(piece for piece in pieces if piece in text)


def everything_of(error):
    """All that a caller sees of an error."""
    response = error.response
    return "\n".join([str(error), response.text, *(f"{name}: {value}" for name, value in response.headers.items())])


@unstreamed_callers
def test_a_provider_gets_its_own_key_and_nothing_else_of_the_callers(caller, serve, handmade):
    chat = {"id": "1", "object": "chat.completion", "created": 1, "model": "m", "choices": [
        {"index": 0, "message": {"role": "assistant", "content": "Hi"}, "finish_reason": "stop"},
    ]}
    first = handmade(answer(b'{"error": {"message": "down"}}', status=500))
    second = handmade(answer(json.dumps(chat).encode()))
    masters, of_first, of_second, cookie = new_key(), new_key(), new_key(), new_key()
    gateway = serve(
        place("chat", "first", first, order=1, key=of_first),
        place("chat", "second", second, order=2, key=of_second),
        master_key=masters,
    )
    caller.chat(gateway, "chat", extra_headers={"cookie": f"session={cookie}", "x-private-token": cookie})
    for upstream, own, foreign in ((first, of_first, of_second), (second, of_second, of_first)):
        (exchange,) = upstream.exchanges
        assert exchange.headers["authorization"] == f"Bearer {own}"
        assert leaks([masters, foreign, cookie], str(exchange.headers) + exchange.body.decode()) == []


@paired_callers
def test_a_key_that_the_provider_echoes_is_not_passed_on(caller, serve, llmock):
    key = new_key()
    llmock.script(fail(401, message=f"Incorrect API key provided: {key}. You can find yours elsewhere."))
    gateway = serve(place("chat", "only", llmock, key=key))
    with pytest.raises(openai.AuthenticationError) as refused:
        caller.chat(gateway, "chat")
    seen = everything_of(refused.value)
    assert leaks([key], seen) == []
    assert "Incorrect API key provided" in seen
    assert llmock.statuses() == [401]


def test_keys_never_appear_in_logs_errors_or_headers(serve, llmock, handmade, closed_port):
    masters, of_live, of_dead, of_echo, wrong = (new_key() for _ in range(5))
    echoed = {"error": {"message": f"Incorrect API key provided: {of_echo}", "code": "invalid_api_key"}}
    echo = handmade(answer(
        json.dumps(echoed).encode(),
        status=401,
        headers=[("x-request-id", "req_1"), ("set-cookie", f"key={of_echo}"), ("x-echo", f"Bearer {of_echo}")],
    ))
    gateway = serve(
        # One key from the environment, the others in the file.
        place("live", "live-1", llmock, key="os.environ/A_PROVIDERS_KEY"),
        place("dead", "dead-1", closed_port, key=of_dead),
        place("echo", "echo-1", echo, key=of_echo),
        master_key=masters,
        env={"A_PROVIDERS_KEY": of_live, "RUST_LOG": "trace"},
    )
    caller, seen = Caller(), []
    for streamed in (False, True):
        got = Caller(stream=streamed).chat(gateway, "live")
        seen.append(f"{got.text} {got.headers}")
    for group, key in (("dead", masters), ("echo", masters), ("unknown", masters), ("live", wrong)):
        with pytest.raises(openai.APIStatusError) as failed:
            caller.chat(gateway, group, key=key)
        seen.append(everything_of(failed.value))
    llmock.script(fail(500, times=None))
    with pytest.raises(openai.InternalServerError) as failed:
        caller.chat(gateway, "live")
    seen.append(everything_of(failed.value))
    for path in ("/health/liveliness", "/health/readiness", "/metrics", "/v1/models"):
        for key in (None, masters):
            seen.append(str(gateway.ask(path, key)))

    every_key = [masters, of_live, of_dead, of_echo, wrong]
    assert leaks(every_key, "\n".join(seen)) == []
    log = gateway.log.read_text(errors="replace")
    assert log, "the gateway at RUST_LOG=trace has written nothing: is this its log?"
    assert leaks(every_key, log) == []
    assert llmock.statuses() == [200, 200, 500, 500, 500]
    assert len(echo.exchanges) == 1
